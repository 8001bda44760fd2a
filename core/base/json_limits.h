// SPDX-License-Identifier: Apache-2.0
//
// JSON from files, models and the network: parsed without exceptions and never so deep that walking or writing it, which is
// recursive, could exhaust the stack.
// Thread: any.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string_view>

namespace hearth::core {

inline constexpr int kDeepestJson = 100; ///< brackets within brackets

/// Where the object or list at the start of `text` ends: behind its last bracket. npos when it does not, or is too deep.
[[nodiscard]] std::size_t endOfJson(std::string_view text);

/// All of `text` as one value, keys in their order; nullopt when it is not JSON or too deep.
[[nodiscard]] std::optional<nlohmann::ordered_json> parseJson(std::string_view text);

/// Malformed UTF-8 becomes replacement characters.
[[nodiscard]] std::string writeJson(const nlohmann::ordered_json& value);

} // namespace hearth::core
