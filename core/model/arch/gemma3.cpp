// SPDX-License-Identifier: Apache-2.0
//
// gemma3: the text part of Gemma 3. As gemma2 without the soft caps, with an RMS norm of each head of Q and K, and five layers
// with a window for every one without. Layers with a window turn by a base of 10,000 and are never stretched.
// Source: Gemma 3 report, arXiv:2503.19786.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

#include <cmath>

namespace hearth::core::gemma3 {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::HalfSplit;
        config.feedForwardForm = FeedForwardForm::GeGlu;
        config.embeddingScale = std::sqrt(static_cast<float>(config.embedding));
        config.postNorms = true;
        config.queryKeyNorm = QueryKeyNorm::PerHead;
        config.logitSoftcap = keys.positiveOrZero("final_logit_softcapping").value_or(0.0f);
        readSlidingWindow(keys, config, 0, 6);
        config.slidingRope = {.pairing = config.rope.pairing, .dims = config.rope.dims};
        config.slidingRope.base = keys.positive("rope.freq_base_swa", TensorNeed::Optional).value_or(10000.0f);
        constexpr std::int32_t kLayersOf27B = 62;
        if (config.layers == kLayersOf27B)
            config.attentionScale = 1.0f / std::sqrt(static_cast<float>(config.embedding / config.heads));
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

} // namespace hearth::core::gemma3
