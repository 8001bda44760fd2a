// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/tokenizer.h"

#include "core/tokenizer/bpe_tokenizer.h"
#include "core/tokenizer/spm_tokenizer.h"
#include "core/tokenizer/unigram_tokenizer.h"
#include "core/tokenizer/wordpiece_tokenizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hearth::core {

Result<std::unique_ptr<Tokenizer>> Tokenizer::create(Vocabulary vocabulary) {
    if (vocabulary.model == "gpt2") return BpeTokenizer::create(std::move(vocabulary));
    if (vocabulary.model == "t5") return UnigramTokenizer::create(std::move(vocabulary));
    if (vocabulary.model == "bert") return WordPieceTokenizer::create(std::move(vocabulary));
    if (vocabulary.model == "llama") return SpmTokenizer::create(std::move(vocabulary));
    return fail(ErrorCode::UnsupportedTokenizer,
                fmt::format("tokenizer.ggml.model is '{}'; supported are {}", vocabulary.model,
                            fmt::join(supportedTokenizerModels(), ", ")));
}

} // namespace hearth::core
