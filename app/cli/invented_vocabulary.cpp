// SPDX-License-Identifier: Apache-2.0
#include "app/cli/invented_vocabulary.h"

#include "core/base/utf8.h"
#include "core/tokenizer/byte_alphabet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace hearth::app::cli {

namespace {

constexpr std::string_view kSpace = "\u0120"; // a space in the printable alphabet
constexpr std::string_view kConsonants = "bcdfghjklmnpqrstvwyz";
constexpr std::string_view kVowels = "aeiou";
constexpr std::size_t kSyllables = kConsonants.size() * kVowels.size();
/// Words that text is merged to; the others come out of the model only.
constexpr std::size_t kMergedWords = 2000;

std::string syllable(std::size_t index) {
    return {kConsonants[index / kVowels.size()], kVowels[index % kVowels.size()]};
}

/// "baba", "babe" ..., then words of three syllables.
std::string word(std::size_t index) {
    if (index < kSyllables * kSyllables) return syllable(index / kSyllables) + syllable(index % kSyllables);
    const std::size_t rest = index - kSyllables * kSyllables;
    return syllable(rest / (kSyllables * kSyllables)) + word(rest % (kSyllables * kSyllables));
}

class Inventor {
public:
    explicit Inventor(const ModelShape& shape)
        : m_shape(shape) {}

    core::Vocabulary invent() {
        const bool llama = m_shape.family == ModelFamily::Llama;
        m_vocabulary.model = "gpt2";
        m_vocabulary.pre = llama ? "llama-bpe" : "qwen2";
        m_vocabulary.addBos = llama;
        const std::vector<std::string> controls =
            llama ? std::vector<std::string>{"<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}
                  : std::vector<std::string>{"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
        const std::size_t normal = static_cast<std::size_t>(m_shape.vocabulary) - controls.size();

        for (char32_t symbol = 0; m_vocabulary.tokens.size() < 256; ++symbol) {
            std::string printable;
            core::utf8::append(printable, symbol);
            if (core::bytesOfPrintable(printable)) m_vocabulary.tokens.push_back(std::move(printable));
        }
        for (std::size_t i = 0; i < kSyllables; ++i) merge(syllable(i).substr(0, 1), syllable(i).substr(1));
        for (std::size_t i = 0; i < kSyllables; ++i) merge(std::string(kSpace), syllable(i));
        assert(m_vocabulary.tokens.size() <= normal);
        for (std::size_t i = 0; m_vocabulary.tokens.size() < normal; ++i) addWord(word(i / 2), i % 2 == 0 ? kSpace : std::string_view(), i < kMergedWords);

        m_vocabulary.types.assign(m_vocabulary.tokens.size(), core::TokenType::Normal);
        m_vocabulary.tokens.insert(m_vocabulary.tokens.end(), controls.begin(), controls.end());
        m_vocabulary.types.resize(m_vocabulary.tokens.size(), core::TokenType::Control);
        m_vocabulary.bos = idOf(controls.front());
        m_vocabulary.eos = idOf(controls.back());
        return std::move(m_vocabulary);
    }

private:
    void merge(const std::string& left, const std::string& right) {
        m_vocabulary.merges.push_back(fmt::format("{} {}", left, right));
        m_vocabulary.tokens.push_back(left + right);
    }

    void addWord(const std::string& text, std::string_view before, bool merged) {
        if (merged) {
            merge(std::string(before) + text.substr(0, 2), text.substr(2));
        } else {
            m_vocabulary.tokens.push_back(std::string(before) + text);
        }
    }

    [[nodiscard]] core::TokenId idOf(const std::string& token) const {
        return static_cast<core::TokenId>(std::ranges::find(m_vocabulary.tokens, token) - m_vocabulary.tokens.begin());
    }

    const ModelShape& m_shape;
    core::Vocabulary m_vocabulary;
};

} // namespace

core::Vocabulary inventVocabulary(const ModelShape& shape) {
    return Inventor(shape).invent();
}

} // namespace hearth::app::cli
