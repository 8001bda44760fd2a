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
// vocabulary  logits beyond the first so many are padding: never chosen
#pragma once

#include "kernels/backend.h"
#include "kernels/ops/shapes.h"

namespace hearth::kernels {

/// One spike: the largest logit is chosen.
[[nodiscard]] inline bool isGreedy(const SampleParams& params) {
    return params.temperature < kGreedyTemperature;
}

/// What of it does not depend on where the logits are.
[[nodiscard]] inline bool sampleRequestFits(const SampleRequest& request) {
    const SampleParams& params = request.params;
    return request.vocabulary > 0 && params.penalties == static_cast<std::int64_t>(request.penalties.size()) &&
           (isGreedy(params) || (params.temperature >= kGreedyTemperature && params.topK > 0 && params.topK <= kSampleMostK));
}

[[nodiscard]] inline bool sampleFits(const TensorView& token, const TensorView& logits, const SampleRequest& request) {
    return sampleRequestFits(request) && isMatrix(token, DType::I32) && token.elements() == 1 && isF32Matrix(logits) &&
           logits.rows() == 1 && request.vocabulary <= logits.cols();
}

} // namespace hearth::kernels
