// SPDX-License-Identifier: Apache-2.0
#include "core/model/arch/transformer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace hearth::core {

namespace {

// Bounds against numbers that would overflow products or exhaust memory before a tensor contradicts them.
constexpr std::uint64_t kMostLayers = 1'024;
constexpr std::uint64_t kMostHeads = 4'096;
constexpr std::uint64_t kMostHeadDim = 4'096;
constexpr std::uint64_t kMostWidth = 1u << 20;
constexpr std::uint64_t kMostExperts = 4'096;
constexpr std::uint64_t kMostContext = std::numeric_limits<std::int32_t>::max();

/// Reads keys of one architecture, keeping the first error.
class KeyReader {
public:
    KeyReader(const GgufMetadata& metadata, std::string_view architecture)
        : m_metadata(metadata)
        , m_prefix(architecture) {}

    /// A count from 1 to `most`; nullopt after an error, or when absent and not required. Some writers store a number
    /// per layer; all of them must then be the same.
    std::optional<std::int32_t> count(std::string_view suffix, std::uint64_t most,
                                      TensorNeed need = TensorNeed::Required) {
        const std::string key = fmt::format("{}.{}", m_prefix, suffix);
        if (!m_metadata.contains(key) && need == TensorNeed::Optional) return std::nullopt;
        std::uint64_t value = 0;
        if (const auto* perLayer = m_metadata.ints(key); perLayer != nullptr && !perLayer->empty()) {
            if (std::ranges::count(*perLayer, perLayer->front()) != std::ssize(*perLayer)) {
                setError(ErrorCode::UnsupportedArchitecture, fmt::format("key '{}': differs between layers", key));
                return std::nullopt;
            }
            value = perLayer->front() > 0 ? static_cast<std::uint64_t>(perLayer->front()) : 0;
        } else {
            const auto read = m_metadata.requireUint(key);
            if (!read) {
                setError(read.error().code, read.error().message);
                return std::nullopt;
            }
            value = *read;
        }
        if (value < 1 || value > most) {
            setError(ErrorCode::MalformedFile, fmt::format("key '{}': {} is outside 1 to {}", key, value, most));
            return std::nullopt;
        }
        return static_cast<std::int32_t>(value);
    }

    /// A finite number over zero.
    std::optional<float> positive(std::string_view suffix, TensorNeed need = TensorNeed::Required) {
        const std::string key = fmt::format("{}.{}", m_prefix, suffix);
        if (!m_metadata.contains(key) && need == TensorNeed::Optional) return std::nullopt;
        const auto read = m_metadata.requireNumber(key);
        if (!read) {
            setError(read.error().code, read.error().message);
            return std::nullopt;
        }
        const auto value = static_cast<float>(*read);
        if (!std::isfinite(value) || value <= 0.0f) {
            setError(ErrorCode::MalformedFile, fmt::format("key '{}': {} is not a positive number", key, *read));
            return std::nullopt;
        }
        return value;
    }

    [[nodiscard]] std::optional<std::string_view> text(std::string_view suffix) const {
        return m_metadata.string(fmt::format("{}.{}", m_prefix, suffix));
    }

    void setError(ErrorCode code, std::string message) {
        if (!m_error) m_error = Error{code, std::move(message)};
    }
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }

private:
    const GgufMetadata& m_metadata;
    std::string m_prefix;
    std::optional<Error> m_error;
};

