// SPDX-License-Identifier: Apache-2.0
#include "core/grammar/grammar_builder.h"

#include "core/base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hearth::core {

namespace {

using Kind = GrammarElement::Kind;

constexpr char32_t kLastCodePoint = 0x10FFFF;

/// Sorted, without overlaps.
std::vector<CodePointRange> tidy(std::vector<CodePointRange> ranges) {
    std::ranges::sort(ranges);
    std::vector<CodePointRange> out;
    for (const CodePointRange& range : ranges) {
        if (!out.empty() && range.first <= out.back().second + 1) {
            out.back().second = std::max(out.back().second, range.second);
        } else {
            out.push_back(range);
        }
    }
    return out;
}

std::vector<CodePointRange> complement(const std::vector<CodePointRange>& ranges) {
    std::vector<CodePointRange> out;
    char32_t next = 0;
    for (const auto& [low, high] : ranges) {
        if (low > next) out.emplace_back(next, low - 1);
        next = high + 1;
    }
    if (next <= kLastCodePoint) out.emplace_back(next, kLastCodePoint);
    return out;
}

/// Without surrogates, which UTF-8 cannot write.
std::vector<CodePointRange> writable(const std::vector<CodePointRange>& ranges) {
    std::vector<CodePointRange> out;
    for (const auto& [low, high] : ranges) {
        if (low < 0xD800) out.emplace_back(low, std::min<char32_t>(high, 0xD7FF));
        if (high > 0xDFFF) out.emplace_back(std::max<char32_t>(low, 0xE000), std::min(high, kLastCodePoint));
    }
    return out;
}

struct Encoded {
    std::array<unsigned char, 4> bytes{};
    std::size_t length = 0;
};

Encoded encode(char32_t codePoint) {
    std::string text;
    utf8::append(text, codePoint);
    Encoded encoded;
    encoded.length = text.size();
    std::ranges::copy(text, encoded.bytes.begin());
    return encoded;
}

using ByteRanges = std::vector<std::pair<unsigned char, unsigned char>>;

/// A range of code points of one encoded length as sequences of byte ranges: cut where the continuation bytes would not run
/// through all their values.
void byteSequences(char32_t low, char32_t high, std::vector<ByteRanges>& out) {
    const Encoded first = encode(low);
    const Encoded last = encode(high);
    for (std::size_t i = 1; i < first.length; ++i) {
        const char32_t mask = (char32_t{1} << (6 * i)) - 1;
        if ((low & ~mask) == (high & ~mask)) continue;
        if ((low & mask) != 0) {
            byteSequences(low, low | mask, out);
            byteSequences((low | mask) + 1, high, out);
            return;
        }
        if ((high & mask) != mask) {
            byteSequences(low, (high & ~mask) - 1, out);
            byteSequences(high & ~mask, high, out);
            return;
        }
    }
    ByteRanges sequence;
    for (std::size_t i = 0; i < first.length; ++i) sequence.emplace_back(first.bytes[i], last.bytes[i]);
    out.push_back(std::move(sequence));
}

} // namespace

std::uint32_t GrammarBuilder::newRule() {
    m_grammar.rules.emplace_back();
    m_defined.push_back(false);
    m_tooLarge = m_tooLarge || m_grammar.rules.size() > kMostGrammarElements;
    return static_cast<std::uint32_t>(m_grammar.rules.size() - 1);
}

std::uint32_t GrammarBuilder::rule(std::string_view name) {
    const auto known = m_byName.find(name);
    if (known != m_byName.end()) return known->second;
    const std::uint32_t made = newRule();
    m_grammar.rules[made].name = name;
    m_byName.emplace(name, made);
    return made;
}

Result<void> GrammarBuilder::define(std::uint32_t rule, std::vector<Sequence> alternatives) {
    if (m_defined[rule]) return fail(ErrorCode::InvalidArgument, fmt::format("the rule '{}' is defined twice", shownName(rule)));
    m_defined[rule] = true;
    for (const Sequence& sequence : alternatives) {
        if (m_grammar.elements.size() + sequence.size() > kMostGrammarElements) m_tooLarge = true;
        if (m_tooLarge) return fail(ErrorCode::InvalidArgument, fmt::format("the grammar is too large: more than {} elements", kMostGrammarElements));
        m_grammar.rules[rule].alternatives.push_back(static_cast<std::uint32_t>(m_grammar.elements.size()));
        m_grammar.elements.insert(m_grammar.elements.end(), sequence.begin(), sequence.end());
        m_grammar.elements.push_back({});
    }
    return {};
}

