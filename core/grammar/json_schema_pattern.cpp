// SPDX-License-Identifier: Apache-2.0
#include "core/base/utf8.h"
#include "core/grammar/json_schema_strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hearth::core {

namespace {

using Sequence = GrammarBuilder::Sequence;
using Ranges = std::vector<CodePointRange>;

constexpr int kDeepestPattern = 50;
constexpr std::size_t kLongestPattern = 4096;

/// Characters that JSON only allows escaped, as it writes them.
constexpr std::array<std::pair<char32_t, std::string_view>, 5> kEscapes{{{U'"', "\\\""}, {U'\\', "\\\\"}, {U'\n', "\\n"}, {U'\t', "\\t"}, {U'\r', "\\r"}}};

Ranges without(const Ranges& ranges, const CodePointRange& taken) {
    Ranges out;
    for (const auto& [low, high] : ranges) {
        if (high < taken.first || low > taken.second) {
            out.emplace_back(low, high);
            continue;
        }
        if (low < taken.first) out.emplace_back(low, taken.first - 1);
        if (high > taken.second) out.emplace_back(taken.second + 1, high);
    }
    return out;
}

Ranges opposite(const Ranges& ranges) {
    Ranges out{{0, 0x10FFFF}};
    for (const CodePointRange& range : ranges) out = without(out, range);
    return out;
}

const Ranges kDigit{{U'0', U'9'}};
const Ranges kWord{{U'0', U'9'}, {U'A', U'Z'}, {U'_', U'_'}, {U'a', U'z'}};
const Ranges kWhite{{U'\t', U'\r'}, {U' ', U' '}};

class Pattern {
public:
    Pattern(GrammarBuilder& builder, std::string_view text)
        : m_builder(builder)
        , m_text(text) {}

    Result<GrammarElement> run() {
        if (m_text.size() > kLongestPattern) return wrong("it is too long");
        bool fromStart = m_text.starts_with('^');
        if (fromStart) m_text.remove_prefix(1);
        bool toEnd = m_text.ends_with('$') && !m_text.ends_with("\\$");
        if (toEnd) m_text.remove_suffix(1);
        auto inner = alternatives(0);
        if (!inner) return std::unexpected(inner.error());
        if (m_at < m_text.size()) return wrong("a ')' is too many");
        // '^a|b$' anchors each side of the bar by itself.
        if (inner->size() > 1 && (fromStart || toEnd)) return wrong("'^' and '$' beside '|' outside a group");
        const auto any = m_builder.repeated(anyJsonCharacter(m_builder), 0, -1);
        if (!any) return std::unexpected(any.error());
        Sequence all;
        if (!fromStart) all.push_back(*any);
        all.push_back(m_builder.group(std::move(*inner)));
        if (!toEnd) all.push_back(*any);
        return m_builder.group({std::move(all)});
    }

private:
    [[nodiscard]] char peek(std::size_t ahead = 0) const { return m_at + ahead < m_text.size() ? m_text[m_at + ahead] : '\0'; }
    [[nodiscard]] std::unexpected<Error> wrong(std::string_view what) const { return fail(ErrorCode::InvalidArgument, fmt::format("pattern '{}': {}", m_text, what)); }

    Result<std::vector<Sequence>> alternatives(int depth) {
        if (depth > kDeepestPattern) return wrong("groups are nested too deeply");
        std::vector<Sequence> all;
        for (;; ++m_at) {
            Sequence sequence;
            while (m_at < m_text.size() && peek() != '|' && peek() != ')') {
                auto one = atom(depth);
                if (!one) return std::unexpected(one.error());
                auto repeated = repetition(*one);
                if (!repeated) return std::unexpected(repeated.error());
                sequence.push_back(*repeated);
            }
            all.push_back(std::move(sequence));
            if (peek() != '|') return all;
        }
    }

    Result<GrammarElement> atom(int depth) {
        const char c = peek();
        if (c == '(') {
            ++m_at;
            if (peek() == '?') {
                if (peek(1) != ':') return wrong("look-around and named groups are not supported");
                m_at += 2;
            }
            auto inner = alternatives(depth + 1);
            if (!inner) return std::unexpected(inner.error());
            if (peek() != ')') return wrong("a ')' is missing");
            ++m_at;
            return m_builder.group(std::move(*inner));
        }
        if (c == '[') return characterClass();
        if (c == '^' || c == '$') return wrong("'^' and '$' are only supported at its start and end");
        if (c == '*' || c == '+' || c == '?' || c == '{') return wrong("a repetition of nothing");
        if (c == '.') {
            ++m_at;
            return jsonCharacters(m_builder, {{U'\n', U'\n'}, {U'\r', U'\r'}}, true);
        }
        auto ranges = character();
        if (!ranges) return std::unexpected(ranges.error());
        return jsonCharacters(m_builder, std::move(*ranges), false);
    }

    Result<GrammarElement> repetition(GrammarElement element) {
        std::int64_t least = 0;
        std::int64_t most = -1;
        const char c = peek();
        if (c == '+') {
            least = 1;
        } else if (c == '?') {
            most = 1;
        } else if (c == '{') {
            const auto number = [this](std::int64_t& value) {
                const std::size_t start = m_at;
                for (value = 0; peek() >= '0' && peek() <= '9' && m_at - start < 9; ++m_at) value = value * 10 + (peek() - '0');
                return m_at > start;
            };
            ++m_at;
            if (!number(least)) return wrong("{m}, {m,} or {m,n} was expected");
            most = least;
            if (peek() == ',') {
                ++m_at;
                if (!number(most)) most = -1;
            }
            if (peek() != '}') return wrong("{m}, {m,} or {m,n} was expected");
        } else if (c != '*') {
            return element;
        }
        ++m_at;
        if (peek() == '?') ++m_at; // lazy: the same texts
        if (peek() == '+') return wrong("possessive repetitions are not supported");
        return m_builder.repeated(element, least, most);
    }

