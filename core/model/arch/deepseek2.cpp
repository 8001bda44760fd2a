// SPDX-License-Identifier: Apache-2.0
//
// deepseek2: DeepSeek V2 and V2 Lite. Latent attention: keys and values of all heads are products with one short vector per
// token, beside which a part shared by all heads is rotated. Files of 2025 and later split the second product per head
// (attn_k_b, attn_v_b, attention.key_length_mla), so that the cache holds that vector alone; older ones have attn_kv_b.
// The first blocks are dense, the others mixtures with shared experts. YaRN's magnitude belongs to the scores, not to the
// rotations. V3's expert groups and its routing by sigmoids are refused by name.
// Source: DeepSeek-V2 report, arXiv:2405.04434, section 2.1.
#include "core/model/arch/architectures.h"
#include "core/model/arch/tensor_list.h"
#include "core/model/arch/transformer.h"

#include <fmt/format.h>

#include <cmath>

namespace hearth::core::deepseek2 {

namespace {

constexpr std::uint64_t kSoftmaxGating = 1; // expert_gating_func

void readLatentAttention(KeyReader& keys, ModelConfig& config) {
    LatentAttention& latent = config.latent;
    latent.queryRank = keys.countOrZero("attention.q_lora_rank", kMostWidth).value_or(0);
    latent.rank = keys.count("attention.kv_lora_rank", kMostHeadDim).value_or(1);
    const auto mlaKey = keys.count("attention.key_length_mla", kMostHeadDim, TensorNeed::Optional);
    const std::int32_t keyDim = mlaKey.value_or(config.headDim);
    latent.absorbed = mlaKey.has_value();
    const char* valueKey = latent.absorbed ? "attention.value_length_mla" : "attention.value_length";
    latent.valueDim = keys.count(valueKey, kMostHeadDim).value_or(1);
    latent.nopeDim = keyDim - config.rope.dims;
    if (latent.nopeDim < 1 || latent.valueDim > keyDim) {
        keys.setError(ErrorCode::MalformedFile,
                      fmt::format("key '{}': heads of {} with {} rotated elements and values of {}",
                                  keys.name("rope.dimension_count"), keyDim, config.rope.dims, latent.valueDim));
        return;
    }
    if (latent.absorbed) {
        config.kvHeads = 1;
        config.headDim = latent.rank + config.rope.dims;
    } else {
        config.kvHeads = config.heads;
        config.headDim = keyDim;
    }

    // What YaRN multiplies sines and cosines by goes into the scores instead, where the elements that are not rotated get it
    // too. yarn_log_multiplier is a tenth of the report's mscale_all_dim.
    const float stretch = std::log(1.0f / config.rope.positionScale);
    const auto multiplier = keys.positiveOrZero("rope.scaling.yarn_log_multiplier");
    float magnitude = config.rope.attentionFactor;
    if (config.rope.extensionFactor != 0.0f) {
        const float byYarn = 1.0f + 0.1f * stretch;
        if (multiplier.value_or(0.0f) > 0.0f) {
            config.rope.attentionFactor /= byYarn;
        } else {
            magnitude *= byYarn;
        }
    }
    magnitude *= 1.0f + multiplier.value_or(0.0f) * stretch;
    config.attentionScale = magnitude * magnitude / std::sqrt(static_cast<float>(keyDim));
}

} // namespace

Result<ModelConfig> readConfig(const GgufMetadata& metadata) {
    return readTransformerConfig(metadata, NormKind::Rms, [](KeyReader& keys, ModelConfig& config) {
        config.rope.pairing = kernels::RopePairing::Interleaved;
        readLatentAttention(keys, config);
        readExperts(keys, config, TensorNeed::Required);
        readSharedExperts(keys, config);
        config.renormaliseExperts = keys.flag("expert_weights_norm").value_or(false);
        if (keys.metadata().uint(keys.name("expert_gating_func")).value_or(kSoftmaxGating) != kSoftmaxGating) {
            keys.setError(ErrorCode::UnsupportedArchitecture,
                          fmt::format("key '{}': only 1 (softmax) is supported", keys.name("expert_gating_func")));
        }
        if (keys.countOrZero("expert_group_count", kMostExperts).value_or(0) > 1) {
            keys.setError(ErrorCode::UnsupportedArchitecture,
                          fmt::format("key '{}': groups of experts are not supported", keys.name("expert_group_count")));
        }
    });
}

std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights) {
    TensorList list(config, weights);
    list.addEmbeddingAndOutput();
    for (std::int32_t layer = 0; layer < config.layers; ++layer) {
        list.addLatentAttention(layer);
        list.addFeedForward(layer);
    }
    return list.take();
}

} // namespace hearth::core::deepseek2