/// rope.scaling.*: "linear" stretches positions, "yarn" stretches the slow rotations only. Files older than the key
/// rope.scaling.type meant linear.
void readRopeScaling(KeyReader& keys, ModelConfig& config) {
    const std::string_view type = keys.text("rope.scaling.type").value_or("linear");
    if (type == "none") return;
    if (type != "linear" && type != "yarn") {
        keys.setError(ErrorCode::UnsupportedArchitecture,
                      fmt::format("key '{}': '{}'; supported are none, linear, yarn",
                                  archKey(config, "rope.scaling.type"), type));
        return;
    }
    auto factor = keys.positive("rope.scaling.factor", TensorNeed::Optional);
    if (!factor) factor = keys.positive("rope.scale_linear", TensorNeed::Optional);
    config.rope.positionScale = 1.0f / factor.value_or(1.0f);
    config.rope.attentionFactor = keys.positive("rope.scaling.attn_factor", TensorNeed::Optional).value_or(1.0f);
    if (type != "yarn") return;

    config.rope.extensionFactor = keys.positive("rope.scaling.yarn_ext_factor", TensorNeed::Optional).value_or(1.0f);
    config.rope.betaFast = keys.positive("rope.scaling.yarn_beta_fast", TensorNeed::Optional).value_or(32.0f);
    config.rope.betaSlow = keys.positive("rope.scaling.yarn_beta_slow", TensorNeed::Optional).value_or(1.0f);
    config.rope.originalContext = keys.count("rope.scaling.original_context_length", kMostContext, TensorNeed::Optional)
                                      .value_or(config.trainedContext);
}

} // namespace

std::string archKey(const ModelConfig& config, std::string_view suffix) {
    return fmt::format("{}.{}", config.architecture, suffix);
}

Result<ModelConfig> readTransformerConfig(const GgufMetadata& metadata) {
    const auto architecture = metadata.requireString("general.architecture");
    if (!architecture) return std::unexpected(architecture.error());
    ModelConfig config;
    config.architecture = *architecture;

    KeyReader keys(metadata, *architecture);
    config.trainedContext = keys.count("context_length", kMostContext).value_or(0);
    config.embedding = keys.count("embedding_length", kMostWidth).value_or(0);
    config.layers = keys.count("block_count", kMostLayers).value_or(0);
    config.heads = keys.count("attention.head_count", kMostHeads).value_or(1);
    config.kvHeads = keys.count("attention.head_count_kv", kMostHeads, TensorNeed::Optional).value_or(config.heads);
    config.normEpsilon = keys.positive("attention.layer_norm_rms_epsilon").value_or(0.0f);

    config.headDim = keys.count("attention.key_length", kMostHeadDim, TensorNeed::Optional)
                         .value_or(config.embedding / config.heads);
    const std::int32_t valueDim =
        keys.count("attention.value_length", kMostHeadDim, TensorNeed::Optional).value_or(config.headDim);
    config.rope.dims = keys.count("rope.dimension_count", kMostHeadDim, TensorNeed::Optional).value_or(config.headDim);
    config.rope.base = keys.positive("rope.freq_base", TensorNeed::Optional).value_or(10000.0f);
    readRopeScaling(keys, config);
    if (keys.error()) return std::unexpected(*keys.error());

    if (config.heads % config.kvHeads != 0) {
        return fail(ErrorCode::MalformedFile,
                    fmt::format("key '{}': {} does not divide the {} query heads",
                                archKey(config, "attention.head_count_kv"), config.kvHeads, config.heads));
    }
    if (config.headDim < 1 || static_cast<std::uint64_t>(config.headDim) > kMostHeadDim) {
        return fail(ErrorCode::MalformedFile,
                    fmt::format("head size {}: embedding_length {} over attention.head_count {}", config.headDim,
                                config.embedding, config.heads));
    }
    if (valueDim != config.headDim) {
        return fail(ErrorCode::UnsupportedArchitecture,
                    fmt::format("key '{}': {} differs from the key length {}",
                                archKey(config, "attention.value_length"), valueDim, config.headDim));
    }
    if (config.rope.dims > config.headDim || config.rope.dims % 2 != 0) {
        return fail(ErrorCode::MalformedFile,
                    fmt::format("key '{}': {} is odd or over the head size {}", archKey(config, "rope.dimension_count"),
                                config.rope.dims, config.headDim));
    }
    config.attentionScale = 1.0f / std::sqrt(static_cast<float>(config.headDim));

    const auto* tokens = metadata.strings("tokenizer.ggml.tokens");
    if (tokens == nullptr || tokens->empty())
        return fail(ErrorCode::MissingKey, "key 'tokenizer.ggml.tokens' is missing or empty");
    config.vocabulary = static_cast<std::int32_t>(tokens->size()); // the reader bounds array lengths

    // A mixture of experts may leave it out; addFeedForward asks for it where it matters.
    config.feedForward = keys.count("feed_forward_length", kMostWidth, TensorNeed::Optional).value_or(0);
    if (keys.error()) return std::unexpected(*keys.error());
    return config;
}

