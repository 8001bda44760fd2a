// SPDX-License-Identifier: Apache-2.0
//
// deepseek: DeepSeek MoE 16B (v1). llama whose blocks after the first dense ones are mixtures with shared experts; the chosen
// experts' weights are not renormalised.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::deepseek {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::Interleaved;
        readExperts(keys, config, TensorNeed::Required);
        readSharedExperts(keys, config);
        config.renormaliseExperts = false;
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

} // namespace hearth::core::deepseek
