// SPDX-License-Identifier: Apache-2.0
//
// What generated models are made of: a vocabulary of a few hundred tokens that encodes any text, and seeded noise that is the
// same on every machine with IEEE arithmetic and the same math library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hearth::test {

class GgufWriter;

enum class TinyTokenKind : std::int32_t { Normal = 1, Unknown = 2, Control = 3, Byte = 6 };

/// SentencePiece-shaped ("llama"): <unk>, <s>, </s>, 256 byte tokens, letters and common words.
struct TinyVocabulary {
    std::vector<std::string> tokens;
    std::vector<float> scores;
    std::vector<std::int32_t> kinds;

    /// tokenizer.ggml.*
    void addKeys(GgufWriter& writer) const;
};

[[nodiscard]] TinyVocabulary makeTinyVocabulary();

/// splitmix64 and Box-Muller: the same numbers whatever the standard library's distributions do.
class SeededGaussian {
public:
    explicit SeededGaussian(std::uint64_t seed)
        : m_state(seed) {}

    float next();
    std::uint64_t bits();

private:
    double uniform();

    std::uint64_t m_state;
};

} // namespace hearth::test
