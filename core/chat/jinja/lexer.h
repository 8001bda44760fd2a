// SPDX-License-Identifier: Apache-2.0
//
// Lexer: template source to tokens, with Jinja2's rules for white space: trim_blocks and lstrip_blocks on, '-' trims,
// '+' keeps, one newline at the very end is dropped.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hearth::core::jinja {

enum class TokenKind : std::uint8_t { Text, OutputBegin, OutputEnd, BlockBegin, BlockEnd, Name, String, Integer, Float, Operator, End };

struct Token {
    TokenKind kind = TokenKind::End;
    std::string text; ///< text, name, operator, digits, or the unescaped string
    int line = 1;
};

/// Throws Failure (TemplateSyntax) with the line. The last token is End.
[[nodiscard]] std::vector<Token> tokenize(std::string source);

} // namespace hearth::core::jinja
