// SPDX-License-Identifier: Apache-2.0
//
// Reading the small text files of /proc and /sys. What they hold is the kernel's and drivers' word, not law: every
// number is checked, and what cannot be read is absent, never zero.
// Thread: any.
#pragma once

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::core {

/// The whole file, at most 1 MiB of it; none when it cannot be opened or read (a sensor that is switched off answers a
/// read with an error).
[[nodiscard]] std::optional<std::string> readKernelFile(const std::filesystem::path& path);

/// Without white space and NUL at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// Cuts the first line off `rest` and returns it, without its end.
[[nodiscard]] std::string_view takeLine(std::string_view& rest);

/// Cuts the first word off `rest` and returns it; empty at the end.
[[nodiscard]] std::string_view takeWord(std::string_view& rest);

/// The whole of `text` as a number in `base`; none for anything else around or in it, or when it does not fit.
template <class Number>
[[nodiscard]] std::optional<Number> parseWhole(std::string_view text, int base = 10) {
    Number value{};
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

/// A file that holds one decimal number.
[[nodiscard]] std::optional<std::int64_t> readNumber(const std::filesystem::path& path);

/// A file that holds one number as "0x1002" or "1002".
[[nodiscard]] std::optional<std::uint32_t> readHex(const std::filesystem::path& path);

} // namespace hearth::core
