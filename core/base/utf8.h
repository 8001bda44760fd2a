// SPDX-License-Identifier: Apache-2.0
//
// UTF-8 helpers shared by tokenizers, templates and the store. Source: RFC 3629.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::core::utf8 {

/// One decoded code point. On malformed input: codePoint 0xFFFD, length 1, valid false.
struct Decoded {
    char32_t codePoint = 0xFFFD;
    std::size_t length = 1;
    bool valid = false;
};

/// Decodes the code point at text[offset]; offset < text.size(). Overlong forms and surrogates are invalid.
[[nodiscard]] Decoded decodeAt(std::string_view text, std::size_t offset);

/// Appends the UTF-8 form of a code point (<= 0x10FFFF).
void append(std::string& out, char32_t codePoint);

[[nodiscard]] bool isValid(std::string_view text);

/// Every malformed byte becomes U+FFFD; valid text is returned unchanged.
[[nodiscard]] std::string sanitized(std::string_view text);

/// Number of trailing bytes (0 to 3) that begin a sequence which later bytes may complete.
[[nodiscard]] std::size_t incompleteTail(std::string_view text);

} // namespace hearth::core::utf8
