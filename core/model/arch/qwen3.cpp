// SPDX-License-Identifier: Apache-2.0
//
// qwen3: Rotary pairs are half a head apart; each head of Q and K passes an RMS norm before the rotation; no biases;
// head_dim comes from attention.key_length and is not embedding / heads.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::qwen3 {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::HalfSplit;
        config.queryKeyNorm = QueryKeyNorm::PerHead;
        readExperts(keys, config);
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    TensorList list(config, weights);
    list.addEmbeddingAndOutput();
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        list.addAttention(layer);
        list.addQueryKeyNorms(layer);
        list.addFeedForward(layer);
    }
    return list.take();
}

} // namespace hearth::core::qwen3
