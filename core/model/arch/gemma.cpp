// SPDX-License-Identifier: Apache-2.0
//
// gemma: Gemma 1. Embeddings scaled by the root of their width, GELU-gated feed-forward, the output tied to the embedding. The
// norms' weights in the file already include the 1 that Gemma adds to them.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

#include <cmath>

namespace hearth::core::gemma {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader&, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::HalfSplit;
        config.feedForwardForm = FeedForwardForm::GeGlu;
        config.embeddingScale = std::sqrt(static_cast<float>(config.embedding));
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

} // namespace hearth::core::gemma
