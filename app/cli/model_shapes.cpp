// SPDX-License-Identifier: Apache-2.0
#include "app/cli/model_shapes.h"

#include <algorithm>
#include <array>

namespace hearth::app::cli {

namespace {

// Sources: the config.json files of Llama 3.1 8B, Llama 3.2 1B and Qwen2 0.5B. The tiny ones are for tests:
// tiny-qwen2's rows are, like Qwen2 0.5B's, no whole 256-value blocks.
constexpr std::array kShapes{
    ModelShape{.name = "llama-8b", .title = "Random Llama 8B", .family = ModelFamily::Llama, .layers = 32,
               .embedding = 4096, .heads = 32, .kvHeads = 8, .feedForward = 14336, .vocabulary = 128256,
               .context = 131072, .ropeBase = 500000.0f, .normEpsilon = 1e-5f},
    ModelShape{.name = "llama-1b", .title = "Random Llama 1B", .family = ModelFamily::Llama, .layers = 16,
               .embedding = 2048, .heads = 32, .kvHeads = 8, .feedForward = 8192, .vocabulary = 128256,
               .context = 131072, .ropeBase = 500000.0f, .normEpsilon = 1e-5f, .tiedOutput = true},
    ModelShape{.name = "qwen2-0.5b", .title = "Random Qwen2 0.5B", .family = ModelFamily::Qwen2, .layers = 24,
               .embedding = 896, .heads = 14, .kvHeads = 2, .feedForward = 4864, .vocabulary = 151936,
               .context = 32768, .ropeBase = 1000000.0f, .normEpsilon = 1e-6f, .tiedOutput = true},
    ModelShape{.name = "tiny", .title = "Random tiny Llama", .family = ModelFamily::Llama, .layers = 2,
               .embedding = 256, .heads = 4, .kvHeads = 2, .feedForward = 512, .vocabulary = 1024,
               .context = 2048, .ropeBase = 10000.0f, .normEpsilon = 1e-5f},
    ModelShape{.name = "tiny-qwen2", .title = "Random tiny Qwen2", .family = ModelFamily::Qwen2, .layers = 2,
               .embedding = 224, .heads = 7, .kvHeads = 1, .feedForward = 512, .vocabulary = 1024,
               .context = 2048, .ropeBase = 1000000.0f, .normEpsilon = 1e-6f, .tiedOutput = true},
    ModelShape{.name = "moe-tiny", .title = "Random tiny mixture", .family = ModelFamily::Llama, .layers = 2,
               .embedding = 256, .heads = 4, .kvHeads = 2, .feedForward = 256, .vocabulary = 1024,
               .context = 2048, .ropeBase = 10000.0f, .normEpsilon = 1e-5f, .experts = 4, .expertsUsed = 2},
};

} // namespace

std::span<const ModelShape> modelShapes() {
    return kShapes;
}

const ModelShape* findModelShape(std::string_view name) {
    const auto found = std::ranges::find(kShapes, name, &ModelShape::name);
    return found == kShapes.end() ? nullptr : &*found;
}

} // namespace hearth::app::cli
