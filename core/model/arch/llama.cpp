// SPDX-License-Identifier: Apache-2.0
//
// llama: Llama 1 to 3, Mistral, Mixtral, TinyLlama, SmolLM, Yi and every model stored under that name.
// Rotary pairs are interleaved (the converter permutes Q and K). rope_freqs.weight carries Llama 3.1's frequency
// factors. With expert_count it is Mixtral: softmax over all experts, renormalised over those chosen. Biases are
// optional: some derived models have them. attention.sliding_window is not read: llama.cpp ignores it for this
// architecture (Mistral 0.1 was trained with a window of 4,096, and files of it do not carry the key).
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

namespace hearth::core::llama {

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::Interleaved;
        readExperts(keys, config);
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    return listBiasedTransformer(config, weights, TensorNeed::Optional);
}

} // namespace hearth::core::llama
