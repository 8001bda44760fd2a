// SPDX-License-Identifier: Apache-2.0
//
// GgufMetadata: the key-value section of a GGUF file, checked and copied out of the mapping.
// Thread: any (immutable after parsing).
#pragma once

#include "core/base/error.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hearth::core {

/// A value as the file stores it, widened: every integer type becomes int64 or (uint64 type id) uint64; f32 and f64
/// become double.
using GgufScalar = std::variant<bool, std::int64_t, std::uint64_t, double, std::string>;

/// Arrays are homogeneous and never nested (nested arrays are refused). Integers widen to int64, floats to f32.
using GgufArray =
    std::variant<std::vector<bool>, std::vector<std::int64_t>, std::vector<float>, std::vector<std::string>>;

using GgufValue = std::variant<GgufScalar, GgufArray>;

class GgufMetadata {
public:
    /// False when the key is already there (duplicate keys are malformed).
    [[nodiscard]] bool insert(std::string key, GgufValue value);
    [[nodiscard]] bool contains(std::string_view key) const;
    [[nodiscard]] const std::map<std::string, GgufValue, std::less<>>& all() const { return m_values; }

    // Optional look-ups: nullopt when the key is absent or of another kind (a negative integer is not a uint).
    [[nodiscard]] std::optional<std::uint64_t> uint(std::string_view key) const;
    [[nodiscard]] std::optional<double> number(std::string_view key) const; ///< Any integer or float.
    [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
    [[nodiscard]] std::optional<std::string_view> string(std::string_view key) const;
    [[nodiscard]] const std::vector<std::string>* strings(std::string_view key) const; ///< nullptr when absent
    [[nodiscard]] const std::vector<std::int64_t>* ints(std::string_view key) const;
    [[nodiscard]] const std::vector<float>* floats(std::string_view key) const;

    // Required look-ups: MissingKey when absent, MalformedFile when of another kind; the message names the key.
    [[nodiscard]] Result<std::uint64_t> requireUint(std::string_view key) const;
    [[nodiscard]] Result<double> requireNumber(std::string_view key) const;
    [[nodiscard]] Result<std::string_view> requireString(std::string_view key) const;

private:
    std::map<std::string, GgufValue, std::less<>> m_values;
};

} // namespace hearth::core
