// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/byte_alphabet.h"

#include "core/base/utf8.h"

#include <array>
#include <cstdint>

namespace hearth::core {

namespace {

constexpr std::size_t kAlphabetEnd = 0x100 + 68; ///< one past the largest code point of the alphabet
constexpr std::int16_t kNotInAlphabet = -1;

constexpr bool standsForItself(unsigned byte) {
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

constexpr std::array<std::int16_t, kAlphabetEnd> makeByteOfCodePoint() {
    std::array<std::int16_t, kAlphabetEnd> table{};
    table.fill(kNotInAlphabet);
    std::size_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
        table[standsForItself(byte) ? byte : next++] = static_cast<std::int16_t>(byte);
    }
    return table;
}

constexpr auto kByteOfCodePoint = makeByteOfCodePoint();

} // namespace

std::optional<std::string> bytesOfPrintable(std::string_view printable) {
    std::string bytes;
    bytes.reserve(printable.size());
    for (std::size_t i = 0; i < printable.size();) {
        const utf8::Decoded decoded = utf8::decodeAt(printable, i);
        if (!decoded.valid || decoded.codePoint >= kAlphabetEnd) return std::nullopt;
        const std::int16_t byte = kByteOfCodePoint[decoded.codePoint];
        if (byte == kNotInAlphabet) return std::nullopt;
        bytes += static_cast<char>(byte);
        i += decoded.length;
    }
    return bytes;
}

} // namespace hearth::core
