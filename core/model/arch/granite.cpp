// SPDX-License-Identifier: Apache-2.0
//
// granite: Granite 3 and 4 dense. llama with multipliers of its own for embeddings, scores, what blocks add, and logits (which are
// divided). rope.scaling.finetuned = false means no rotation at all.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::granite {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::Interleaved;
        readMultipliers(keys, config);
        readExperts(keys, config);
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    return listBiasedTransformer(config, weights, TensorNeed::Optional);
}

} // namespace hearth::core::granite
