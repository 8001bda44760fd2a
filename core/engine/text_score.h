// SPDX-License-Identifier: Apache-2.0
//
// TextScore: how well a model predicts a text, in the field's way: the text's tokens in windows of n (512), each computed from
// an empty context with BOS in the place of its first token where the vocabulary adds one; the second half of every window is
// scored. Perplexity is exp(mean of -ln p(next token)). KlScore: how far one model's predictions are from another's at the same
// places, sum over the vocabulary of p ln(p / q) with p the base's.
// Source: Jelinek 1977 (perplexity); Kullback and Leibler 1951; windows and scored halves as llama.cpp's perplexity tool has them.
// Thread: any (plain values).
#pragma once

#include "core/tokenizer/vocabulary.h"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace hearth::core {

/// Mean and its standard error, summed in double.
class Mean {
public:
    void add(double value);
    [[nodiscard]] std::size_t count() const { return m_count; }
    [[nodiscard]] double value() const;
    [[nodiscard]] double error() const; ///< 0 with fewer than two values
    [[nodiscard]] double largest() const { return m_largest; }

private:
    std::size_t m_count = 0;
    double m_sum = 0.0;
    double m_squares = 0.0;
    double m_largest = 0.0;
};

/// Whole windows of `ids`, each with `bos` (when given) in its first place. Empty when there is not one.
[[nodiscard]] std::vector<std::vector<TokenId>> scoreWindows(std::span<const TokenId> ids, std::size_t window,
                                                             std::optional<TokenId> bos);

/// Adds -ln p of every scored token of a window. logits [window, vocabulary].
void scoreWindow(Mean& score, std::span<const float> logits, std::span<const TokenId> window);

struct KlScore {
    Mean divergence;      ///< nats per scored token
    std::size_t sameBest = 0; ///< places where both models would take the same token
};

/// Adds every scored place of a window. Both logits [window, vocabulary].
void compareWindow(KlScore& score, std::span<const float> base, std::span<const float> logits, std::size_t window);

} // namespace hearth::core
