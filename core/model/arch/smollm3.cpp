// SPDX-License-Identifier: Apache-2.0
//
// smollm3: SmolLM3. llama whose every fourth layer does not turn Q and K.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::smollm3 {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::Interleaved;
        constexpr std::int32_t kPeriod = 4;
        for (std::int32_t layer = kPeriod - 1; layer < config.layers; layer += kPeriod)
            config.layerKinds[static_cast<std::size_t>(layer)].rotated = false;
        config.attentionScale = keys.positive("attention.scale", TensorNeed::Optional).value_or(config.attentionScale);
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    TensorList list(config, weights);
    list.addEmbeddingAndOutput();
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        list.addAttention(layer);
        list.addFeedForward(layer);
        list.addFeedForwardBiases(layer, TensorNeed::Optional);
    }
    return list.take();
}

} // namespace hearth::core::smollm3
