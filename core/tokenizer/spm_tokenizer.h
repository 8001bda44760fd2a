// SPDX-License-Identifier: Apache-2.0
//
// SpmTokenizer: SentencePiece's BPE with scores (Llama 1 and 2, Mistral, Phi-3, Gemma).
// Spaces become U+2581, one is put in front of the text; every character is a symbol, and the adjacent pair whose
// joined token has the highest score is joined, leftmost first. What is no token becomes byte tokens (<0xE2>). Merging
// goes through a priority queue over a linked list: n log n steps for any text. Source: Kudo and Richardson 2018,
// arXiv:1808.06226, and the SentencePiece model format. Thread: any; const after creation.
#pragma once

#include "core/tokenizer/tokenizer_base.h"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hearth::core {

class SpmTokenizer final : public TokenizerBase {
public:
    [[nodiscard]] static Result<std::unique_ptr<Tokenizer>> create(Vocabulary vocabulary);

    [[nodiscard]] std::string decode(std::span<const TokenId> ids) const override;

protected:
    void encodeText(std::string_view text, Preceding preceding, std::vector<TokenId>& ids) const override;

private:
    static constexpr TokenId kNone = -1;
    struct Scratch;

    explicit SpmTokenizer(Vocabulary vocabulary);

    [[nodiscard]] TokenId find(std::string_view piece) const;
    [[nodiscard]] float scoreOf(TokenId id) const;
    void encodeWords(std::string_view text, std::vector<TokenId>& ids) const;
    void encodeEscaped(std::string_view text, Scratch& scratch, std::vector<TokenId>& ids) const;
    void appendPiece(std::string_view piece, std::vector<TokenId>& ids) const;

    std::unordered_map<std::string_view, TokenId> m_pieces; ///< what text may become; views into m_vocabulary.tokens
    std::array<TokenId, 256> m_tokenOfByte{};
    std::size_t m_longestPiece = 0; ///< bytes
    bool m_wordsStandAlone = true;  ///< no token has a space mark behind anything but space marks
};

} // namespace hearth::core
