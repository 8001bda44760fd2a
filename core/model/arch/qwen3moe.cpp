// SPDX-License-Identifier: Apache-2.0
//
// qwen3moe: qwen3 with a mixture of experts in every block; softmax over all experts, renormalised over those chosen.
#include "core/model/arch/architectures.h"

namespace hearth::core::qwen3moe {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    auto config = qwen3::readConfig(metadata);
    if (config && config->experts == 0)
        return fail(ErrorCode::MissingKey, "key 'qwen3moe.expert_count' is missing or 0");
    return config;
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    return qwen3::listTensors(config, weights);
}

} // namespace hearth::core::qwen3moe
