// SPDX-License-Identifier: Apache-2.0
#include "core/catalog/split_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace hearth::core {

namespace {

constexpr std::size_t kDigits = 5;
constexpr std::string_view kOf = "-of-";
constexpr std::string_view kExtension = ".gguf";

std::optional<std::uint32_t> number(std::string_view digits) {
    std::uint32_t value = 0;
    const bool allDigits = std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    if (!allDigits || std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc())
        return std::nullopt;
    return value;
}

} // namespace

std::optional<SplitName> splitNameOf(std::string_view fileName) {
    constexpr std::size_t kSuffix = 1 + kDigits + kOf.size() + kDigits + kExtension.size(); // -00002-of-00005.gguf
    if (fileName.size() <= kSuffix || !fileName.ends_with(kExtension)) return std::nullopt;
    const std::string_view suffix = fileName.substr(fileName.size() - kSuffix);
    if (suffix[0] != '-' || suffix.substr(1 + kDigits, kOf.size()) != kOf) return std::nullopt;
    const auto part = number(suffix.substr(1, kDigits));
    const auto count = number(suffix.substr(1 + kDigits + kOf.size(), kDigits));
    if (!part || !count || *part < 1 || *part > *count) return std::nullopt;
    return SplitName{std::string(fileName.substr(0, fileName.size() - kSuffix)), *part, *count};
}

std::string partName(const SplitName& name, std::uint32_t part) {
    return fmt::format("{}-{:05}{}{:05}{}", name.stem, part, kOf, name.count, kExtension);
}

} // namespace hearth::core
