// SPDX-License-Identifier: Apache-2.0
//
// ModelWeights: views of every weight, by what it does. A view with data == nullptr is a weight that this model lacks
// (biases, Q and K norms, the dense or the expert part of the feed-forward).
// Matrices are [rows = outputs, cols = inputs]; vectors [1, dim] f32; experts [experts, rows, cols].
#pragma once

#include "kernels/tensor.h"

#include <vector>

namespace hearth::core {

struct LayerWeights {
    kernels::TensorView attentionNorm;
    kernels::TensorView q, k, v;
    kernels::TensorView qBias, kBias, vBias;
    kernels::TensorView qNorm, kNorm; ///< [1, headDim]
    kernels::TensorView attentionOutput, attentionOutputBias;

    kernels::TensorView ffnNorm;
    kernels::TensorView gate, up, down;
    kernels::TensorView gateBias, upBias, downBias;
    kernels::TensorView router; ///< [experts, embedding]
    kernels::TensorView expertGate, expertUp, expertDown;
};

struct ModelWeights {
    kernels::TensorView tokenEmbedding; ///< [vocabulary, embedding]
    std::vector<LayerWeights> layers;
    kernels::TensorView outputNorm;
    kernels::TensorView output;              ///< the token embedding when tied
    std::vector<float> ropeFrequencyFactors; ///< host memory, [rope.dims / 2]; empty = none
};

} // namespace hearth::core
