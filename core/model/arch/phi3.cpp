// SPDX-License-Identifier: Apache-2.0
//
// phi3: Phi-3, 3.5 and 4 (text). Q, K and V lie in one tensor, gate and up in another. Contexts over the original length turn by
// rope_factors_long, shorter ones by rope_factors_short (Ding 2024, arXiv:2402.13753). attention.sliding_window is not
// read: llama.cpp ignores it for this architecture, whose files carry windows that were not trained with.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::phi3 {

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
        list.addFusedFeedForward(layer);
    }
    return list.take();
}

} // namespace hearth::core::phi3
