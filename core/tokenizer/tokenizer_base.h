// SPDX-License-Identifier: Apache-2.0
//
// TokenizerBase: what all tokenizers share: special tokens around and inside the text, the bytes of each token, and
// which tokens end a generation. A tokenizer adds encodeText.
// Thread: any; const after creation.
#pragma once

#include "core/tokenizer/special_token_splitter.h"
#include "core/tokenizer/tokenizer.h"

#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

/// Where a text fragment stands; SentencePiece puts its space prefix after the beginning and after special tokens.
enum class Preceding : bool { Text, Special };

class TokenizerBase : public Tokenizer {
public:
    [[nodiscard]] std::vector<TokenId> encode(std::string_view text, AddSpecial addSpecial,
                                              SpecialTokens special) const final;
    [[nodiscard]] std::string_view tokenBytes(TokenId id) const final;
    [[nodiscard]] std::string decode(std::span<const TokenId> ids) const override;
    [[nodiscard]] const Vocabulary& vocabulary() const final { return m_vocabulary; }
    [[nodiscard]] bool endsGeneration(TokenId id) const final;
    [[nodiscard]] bool beginsTurn(TokenId id) const final;
    [[nodiscard]] std::string_view notice() const final { return m_notice; }

protected:
    explicit TokenizerBase(Vocabulary vocabulary);
    TokenizerBase(const TokenizerBase&) = delete; // m_splitter looks into m_vocabulary
    TokenizerBase& operator=(const TokenizerBase&) = delete;

    /// Appends the ids of text that holds no special tokens; not empty.
    virtual void encodeText(std::string_view text, Preceding preceding, std::vector<TokenId>& ids) const = 0;

    [[nodiscard]] TokenType typeOf(std::size_t id) const { return m_vocabulary.types[id]; }

    Vocabulary m_vocabulary;
    std::vector<std::string> m_bytes; ///< what each token adds to the text; filled by the tokenizer
    std::string m_notice;

private:
    SpecialTokenSplitter m_splitter;
    std::vector<bool> m_ends;
    std::vector<bool> m_begins; ///< a turn
};

} // namespace hearth::core
