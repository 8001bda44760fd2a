// SPDX-License-Identifier: Apache-2.0
//
// UnigramTokenizer: SentencePiece's unigram model (T5 and its kin). The text is normalised, then cut into the tokens whose
// scores, which are logarithms of probabilities, have the largest sum; what no token covers is the unknown token, at a
// penalty. One pass over the text (Viterbi). Not every text comes back: normalising loses, and so does the unknown token.
// Source: Kudo 2018, arXiv:1804.10959. Thread: any; const after creation.
#pragma once

#include "core/tokenizer/character_map.h"
#include "core/tokenizer/tokenizer_base.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

class UnigramTokenizer final : public TokenizerBase {
public:
    /// MalformedFile when scores or the unknown token are missing, or the character map is wrong.
    [[nodiscard]] static Result<std::unique_ptr<Tokenizer>> create(Vocabulary vocabulary);

    [[nodiscard]] std::string decode(std::span<const TokenId> ids) const override;

protected:
    void encodeText(std::string_view text, Preceding preceding, std::vector<TokenId>& ids) const override;

private:
    /// A trie of tokens: edges in an open hash table, since most nodes have one child.
    class Trie {
    public:
        static constexpr std::int32_t kRoot = 0;
        static constexpr std::int32_t kNowhere = -1;

        void insert(std::string_view key, TokenId token);
        [[nodiscard]] std::int32_t child(std::int32_t node, unsigned char letter) const;
        [[nodiscard]] TokenId token(std::int32_t node) const { return m_tokens[static_cast<std::size_t>(node)]; } ///< or -1

    private:
        struct Edge {
            std::uint64_t key = 0; ///< node << 8 | letter, plus one; 0 = free
            std::int32_t child = kNowhere;
        };
        void grow();
        [[nodiscard]] std::size_t slotOf(std::uint64_t key) const;

        std::vector<TokenId> m_tokens{-1};
        std::vector<Edge> m_edges = std::vector<Edge>(1024); ///< a power of two, at most half full
        std::size_t m_used = 0;
    };

    UnigramTokenizer(Vocabulary vocabulary, CharacterMap characters);

    [[nodiscard]] std::string normalised(std::string_view text) const;

    CharacterMap m_characters;
    Trie m_trie;
    double m_unknownScore = 0.0;
};

} // namespace hearth::core
