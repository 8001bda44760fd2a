// SPDX-License-Identifier: Apache-2.0
//
// Tiny generated models: valid GGUF files of a few hundred kB with seeded random weights, for tests that need a model
// but not an intelligent one. The vocabulary is SentencePiece-shaped ("llama"): <unk>, <s>, </s>, 256 byte tokens,
// letters and common words, so any text encodes. The output rows of byte and control tokens are scaled down, so that
// what the model says is mostly printable words and it rarely ends by itself. The same options give the same file on
// every machine with IEEE arithmetic and the same math library.
#pragma once

#include "kernels/dtype.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace hearth::test {

struct TinyModelOptions {
    std::uint64_t seed = 1;
    std::string name = "Tiny"; ///< general.name; the file is "<name>.gguf", spaces made hyphens
    std::int32_t contextLength = 512;
    std::string architecture = "llama";         ///< llama, qwen2, qwen3 or qwen3moe
    kernels::DType dtype = kernels::DType::F16; ///< of the matrices: F32, F16 or Q8_0
    std::int32_t layers = 2;
    std::int32_t experts = 0; ///< 0 = dense, except qwen3moe, where 0 = 4
    bool chatTemplate = true;
    std::string chatTemplateText; ///< instead of the built-in one
    /// Control tokens in the place of others: what the model would have said by those, it says by these.
    std::vector<std::pair<std::string, std::string>> controls; ///< spelling as stored, new spelling
    bool tiedOutput = false;
    bool biases = false;     ///< llama: the optional biases of attention and feed-forward
    std::string ropeScaling; ///< rope.scaling.type: linear or yarn; empty = none of the keys
    float ropeScalingFactor = 4.0f;
    std::int32_t originalContext = 128; ///< rope.scaling.original_context_length
};

/// Writes the model into `folder` (which exists) and returns its path. Aborts when the disk refuses.
std::filesystem::path writeTinyModel(const std::filesystem::path& folder, const TinyModelOptions& options = {});

} // namespace hearth::test
