// SPDX-License-Identifier: Apache-2.0
//
// qwen2: Qwen2 and Qwen2.5. Rotary pairs are half a head apart; Q, K and V have biases.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::qwen2 {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::HalfSplit;
        readExperts(keys, config);
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    TensorList list(config, weights);
    list.addEmbeddingAndOutput();
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        list.addAttention(layer);
        list.addQkvBiases(layer, TensorNeed::Required);
        list.addFeedForward(layer);
    }
    return list.take();
}

} // namespace hearth::core::qwen2
