// SPDX-License-Identifier: Apache-2.0
#include "app/cli/model_plan.h"

#include "core/gguf/file_type.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace hearth::app::cli {

namespace {

using kernels::DType;

enum class Mix : std::uint8_t {
    Pure,   ///< every matrix has the base type
    Output, ///< but for the output
    Q2K,
    Q3KM,
    MoreBits, ///< Q4_K_M, Q5_K_M
    Iq4,
};

struct Recipe {
    std::string_view name;
    DType base;
    Mix mix;
};

constexpr std::array kRecipes{
    Recipe{"F32", DType::F32, Mix::Pure},         Recipe{"F16", DType::F16, Mix::Pure},
    Recipe{"BF16", DType::BF16, Mix::Pure},       Recipe{"Q4_0", DType::Q4_0, Mix::Output},
    Recipe{"Q4_1", DType::Q4_1, Mix::Output},     Recipe{"Q5_0", DType::Q5_0, Mix::Output},
    Recipe{"Q5_1", DType::Q5_1, Mix::Output},     Recipe{"Q8_0", DType::Q8_0, Mix::Pure},
    Recipe{"Q2_K", DType::Q2_K, Mix::Q2K},        Recipe{"Q3_K_M", DType::Q3_K, Mix::Q3KM},
    Recipe{"Q4_K_M", DType::Q4_K, Mix::MoreBits}, Recipe{"Q5_K_M", DType::Q5_K, Mix::MoreBits},
    Recipe{"Q6_K", DType::Q6_K, Mix::Output},     Recipe{"IQ4_NL", DType::IQ4_NL, Mix::Iq4},
    Recipe{"IQ4_XS", DType::IQ4_XS, Mix::Iq4},    Recipe{"MXFP4", DType::MXFP4, Mix::Pure},
    Recipe{"IQ1_S", DType::IQ1_S, Mix::Pure},     Recipe{"IQ1_M", DType::IQ1_M, Mix::Pure},
    Recipe{"IQ2_XXS", DType::IQ2_XXS, Mix::Pure}, Recipe{"IQ2_XS", DType::IQ2_XS, Mix::Pure},
    Recipe{"IQ2_S", DType::IQ2_S, Mix::Pure},     Recipe{"IQ3_XXS", DType::IQ3_XXS, Mix::Pure},
    Recipe{"IQ3_S", DType::IQ3_S, Mix::Pure},     Recipe{"TQ1_0", DType::TQ1_0, Mix::Pure},
    Recipe{"TQ2_0", DType::TQ2_0, Mix::Pure},
};

constexpr auto kNames = [] {
    std::array<std::string_view, kRecipes.size()> names;
    std::ranges::transform(kRecipes, names.begin(), &Recipe::name);
    return names;
}();

enum class Place : std::uint8_t { Embedding, Output, AttentionValue, AttentionOutput, FeedForwardDown, Other };

bool fits(DType dtype, std::int32_t columns) {
    return static_cast<std::uint32_t>(columns) % kernels::info(dtype).elementsPerBlock == 0;
}

/// For rows that are no whole blocks of 256.
DType fallback(DType dtype) {
    switch (dtype) {
    case DType::Q4_K: return DType::Q5_0;
    case DType::Q5_K: return DType::Q5_1;
    case DType::Q6_K: return DType::Q8_0;
    case DType::TQ1_0:
    case DType::TQ2_0: return DType::Q4_0;
    default: return DType::IQ4_NL;
    }
}

class Planner {
public:
    Planner(const ModelShape& shape, const Recipe& recipe)
        : m_shape(shape)
        , m_recipe(recipe) {}

    std::vector<PlannedTensor> plan() {
        const std::int32_t queryWidth = m_shape.heads * m_shape.headDim();
        const std::int32_t kvWidth = m_shape.kvHeads * m_shape.headDim();
        // A tied embedding makes the logits; twice the usual deviation sets them apart.
        const float outputGain = 2.0f;
        matrix("token_embd.weight", m_shape.vocabulary, m_shape.embedding, Place::Embedding,
               m_shape.tiedOutput ? outputGain : 0.5f * std::sqrt(static_cast<float>(m_shape.embedding)));
        for (m_layer = 0; m_layer < m_shape.layers; ++m_layer) {
            vector(named("attn_norm.weight"), m_shape.embedding, 1.0f, 0.1f);
            matrix(named("attn_q.weight"), queryWidth, m_shape.embedding, Place::Other);
            matrix(named("attn_k.weight"), kvWidth, m_shape.embedding, Place::Other);
            matrix(named("attn_v.weight"), kvWidth, m_shape.embedding, Place::AttentionValue);
            if (m_shape.hasBiases()) {
                vector(named("attn_q.bias"), queryWidth, 0.0f, 0.25f);
                vector(named("attn_k.bias"), kvWidth, 0.0f, 0.25f);
                vector(named("attn_v.bias"), kvWidth, 0.0f, 0.25f);
            }
            matrix(named("attn_output.weight"), m_shape.embedding, queryWidth, Place::AttentionOutput);
            vector(named("ffn_norm.weight"), m_shape.embedding, 1.0f, 0.1f);
            feedForward();
        }
        vector("output_norm.weight", m_shape.embedding, 1.0f, 0.1f);
        if (!m_shape.tiedOutput) matrix("output.weight", m_shape.vocabulary, m_shape.embedding, Place::Output, outputGain);
        return std::move(m_tensors);
    }

private:
    [[nodiscard]] std::string named(std::string_view what) const { return fmt::format("blk.{}.{}", m_layer, what); }

