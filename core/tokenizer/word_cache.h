// SPDX-License-Identifier: Apache-2.0
//
// WordCache: remembers, while one text is encoded, what its words became: prose says most words again and again. The ids are
// found in the output itself. Words are views into the text. Thread: one per call of encode.
#pragma once

#include "core/tokenizer/vocabulary.h"

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace hearth::core {

class WordCache {
public:
    /// Appends to `ids` what an equal word became earlier, or what encode(word) appends.
    template <class Encode>
    void append(std::string_view word, std::vector<TokenId>& ids, const Encode& encode) {
        if (word.size() > kLongestWord) return encode(word);
        const std::size_t first = ids.size();
        if (const auto known = m_words.find(word); known != m_words.end()) {
            const auto [from, count] = known->second;
            for (std::size_t i = 0; i < count; ++i) ids.push_back(ids[from + i]);
            return;
        }
        encode(word);
        if (m_words.size() < kMostWords) m_words.emplace(word, std::pair{first, ids.size() - first});
    }

private:
    static constexpr std::size_t kLongestWord = 64; ///< bytes; longer ones hardly come twice
    static constexpr std::size_t kMostWords = 1u << 16;

    std::unordered_map<std::string_view, std::pair<std::size_t, std::size_t>> m_words; ///< to first and count in the output
};

} // namespace hearth::core
