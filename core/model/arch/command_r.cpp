// SPDX-License-Identifier: Apache-2.0
//
// command-r: Command R. Attention and feed-forward both read one layer norm of x (weights, no biases); logits are multiplied; the
// output is tied to the embedding. Command R+, which norms each head by weights of its own, is refused by the name of those.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::command_r {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Layer, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::Interleaved;
        config.block = BlockForm::ParallelOneNorm;
        config.logitScale = keys.positive("logit_scale", TensorNeed::Optional).value_or(1.0f);
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

} // namespace hearth::core::command_r
