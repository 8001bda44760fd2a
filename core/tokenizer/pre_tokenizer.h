// SPDX-License-Identifier: Apache-2.0
//
// PreTokenizer: cuts text into words with the regular expressions of a PreTokenizerRecipe, through PCRE2 and its JIT.
// Every byte of the text is in exactly one word, in order. Malformed UTF-8 never reaches PCRE2: a run of malformed
// bytes is a word of its own. When PCRE2 gives up (its limits), the rest of the piece is cut into words of fixed
// length. Thread: any; const after creation (what a match needs is made per call of split).
#pragma once

#include "core/base/error.h"
#include "core/tokenizer/pre_tokenizer_patterns.h"

#include <memory>
#include <string_view>
#include <vector>

struct pcre2_real_code_8;

namespace hearth::core {

class PreTokenizer {
public:
    [[nodiscard]] static Result<PreTokenizer> create(const PreTokenizerRecipe& recipe);

    PreTokenizer(PreTokenizer&&) noexcept;
    PreTokenizer& operator=(PreTokenizer&&) noexcept;
    ~PreTokenizer();

    /// Words of the text, none empty; they point into it.
    [[nodiscard]] std::vector<std::string_view> split(std::string_view text) const;

private:
    struct CodeDeleter {
        void operator()(pcre2_real_code_8* code) const;
    };

    PreTokenizer() = default;

    std::vector<std::unique_ptr<pcre2_real_code_8, CodeDeleter>> m_stages;
};

} // namespace hearth::core
