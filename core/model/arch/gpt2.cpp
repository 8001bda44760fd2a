// SPDX-License-Identifier: Apache-2.0
//
// gpt2: GPT-2. Learned positions instead of rotations; layer norms with biases; GELU feed-forward without a gate.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::gpt2 {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Layer, [](KeyReader&, ModelConfig& config) {
        config.rope.dims = 0;
        config.learnedPositions = true;
        config.normBiases = true;
        config.feedForwardForm = FeedForwardForm::Gelu;
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    return listBiasedTransformer(config, weights, TensorNeed::Required);
}

} // namespace hearth::core::gpt2
