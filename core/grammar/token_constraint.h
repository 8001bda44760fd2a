// SPDX-License-Identifier: Apache-2.0
//
// TokenConstraint: a grammar over tokens. The usual case is cheap: a token that was chosen freely is only checked, byte by byte,
// in the matcher's table. Only when it does not fit are all tokens looked at, in the order of their bytes, so that a beginning
// that cannot be is skipped with all that begin so; what a state allows is kept for the next time.
// Sampling freely first and again from what is allowed when that failed draws with the same probabilities as sampling from what is
// allowed at once (the chance of a token is p + (1 - q) p / q = p / q, with q the share of what is allowed), as long as no other
// link of the chain cuts the choice.
// Thread: one; TokenIndex is const after creation.
#pragma once

#include "core/grammar/grammar_matcher.h"
#include "core/tokenizer/tokenizer.h"

#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace hearth::core {

/// The vocabulary in the order of the tokens' bytes.
class TokenIndex {
public:
    /// `tokenizer` must outlive the object. `ends`: tokens that end a reply; they and those without bytes stand apart.
    TokenIndex(const Tokenizer& tokenizer, const std::function<bool(TokenId)>& ends);

    struct Entry {
        TokenId id = 0;
        std::uint32_t shared = 0; ///< leading bytes that it has in common with the entry before
    };
    [[nodiscard]] std::span<const Entry> entries() const { return m_entries; }
    [[nodiscard]] std::string_view bytes(TokenId id) const { return m_tokenizer.tokenBytes(id); }
    [[nodiscard]] bool ends(TokenId id) const { return m_ends[static_cast<std::size_t>(id)]; }
    [[nodiscard]] std::size_t size() const { return m_ends.size(); }

private:
    const Tokenizer& m_tokenizer;
    std::vector<Entry> m_entries;
    std::vector<bool> m_ends;
};

class TokenConstraint {
public:
    TokenConstraint(Grammar grammar, std::shared_ptr<const TokenIndex> index);

    [[nodiscard]] bool allows(TokenId token);
    /// The token was chosen; allows(token) holds. End tokens change nothing.
    void accept(TokenId token);
    /// Everything that is not allowed becomes minus infinity. logits [<= index.size()].
    void mask(std::span<float> logits);
    /// What was written is whole, and nothing may follow.
    [[nodiscard]] bool mustEnd() const { return m_matcher.mustEnd(m_state); }
    [[nodiscard]] bool mayEnd() const { return m_matcher.mayEnd(m_state); }
    /// The grammar is too ambiguous to be followed; what was allowed is not all that it means.
    [[nodiscard]] bool overflowed() const { return m_matcher.overflowed(); }

private:
    static constexpr std::size_t kMostMasks = 64; ///< 20 kB each for 150,000 tokens

    [[nodiscard]] const std::vector<bool>& allowed();

    std::shared_ptr<const TokenIndex> m_index;
    GrammarMatcher m_matcher;
    GrammarMatcher::State m_state;
    std::unordered_map<GrammarMatcher::State, std::vector<bool>> m_masks;
};

} // namespace hearth::core
