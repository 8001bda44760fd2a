// SPDX-License-Identifier: Apache-2.0
//
// granitemoe: granite with a mixture of experts in every block, and a shared expert where the file gives it a width.
#include "core/model/arch/architectures.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::granitemoe {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::Interleaved;
        readMultipliers(keys, config);
        readExperts(keys, config, TensorNeed::Required);
        config.sharedFeedForward = keys.countOrZero("expert_shared_feed_forward_length", kMostWidth).value_or(0);
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    return granite::listTensors(config, weights);
}

} // namespace hearth::core::granitemoe
