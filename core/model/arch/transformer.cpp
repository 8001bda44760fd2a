// SPDX-License-Identifier: Apache-2.0
#include "core/model/arch/transformer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace hearth::core {

namespace {

/// rope.scaling.*: "linear" stretches positions, "yarn" stretches the slow rotations only, "longrope" has its factors in
/// tensors. Files older than the key rope.scaling.type meant linear.
void readRopeScaling(KeyReader& keys, ModelConfig& config) {
    const std::string_view type = keys.text("rope.scaling.type").value_or("linear");
    config.originalContext = keys.count("rope.scaling.original_context_length", kMostContext, TensorNeed::Optional)
                                 .value_or(config.trainedContext);
    config.rope.attentionFactor = keys.positive("rope.scaling.attn_factor", TensorNeed::Optional).value_or(1.0f);
    if (type == "none") return;
    if (type != "linear" && type != "yarn" && type != "longrope") {
        keys.setError(ErrorCode::UnsupportedArchitecture,
                      fmt::format("key '{}': '{}'; supported are none, linear, yarn, longrope",
                                  keys.name("rope.scaling.type"), type));
        return;
    }
    auto factor = keys.positive("rope.scaling.factor", TensorNeed::Optional);
    if (!factor) factor = keys.positive("rope.scale_linear", TensorNeed::Optional);
    config.rope.positionScale = 1.0f / factor.value_or(1.0f);
    if (type != "yarn") return;

    config.rope.extensionFactor = keys.positive("rope.scaling.yarn_ext_factor", TensorNeed::Optional).value_or(1.0f);
    config.rope.betaFast = keys.positive("rope.scaling.yarn_beta_fast", TensorNeed::Optional).value_or(32.0f);
    config.rope.betaSlow = keys.positive("rope.scaling.yarn_beta_slow", TensorNeed::Optional).value_or(1.0f);
    config.rope.originalContext = config.originalContext;
}

void readCommonKeys(KeyReader& keys, ModelConfig& config) {
    config.trainedContext = keys.count("context_length", kMostContext).value_or(0);
    config.embedding = keys.count("embedding_length", kMostWidth).value_or(0);
    config.layers = keys.count("block_count", kMostLayers).value_or(0);
    config.heads = keys.count("attention.head_count", kMostHeads).value_or(1);
    config.kvHeads = keys.count("attention.head_count_kv", kMostHeads, TensorNeed::Optional).value_or(config.heads);
    config.normEpsilon = keys.positive(config.norm == NormKind::Rms ? "attention.layer_norm_rms_epsilon"
                                                                    : "attention.layer_norm_epsilon")
                             .value_or(0.0f);
    config.layerKinds.resize(static_cast<std::size_t>(config.layers));

    config.headDim = keys.count("attention.key_length", kMostHeadDim, TensorNeed::Optional)
                         .value_or(config.embedding / config.heads);
    config.rope.dims = keys.count("rope.dimension_count", kMostHeadDim, TensorNeed::Optional).value_or(config.headDim);
    config.rope.base = keys.positive("rope.freq_base", TensorNeed::Optional).value_or(10000.0f);
    readRopeScaling(keys, config);

    const auto* tokens = keys.metadata().strings("tokenizer.ggml.tokens");
    if (tokens == nullptr || tokens->empty()) {
        keys.setError(ErrorCode::MissingKey, "key 'tokenizer.ggml.tokens' is missing or empty");
    } else {
        config.vocabulary = static_cast<std::int32_t>(tokens->size()); // the reader bounds array lengths
    }
    // A mixture of experts may leave it out; readExperts asks for it where it matters.
    config.feedForward = keys.count("feed_forward_length", kMostWidth, TensorNeed::Optional).value_or(0);
    if (config.headDim > 0) config.attentionScale = 1.0f / std::sqrt(static_cast<float>(config.headDim));
}

/// What the file's numbers must be to each other.
void checkCommonKeys(KeyReader& keys, const ModelConfig& config) {
    if (config.heads % config.kvHeads != 0) {
        keys.setError(ErrorCode::MalformedFile,
                      fmt::format("key '{}': {} does not divide the {} query heads",
                                  keys.name("attention.head_count_kv"), config.kvHeads, config.heads));
    }
    if (config.headDim < 1 || static_cast<std::uint64_t>(config.headDim) > kMostHeadDim) {
        keys.setError(ErrorCode::MalformedFile,
                      fmt::format("head size {}: embedding_length {} over attention.head_count {}", config.headDim,
                                  config.embedding, config.heads));
    }
    const std::int32_t valueDim =
        keys.count("attention.value_length", kMostHeadDim, TensorNeed::Optional).value_or(config.headDim);
    if (config.latent.rank == 0 && valueDim != config.headDim) {
        keys.setError(ErrorCode::UnsupportedArchitecture,
                      fmt::format("key '{}': {} differs from the key length {}", keys.name("attention.value_length"),
                                  valueDim, config.headDim));
    }
    if (config.rope.dims > config.headDim || config.rope.dims % 2 != 0) {
        keys.setError(ErrorCode::MalformedFile,
                      fmt::format("key '{}': {} is odd or over the head size {}", keys.name("rope.dimension_count"),
                                  config.rope.dims, config.headDim));
    }
    if (config.experts == 0 && config.feedForward == 0) {
        keys.setError(ErrorCode::MissingKey, fmt::format("key '{}' is missing", keys.name("feed_forward_length")));
    }
}

} // namespace

