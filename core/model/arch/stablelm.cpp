// SPDX-License-Identifier: Apache-2.0
//
// stablelm: StableLM 3B, StableLM 2 1.6B and Zephyr. Layer norms with biases, SwiGLU, part of each head turns. StableLM 2 12B, which
// norms each head by weights of its own, is refused by the name of those.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::stablelm {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Layer, [](KeyReader&, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::HalfSplit;
        config.normBiases = true;
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    TensorList list(config, weights);
    list.addEmbeddingAndOutput();
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        list.addAttention(layer);
        list.addQkvBiases(layer, TensorNeed::Optional);
        list.addFeedForward(layer);
    }
    return list.take();
}

} // namespace hearth::core::stablelm
