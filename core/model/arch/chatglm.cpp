// SPDX-License-Identifier: Apache-2.0
//
// chatglm: ChatGLM 3 and GLM-4 of 2024. Q, K and V lie in one tensor with biases, gate and up in another; part of each head turns,
// in interleaved pairs.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::chatglm {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader&, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::Interleaved;
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

} // namespace hearth::core::chatglm