Result<ModelConfig> readTransformerConfig(const GgufMetadata& metadata, NormKind norm,
                                          void (*readOwn)(KeyReader& keys, ModelConfig& config)) {
    const auto architecture = metadata.requireString("general.architecture");
    if (!architecture) return std::unexpected(architecture.error());
    ModelConfig config;
    config.architecture = *architecture;
    config.norm = norm;
    KeyReader keys(metadata, *architecture);
    readCommonKeys(keys, config);
    if (!keys.error()) readOwn(keys, config);
    if (!keys.error()) checkCommonKeys(keys, config);
    if (keys.error()) return std::unexpected(*keys.error());
    return config;
}

void readExperts(KeyReader& keys, ModelConfig& config, TensorNeed need) {
    config.experts = keys.countOrZero("expert_count", kMostExperts).value_or(0);
    if (config.experts == 0) {
        if (need == TensorNeed::Required)
            keys.setError(ErrorCode::MissingKey, fmt::format("key '{}' is missing or 0", keys.name("expert_count")));
        return;
    }
    config.expertsUsed = keys.count("expert_used_count", kMostExperts).value_or(0);
    config.expertFeedForward =
        keys.count("expert_feed_forward_length", kMostWidth, TensorNeed::Optional).value_or(config.feedForward);
    config.expertWeightScale = keys.positiveOrZero("expert_weights_scale").value_or(0.0f);
    if (config.expertWeightScale == 0.0f) config.expertWeightScale = 1.0f; // writers mean "none"
    if (config.expertsUsed > config.experts) {
        keys.setError(ErrorCode::MalformedFile, fmt::format("key '{}': {} of {} experts", keys.name("expert_used_count"),
                                                            config.expertsUsed, config.experts));
    }
    if (config.expertFeedForward == 0) {
        keys.setError(ErrorCode::MissingKey,
                      fmt::format("key '{}' is missing", keys.name("expert_feed_forward_length")));
    }
    for (LayerKind& kind : config.layerKinds) kind.experts = true;
    config.feedForward = 0;
}

void readSharedExperts(KeyReader& keys, ModelConfig& config) {
    const std::int32_t dense = keys.countOrZero("leading_dense_block_count", kMostLayers).value_or(0);
    for (std::int32_t i = 0; i < std::min(dense, config.layers); ++i)
        config.layerKinds[static_cast<std::size_t>(i)].experts = false;
    if (dense > 0) config.feedForward = keys.count("feed_forward_length", kMostWidth).value_or(0);
    const std::int64_t shared = keys.countOrZero("expert_shared_count", kMostExperts).value_or(0);
    const std::int64_t width = shared * config.expertFeedForward;
    if (width > static_cast<std::int64_t>(kMostWidth)) {
        keys.setError(ErrorCode::MalformedFile, fmt::format("key '{}': {} of width {}", keys.name("expert_shared_count"),
                                                            shared, config.expertFeedForward));
        return;
    }
    config.sharedFeedForward = static_cast<std::int32_t>(width);
}

void readMultipliers(KeyReader& keys, ModelConfig& config) {
    config.logitScale = 1.0f / keys.positive("logit_scale").value_or(1.0f);
    // Writers put 0 for "none".
    const auto multiplier = [&](std::string_view suffix, float& value) {
        const float read = keys.positiveOrZero(suffix).value_or(0.0f);
        if (read > 0.0f) value = read;
    };
    multiplier("residual_scale", config.residualScale);
    multiplier("embedding_scale", config.embeddingScale);
    multiplier("attention.scale", config.attentionScale);
    if (!keys.flag("rope.scaling.finetuned").value_or(true)) config.rope.dims = 0;
}

void readSlidingWindow(KeyReader& keys, ModelConfig& config, std::int32_t window, std::int32_t period) {
    config.slidingWindow = keys.countOrZero("attention.sliding_window", kMostContext).value_or(window);
    config.slidingRope = config.rope;
    config.slidingRope.base = keys.positive("rope.freq_base_swa", TensorNeed::Optional).value_or(config.rope.base);
    if (config.slidingWindow == 0) return;
    const std::vector<bool> sliding = keys.slidingLayers(config.layers, period);
    for (std::size_t i = 0; i < sliding.size(); ++i) config.layerKinds[i].sliding = sliding[i];
}

} // namespace hearth::core
