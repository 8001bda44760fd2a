// SPDX-License-Identifier: Apache-2.0
//
// qwen2moe: Qwen1.5 and Qwen2 mixtures. qwen2 whose feed-forwards are experts (softmax over all, not renormalised) and one
// shared expert that a sigmoid weighs.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::qwen2moe {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::HalfSplit;
        readExperts(keys, config, TensorNeed::Required);
        config.renormaliseExperts = false;
        config.sharedExpertGate = true;
        config.sharedFeedForward = keys.count("expert_shared_feed_forward_length", kMostWidth).value_or(0);
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

} // namespace hearth::core::qwen2moe
