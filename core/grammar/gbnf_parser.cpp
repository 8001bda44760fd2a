// SPDX-License-Identifier: Apache-2.0
#include "core/grammar/gbnf_parser.h"

#include "core/base/utf8.h"
#include "core/grammar/grammar_builder.h"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::core {

namespace {

using Sequence = GrammarBuilder::Sequence;

bool isNameCharacter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class Parser {
public:
    explicit Parser(std::string_view text)
        : m_text(text) {}

    Result<Grammar> run() {
        for (skip(Lines::Cross); m_at < m_text.size(); skip(Lines::Cross)) {
            if (auto done = parseRule(); !done) return std::unexpected(done.error());
        }
        return m_builder.finish("root");
    }

private:
    enum class Lines : bool { Stay, Cross };

    [[nodiscard]] char peek(std::size_t ahead = 0) const { return m_at + ahead < m_text.size() ? m_text[m_at + ahead] : '\0'; }

    void skip(Lines lines) {
        while (m_at < m_text.size()) {
            const char c = m_text[m_at];
            if (c == '#') {
                m_at = std::min(m_text.find('\n', m_at), m_text.size());
            } else if (c == ' ' || c == '\t' || (lines == Lines::Cross && (c == '\n' || c == '\r'))) {
                ++m_at;
            } else {
                return;
            }
        }
    }

    [[nodiscard]] std::unexpected<Error> wrong(std::string_view what) const {
        const auto line = 1 + std::ranges::count(m_text.substr(0, m_at), '\n');
        return fail(ErrorCode::InvalidArgument, fmt::format("grammar, line {}: {}", line, what));
    }

    [[nodiscard]] std::string_view name() {
        const std::size_t start = m_at;
        while (isNameCharacter(peek())) ++m_at;
        return m_text.substr(start, m_at - start);
    }

    Result<void> parseRule() {
        const std::string_view ruleName = name();
        if (ruleName.empty()) return wrong("the name of a rule was expected");
        skip(Lines::Stay);
        if (!m_text.substr(m_at).starts_with("::=")) return wrong("'::=' was expected after the name of a rule");
        m_at += 3;
        skip(Lines::Cross);
        auto alternatives = parseAlternatives(0);
        if (!alternatives) return std::unexpected(alternatives.error());
        skip(Lines::Stay);
        if (m_at < m_text.size() && peek() != '\n' && peek() != '\r') return wrong("the rule should have ended here");
        auto defined = m_builder.define(m_builder.rule(ruleName), std::move(*alternatives));
        return defined ? defined : wrong(defined.error().message);
    }

    Result<std::vector<Sequence>> parseAlternatives(int depth) {
        if (depth > kDeepestGroup) return wrong(fmt::format("groups are nested more than {} deep", kDeepestGroup));
        std::vector<Sequence> alternatives;
        for (;;) {
            auto sequence = parseSequence(depth);
            if (!sequence) return std::unexpected(sequence.error());
            alternatives.push_back(std::move(*sequence));
            skip(depth > 0 ? Lines::Cross : Lines::Stay);
            if (peek() != '|') {
                // A rule may go on below when the next line begins with '|'.
                const std::size_t here = m_at;
                skip(Lines::Cross);
                if (peek() != '|') {
                    m_at = here;
                    return alternatives;
                }
            }
            ++m_at;
            skip(Lines::Cross);
        }
    }

    Result<Sequence> parseSequence(int depth) {
        Sequence sequence;
        const Lines lines = depth > 0 ? Lines::Cross : Lines::Stay;
        for (skip(lines);; skip(lines)) {
            const std::size_t before = sequence.size();
            const char c = peek();
            if (c == '"') {
                if (auto done = parseString(sequence); !done) return std::unexpected(done.error());
            } else if (c == '[') {
                auto one = parseClass();
                if (!one) return std::unexpected(one.error());
                sequence.push_back(*one);
            } else if (c == '.') {
                ++m_at;
                sequence.push_back(m_builder.characters({}, true));
            } else if (c == '(') {
                ++m_at;
                auto inner = parseAlternatives(depth + 1);
                if (!inner) return std::unexpected(inner.error());
                skip(Lines::Cross);
                if (peek() != ')') return wrong("')' was expected");
                ++m_at;
                sequence.push_back(m_builder.group(std::move(*inner)));
            } else if (isNameCharacter(c)) {
                const std::string_view used = name();
                // The next rule's name, on a line below, inside a group that was not closed.
                skip(Lines::Stay);
                if (m_text.substr(m_at).starts_with("::=")) return wrong("a rule begins inside a group; ')' is missing");
                sequence.push_back(m_builder.reference(m_builder.rule(used)));
            } else if (c == '<' || c == '!') {
                return wrong("tokens (<...>) cannot be used in grammars here; write the text instead");
            } else {
                return sequence;
            }
            if (auto done = parseRepetition(sequence, before); !done) return std::unexpected(done.error());
        }
    }

    Result<void> parseRepetition(Sequence& sequence, std::size_t from) {
        for (skip(Lines::Stay);; skip(Lines::Stay)) {
            std::int64_t least = 0;
            std::int64_t most = -1;
            const char c = peek();
            if (c == '+') {
                least = 1;
            } else if (c == '?') {
                most = 1;
            } else if (c == '{') {
                if (!parseBounds(least, most)) return wrong("{m}, {m,} or {m,n} was expected");
            } else if (c != '*') {
                return {};
            }
            ++m_at;
            // A string repeats as a whole.
            const Sequence repeatedPart(sequence.begin() + static_cast<std::ptrdiff_t>(from), sequence.end());
            const GrammarElement element = repeatedPart.size() == 1 ? repeatedPart.front() : m_builder.group({repeatedPart});
            auto repeated = m_builder.repeated(element, least, most);
            if (!repeated) return wrong(repeated.error().message);
            sequence.resize(from);
            sequence.push_back(*repeated);
        }
    }

    /// Leaves the closing brace.
    bool parseBounds(std::int64_t& least, std::int64_t& most) {
        ++m_at;
        const auto number = [this](std::int64_t& value) {
            skip(Lines::Stay);
            const std::size_t start = m_at;
            value = 0;
            while (peek() >= '0' && peek() <= '9' && m_at - start < 9) value = value * 10 + (m_text[m_at++] - '0');
            const bool any = m_at > start;
            skip(Lines::Stay);
            return any;
        };
        const bool hasLeast = number(least);
        if (peek() == '}') {
            most = least;
            return hasLeast;
        }
        if (peek() != ',') return false;
        ++m_at;
        if (!number(most)) most = -1;
        return peek() == '}' && (hasLeast || most >= 0);
    }

    /// One character of a string or class, an escape or as it stands.
    Result<char32_t> parseCharacter() {
        if (m_at >= m_text.size()) return wrong("the grammar ends inside a string or class");
        if (peek() != '\\') {
            const auto decoded = utf8::decodeAt(m_text, m_at);
            m_at += decoded.length;
            return decoded.codePoint;
        }
        const char kind = peek(1);
        m_at += std::min<std::size_t>(2, m_text.size() - m_at);
        const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
        if (digits > 0) {
            char32_t value = 0;
            for (std::size_t i = 0; i < digits; ++i, ++m_at) {
                const char c = peek();
                const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
                if (digit < 0) return wrong(fmt::format("\\{} needs {} hexadecimal digits", kind, digits));
                value = value * 16 + static_cast<char32_t>(digit);
            }
            if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return wrong("an escape names no character");
            return value;
        }
        switch (kind) {
        case 'n': return U'\n';
        case 'r': return U'\r';
        case 't': return U'\t';
        case '\\':
        case '"':
        case '[':
        case ']':
        case '-':
        case '^': return static_cast<char32_t>(kind);
        default: return wrong("an unknown escape");
        }
    }

    Result<void> parseString(Sequence& sequence) {
        ++m_at;
        std::string text;
        while (peek() != '"' || m_at >= m_text.size()) {
            const auto character = parseCharacter();
            if (!character) return std::unexpected(character.error());
            utf8::append(text, *character);
        }
        ++m_at;
        m_builder.addText(sequence, text);
        return {};
    }

    Result<GrammarElement> parseClass() {
        ++m_at;
        const bool negated = peek() == '^';
        if (negated) ++m_at;
        std::vector<CodePointRange> ranges;
        while (peek() != ']' || m_at >= m_text.size()) {
            const auto low = parseCharacter();
            if (!low) return std::unexpected(low.error());
            CodePointRange range{*low, *low};
            if (peek() == '-' && peek(1) != ']') {
                ++m_at;
                const auto high = parseCharacter();
                if (!high) return std::unexpected(high.error());
                if (*high < *low) return wrong("a range of a class ends before it begins");
                range.second = *high;
            }
            ranges.push_back(range);
        }
        ++m_at;
        if (ranges.empty() && !negated) return wrong("a class is empty");
        return m_builder.characters(std::move(ranges), negated);
    }

    std::string_view m_text;
    std::size_t m_at = 0;
    GrammarBuilder m_builder;
};

} // namespace

Result<Grammar> parseGbnf(std::string_view text) {
    if (text.size() > kLongestGrammarText) return fail(ErrorCode::InvalidArgument, fmt::format("the grammar is {} bytes long; at most {} are read", text.size(), kLongestGrammarText));
    return Parser(text).run();
}

} // namespace hearth::core
