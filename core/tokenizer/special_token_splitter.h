// SPDX-License-Identifier: Apache-2.0
//
// SpecialTokenSplitter: finds special tokens in text, before any tokenizer sees the text between them.
// User-defined tokens are always found; control and unknown tokens only under SpecialTokens::Parse. The longest
// spelling claims its places first, over the whole text, then the next shorter takes from what is left, as llama.cpp
// does. Thread: any; const after creation.
#pragma once

#include "core/tokenizer/tokenizer.h"

#include <array>
#include <span>
#include <string_view>
#include <vector>

namespace hearth::core {

struct TextFragment {
    static constexpr TokenId kText = -1;

    std::string_view text; ///< a part of the text that was split; empty for a token
    TokenId token = kText;
};

class SpecialTokenSplitter {
public:
    /// `vocabulary` must outlive the splitter.
    explicit SpecialTokenSplitter(const Vocabulary& vocabulary);

    /// The text in order: fragments without special tokens, and special tokens. No fragment is empty.
    [[nodiscard]] std::vector<TextFragment> split(std::string_view text, SpecialTokens special) const;

private:
    struct Special {
        std::string_view spelling;
        TokenId token = 0;
        bool control = false; ///< only under SpecialTokens::Parse
        bool stripSpaceAfter = false;
    };

    [[nodiscard]] std::vector<std::size_t> occurring(std::string_view text, SpecialTokens special) const;

    std::vector<Special> m_specials;                                      ///< sorted by spelling
    std::array<std::pair<std::size_t, std::size_t>, 256> m_byFirstByte{}; ///< range of m_specials
};

} // namespace hearth::core
