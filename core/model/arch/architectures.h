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

HEARTH_ARCHITECTURE(kChatGlm, "chatglm", chatglm)
HEARTH_ARCHITECTURE(kCommandR, "command-r", command_r)
HEARTH_ARCHITECTURE(kDeepSeek, "deepseek", deepseek)
HEARTH_ARCHITECTURE(kDeepSeek2, "deepseek2", deepseek2)
HEARTH_ARCHITECTURE(kFalcon, "falcon", falcon)
HEARTH_ARCHITECTURE(kGemma, "gemma", gemma)
HEARTH_ARCHITECTURE(kGemma2, "gemma2", gemma2)
HEARTH_ARCHITECTURE(kGemma3, "gemma3", gemma3)
HEARTH_ARCHITECTURE(kGlm4, "glm4", glm4)
HEARTH_ARCHITECTURE(kGpt2, "gpt2", gpt2)
HEARTH_ARCHITECTURE(kGptNeoX, "gptneox", gptneox)
HEARTH_ARCHITECTURE(kGptOss, "gpt-oss", gpt_oss)
HEARTH_ARCHITECTURE(kGranite, "granite", granite)
HEARTH_ARCHITECTURE(kGraniteMoe, "granitemoe", granitemoe)
HEARTH_ARCHITECTURE(kLlama, "llama", llama)
HEARTH_ARCHITECTURE(kOlmo, "olmo", olmo)
HEARTH_ARCHITECTURE(kOlmo2, "olmo2", olmo2)
HEARTH_ARCHITECTURE(kPhi2, "phi2", phi2)
HEARTH_ARCHITECTURE(kPhi3, "phi3", phi3)
HEARTH_ARCHITECTURE(kQwen2, "qwen2", qwen2)
HEARTH_ARCHITECTURE(kQwen2Moe, "qwen2moe", qwen2moe)
HEARTH_ARCHITECTURE(kQwen3, "qwen3", qwen3)
HEARTH_ARCHITECTURE(kQwen3Moe, "qwen3moe", qwen3moe)
HEARTH_ARCHITECTURE(kSeedOss, "seed_oss", seed_oss)
HEARTH_ARCHITECTURE(kSmolLm3, "smollm3", smollm3)
HEARTH_ARCHITECTURE(kStableLm, "stablelm", stablelm)
HEARTH_ARCHITECTURE(kStarCoder2, "starcoder2", starcoder2)

#undef HEARTH_ARCHITECTURE

} // namespace hearth::core
