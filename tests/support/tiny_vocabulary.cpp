// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tiny_vocabulary.h"

#include "tests/support/gguf_writer.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numbers>
#include <set>
#include <string_view>

namespace hearth::test {

namespace {

constexpr std::array kWords{
    "the",    "and",   "of",     "to",    "in",     "is",    "it",     "you",  "that", "was",   "for",   "are",
    "with",   "his",   "they",   "one",   "have",   "this",  "from",   "had",  "not",  "word",  "but",   "what",
    "some",   "can",   "out",    "other", "were",   "all",   "there",  "when", "your", "how",   "said",  "each",
    "she",    "which", "their",  "time",  "will",   "way",   "about",  "many", "then", "them",  "would", "write",
    "like",   "these", "her",    "long",  "make",   "thing", "see",    "him",  "two",  "has",   "look",  "more",
    "day",    "could", "come",   "did",   "sound",  "most",  "number", "who",  "over", "know",  "water", "than",
    "call",   "first", "people", "may",   "down",   "side",  "been",   "now",  "find", "hello", "warm",  "fire",
    "hearth", "stone", "light",  "house", "winter", "story",
};

} // namespace

TinyVocabulary makeTinyVocabulary() {
    TinyVocabulary vocabulary;
    const auto add = [&](std::string token, TinyTokenKind kind) {
        vocabulary.scores.push_back(kind == TinyTokenKind::Normal ? -static_cast<float>(vocabulary.tokens.size()) : 0.0f);
        vocabulary.kinds.push_back(static_cast<std::int32_t>(kind));
        vocabulary.tokens.push_back(std::move(token));
    };
    add("<unk>", TinyTokenKind::Unknown);
    add("<s>", TinyTokenKind::Control);
    add("</s>", TinyTokenKind::Control);
    for (int byte = 0; byte < 256; ++byte)
        add(fmt::format("<0x{:02X}>", byte), TinyTokenKind::Byte);

    const std::string space = "\xe2\x96\x81"; // U+2581, SentencePiece's space
    std::set<std::string> known;
    const auto addOnce = [&](const std::string& piece) {
        if (known.insert(piece).second) add(piece, TinyTokenKind::Normal);
    };
    addOnce(space);
    for (char letter = '!'; letter <= '~'; ++letter)
        addOnce(std::string(1, letter));
    for (char letter = 'a'; letter <= 'z'; ++letter)
        addOnce(space + letter);
    // Every beginning of a word too: pieces are found by merging neighbours, so a word needs its shorter halves.
    for (std::size_t length = 2; length <= 8; ++length) {
        for (const std::string_view word : kWords) {
            if (word.size() >= length) addOnce(space + std::string(word.substr(0, length)));
        }
    }
    return vocabulary;
}

void TinyVocabulary::addKeys(GgufWriter& writer) const {
    writer.addString("tokenizer.ggml.model", "llama");
    writer.addString("tokenizer.ggml.pre", "default");
    writer.addStrings("tokenizer.ggml.tokens", tokens);
    writer.addFloat32s("tokenizer.ggml.scores", scores);
    writer.addInt32s("tokenizer.ggml.token_type", kinds);
    writer.addUint32("tokenizer.ggml.unknown_token_id", 0);
    writer.addUint32("tokenizer.ggml.bos_token_id", 1);
    writer.addUint32("tokenizer.ggml.eos_token_id", 2);
    writer.addBool("tokenizer.ggml.add_bos_token", true);
    writer.addBool("tokenizer.ggml.add_eos_token", false);
}

std::uint64_t SeededGaussian::bits() {
    m_state += 0x9e3779b97f4a7c15u;
    std::uint64_t z = m_state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

double SeededGaussian::uniform() {
    return static_cast<double>(bits() >> 11) * 0x1.0p-53;
}

float SeededGaussian::next() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return static_cast<float>(radius * std::cos(2.0 * std::numbers::pi * uniform()));
}

} // namespace hearth::test
