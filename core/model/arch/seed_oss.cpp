// SPDX-License-Identifier: Apache-2.0
//
// seed_oss: Seed-OSS. qwen2 with a head size of its own; the norm before the feed-forward is called post_attention_norm.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::seed_oss {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader&, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::HalfSplit;
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    TensorList list(config, weights);
    list.addEmbeddingAndOutput();
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        list.addAttention(layer);
        list.addQkvBiases(layer, TensorNeed::Optional);
        list.addFeedForward(layer, "post_attention_norm");
    }
    return list.take();
}

} // namespace hearth::core::seed_oss
