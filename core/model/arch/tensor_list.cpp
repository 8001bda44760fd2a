// SPDX-License-Identifier: Apache-2.0
#include "core/model/arch/tensor_list.h"

#include <fmt/format.h>

#include <array>

namespace hearth::core {

namespace {

std::string named(std::int32_t layer, std::string_view rest) {
    return fmt::format("blk.{}.{}", layer, rest);
}

} // namespace

TensorList::TensorList(const ModelConfig& config, ModelWeights& weights)
    : m_config(config)
    , m_weights(weights) {
    m_weights.layers.resize(static_cast<std::size_t>(config.layers));
}

LayerWeights& TensorList::layerWeights(std::int32_t layer) {
    return m_weights.layers[static_cast<std::size_t>(layer)];
}

void TensorList::matrix(std::string name, std::int64_t rows, std::int64_t cols, kernels::TensorView& slot,
                        TensorNeed need) {
    m_specs.push_back({.name = std::move(name), .need = need, .shape = {1, rows, cols}, .slot = &slot});
}

void TensorList::vector(std::string name, std::int64_t cols, kernels::TensorView& slot, TensorNeed need) {
    m_specs.push_back(
        {.name = std::move(name), .role = TensorRole::Vector, .need = need, .shape = {1, 1, cols}, .slot = &slot});
}

void TensorList::experts(std::string name, TensorRole role, std::int64_t outer, std::int64_t rows, std::int64_t cols,
                         kernels::TensorView& slot) {
    m_specs.push_back({.name = std::move(name), .role = role, .shape = {outer, rows, cols}, .slot = &slot});
}

void TensorList::norm(const std::string& name, std::int64_t cols, NormWeights& slots, TensorNeed need) {
    if (m_config.norm == NormKind::LayerUnweighted) return;
    vector(name + ".weight", cols, slots.weight, need);
    if (m_config.normBiases) vector(name + ".bias", cols, slots.bias, need);
}

void TensorList::hostVector(std::string name, std::int64_t cols, std::vector<float>& slot) {
    m_specs.push_back({.name = std::move(name),
                       .role = TensorRole::Host,
                       .need = TensorNeed::Optional,
                       .shape = {1, 1, cols},
                       .hostSlot = &slot});
}

void TensorList::addEmbeddingAndOutput() {
    matrix("token_embd.weight", m_config.vocabulary, m_config.embedding, m_weights.tokenEmbedding);
    if (m_config.learnedPositions) {
        matrix("position_embd.weight", m_config.trainedContext, m_config.embedding, m_weights.positionEmbedding);
    }
    norm("output_norm", m_config.embedding, m_weights.outputNorm);
    // Absent means tied: the loader then uses the token embedding.
    matrix("output.weight", m_config.vocabulary, m_config.embedding, m_weights.output, TensorNeed::Optional);
    if (m_config.rope.dims == 0) return;
    hostVector("rope_freqs.weight", m_config.rope.dims / 2, m_weights.ropeFrequencyFactors);
    hostVector("rope_factors_long.weight", m_config.rope.dims / 2, m_weights.ropeLongFactors);
    hostVector("rope_factors_short.weight", m_config.rope.dims / 2, m_weights.ropeShortFactors);
}

void TensorList::addOutputBias() {
    vector("output.bias", m_config.vocabulary, m_weights.outputBias);
}

void TensorList::addPostNorm(std::int32_t layer, std::string_view name, NormWeights& slots) {
    if (m_config.postNorms) norm(named(layer, name), m_config.embedding, slots);
}

void TensorList::addAttention(std::int32_t layer) {
    LayerWeights& weights = layerWeights(layer);
    if (m_config.preNorms) norm(named(layer, "attn_norm"), m_config.embedding, weights.attentionNorm);
    const std::int64_t query = m_config.queryWidth();
    const std::int64_t kv = m_config.kvWidth();
    const std::string fused = named(layer, "attn_qkv.weight");
    const std::array<std::pair<const char*, TensorPart>, 3> parts{
        {{"attn_q.weight", {&weights.q, query}}, {"attn_k.weight", {&weights.k, kv}}, {"attn_v.weight", {&weights.v, kv}}}};
    m_specs.push_back({.name = fused,
                       .need = TensorNeed::Optional,
                       .shape = {1, query + 2 * kv, m_config.embedding},
                       .parts = {parts[0].second, parts[1].second, parts[2].second}});
    for (const auto& [name, part] : parts) {
        matrix(named(layer, name), part.count, m_config.embedding, *part.slot);
        m_specs.back().insteadOf = fused;
    }
    matrix(named(layer, "attn_output.weight"), m_config.embedding, query, weights.attentionOutput);
    addPostNorm(layer, "post_attention_norm", weights.attentionPostNorm);
}

void TensorList::addQkvBiases(std::int32_t layer, TensorNeed need) {
    LayerWeights& weights = layerWeights(layer);
    const std::int64_t query = m_config.queryWidth();
    const std::int64_t kv = m_config.kvWidth();
    const std::string fused = named(layer, "attn_qkv.bias");
    m_specs.push_back({.name = fused,
                       .role = TensorRole::Vector,
                       .need = TensorNeed::Optional,
                       .shape = {1, 1, query + 2 * kv},
                       .parts = {{&weights.qBias, query}, {&weights.kBias, kv}, {&weights.vBias, kv}}});
    vector(named(layer, "attn_q.bias"), query, weights.qBias, need);
    m_specs.back().insteadOf = fused;
    vector(named(layer, "attn_k.bias"), kv, weights.kBias, need);
    m_specs.back().insteadOf = fused;
    vector(named(layer, "attn_v.bias"), kv, weights.vBias, need);
    m_specs.back().insteadOf = fused;
}

void TensorList::addAttentionOutputBias(std::int32_t layer, TensorNeed need) {
    vector(named(layer, "attn_output.bias"), m_config.embedding, layerWeights(layer).attentionOutputBias, need);
}

void TensorList::addQueryKeyNorms(std::int32_t layer) {
    LayerWeights& weights = layerWeights(layer);
    const bool whole = m_config.queryKeyNorm == QueryKeyNorm::Whole;
    vector(named(layer, "attn_q_norm.weight"), whole ? m_config.queryWidth() : m_config.headDim, weights.qNorm);
    vector(named(layer, "attn_k_norm.weight"), whole ? m_config.kvWidth() : m_config.headDim, weights.kNorm);
}

void TensorList::addAttentionOwnNorm(std::int32_t layer) {
    norm(named(layer, "attn_norm_2"), m_config.embedding, layerWeights(layer).attentionOwnNorm, TensorNeed::Optional);
}

void TensorList::addSinks(std::int32_t layer) {
    vector(named(layer, "attn_sinks.weight"), m_config.heads, layerWeights(layer).sinks);
}

void TensorList::addLatentAttention(std::int32_t layer) {
    LayerWeights& weights = layerWeights(layer);
    const LatentAttention& latent = m_config.latent;
    const std::int64_t heads = m_config.heads;
    const std::int64_t keyDim = latent.nopeDim + m_config.rope.dims;
    norm(named(layer, "attn_norm"), m_config.embedding, weights.attentionNorm);
    if (latent.queryRank > 0) {
        matrix(named(layer, "attn_q_a.weight"), latent.queryRank, m_config.embedding, weights.latent.queryDown);
        norm(named(layer, "attn_q_a_norm"), latent.queryRank, weights.latent.queryNorm);
        matrix(named(layer, "attn_q_b.weight"), heads * keyDim, latent.queryRank, weights.q);
    } else {
        matrix(named(layer, "attn_q.weight"), heads * keyDim, m_config.embedding, weights.q);
    }
    matrix(named(layer, "attn_kv_a_mqa.weight"), latent.rank + m_config.rope.dims, m_config.embedding,
           weights.latent.down);
    norm(named(layer, "attn_kv_a_norm"), latent.rank, weights.latent.norm);
    if (latent.absorbed) {
        experts(named(layer, "attn_k_b.weight"), TensorRole::Matrix, heads, latent.rank, latent.nopeDim,
                weights.latent.keyUp);
        experts(named(layer, "attn_v_b.weight"), TensorRole::Matrix, heads, latent.valueDim, latent.rank,
                weights.latent.valueUp);
    } else {
        matrix(named(layer, "attn_kv_b.weight"), heads * (latent.nopeDim + latent.valueDim), latent.rank,
               weights.latent.up);
    }
    matrix(named(layer, "attn_output.weight"), m_config.embedding, heads * latent.valueDim, weights.attentionOutput);
}

void TensorList::addFeedForwardNorms(std::int32_t layer, std::string_view normName) {
    LayerWeights& weights = layerWeights(layer);
    if (m_config.preNorms && m_config.block != BlockForm::ParallelOneNorm)
        norm(named(layer, normName), m_config.embedding, weights.ffnNorm);
    addPostNorm(layer, "post_ffw_norm", weights.ffnPostNorm);
}

void TensorList::addFeedForward(std::int32_t layer, std::string_view normName) {
    LayerWeights& weights = layerWeights(layer);
    addFeedForwardNorms(layer, normName);
    if (m_config.kind(layer).experts) return addExperts(layer);
    if (m_config.feedForwardForm != FeedForwardForm::Gelu) {
        matrix(named(layer, "ffn_gate.weight"), m_config.feedForward, m_config.embedding, weights.gate);
    }
    matrix(named(layer, "ffn_up.weight"), m_config.feedForward, m_config.embedding, weights.up);
    matrix(named(layer, "ffn_down.weight"), m_config.embedding, m_config.feedForward, weights.down);
}

void TensorList::addFusedFeedForward(std::int32_t layer) {
    LayerWeights& weights = layerWeights(layer);
    addFeedForwardNorms(layer, "ffn_norm");
    m_specs.push_back({.name = named(layer, "ffn_up.weight"),
                       .shape = {1, 2 * std::int64_t{m_config.feedForward}, m_config.embedding},
                       .parts = {{&weights.gate, m_config.feedForward}, {&weights.up, m_config.feedForward}}});
    matrix(named(layer, "ffn_down.weight"), m_config.embedding, m_config.feedForward, weights.down);
}

void TensorList::addExperts(std::int32_t layer) {
    LayerWeights& weights = layerWeights(layer);
    const std::int64_t width = m_config.expertFeedForward;
    const std::int64_t embedding = m_config.embedding;
    matrix(named(layer, "ffn_gate_inp.weight"), m_config.experts, embedding, weights.router);
    experts(named(layer, "ffn_gate_exps.weight"), TensorRole::Matrix, m_config.experts, width, embedding,
            weights.expertGate);
    experts(named(layer, "ffn_up_exps.weight"), TensorRole::Matrix, m_config.experts, width, embedding,
            weights.expertUp);
    experts(named(layer, "ffn_down_exps.weight"), TensorRole::Matrix, m_config.experts, embedding, width,
            weights.expertDown);
    const std::int64_t shared = m_config.sharedFeedForward;
    if (shared == 0) return;
    matrix(named(layer, "ffn_gate_shexp.weight"), shared, embedding, weights.sharedGate);
    matrix(named(layer, "ffn_up_shexp.weight"), shared, embedding, weights.sharedUp);
    matrix(named(layer, "ffn_down_shexp.weight"), embedding, shared, weights.sharedDown);
    if (m_config.sharedExpertGate) matrix(named(layer, "ffn_gate_inp_shexp.weight"), 1, embedding, weights.sharedRouter);
}

void TensorList::addFeedForwardBiases(std::int32_t layer, TensorNeed need) {
    if (m_config.kind(layer).experts) return;
    LayerWeights& weights = layerWeights(layer);
    if (m_config.feedForwardForm != FeedForwardForm::Gelu)
        vector(named(layer, "ffn_gate.bias"), m_config.feedForward, weights.gateBias, need);
    vector(named(layer, "ffn_up.bias"), m_config.feedForward, weights.upBias, need);
    vector(named(layer, "ffn_down.bias"), m_config.embedding, weights.downBias, need);
}

void TensorList::addExpertBiases(std::int32_t layer) {
    LayerWeights& weights = layerWeights(layer);
    const std::int64_t width = m_config.expertFeedForward;
    vector(named(layer, "ffn_gate_inp.bias"), m_config.experts, weights.routerBias);
    experts(named(layer, "ffn_gate_exps.bias"), TensorRole::Vector, 1, m_config.experts, width, weights.expertGateBias);
    experts(named(layer, "ffn_up_exps.bias"), TensorRole::Vector, 1, m_config.experts, width, weights.expertUpBias);
    experts(named(layer, "ffn_down_exps.bias"), TensorRole::Vector, 1, m_config.experts, m_config.embedding,
            weights.expertDownBias);
}

std::vector<TensorSpec> listBiasedTransformer(const ModelConfig& config, ModelWeights& weights, TensorNeed biases) {
    TensorList list(config, weights);
    list.addEmbeddingAndOutput();
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        list.addAttention(layer);
        list.addQkvBiases(layer, biases);
        list.addAttentionOutputBias(layer, biases);
        list.addFeedForward(layer);
        list.addFeedForwardBiases(layer, biases);
    }
    return list.take();
}

} // namespace hearth::core
