// SPDX-License-Identifier: Apache-2.0
//
// glm4: GLM-4 of 2025 (0414). Norms before and after attention and feed-forward; gate and up lie in one tensor; part of each head
// turns, in interleaved pairs.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::glm4 {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader&, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::Interleaved;
        config.postNorms = true;
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    TensorList list(config, weights);
    list.addEmbeddingAndOutput();
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        list.addAttention(layer);
        list.addQkvBiases(layer, TensorNeed::Optional);
        list.addFusedFeedForward(layer);
    }
    return list.take();
}

} // namespace hearth::core::glm4
