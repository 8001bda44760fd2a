// SPDX-License-Identifier: Apache-2.0
//
// gptneox: GPT-NeoX and Pythia. Layer norms with biases; part of each head turns; feed-forward beside the attention, each with its
// own norm of x, or after it, as the file says.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::gptneox {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Layer, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::HalfSplit;
        config.normBiases = true;
        config.feedForwardForm = FeedForwardForm::Gelu;
        const auto parallel = keys.flag("use_parallel_residual");
        if (!parallel) keys.setError(ErrorCode::MissingKey, "key 'gptneox.use_parallel_residual' is missing");
        if (parallel.value_or(false)) config.block = BlockForm::ParallelTwoNorms;
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    return listBiasedTransformer(config, weights, TensorNeed::Required);
}

} // namespace hearth::core::gptneox
