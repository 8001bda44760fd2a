// SPDX-License-Identifier: Apache-2.0
//
// olmo2: OLMo 2 and 3. No norm before attention and feed-forward, one after each; RMS norm over all heads of Q and of K. OLMo 3 has
// three layers with a window for every one without, and those are not stretched.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::olmo2 {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::HalfSplit;
        config.preNorms = false;
        config.postNorms = true;
        config.queryKeyNorm = QueryKeyNorm::Whole;
        readSlidingWindow(keys, config, 0, 4);
        config.slidingRope = {.pairing = config.rope.pairing, .dims = config.rope.dims, .base = config.rope.base};
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    TensorList list(config, weights);
    list.addEmbeddingAndOutput();
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        list.addAttention(layer);
        list.addQueryKeyNorms(layer);
        list.addFeedForward(layer);
    }
    return list.take();
}

} // namespace hearth::core::olmo2
