// SPDX-License-Identifier: Apache-2.0
//
// ModelShape: the sizes of models that people run, for make-model. Thread: any (constant tables).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hearth::app::cli {

enum class ModelFamily : std::uint8_t { Llama, Qwen2 };

struct ModelShape {
    std::string_view name;  ///< as --shape takes it: "llama-8b"
    std::string_view title; ///< general.name
    ModelFamily family = ModelFamily::Llama;
    std::int32_t layers = 0;
    std::int32_t embedding = 0; ///< width of the residual stream
    std::int32_t heads = 0;
    std::int32_t kvHeads = 0;
    std::int32_t feedForward = 0; ///< of one expert in a mixture
    std::int32_t vocabulary = 0;
    std::int32_t context = 0; ///< trained context length to state
    float ropeBase = 0.0f;
    float normEpsilon = 0.0f;
    bool tiedOutput = false; ///< no output.weight: the token embedding serves
    std::int32_t experts = 0; ///< 0 = dense
    std::int32_t expertsUsed = 0;

    [[nodiscard]] std::int32_t headDim() const { return embedding / heads; }
    [[nodiscard]] bool hasBiases() const { return family == ModelFamily::Qwen2; } ///< of Q, K and V
    [[nodiscard]] std::string_view architecture() const { return family == ModelFamily::Llama ? "llama" : "qwen2"; }
};

[[nodiscard]] std::span<const ModelShape> modelShapes();
[[nodiscard]] const ModelShape* findModelShape(std::string_view name); ///< nullptr when there is none

} // namespace hearth::app::cli
