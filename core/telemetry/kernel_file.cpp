// SPDX-License-Identifier: Apache-2.0
#include "core/telemetry/kernel_file.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace hearth::core {

namespace {

constexpr std::size_t kLargestFile = 1 << 20;

bool isBlank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

} // namespace

std::optional<std::string> readKernelFile(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return std::nullopt;
    // Their sizes are told wrong (0 or a page), so read until there is no more.
    std::string text;
    std::optional<std::string> result;
    for (;;) {
        const std::size_t used = text.size();
        text.resize(used + 4096);
        const ssize_t count = ::read(descriptor, text.data() + used, 4096);
        text.resize(used + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) break;
        if (count == 0 || text.size() >= kLargestFile) {
            result = std::move(text);
            break;
        }
    }
    ::close(descriptor);
    return result;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && isBlank(text.front())) text.remove_prefix(1);
    while (!text.empty() && isBlank(text.back())) text.remove_suffix(1);
    return text;
}

std::string_view takeLine(std::string_view& rest) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
}

std::string_view takeWord(std::string_view& rest) {
    rest = trimmed(rest);
    const auto end = static_cast<std::size_t>(std::ranges::find_if(rest, isBlank) - rest.begin());
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(end);
    return word;
}

std::optional<std::int64_t> readNumber(const std::filesystem::path& path) {
    const auto text = readKernelFile(path);
    return text ? parseWhole<std::int64_t>(trimmed(*text)) : std::nullopt;
}

std::optional<std::uint32_t> readHex(const std::filesystem::path& path) {
    const auto text = readKernelFile(path);
    if (!text) return std::nullopt;
    std::string_view digits = trimmed(*text);
    if (digits.starts_with("0x")) digits.remove_prefix(2);
    return parseWhole<std::uint32_t>(digits, 16);
}

} // namespace hearth::core
