// SPDX-License-Identifier: Apache-2.0
//
// What the decoder-only transformers have in common: the metadata keys every one of them uses, and the tensors of a
// block. An architecture file starts from these and says where it differs. Keys and tensor names: the GGUF
// specification and gguf-py's constants. Thread: any.
#pragma once

#include "core/base/error.h"
#include "core/gguf/gguf_metadata.h"
#include "core/model/model_config.h"
#include "core/model/model_weights.h"
#include "core/model/tensor_spec.h"

#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

/// Reads and bounds the common keys; the prefix is general.architecture. RoPE pairing, biases and norms are the
/// caller's.
[[nodiscard]] Result<ModelConfig> readTransformerConfig(const GgufMetadata& metadata);

/// expert_count, expert_used_count; leaves a dense model as it is when expert_count is absent or 0.
[[nodiscard]] Result<void> readExperts(const GgufMetadata& metadata, ModelConfig& config);

/// "<architecture>.<suffix>"
[[nodiscard]] std::string archKey(const ModelConfig& config, std::string_view suffix);

/// Collects specs, one block at a time.
class TensorList {
public:
    TensorList(const ModelConfig& config, ModelWeights& weights);

    void addEmbeddingAndOutput();
    /// attn_norm, attn_q, attn_k, attn_v, attn_output.
    void addAttention(std::int32_t layer);
    void addQkvBiases(std::int32_t layer, TensorNeed need);
    void addAttentionOutputBias(std::int32_t layer, TensorNeed need);
    void addQueryKeyNorms(std::int32_t layer);
    /// ffn_norm, and the dense or the expert feed-forward, as the configuration says.
    void addFeedForward(std::int32_t layer);
    void addFeedForwardBiases(std::int32_t layer, TensorNeed need);
    /// rope_freqs.weight: divisors of the rotary frequencies (Llama 3.1 and later).
    void addRopeFrequencyFactors();

    [[nodiscard]] std::vector<TensorSpec> take() { return std::move(m_specs); }

private:
    void matrix(std::string name, std::int64_t rows, std::int64_t cols, kernels::TensorView& slot,
                TensorNeed need = TensorNeed::Required);
    void vector(std::string name, std::int64_t cols, kernels::TensorView& slot, TensorNeed need = TensorNeed::Required);
    void expertMatrix(std::string name, std::int64_t rows, std::int64_t cols, kernels::TensorView& slot);

    const ModelConfig& m_config;
    ModelWeights& m_weights;
    std::vector<TensorSpec> m_specs;
};

} // namespace hearth::core
