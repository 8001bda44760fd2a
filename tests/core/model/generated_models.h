// SPDX-License-Identifier: Apache-2.0
//
// The generated models that tests/data/models/generated holds logits for, and the prompt those were computed with.
#pragma once

#include "tests/support/tiny_model.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hearth::test {

/// Logits are stored for the last so many positions.
inline constexpr std::size_t kGeneratedRows = 8;

/// <s> and ids from all over the vocabulary.
inline std::vector<std::int32_t> generatedPrompt() {
    std::vector<std::int32_t> prompt{1};
    for (std::int32_t i = 1; i < 48; ++i)
        prompt.push_back(3 + i * 97 % 560);
    return prompt;
}

/// The name is the file's stem in generated/.
inline std::vector<TinyModelOptions> generatedModels() {
    std::vector<TinyModelOptions> models;
    const auto add = [&](std::string name, std::string architecture, auto change) {
        TinyModelOptions options;
        options.seed = 20 + models.size();
        options.name = std::move(name);
        options.architecture = std::move(architecture);
        options.dtype = kernels::DType::F32;
        change(options);
        models.push_back(std::move(options));
    };
    const auto nothing = [](TinyModelOptions&) {};
    add("llama-biases", "llama", [](TinyModelOptions& o) { o.biases = true; });
    add("llama-linear", "llama", [](TinyModelOptions& o) { o.ropeScaling = "linear"; });
    add("llama-yarn", "llama", [](TinyModelOptions& o) { o.ropeScaling = "yarn"; });
    add("llama-experts", "llama", [](TinyModelOptions& o) { o.experts = 4; });
    add("qwen2", "qwen2", nothing);
    add("qwen3", "qwen3", nothing);
    add("qwen3-tied", "qwen3", [](TinyModelOptions& o) { o.tiedOutput = true; });
    add("qwen3-yarn", "qwen3", [](TinyModelOptions& o) { o.ropeScaling = "yarn"; });
    // A seed whose routers meet no near tie in the last positions: one flips with the rounding of the cache.
    add("qwen3moe", "qwen3moe", [](TinyModelOptions& o) { o.seed = 40; });
    return models;
}

} // namespace hearth::test
