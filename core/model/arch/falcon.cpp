// SPDX-License-Identifier: Apache-2.0
//
// falcon: Falcon 7B and 40B. Attention and feed-forward both read a norm of x: the same one, or in 40B attn_norm_2 for the
// attention. Q, K and V lie in one tensor; GELU feed-forward without a gate.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::falcon {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Layer, [](KeyReader&, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::HalfSplit;
        config.normBiases = true;
        config.block = BlockForm::ParallelOneNorm;
        config.feedForwardForm = FeedForwardForm::Gelu;
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    TensorList list(config, weights);
    list.addEmbeddingAndOutput();
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        list.addAttention(layer);
        list.addAttentionOwnNorm(layer);
        list.addFeedForward(layer);
    }
    return list.take();
}

} // namespace hearth::core::falcon
