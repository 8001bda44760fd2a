// SPDX-License-Identifier: Apache-2.0
//
// gemma2: gemma with norms after attention and feed-forward, soft caps on scores and logits, and a window of 4,096 tokens in
// every second layer, counted from the first. The 27B model (46 layers) scales queries by embedding / heads, the others by
// the head size. Source: Gemma 2 report, arXiv:2408.00118.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

#include <cmath>

namespace hearth::core::gemma2 {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::HalfSplit;
        config.feedForwardForm = FeedForwardForm::GeGlu;
        config.embeddingScale = std::sqrt(static_cast<float>(config.embedding));
        config.postNorms = true;
        config.attentionSoftcap = keys.positive("attn_logit_softcapping", TensorNeed::Optional).value_or(50.0f);
        config.logitSoftcap = keys.positive("final_logit_softcapping", TensorNeed::Optional).value_or(30.0f);
        readSlidingWindow(keys, config, 4096, 2);
        constexpr std::int32_t kLayersOf27B = 46;
        if (config.layers == kLayersOf27B)
            config.attentionScale = 1.0f / std::sqrt(static_cast<float>(config.embedding / config.heads));
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    TensorList list(config, weights);
    list.addEmbeddingAndOutput();
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        list.addAttention(layer);
        list.addFeedForward(layer);
    }
    return list.take();
}

} // namespace hearth::core::gemma2
