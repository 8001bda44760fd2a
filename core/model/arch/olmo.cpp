// SPDX-License-Identifier: Apache-2.0
//
// olmo: OLMo 1. Layer norms without weights; no biases.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::olmo {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::LayerUnweighted, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::Interleaved;
        if (keys.positiveOrZero("attention.clamp_kqv").value_or(0.0f) > 0.0f)
            keys.setError(ErrorCode::UnsupportedArchitecture, "key 'olmo.attention.clamp_kqv': clamped Q, K and V are not supported");
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

} // namespace hearth::core::olmo
