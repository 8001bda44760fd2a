// SPDX-License-Identifier: Apache-2.0
//
// ModelConfig: every number that the forward pass needs, read once from the file by the architecture
// (core/model/arch/). The decoder looks only at this; it knows no architecture by name. Thread: any (plain values).
#pragma once

#include "kernels/backend.h"

#include <cstdint>
#include <string>

namespace hearth::core {

struct ModelConfig {
    std::string architecture; ///< "llama"
    std::int32_t layers = 0;
    std::int32_t embedding = 0; ///< width of the residual stream
    std::int32_t heads = 0;     ///< query heads
    std::int32_t kvHeads = 0;   ///< divides heads
    std::int32_t headDim = 0;
    std::int32_t feedForward = 0; ///< width of the dense feed-forward; 0 when every layer is a mixture
    std::int32_t vocabulary = 0;  ///< length of the token list
    std::int32_t trainedContext = 0;
    float normEpsilon = 0.0f; ///< RMS norm
    float embeddingScale = 1.0f;
    float attentionScale = 0.0f; ///< 1 / sqrt(headDim)

    kernels::RopeParams rope; ///< frequencyFactors is set by the weight loader

    bool queryKeyNorm = false; ///< RMS norm of each head of Q and K before the rotation (qwen3)

    std::int32_t experts = 0; ///< 0 = dense
    std::int32_t expertsUsed = 0;
    std::int32_t expertFeedForward = 0;
    bool renormaliseExperts = true; ///< the chosen experts' weights are made to sum to 1

    [[nodiscard]] std::int32_t queryWidth() const { return heads * headDim; }
    [[nodiscard]] std::int32_t kvWidth() const { return kvHeads * headDim; }
};

} // namespace hearth::core
