// SPDX-License-Identifier: Apache-2.0
//
// qwen3moe: qwen3 with a mixture of experts in every block; softmax over all experts, renormalised over those chosen.
#include "core/model/arch/architectures.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::qwen3moe {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::HalfSplit;
        config.queryKeyNorm = QueryKeyNorm::PerHead;
        readExperts(keys, config, TensorNeed::Required);
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    return qwen3::listTensors(config, weights);
}

} // namespace hearth::core::qwen3moe
