// SPDX-License-Identifier: Apache-2.0
//
// PromptLookup guesses the next tokens of a reply from the conversation itself: where its last few tokens stood before, what followed
// then is guessed to follow again. Quotations, code that is changed a little, lists and names come out right this way. A guess costs
// nothing but its place in the next forward pass; the engine keeps what the sampler chooses too and drops the rest.
// Source: Saxena 2023, "Prompt lookup decoding" (github.com/apoorvumang/prompt-lookup-decoding).
// Thread: engine only.
#pragma once

#include "core/tokenizer/vocabulary.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace hearth::core {

class PromptLookup {
public:
    /// `most`: tokens of a guess; 0 = never guess.
    explicit PromptLookup(std::size_t most)
        : m_most(most) {}

    /// The prompt, then each token of the reply.
    void append(std::span<const TokenId> tokens);

    /// What may follow, at most min(most, room) tokens; empty when the end of the text stood nowhere before, and for a while after
    /// wrong guesses: twice as long each time, so that text without repetitions is hardly slower than without guesses.
    [[nodiscard]] std::span<const TokenId> guess(std::size_t room);

    /// How many tokens of the last guess came true.
    void judge(std::size_t guessed, std::size_t right);

private:
    /// Tokens that must agree. Two are too easily found by chance.
    static constexpr std::size_t kAgreeing = 3;
    static constexpr std::uint32_t kLongestPause = 32;

    [[nodiscard]] static std::uint64_t keyOf(std::span<const TokenId> tokens);

    std::size_t m_most;
    std::vector<TokenId> m_text;
    std::unordered_map<std::uint64_t, std::uint32_t> m_after; ///< hash of kAgreeing tokens -> index of what followed them last
    std::uint32_t m_pause = 0;     ///< tokens to let pass without a guess
    std::uint32_t m_nextPause = 1; ///< after the next wrong guess
};

} // namespace hearth::core