    Result<GrammarElement> characterClass() {
        ++m_at;
        const bool negated = peek() == '^';
        if (negated) ++m_at;
        Ranges all;
        while (peek() != ']' || m_at >= m_text.size()) {
            if (m_at >= m_text.size()) return wrong("a ']' is missing");
            auto low = character();
            if (!low) return std::unexpected(low.error());
            const bool single = low->size() == 1 && low->front().first == low->front().second;
            if (single && peek() == '-' && peek(1) != ']') {
                ++m_at;
                const auto high = character();
                if (!high) return std::unexpected(high.error());
                if (high->size() != 1 || high->front().first < low->front().first) return wrong("a range of a class ends before it begins");
                low->front().second = high->front().first;
            }
            all.insert(all.end(), low->begin(), low->end());
        }
        ++m_at;
        return jsonCharacters(m_builder, std::move(all), negated);
    }

    /// A character or a class of an escape.
    Result<Ranges> character() {
        if (m_at >= m_text.size()) return wrong("it ends too early");
        if (peek() != '\\') {
            const auto decoded = utf8::decodeAt(m_text, m_at);
            m_at += decoded.length;
            return Ranges{{decoded.codePoint, decoded.codePoint}};
        }
        const char kind = peek(1);
        m_at += std::min<std::size_t>(2, m_text.size() - m_at);
        switch (kind) {
        case 'd': return kDigit;
        case 'D': return opposite(kDigit);
        case 'w': return kWord;
        case 'W': return opposite(kWord);
        case 's': return kWhite;
        case 'S': return opposite(kWhite);
        case 'n': return Ranges{{U'\n', U'\n'}};
        case 't': return Ranges{{U'\t', U'\t'}};
        case 'r': return Ranges{{U'\r', U'\r'}};
        case 'x':
        case 'u': {
            char32_t value = 0;
            for (int digits = kind == 'x' ? 2 : 4; digits > 0; --digits, ++m_at) {
                const char c = peek();
                const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
                if (digit < 0) return wrong("an escape needs hexadecimal digits");
                value = value * 16 + static_cast<char32_t>(digit);
            }
            return Ranges{{value, value}};
        }
        default: break;
        }
        const bool letter = (kind >= '0' && kind <= '9') || (kind >= 'a' && kind <= 'z') || (kind >= 'A' && kind <= 'Z') || kind == '\0';
        if (letter) return wrong(fmt::format("'\\{}' is not supported", kind));
        return Ranges{{static_cast<char32_t>(static_cast<unsigned char>(kind)), static_cast<char32_t>(static_cast<unsigned char>(kind))}};
    }

    GrammarBuilder& m_builder;
    std::string_view m_text;
    std::size_t m_at = 0;
};

} // namespace

GrammarElement jsonCharacters(GrammarBuilder& builder, Ranges ranges, bool negated) {
    if (negated) ranges = opposite(ranges);
    Ranges plain = without(without(without(without(ranges, {0, 0x1F}), {U'"', U'"'}), {U'\\', U'\\'}), {0x7F, 0x7F});
    std::vector<Sequence> alternatives;
    for (const auto& [character, escape] : kEscapes) {
        const bool in = std::ranges::any_of(ranges, [character](const CodePointRange& range) { return range.first <= character && character <= range.second; });
        if (!in) continue;
        alternatives.emplace_back();
        builder.addText(alternatives.back(), escape);
    }
    const GrammarElement element = builder.characters(std::move(plain), false);
    if (alternatives.empty()) return element;
    alternatives.push_back({element});
    return builder.group(std::move(alternatives));
}

GrammarElement anyJsonCharacter(GrammarBuilder& builder) {
    // Halves of surrogate pairs are left out: alone they are no character.
    const auto set = [&builder](Ranges ranges) { return builder.characters(std::move(ranges), false); };
    const GrammarElement hex = set({{U'0', U'9'}, {U'a', U'f'}, {U'A', U'F'}});
    Sequence backslash;
    builder.addText(backslash, "\\");
    const auto escape = [&](Sequence more) {
        Sequence sequence = backslash;
        sequence.insert(sequence.end(), more.begin(), more.end());
        return sequence;
    };
    return builder.group({
        {builder.characters({{0, 0x1F}, {U'"', U'"'}, {U'\\', U'\\'}, {0x7F, 0x7F}}, true)},
        escape({set({{U'"', U'"'}, {U'\\', U'\\'}, {U'/', U'/'}, {U'b', U'b'}, {U'f', U'f'}, {U'n', U'n'}, {U'r', U'r'}, {U't', U't'}})}),
        escape({set({{U'u', U'u'}}), set({{U'0', U'9'}, {U'a', U'c'}, {U'e', U'f'}, {U'A', U'C'}, {U'E', U'F'}}), hex, hex, hex}),
        escape({set({{U'u', U'u'}}), set({{U'd', U'd'}, {U'D', U'D'}}), set({{U'0', U'7'}}), hex, hex}),
    });
}

Result<GrammarElement> jsonPattern(GrammarBuilder& builder, std::string_view pattern) {
    return Pattern(builder, pattern).run();
}

} // namespace hearth::core