GrammarElement GrammarBuilder::group(std::vector<Sequence> alternatives) {
    const std::uint32_t made = newRule();
    // Only fails for size, which finish() tells.
    (void)define(made, std::move(alternatives));
    return reference(made);
}

std::uint32_t GrammarBuilder::byteSet(const ByteSet& bytes) {
    const auto [known, isNew] = m_byteSets.try_emplace(bytes.to_string(), static_cast<std::uint32_t>(m_grammar.byteSets.size()));
    if (isNew) m_grammar.byteSets.push_back(bytes);
    return known->second;
}

GrammarElement GrammarBuilder::bytes(unsigned char low, unsigned char high) {
    ByteSet set;
    for (unsigned byte = low; byte <= high; ++byte) set.set(byte);
    return {Kind::Bytes, byteSet(set)};
}

void GrammarBuilder::addText(Sequence& sequence, std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        sequence.push_back(bytes(byte, byte));
    }
}

GrammarElement GrammarBuilder::characters(std::vector<CodePointRange> ranges, bool negated) {
    ranges = tidy(std::move(ranges));
    if (negated) ranges = complement(ranges);
    ranges = writable(ranges);
    std::string key;
    for (const auto& [low, high] : ranges) key += fmt::format("{:x}-{:x},", static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(high));
    if (const auto known = m_classes.find(key); known != m_classes.end()) return known->second;

    ByteSet ascii;
    std::vector<ByteRanges> sequences;
    constexpr std::array<CodePointRange, 3> kLonger{{{0x80, 0x7FF}, {0x800, 0xFFFF}, {0x10000, kLastCodePoint}}};
    for (const auto& [low, high] : ranges) {
        for (char32_t c = low; c <= std::min<char32_t>(high, 0x7F); ++c) ascii.set(c);
        for (const auto& [from, to] : kLonger) {
            if (std::max(low, from) <= std::min(high, to)) byteSequences(std::max(low, from), std::min(high, to), sequences);
        }
    }
    GrammarElement element{Kind::Bytes, 0};
    if (sequences.empty()) {
        element.index = byteSet(ascii);
    } else {
        std::vector<Sequence> alternatives;
        if (ascii.any()) alternatives.push_back({{Kind::Bytes, byteSet(ascii)}});
        for (const ByteRanges& one : sequences) {
            Sequence sequence;
            for (const auto& [low, high] : one) sequence.push_back(bytes(low, high));
            alternatives.push_back(std::move(sequence));
        }
        element = group(std::move(alternatives));
    }
    m_classes.emplace(std::move(key), element);
    return element;
}

Result<GrammarElement> GrammarBuilder::repeated(GrammarElement element, std::int64_t least, std::int64_t most) {
    const auto limit = static_cast<std::int64_t>(kMostRepetitions);
    if (least < 0 || least > limit || most > limit || (most >= 0 && most < least)) {
        return fail(ErrorCode::InvalidArgument, fmt::format("a repetition must be of 0 to {} and its first number not above its second", kMostRepetitions));
    }
    Sequence sequence(static_cast<std::size_t>(least), element);
    if (most < 0) {
        const std::uint32_t more = newRule();
        if (auto done = define(more, {{element, reference(more)}, {}}); !done) return std::unexpected(done.error());
        sequence.push_back(reference(more));
    } else if (most > least) {
        GrammarElement rest = group({{element}, {}});
        for (std::int64_t i = least + 1; i < most; ++i) rest = group({{element, rest}, {}});
        sequence.push_back(rest);
    }
    return group({std::move(sequence)});
}

std::string GrammarBuilder::shownName(std::uint32_t rule) const {
    const std::string& name = m_grammar.rules[rule].name;
    return name.empty() ? "(a group)" : name;
}

