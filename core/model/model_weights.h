// SPDX-License-Identifier: Apache-2.0
//
// ModelWeights: views of every weight, by what it does. A view with data == nullptr is a weight that this model lacks
// (biases, norms, the dense or the expert part of the feed-forward).
// Matrices are [rows = outputs, cols = inputs]; vectors [1, dim] f32; experts [experts, rows, cols].
#pragma once

#include "kernels/tensor.h"

#include <vector>

namespace hearth::core {

struct NormWeights {
    kernels::TensorView weight;
    kernels::TensorView bias;
};

/// Multi-head latent attention (LatentAttention in model_config.h).
struct LatentWeights {
    kernels::TensorView queryDown; ///< [queryRank, embedding]; then its norm, then LayerWeights::q [heads * keyDim, queryRank]
    NormWeights queryNorm;
    kernels::TensorView down; ///< [rank + rope.dims, embedding]
    NormWeights norm;         ///< of the first `rank` elements
    kernels::TensorView up;   ///< [heads * (nopeDim + valueDim), rank]; or, absorbed:
    kernels::TensorView keyUp;   ///< [heads, rank, nopeDim]: queries to the latent space
    kernels::TensorView valueUp; ///< [heads, valueDim, rank]: from it to values
};

struct LayerWeights {
    NormWeights attentionNorm;
    NormWeights attentionOwnNorm; ///< read by the attention instead of attentionNorm, which the feed-forward reads (falcon 40B)
    NormWeights attentionPostNorm;
    kernels::TensorView q, k, v;
    kernels::TensorView qBias, kBias, vBias;
    kernels::TensorView qNorm, kNorm; ///< [1, headDim] or all heads'
    kernels::TensorView sinks;        ///< [1, heads]
    kernels::TensorView attentionOutput, attentionOutputBias;
    LatentWeights latent;

    NormWeights ffnNorm;
    NormWeights ffnPostNorm;
    kernels::TensorView gate, up, down;
    kernels::TensorView gateBias, upBias, downBias;
    kernels::TensorView router; ///< [experts, embedding]
    kernels::TensorView routerBias;
    kernels::TensorView expertGate, expertUp, expertDown;
    kernels::TensorView expertGateBias, expertUpBias, expertDownBias; ///< [experts, rows] f32
    kernels::TensorView sharedGate, sharedUp, sharedDown;
    kernels::TensorView sharedRouter; ///< [1, embedding]: its product with h weights the shared expert
};

struct ModelWeights {
    kernels::TensorView tokenEmbedding;    ///< [vocabulary, embedding]
    kernels::TensorView positionEmbedding; ///< [trainedContext, embedding]
    std::vector<LayerWeights> layers;
    NormWeights outputNorm;
    kernels::TensorView output; ///< the token embedding when tied
    kernels::TensorView outputBias;
    // Host memory, [rope.dims / 2] divisors of the rotary frequencies; empty = none.
    std::vector<float> ropeFrequencyFactors;
    std::vector<float> ropeLongFactors;  ///< for contexts over ModelConfig::originalContext (long-rope)
    std::vector<float> ropeShortFactors; ///< for shorter ones
};

} // namespace hearth::core
