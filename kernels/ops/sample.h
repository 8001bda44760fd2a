// SPDX-License-Identifier: Apache-2.0
//
// Sampling: from one row of logits to one token, where the logits are. The chain of core/engine/sampler.h, without the links that need the
// host (DRY, typical, XTC), and only with a top-k of 1 ... kSampleMostK unless the choice is greedy:
//
//   1. penalties: logit = logit / (logit > 0 ? divisorAbove : divisorBelow) - penalty, for each token of the list
//   2. temperature < kGreedyTemperature: the largest logit; else
//   3. the topK best; of them the shortest head whose share of the softmax is topP; of it those whose logit is not below
//      best + logMinP; one of those by its share of the softmax at `temperature`, as `draw` says.
//
// Order: larger logit first, lower id on a tie (0 and -0 tie); logits that are not finite are never chosen. Every implementation chooses
// the same token as core::Sampler, bit for bit: what decides is computed in whole numbers (sample_chain.h).
//
// token   [1, 1]           I32; -1 when no logit is finite
// logits  [1, vocabulary]  f32; may be overwritten
// list    tokens distinct; those outside the vocabulary are passed over
#pragma once

#include <cstdint>

namespace hearth::kernels {

/// Below this the division by the temperature overflows; the distribution is a single spike anyway.
constexpr float kGreedyTemperature = 1e-4f;
constexpr std::int32_t kSampleMostK = 1024;
constexpr std::uint64_t kSampleWhole = std::uint64_t{1} << 32; ///< topP = 1: off

/// What is taken off a token's logit.
struct TokenPenalty {
    std::int32_t token;
    float penalty;
};

/// What changes from token to token; a recorded step reads it from device memory.
struct SampleParams {
    float temperature = 0.0f;
    std::int32_t topK = 0;
    std::uint64_t topP = kSampleWhole; ///< in 2^-32
    float logMinP = 0.0f;              ///< log of min-p, or minus infinity: off
    float divisorAbove = 1.0f;         ///< the repetition penalty of positive logits ...
    float divisorBelow = 1.0f;         ///< ... and its inverse, of the others
    std::int32_t penalties = 0;        ///< length of the list
    std::uint64_t draw = 0;            ///< uniform in [0, 2^53)
};

} // namespace hearth::kernels
