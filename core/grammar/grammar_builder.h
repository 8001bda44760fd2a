// SPDX-License-Identifier: Apache-2.0
//
// GrammarBuilder: puts a Grammar together rule by rule, and refuses what the matcher could not walk: rules without an end,
// left recursion, sizes beyond the limits. Grammars come from files and requests: hostile until checked.
// Thread: any.
#pragma once

#include "core/base/error.h"
#include "core/grammar/grammar.h"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::core {

inline constexpr std::size_t kMostGrammarElements = 400'000;
inline constexpr std::size_t kMostRepetitions = 2'000; ///< of one {m,n}

/// Code points, both ends included.
using CodePointRange = std::pair<char32_t, char32_t>;

class GrammarBuilder {
public:
    using Sequence = std::vector<GrammarElement>;

    /// The rule of that name, which may be defined later.
    [[nodiscard]] std::uint32_t rule(std::string_view name);
    [[nodiscard]] std::uint32_t newRule();
    /// InvalidArgument when it is defined already.
    [[nodiscard]] Result<void> define(std::uint32_t rule, std::vector<Sequence> alternatives);

    [[nodiscard]] GrammarElement reference(std::uint32_t rule) const { return {GrammarElement::Kind::Rule, rule}; }
    /// Appends the bytes of a text.
    void addText(Sequence& sequence, std::string_view text);
    /// One character out of the ranges, which may overlap; `negated`: one out of none of them.
    [[nodiscard]] GrammarElement characters(std::vector<CodePointRange> ranges, bool negated);
    /// `least` to `most` times; most < 0 = any number.
    [[nodiscard]] Result<GrammarElement> repeated(GrammarElement element, std::int64_t least, std::int64_t most);
    [[nodiscard]] GrammarElement group(std::vector<Sequence> alternatives);

    /// InvalidArgument: a rule that is used and not defined, no rule of that name, left recursion, too large.
    [[nodiscard]] Result<Grammar> finish(std::string_view root);

private:
    [[nodiscard]] std::uint32_t byteSet(const ByteSet& bytes);
    [[nodiscard]] GrammarElement bytes(unsigned char low, unsigned char high);
    [[nodiscard]] std::vector<bool> emptyRules() const; ///< which rules may stand for nothing
    [[nodiscard]] Result<void> checkRecursion() const;
    [[nodiscard]] std::string shownName(std::uint32_t rule) const;

    Grammar m_grammar;
    std::vector<bool> m_defined;
    std::map<std::string, std::uint32_t, std::less<>> m_byName;
    std::map<std::string, std::uint32_t> m_byteSets;      ///< by their bits, so that equal ones are one
    std::map<std::string, GrammarElement> m_classes;
    bool m_tooLarge = false;
};

} // namespace hearth::core
