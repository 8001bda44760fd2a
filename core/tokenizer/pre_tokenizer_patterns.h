// SPDX-License-Identifier: Apache-2.0
//
// tokenizer.ggml.pre: how text is cut into words before byte-level BPE merges inside each word.
// A recipe is a list of regular expressions; each cuts the pieces that the one before left, and both what it matches
// and what it does not match become pieces.
// Source: the pre_tokenizer sections of the model makers' tokenizer.json files, in the reading of llama.cpp where the
// two differ (contractions spelled out instead of case folding; letters outside ASCII count as upper and lower case).
// Thread: any.
#pragma once

#include <span>
#include <string_view>

namespace hearth::core {

struct PreTokenizerRecipe {
    std::span<const std::string_view> patterns;
    bool known = false;        ///< false: the patterns are a guess
    bool ignoreMerges = false; ///< a word that is a token is taken whole, whatever the merges would make of it
    bool addBos = false;       ///< when the file has no add_bos_token key
};

/// The recipe of a tokenizer.ggml.pre value; for an unknown one a guess that fits most recent models.
[[nodiscard]] PreTokenizerRecipe preTokenizerRecipe(std::string_view pre);

} // namespace hearth::core
