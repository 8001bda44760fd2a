// SPDX-License-Identifier: Apache-2.0
//
// BpeTokenizer: byte-level byte-pair encoding (GPT-2, Llama 3, Qwen, ...).
// Text is cut into words (PreTokenizer); inside a word every byte is a symbol, and the adjacent pair with the best
// merge is joined, leftmost first, until no merge applies. Merging goes through a priority queue over a linked list, so
// a word of n bytes takes n log n steps, however long. Source: Sennrich et al. 2016, arXiv:1508.07909; byte level:
// Radford et al. 2019 (GPT-2). Thread: any; const after creation.
#pragma once

#include "core/tokenizer/pre_tokenizer.h"
#include "core/tokenizer/tokenizer_base.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hearth::core {

class BpeTokenizer final : public TokenizerBase {
public:
    [[nodiscard]] static Result<std::unique_ptr<Tokenizer>> create(Vocabulary vocabulary);

protected:
    void encodeText(std::string_view text, Preceding preceding, std::vector<TokenId>& ids) const override;

private:
    /// A token id; or, from tokens.size() on, something that only merges know.
    using Symbol = std::int32_t;
    using Rank = std::int32_t;
    static constexpr Rank kNoRank = -1;

    struct Merge {
        Symbol left, right, joined;
    };
    struct Scratch;
    class SymbolTable;

    BpeTokenizer(Vocabulary vocabulary, PreTokenizer preTokenizer, bool ignoreMerges);

    void fillBytes();
    [[nodiscard]] Result<void> buildMerges();
    void insertRank(Rank rank);
    [[nodiscard]] Rank rankOf(Symbol left, Symbol right) const;
    void encodeWord(std::string_view word, Scratch& scratch, std::vector<TokenId>& ids) const;
    void mergeWord(std::string_view word, Scratch& scratch) const;
    void appendBytes(std::string_view bytes, std::vector<TokenId>& ids) const;

    PreTokenizer m_preTokenizer;
    bool m_ignoreMerges = false;
    std::unordered_map<std::string_view, TokenId> m_wholeWords; ///< empty unless m_ignoreMerges; views into m_bytes
    std::array<Symbol, 256> m_symbolOfByte{};
    std::vector<Merge> m_merges;   ///< by rank, best first
    std::vector<Rank> m_rankSlots; ///< open addressing over (left, right); size is a power of two
};

} // namespace hearth::core
