// SPDX-License-Identifier: Apache-2.0
//
// TensorList: the tensors that a transformer has, block by block, as its configuration says. An architecture file calls what
// applies to it. Names: gguf-py's constants. Thread: any.
#pragma once

#include "core/model/model_config.h"
#include "core/model/model_weights.h"
#include "core/model/tensor_spec.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::core {

class TensorList {
public:
    TensorList(const ModelConfig& config, ModelWeights& weights);

    /// token_embd, position_embd where positions are learned, output_norm, output (absent: tied), and the factors of the
    /// rotary frequencies where there are rotations: rope_freqs, rope_factors_long and _short.
    void addEmbeddingAndOutput();
    void addOutputBias(); ///< output.bias

    /// The norms, attn_q, attn_k, attn_v or all of them in attn_qkv, attn_output.
    void addAttention(std::int32_t layer);
    /// Of q, k and v, or all of them in attn_qkv.bias.
    void addQkvBiases(std::int32_t layer, TensorNeed need);
    void addAttentionOutputBias(std::int32_t layer, TensorNeed need);
    void addQueryKeyNorms(std::int32_t layer);
    void addAttentionOwnNorm(std::int32_t layer); ///< attn_norm_2, optional
    void addSinks(std::int32_t layer);
    /// Instead of addAttention: the matrices of latent attention.
    void addLatentAttention(std::int32_t layer);

    /// The norms, and the dense or the expert feed-forward with the shared expert, as the configuration says.
    void addFeedForward(std::int32_t layer, std::string_view normName = "ffn_norm");
    /// The same, gate and up in one tensor ffn_up: gate first.
    void addFusedFeedForward(std::int32_t layer);
    void addFeedForwardBiases(std::int32_t layer, TensorNeed need);
    void addExpertBiases(std::int32_t layer); ///< of the router and of every expert

    [[nodiscard]] std::vector<TensorSpec> take() { return std::move(m_specs); }

private:
    [[nodiscard]] LayerWeights& layerWeights(std::int32_t layer);
    void matrix(std::string name, std::int64_t rows, std::int64_t cols, kernels::TensorView& slot,
                TensorNeed need = TensorNeed::Required);
    void vector(std::string name, std::int64_t cols, kernels::TensorView& slot, TensorNeed need = TensorNeed::Required);
    void experts(std::string name, TensorRole role, std::int64_t outer, std::int64_t rows, std::int64_t cols,
                 kernels::TensorView& slot);
    void norm(const std::string& name, std::int64_t cols, NormWeights& slots, TensorNeed need = TensorNeed::Required);
    void hostVector(std::string name, std::int64_t cols, std::vector<float>& slot);
    void addPostNorm(std::int32_t layer, std::string_view name, NormWeights& slots);
    void addFeedForwardNorms(std::int32_t layer, std::string_view normName);
    void addExperts(std::int32_t layer);

    const ModelConfig& m_config;
    ModelWeights& m_weights;
    std::vector<TensorSpec> m_specs;
};

/// A transformer of attention and feed-forward, with biases that all its matrices have, or may have.
[[nodiscard]] std::vector<TensorSpec> listBiasedTransformer(const ModelConfig& config, ModelWeights& weights, TensorNeed biases);

} // namespace hearth::core
