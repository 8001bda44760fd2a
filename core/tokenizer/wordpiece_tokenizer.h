// SPDX-License-Identifier: Apache-2.0
//
// WordPieceTokenizer: BERT's. The text is normalised (control characters dropped; lower case and no accents where the file
// says so), cut at white space and around every punctuation mark and Chinese character; each word is covered by the longest
// token that fits, again and again, or is the unknown token as a whole. In GGUF a token that begins a word begins with U+2581,
// and the others have lost the ## of the original vocabulary. Texts do not come back as they were.
// Source: Devlin 2018, arXiv:1810.04805; Wu 2016, arXiv:1609.08144. Thread: any; const after creation.
#pragma once

#include "core/tokenizer/tokenizer_base.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hearth::core {

class WordPieceTokenizer final : public TokenizerBase {
public:
    /// MissingKey when the file has no unknown token.
    [[nodiscard]] static Result<std::unique_ptr<Tokenizer>> create(Vocabulary vocabulary);

    [[nodiscard]] std::string decode(std::span<const TokenId> ids) const override;

protected:
    void encodeText(std::string_view text, Preceding preceding, std::vector<TokenId>& ids) const override;

private:
    explicit WordPieceTokenizer(Vocabulary vocabulary);

    [[nodiscard]] std::vector<std::string> wordsOf(std::string_view text) const;
    void encodeWord(std::string_view word, std::vector<TokenId>& ids) const;

    std::unordered_map<std::string_view, TokenId> m_pieces; ///< views into m_vocabulary.tokens
    std::size_t m_longestPiece = 0;                         ///< bytes
};

} // namespace hearth::core
