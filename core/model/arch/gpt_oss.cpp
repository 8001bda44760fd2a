// SPDX-License-Identifier: Apache-2.0
//
// gpt-oss: every second layer, counted from the first, sees a window; each head has a sink; every product has a bias; the experts'
// SwiGLU is clamped, and their weights are a softmax over the chosen ones, which is the softmax over all renormalised.
// Source: the gpt-oss model card, OpenAI 2025.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::gpt_oss {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::HalfSplit;
        config.feedForwardForm = FeedForwardForm::ClampedSwiGlu;
        readExperts(keys, config, TensorNeed::Required);
        readSlidingWindow(keys, config, 0, 2);
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    TensorList list(config, weights);
    list.addEmbeddingAndOutput();
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        list.addAttention(layer);
        list.addQkvBiases(layer, TensorNeed::Required);
        list.addAttentionOutputBias(layer, TensorNeed::Required);
        list.addSinks(layer);
        list.addFeedForward(layer, "post_attention_norm");
        list.addExpertBiases(layer);
    }
    return list.take();
}

} // namespace hearth::core::gpt_oss
