// SPDX-License-Identifier: Apache-2.0
//
// Any text into the tokenizers of tests/data/tokenizers: ids are in range, bytes come back, streamed text is UTF-8.
#include "core/base/utf8.h"
#include "core/gguf/gguf_file.h"
#include "core/tokenizer/pre_tokenizer.h"
#include "core/tokenizer/text_stream_decoder.h"
#include "core/tokenizer/tokenizer.h"
#include "tests/fuzz/fuzz_target.h"

#include <algorithm>
#include <array>
#include <string>

using namespace hearth::core;
using hearth::test::require;

namespace {

constexpr std::array<const char*, 5> kVocabularies{"toy-bpe-llama3", "toy-bpe-qwen2", "toy-spm", "toy-spm-no-prefix",
                                                   "toy-spm-strip"};
constexpr std::array<const char*, 8> kPres{"deepseek-llm", "deepseek-v3", "default", "falcon",
                                           "gpt-4o",       "qwen35",      "smollm",  "tekken"};

std::unique_ptr<Tokenizer> load(const char* name) {
    const auto file = GgufFile::open(std::string(HEARTH_TEST_DATA "/tokenizers/") + name + ".vocab.gguf");
    require(file.has_value(), "the vocabulary opens");
    auto vocabulary = readVocabulary(file->metadata());
    require(vocabulary.has_value(), "the vocabulary is read");
    auto tokenizer = Tokenizer::create(std::move(*vocabulary));
    require(tokenizer.has_value(), "the tokenizer is made");
    return std::move(*tokenizer);
}

const Tokenizer& tokenizer(std::size_t index) {
    static const std::array<std::unique_ptr<Tokenizer>, kVocabularies.size()> kAll = [] {
        std::array<std::unique_ptr<Tokenizer>, kVocabularies.size()> all;
        for (std::size_t i = 0; i < all.size(); ++i)
            all[i] = load(kVocabularies[i]);
        return all;
    }();
    return *kAll[index];
}

const PreTokenizer& preTokenizer(std::size_t index) {
    static const std::vector<PreTokenizer> kAll = [] {
        std::vector<PreTokenizer> all;
        for (const char* pre : kPres) {
            auto made = PreTokenizer::create(preTokenizerRecipe(pre));
            require(made.has_value(), "the pre-tokenizer is made");
            all.push_back(std::move(*made));
        }
        return all;
    }();
    return kAll[index];
}

void checkStreaming(const Tokenizer& used, const std::vector<TokenId>& ids) {
    TextStreamDecoder decoder;
    std::string text;
    for (const TokenId id : ids) {
        const std::string piece = decoder.feed(used.tokenBytes(id));
        require(utf8::isValid(piece), "streamed text is UTF-8");
        text += piece;
    }
    text += decoder.finish();
    require(utf8::isValid(text), "the end of streamed text is UTF-8");
}

/// SentencePiece reads U+2581 as a space, and puts spaces around user-defined tokens.
bool losesSpaces(const Tokenizer& used, std::string_view text, const std::vector<TokenId>& ids) {
    if (used.vocabulary().model != "llama") return false;
    if (text.find("\xE2\x96\x81") != std::string_view::npos) return true;
    const auto& types = used.vocabulary().types;
    return std::ranges::any_of(
        ids, [&](TokenId id) { return types[static_cast<std::size_t>(id)] == TokenType::UserDefined; });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Tokenizer& used = tokenizer(data[0] % kVocabularies.size());
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);

    const std::vector<TokenId> plain = used.encode(text, AddSpecial::No, SpecialTokens::AsText);
    if (!losesSpaces(used, text, plain)) require(used.decode(plain) == text, "text comes back from its ids");
    const std::vector<TokenId> parsed = used.encode(text, AddSpecial::AsModelSays, SpecialTokens::Parse);
    for (const auto* ids : {&plain, &parsed}) {
        for (const TokenId id : *ids)
            require(id >= 0 && static_cast<std::size_t>(id) < used.size(), "ids are of the vocabulary");
        checkStreaming(used, *ids);
    }

    std::string joined;
    for (const std::string_view word : preTokenizer(data[0] / kVocabularies.size() % kPres.size()).split(text))
        joined += word;
    require(joined == text, "words make up the text");
    return 0;
}
