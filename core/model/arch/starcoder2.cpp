// SPDX-License-Identifier: Apache-2.0
//
// starcoder2: StarCoder 2. Layer norms with biases, GELU feed-forward without a gate, biases everywhere.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::starcoder2 {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Layer, [](KeyReader&, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::HalfSplit;
        config.normBiases = true;
        config.feedForwardForm = FeedForwardForm::Gelu;
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    return listBiasedTransformer(config, weights, TensorNeed::Required);
}

} // namespace hearth::core::starcoder2