    void feedForward() {
        const std::string_view suffix = m_shape.experts > 0 ? "_exps.weight" : ".weight";
        if (m_shape.experts > 0) {
            // The router is never quantised.
            add(named("ffn_gate_inp.weight"), 2, {m_shape.embedding, m_shape.experts, 1}, DType::F32, 0.0f,
                1.0f / std::sqrt(static_cast<float>(m_shape.embedding)));
        }
        for (const std::string_view which : {"gate", "up"}) {
            matrix(named(fmt::format("ffn_{}{}", which, suffix)), m_shape.feedForward, m_shape.embedding, Place::Other, 1.0f, m_shape.experts);
        }
        matrix(named(fmt::format("ffn_down{}", suffix)), m_shape.embedding, m_shape.feedForward, Place::FeedForwardDown, 1.0f, m_shape.experts);
    }

    void add(std::string name, int rank, std::array<std::int32_t, 3> dims, DType dtype, float mean, float deviation) {
        PlannedTensor tensor{.name = std::move(name), .rank = rank, .dims = {}, .dtype = dtype, .mean = mean, .deviation = deviation};
        std::ranges::transform(dims, tensor.dims.begin(), [](std::int32_t dim) { return static_cast<std::uint64_t>(dim); });
        m_tensors.push_back(std::move(tensor));
    }

    void vector(std::string name, std::int32_t columns, float mean, float deviation) {
        add(std::move(name), 1, {columns, 1, 1}, DType::F32, mean, deviation);
    }

    /// Deviation: gain / sqrt(columns), so that a product has the size of its input.
    void matrix(std::string name, std::int32_t rows, std::int32_t columns, Place place, float gain = 1.0f, std::int32_t experts = 0) {
        add(std::move(name), experts > 0 ? 3 : 2, {columns, rows, std::max(experts, 1)}, typeAt(place, columns), 0.0f,
            gain / std::sqrt(static_cast<float>(columns)));
    }

    [[nodiscard]] DType typeAt(Place place, std::int32_t columns) const {
        const DType wanted = mixedType(place, columns);
        if (fits(wanted, columns)) return wanted;
        const DType smaller = fallback(wanted);
        return fits(smaller, columns) ? smaller : DType::F16;
    }

    [[nodiscard]] DType mixedType(Place place, std::int32_t columns) const {
        const DType base = m_recipe.base;
        if (m_recipe.mix == Mix::Pure) return base;
        const bool makesLogits = place == Place::Output || (place == Place::Embedding && m_shape.tiedOutput);
        if (makesLogits) return fits(base, columns) ? DType::Q6_K : DType::Q8_0;

        const std::int32_t layers = m_shape.layers;
        const bool sharesKeys = m_shape.heads / m_shape.kvHeads >= 4;
        const bool moreBits = m_layer < layers / 8 || m_layer >= 7 * layers / 8 || (m_layer - layers / 8) % 3 == 2;
        switch (m_recipe.mix) {
        case Mix::Q2K:
            if (place == Place::AttentionValue) return sharesKeys ? DType::Q4_K : DType::Q3_K;
            return place == Place::AttentionOutput || place == Place::FeedForwardDown ? DType::Q3_K : base;
        case Mix::Q3KM:
            if (place == Place::AttentionValue) return m_layer < 2 ? DType::Q5_K : DType::Q4_K;
            if (place == Place::FeedForwardDown) return m_layer < layers / 16 ? DType::Q5_K : DType::Q4_K;
            return place == Place::AttentionOutput ? DType::Q4_K : base;
        case Mix::MoreBits:
            return moreBits && (place == Place::AttentionValue || place == Place::FeedForwardDown) ? DType::Q6_K : base;
        case Mix::Iq4:
            if (place == Place::AttentionValue && sharesKeys) return DType::Q5_K;
            return place == Place::FeedForwardDown && m_layer < layers / 8 ? DType::Q5_K : base;
        case Mix::Pure:
        case Mix::Output: break;
        }
        return base;
    }

    const ModelShape& m_shape;
    const Recipe& m_recipe;
    std::vector<PlannedTensor> m_tensors;
    std::int32_t m_layer = 0;
};

} // namespace

std::span<const std::string_view> modelTypes() {
    return kNames;
}

std::uint32_t fileTypeNumber(std::string_view type) {
    constexpr std::uint32_t kMost = 256;
    std::uint32_t number = 0;
    while (number < kMost && core::fileTypeName(number) != type) ++number;
    assert(number < kMost);
    return number;
}

std::vector<PlannedTensor> planTensors(const ModelShape& shape, std::string_view type) {
    const auto recipe = std::ranges::find(kRecipes, type, &Recipe::name);
    assert(recipe != kRecipes.end());
    return Planner(shape, *recipe).plan();
}

} // namespace hearth::app::cli