Result<void> readExperts(const GgufMetadata& metadata, ModelConfig& config) {
    if (metadata.uint(archKey(config, "expert_count")).value_or(0) == 0) {
        if (config.feedForward > 0) return {};
        return fail(ErrorCode::MissingKey, fmt::format("key '{}' is missing", archKey(config, "feed_forward_length")));
    }
    KeyReader keys(metadata, config.architecture);
    config.experts = keys.count("expert_count", kMostExperts).value_or(0);
    config.expertsUsed = keys.count("expert_used_count", kMostExperts).value_or(0);
    config.expertFeedForward =
        keys.count("expert_feed_forward_length", kMostWidth, TensorNeed::Optional).value_or(config.feedForward);
    if (keys.error()) return std::unexpected(*keys.error());
    if (config.expertsUsed > config.experts) {
        return fail(ErrorCode::MalformedFile,
                    fmt::format("key '{}': {} of {} experts", archKey(config, "expert_used_count"), config.expertsUsed,
                                config.experts));
    }
    if (config.expertFeedForward == 0) {
        return fail(ErrorCode::MissingKey,
                    fmt::format("key '{}' is missing", archKey(config, "expert_feed_forward_length")));
    }
    config.feedForward = 0;
    return {};
}

TensorList::TensorList(const ModelConfig& config, ModelWeights& weights)
    : m_config(config)
    , m_weights(weights) {
    m_weights.layers.resize(static_cast<std::size_t>(config.layers));
}

void TensorList::matrix(std::string name, std::int64_t rows, std::int64_t cols, kernels::TensorView& slot,
                        TensorNeed need) {
    m_specs.push_back({std::move(name), TensorRole::Matrix, need, {1, rows, cols}, &slot, nullptr});
}

void TensorList::vector(std::string name, std::int64_t cols, kernels::TensorView& slot, TensorNeed need) {
    m_specs.push_back({std::move(name), TensorRole::Vector, need, {1, 1, cols}, &slot, nullptr});
}

void TensorList::expertMatrix(std::string name, std::int64_t rows, std::int64_t cols, kernels::TensorView& slot) {
    m_specs.push_back(
        {std::move(name), TensorRole::Matrix, TensorNeed::Required, {m_config.experts, rows, cols}, &slot, nullptr});
}

void TensorList::addEmbeddingAndOutput() {
    matrix("token_embd.weight", m_config.vocabulary, m_config.embedding, m_weights.tokenEmbedding);
    vector("output_norm.weight", m_config.embedding, m_weights.outputNorm);
    // Absent means tied: the loader then uses the token embedding.
    matrix("output.weight", m_config.vocabulary, m_config.embedding, m_weights.output, TensorNeed::Optional);
}

void TensorList::addAttention(std::int32_t layer) {
    LayerWeights& weights = m_weights.layers[static_cast<std::size_t>(layer)];
    vector(fmt::format("blk.{}.attn_norm.weight", layer), m_config.embedding, weights.attentionNorm);
    matrix(fmt::format("blk.{}.attn_q.weight", layer), m_config.queryWidth(), m_config.embedding, weights.q);
    matrix(fmt::format("blk.{}.attn_k.weight", layer), m_config.kvWidth(), m_config.embedding, weights.k);
    matrix(fmt::format("blk.{}.attn_v.weight", layer), m_config.kvWidth(), m_config.embedding, weights.v);
    matrix(fmt::format("blk.{}.attn_output.weight", layer), m_config.embedding, m_config.queryWidth(),
           weights.attentionOutput);
}

