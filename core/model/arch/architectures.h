// SPDX-License-Identifier: Apache-2.0
//
// One declaration per architecture file, for the table alone.
#pragma once

#include "core/model/arch_table.h"

namespace hearth::core {

#define HEARTH_ARCHITECTURE(constant, ggufName, space)                                                                 \
    namespace space {                                                                                                  \
    Result<ModelConfig> readConfig(const GgufMetadata& metadata);                                                      \
    std::vector<TensorSpec> listTensors(const ModelConfig& config, ModelWeights& weights);                             \
    }                                                                                                                  \
    inline constexpr Architecture constant{ggufName, &space::readConfig, &space::listTensors};

HEARTH_ARCHITECTURE(kLlama, "llama", llama)
HEARTH_ARCHITECTURE(kQwen2, "qwen2", qwen2)
HEARTH_ARCHITECTURE(kQwen3, "qwen3", qwen3)
HEARTH_ARCHITECTURE(kQwen3Moe, "qwen3moe", qwen3moe)

#undef HEARTH_ARCHITECTURE

} // namespace hearth::core
