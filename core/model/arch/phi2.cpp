// SPDX-License-Identifier: Apache-2.0
//
// phi2: Phi-1, 1.5 and 2. Attention and feed-forward both read one layer norm of x; biases everywhere; part of each head turns.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::phi2 {

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
    list.addOutputBias();
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        list.addAttention(layer);
        list.addQkvBiases(layer, TensorNeed::Required);
        list.addAttentionOutputBias(layer, TensorNeed::Required);
        list.addFeedForward(layer);
        list.addFeedForwardBiases(layer, TensorNeed::Required);
    }
    return list.take();
}

} // namespace hearth::core::phi2