void TensorList::addQkvBiases(std::int32_t layer, TensorNeed need) {
    LayerWeights& weights = m_weights.layers[static_cast<std::size_t>(layer)];
    vector(fmt::format("blk.{}.attn_q.bias", layer), m_config.queryWidth(), weights.qBias, need);
    vector(fmt::format("blk.{}.attn_k.bias", layer), m_config.kvWidth(), weights.kBias, need);
    vector(fmt::format("blk.{}.attn_v.bias", layer), m_config.kvWidth(), weights.vBias, need);
}

void TensorList::addAttentionOutputBias(std::int32_t layer, TensorNeed need) {
    LayerWeights& weights = m_weights.layers[static_cast<std::size_t>(layer)];
    vector(fmt::format("blk.{}.attn_output.bias", layer), m_config.embedding, weights.attentionOutputBias, need);
}

void TensorList::addQueryKeyNorms(std::int32_t layer) {
    LayerWeights& weights = m_weights.layers[static_cast<std::size_t>(layer)];
    vector(fmt::format("blk.{}.attn_q_norm.weight", layer), m_config.headDim, weights.qNorm);
    vector(fmt::format("blk.{}.attn_k_norm.weight", layer), m_config.headDim, weights.kNorm);
}

void TensorList::addFeedForward(std::int32_t layer) {
    LayerWeights& weights = m_weights.layers[static_cast<std::size_t>(layer)];
    vector(fmt::format("blk.{}.ffn_norm.weight", layer), m_config.embedding, weights.ffnNorm);
    if (m_config.experts == 0) {
        matrix(fmt::format("blk.{}.ffn_gate.weight", layer), m_config.feedForward, m_config.embedding, weights.gate);
        matrix(fmt::format("blk.{}.ffn_up.weight", layer), m_config.feedForward, m_config.embedding, weights.up);
        matrix(fmt::format("blk.{}.ffn_down.weight", layer), m_config.embedding, m_config.feedForward, weights.down);
        return;
    }
    matrix(fmt::format("blk.{}.ffn_gate_inp.weight", layer), m_config.experts, m_config.embedding, weights.router);
    expertMatrix(fmt::format("blk.{}.ffn_gate_exps.weight", layer), m_config.expertFeedForward, m_config.embedding,
                 weights.expertGate);
    expertMatrix(fmt::format("blk.{}.ffn_up_exps.weight", layer), m_config.expertFeedForward, m_config.embedding,
                 weights.expertUp);
    expertMatrix(fmt::format("blk.{}.ffn_down_exps.weight", layer), m_config.embedding, m_config.expertFeedForward,
                 weights.expertDown);
}

void TensorList::addFeedForwardBiases(std::int32_t layer, TensorNeed need) {
    if (m_config.experts > 0) return;
    LayerWeights& weights = m_weights.layers[static_cast<std::size_t>(layer)];
    vector(fmt::format("blk.{}.ffn_gate.bias", layer), m_config.feedForward, weights.gateBias, need);
    vector(fmt::format("blk.{}.ffn_up.bias", layer), m_config.feedForward, weights.upBias, need);
    vector(fmt::format("blk.{}.ffn_down.bias", layer), m_config.embedding, weights.downBias, need);
}

void TensorList::addRopeFrequencyFactors() {
    m_specs.push_back({"rope_freqs.weight",
                       TensorRole::Host,
                       TensorNeed::Optional,
                       {1, 1, m_config.rope.dims / 2},
                       nullptr,
                       &m_weights.ropeFrequencyFactors});
}

} // namespace hearth::core