std::vector<bool> GrammarBuilder::emptyRules() const {
    // An alternative waits for the rules in it; one with bytes waits for ever. Each is looked at once per rule in it.
    struct Waiting {
        std::uint32_t rule;
        std::size_t open = 0;
    };
    std::vector<Waiting> waiting;
    std::vector<std::vector<std::uint32_t>> waitsFor(m_grammar.rules.size());
    std::vector<bool> empty(m_grammar.rules.size(), false);
    std::vector<std::uint32_t> news;
    const auto found = [&](std::uint32_t rule) {
        if (!empty[rule]) news.push_back(rule);
        empty[rule] = true;
    };
    for (std::uint32_t rule = 0; rule < m_grammar.rules.size(); ++rule) {
        for (std::uint32_t at : m_grammar.rules[rule].alternatives) {
            std::vector<std::uint32_t> needs;
            for (; m_grammar.elements[at].kind == Kind::Rule; ++at) needs.push_back(m_grammar.elements[at].index);
            if (m_grammar.elements[at].kind == Kind::Bytes) continue;
            if (needs.empty()) found(rule);
            for (const std::uint32_t need : needs) waitsFor[need].push_back(static_cast<std::uint32_t>(waiting.size()));
            waiting.push_back({rule, needs.size()});
        }
    }
    while (!news.empty()) {
        const std::uint32_t rule = news.back();
        news.pop_back();
        for (const std::uint32_t one : waitsFor[rule]) {
            if (--waiting[one].open == 0) found(waiting[one].rule);
        }
    }
    return empty;
}

Result<void> GrammarBuilder::checkRecursion() const {
    const auto& rules = m_grammar.rules;
    const std::vector<bool> mayBeEmpty = emptyRules();
    // A rule that reaches itself before it has read a byte.
    enum class Seen : std::uint8_t { No, Open, Done };
    struct Visit {
        std::uint32_t rule;
        std::vector<std::uint32_t> next;
        std::size_t at = 0;
    };
    const auto leftEdges = [&](std::uint32_t rule) {
        std::vector<std::uint32_t> next;
        for (std::uint32_t at : rules[rule].alternatives) {
            for (;; ++at) {
                const GrammarElement& element = m_grammar.elements[at];
                if (element.kind != Kind::Rule) break;
                next.push_back(element.index);
                if (!mayBeEmpty[element.index]) break;
            }
        }
        return next;
    };
    std::vector<Seen> seen(rules.size(), Seen::No);
    for (std::uint32_t start = 0; start < rules.size(); ++start) {
        if (seen[start] != Seen::No) continue;
        std::vector<Visit> path{{start, leftEdges(start)}};
        seen[start] = Seen::Open;
        while (!path.empty()) {
            Visit& visit = path.back();
            if (visit.at == visit.next.size()) {
                seen[visit.rule] = Seen::Done;
                path.pop_back();
                continue;
            }
            const std::uint32_t next = visit.next[visit.at++];
            if (seen[next] == Seen::Open) {
                // The named rule nearest on the way tells a person where to look.
                std::uint32_t named = next;
                for (auto step = path.rbegin(); step != path.rend() && rules[named].name.empty(); ++step) named = step->rule;
                return fail(ErrorCode::InvalidArgument,
                            fmt::format("the rule '{}' is left-recursive: it can reach itself before it has read anything; let it begin with something else, and repeat nothing that may be empty", shownName(named)));
            }
            if (seen[next] == Seen::No) {
                seen[next] = Seen::Open;
                path.push_back({next, leftEdges(next)});
            }
        }
    }
    return {};
}

Result<Grammar> GrammarBuilder::finish(std::string_view root) {
    if (m_tooLarge) return fail(ErrorCode::InvalidArgument, fmt::format("the grammar is too large: more than {} elements", kMostGrammarElements));
    for (std::uint32_t rule = 0; rule < m_grammar.rules.size(); ++rule) {
        if (!m_defined[rule]) return fail(ErrorCode::InvalidArgument, fmt::format("the rule '{}' is used and not defined", shownName(rule)));
    }
    const auto known = m_byName.find(root);
    if (known == m_byName.end()) return fail(ErrorCode::InvalidArgument, fmt::format("the grammar has no rule '{}', with which it would begin", root));
    m_grammar.root = known->second;
    if (auto sound = checkRecursion(); !sound) return std::unexpected(sound.error());
    return std::move(m_grammar);
}

} // namespace hearth::core
