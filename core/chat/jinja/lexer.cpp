// SPDX-License-Identifier: Apache-2.0
#include "core/chat/jinja/lexer.h"

#include "core/base/utf8.h"
#include "core/chat/jinja/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace hearth::core::jinja {

namespace {

bool isSpace(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

bool isDigit(char c) {
    return c >= '0' && c <= '9';
}

bool isNameStart(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

int hexDigit(char c) {
    if (isDigit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

class Lexer {
public:
    explicit Lexer(std::string source) : m_source(normalized(std::move(source))) {}

    std::vector<Token> run() {
        while (m_at < m_source.size()) lexText();
        push(TokenKind::End, {});
        return std::move(m_tokens);
    }

private:
    /// Line ends become "\n"; one at the very end is dropped.
    static std::string normalized(std::string source) {
        std::string out;
        out.reserve(source.size());
        for (std::size_t i = 0; i < source.size(); ++i) {
            if (source[i] == '\r') {
                out += '\n';
                if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
            } else {
                out += source[i];
            }
        }
        if (!out.empty() && out.back() == '\n') out.pop_back();
        return out;
    }

    [[noreturn]] void fail(const std::string& what) const {
        throw Failure{ErrorCode::TemplateSyntax, fmt::format("line {}: {}", m_line, what)};
    }

    void push(TokenKind kind, std::string text) { m_tokens.push_back({kind, std::move(text), m_line}); }

    void advanceTo(std::size_t at) {
        m_line += static_cast<int>(std::count(m_source.begin() + static_cast<std::ptrdiff_t>(m_at), m_source.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
        m_at = at;
    }

    [[nodiscard]] std::string_view rest() const { return std::string_view(m_source).substr(m_at); }

    /// Text up to the next tag, and that tag.
    void lexText() {
        const std::size_t begin = m_at;
        std::size_t tag = begin;
        for (;; ++tag) {
            tag = m_source.find('{', tag);
            if (tag == std::string::npos || tag + 1 >= m_source.size()) {
                push(TokenKind::Text, m_source.substr(begin));
                m_at = m_source.size();
                return;
            }
            const char kind = m_source[tag + 1];
            if (kind == '{' || kind == '%' || kind == '#') break;
        }
        const char kind = m_source[tag + 1];
        std::string text = m_source.substr(begin, tag - begin);
        std::size_t inside = tag + 2;
        const char sign = inside < m_source.size() ? m_source[inside] : '\0';
        if (sign == '-') {
            while (!text.empty() && isSpace(text.back())) text.pop_back();
        } else if (sign != '+' && kind != '{') {
            stripLineStart(text);
        }
        if (sign == '-' || sign == '+') ++inside;
        if (!text.empty()) push(TokenKind::Text, std::move(text));
        advanceTo(inside);
        if (kind == '#') {
            skipComment();
        } else if (kind == '{') {
            push(TokenKind::OutputBegin, {});
            lexExpression("}}", TokenKind::OutputEnd);
        } else if (!lexRaw()) {
            push(TokenKind::BlockBegin, {});
            lexExpression("%}", TokenKind::BlockEnd);
        }
    }

    /// lstrip_blocks: white space between the line's start and a block tag goes.
    void stripLineStart(std::string& text) const {
        const std::size_t newline = text.rfind('\n');
        const std::size_t start = newline == std::string::npos ? 0 : newline + 1;
        if (start == 0 && !m_lineStarting) return;
        if (std::all_of(text.begin() + static_cast<std::ptrdiff_t>(start), text.end(), isSpace)) text.resize(start);
    }

    /// After a tag's end: '-' eats all white space, else trim_blocks eats one newline (not after {{ }}).
    void afterTag(bool trimAll, bool trimNewline) {
        std::size_t at = m_at;
        if (trimAll) {
            while (at < m_source.size() && isSpace(m_source[at])) ++at;
        } else if (trimNewline && at < m_source.size() && m_source[at] == '\n') {
            ++at;
        }
        advanceTo(at);
        m_lineStarting = m_at > 0 && m_source[m_at - 1] == '\n';
    }

    void skipComment() {
        const std::size_t end = m_source.find("#}", m_at);
        if (end == std::string::npos) fail("a comment is not closed");
        const char sign = end > m_at ? m_source[end - 1] : '\0';
        advanceTo(end + 2);
        afterTag(sign == '-', sign != '+');
    }

    /// {% raw %} ... {% endraw %}; false (and nothing consumed) when the tag is another.
    bool lexRaw() {
        std::size_t at = m_at;
        const auto skipSpace = [&] {
            while (at < m_source.size() && isSpace(m_source[at])) ++at;
        };
        skipSpace();
        if (m_source.compare(at, 3, "raw") != 0) return false;
        at += 3;
        skipSpace();
        const bool trimAfter = m_source.compare(at, 3, "-%}") == 0;
        if (!trimAfter && m_source.compare(at, 2, "%}") != 0) return false;
        advanceTo(at + (trimAfter ? 3 : 2));
        if (trimAfter) afterTag(true, false);
        const std::size_t begin = m_at;
        for (std::size_t tag = m_source.find("{%", begin); tag != std::string::npos; tag = m_source.find("{%", tag + 2)) {
            at = tag + 2;
            const char sign = at < m_source.size() ? m_source[at] : '\0';
            if (sign == '-' || sign == '+') ++at;
            skipSpace();
            if (m_source.compare(at, 6, "endraw") != 0) continue;
            at += 6;
            skipSpace();
            const char endSign = at < m_source.size() ? m_source[at] : '\0';
            if (endSign == '-' || endSign == '+') ++at;
            if (m_source.compare(at, 2, "%}") != 0) continue;
            std::string text = m_source.substr(begin, tag - begin);
            if (sign == '-') {
                while (!text.empty() && isSpace(text.back())) text.pop_back();
            } else if (sign != '+') {
                m_lineStarting = false;
                stripLineStart(text);
            }
            push(TokenKind::Text, std::move(text));
            advanceTo(at + 2);
            afterTag(endSign == '-', endSign != '+');
            return true;
        }
        fail("{% raw %} is not closed");
    }

    void lexExpression(std::string_view close, TokenKind endKind) {
        int brackets = 0;
        for (;;) {
            std::size_t at = m_at;
            while (at < m_source.size() && isSpace(m_source[at])) ++at;
            advanceTo(at);
            if (m_at >= m_source.size()) fail(fmt::format("'{}' is missing", close));
            if (brackets == 0) {
                const char sign = rest().front();
                const bool signed_ = (sign == '-' || (sign == '+' && endKind == TokenKind::BlockEnd)) && rest().substr(1).starts_with(close);
                if (signed_ || rest().starts_with(close)) {
                    push(endKind, {});
                    advanceTo(m_at + close.size() + (signed_ ? 1 : 0));
                    afterTag(signed_ && sign == '-', endKind == TokenKind::BlockEnd && !(signed_ && sign == '+'));
                    return;
                }
            }
            const char c = m_source[m_at];
            if (isNameStart(c)) {
                lexName();
            } else if (isDigit(c)) {
                lexNumber();
            } else if (c == '"' || c == '\'') {
                lexString(c);
            } else {
                if (c == '(' || c == '[' || c == '{') ++brackets;
                if (c == ')' || c == ']' || c == '}') --brackets;
                if (brackets < 0) fail(fmt::format("unexpected '{}'", c));
                lexOperator();
            }
        }
    }

    void lexName() {
        std::size_t at = m_at;
        while (at < m_source.size() && (isNameStart(m_source[at]) || isDigit(m_source[at]))) ++at;
        push(TokenKind::Name, m_source.substr(m_at, at - m_at));
        m_at = at;
    }

    void lexNumber() {
        std::string digits;
        bool isFloat = false;
        std::size_t at = m_at;
        const auto takeDigits = [&] {
            while (at < m_source.size() && (isDigit(m_source[at]) || (m_source[at] == '_' && at + 1 < m_source.size() && isDigit(m_source[at + 1])))) {
                if (m_source[at] != '_') digits += m_source[at];
                ++at;
            }
        };
        takeDigits();
        if (at + 1 < m_source.size() && m_source[at] == '.' && isDigit(m_source[at + 1])) {
            isFloat = true;
            digits += m_source[at++];
            takeDigits();
        }
        if (at < m_source.size() && (m_source[at] == 'e' || m_source[at] == 'E')) {
            std::size_t after = at + 1;
            if (after < m_source.size() && (m_source[after] == '+' || m_source[after] == '-')) ++after;
            if (after < m_source.size() && isDigit(m_source[after])) {
                isFloat = true;
                digits.append(m_source, at, after - at);
                at = after;
                takeDigits();
            }
        }
        if (digits.size() > 400 || (!isFloat && digits.size() > 18)) fail("a number is too long");
        push(isFloat ? TokenKind::Float : TokenKind::Integer, digits);
        m_at = at;
    }

    void lexString(char quote) {
        std::string text;
        std::size_t at = m_at + 1;
        for (;; ++at) {
            if (at >= m_source.size()) fail("a string is not closed");
            if (m_source[at] == quote) break;
            if (m_source[at] == '\\' && at + 1 < m_source.size()) {
                at = unescape(at + 1, text);
            } else {
                text += m_source[at];
            }
        }
        push(TokenKind::String, std::move(text));
        advanceTo(at + 1);
    }

    /// Python's escapes. `at` stands behind the backslash; returns the last character consumed.
    std::size_t unescape(std::size_t at, std::string& text) const {
        static constexpr std::string_view kFrom = "ntrbfav\\'\"";
        static constexpr std::string_view kTo = "\n\t\r\b\f\a\v\\'\"";
        const char c = m_source[at];
        if (const std::size_t known = kFrom.find(c); known != std::string_view::npos) {
            text += kTo[known];
            return at;
        }
        if (c == '\n') return at;
        const std::size_t wanted = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
        if (wanted > 0) {
            char32_t code = 0;
            std::size_t i = 0;
            for (; i < wanted && at + 1 + i < m_source.size() && hexDigit(m_source[at + 1 + i]) >= 0; ++i) {
                code = code * 16 + static_cast<char32_t>(hexDigit(m_source[at + 1 + i]));
            }
            if (i != wanted || code > 0x10FFFF) fail("a character escape is cut short or too large");
            utf8::append(text, code);
            return at + wanted;
        }
        if (c >= '0' && c <= '7') {
            char32_t code = 0;
            std::size_t i = 0;
            for (; i < 3 && at + i < m_source.size() && m_source[at + i] >= '0' && m_source[at + i] <= '7'; ++i) code = code * 8 + static_cast<char32_t>(m_source[at + i] - '0');
            utf8::append(text, code);
            return at + i - 1;
        }
        text += '\\';
        text += c;
        return at;
    }

    void lexOperator() {
        static constexpr std::array<std::string_view, 6> kTwo{"==", "!=", "<=", ">=", "//", "**"};
        const auto two = std::ranges::find_if(kTwo, [this](std::string_view op) { return rest().starts_with(op); });
        const std::size_t length = two != kTwo.end() ? 2 : 1;
        if (length == 1 && std::string_view("+-*/%~<>=()[]{},.:|").find(rest().front()) == std::string_view::npos) {
            fail(fmt::format("unexpected character '{}'", m_source.substr(m_at, utf8::decodeAt(m_source, m_at).length)));
        }
        push(TokenKind::Operator, m_source.substr(m_at, length));
        m_at += length;
    }

    std::string m_source;
    std::size_t m_at = 0;
    int m_line = 1;
    bool m_lineStarting = true;
    std::vector<Token> m_tokens;
};

} // namespace

std::vector<Token> tokenize(std::string source) {
    return Lexer(std::move(source)).run();
}

} // namespace hearth::core::jinja
