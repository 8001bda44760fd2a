// SPDX-License-Identifier: Apache-2.0
//
// KeyReader: reads and bounds the metadata keys of one architecture ("llama.block_count"), keeping the first error, so
// that a configuration is read line by line and checked once. Thread: any.
#pragma once

#include "core/base/error.h"
#include "core/gguf/gguf_metadata.h"
#include "core/model/tensor_spec.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

// Bounds against numbers that would overflow products or exhaust memory before a tensor contradicts them.
inline constexpr std::uint64_t kMostLayers = 1'024;
inline constexpr std::uint64_t kMostHeads = 4'096;
inline constexpr std::uint64_t kMostHeadDim = 4'096;
inline constexpr std::uint64_t kMostWidth = 1u << 20;
inline constexpr std::uint64_t kMostExperts = 4'096;
inline constexpr std::uint64_t kMostContext = std::numeric_limits<std::int32_t>::max();

class KeyReader {
public:
    KeyReader(const GgufMetadata& metadata, std::string_view architecture)
        : m_metadata(metadata)
        , m_prefix(architecture) {}

    /// "llama.block_count"
    [[nodiscard]] std::string name(std::string_view suffix) const;

    /// A count from 1 to `most`; nullopt after an error, or when absent and not required. Some writers store a number
    /// per layer; all of them must then be the same.
    std::optional<std::int32_t> count(std::string_view suffix, std::uint64_t most,
                                      TensorNeed need = TensorNeed::Required);
    /// As count(), but 0 is a number too; absent is nullopt.
    std::optional<std::int32_t> countOrZero(std::string_view suffix, std::uint64_t most);
    /// A finite number over zero.
    std::optional<float> positive(std::string_view suffix, TensorNeed need = TensorNeed::Required);
    /// A finite number of zero or more; absent is nullopt.
    std::optional<float> positiveOrZero(std::string_view suffix);
    /// Absent is nullopt; anything but a boolean is an error.
    std::optional<bool> flag(std::string_view suffix);
    /// Absent is nullopt; anything but text is an error.
    std::optional<std::string_view> text(std::string_view suffix);

    /// Which of `layers` layers have a sliding window, from attention.sliding_window_pattern: an array of flags, or a
    /// period n of which the last layer sees everything. Absent: the period `otherwise`.
    std::vector<bool> slidingLayers(std::int32_t layers, std::int32_t otherwise);

    [[nodiscard]] const GgufMetadata& metadata() const { return m_metadata; }

    void setError(ErrorCode code, std::string message);
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }

private:
    std::optional<std::uint64_t> unsignedNumber(const std::string& key);
    std::optional<double> number(const std::string& key);

    const GgufMetadata& m_metadata;
    std::string m_prefix;
    std::optional<Error> m_error;
};

} // namespace hearth::core
