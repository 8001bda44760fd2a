// SPDX-License-Identifier: Apache-2.0
//
// Sampling: from one row of logits to one token, where the logits are. The chain of core/engine/sampler.h, without the links that need the
// host (DRY, typical, XTC), and only with a top-k of 1 ... kSampleMostK unless the choice is greedy (core::Sampler::fitsDevice):
//
//   1. penalties: logit = logit / (logit > 0 ? divisorAbove : divisorBelow) - penalty, for each token of the list
//   2. temperature < kGreedyTemperature: the largest logit; else
//   3. the topK best; of them the shortest head whose share of the softmax is topP; of it those whose logit is not below
//      best + logMinP; one of those by its share of the softmax at `temperature`, as `draw` says.
//
// Order: larger logit first, lower id on a tie (0 and -0 tie); logits that are not finite are never chosen. Every implementation chooses
// the same token as core::Sampler, bit for bit (tests/kernels/sample_test.cpp): what decides is computed in whole numbers (sample_chain.h).
//
// token   [1, 1]           I32; -1 when no logit is finite
// logits  [1, vocabulary]  f32; may be overwritten
// list    tokens distinct; those outside the vocabulary are passed over
#pragma once

#include "kernels/ops/sample_params.h"
#include "kernels/ops/shapes.h"

#include <span>

namespace hearth::kernels {

[[nodiscard]] inline bool sampleFits(const TensorView& token, const TensorView& logits, std::span<const TokenPenalty> list,
                                     const SampleParams& params) {
    return isMatrix(token, DType::I32) && token.elements() == 1 && isF32Matrix(logits) && logits.rows() == 1 &&
           params.penalties == static_cast<std::int64_t>(list.size()) &&
           (params.temperature < kGreedyTemperature || (params.topK > 0 && params.topK <= kSampleMostK));
}

} // namespace hearth::kernels
