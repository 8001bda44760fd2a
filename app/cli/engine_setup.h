// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/commands.h"
#include "core/engine/engine.h"

#include <memory>

namespace hearth::app::cli {

struct LoadedEngine {
    std::unique_ptr<core::Engine> engine;
    core::ModelInfo info;
};

/// An engine with the chosen model loaded. With `contextAtLeast`, a context that holds that many tokens.
[[nodiscard]] core::Result<LoadedEngine> loadEngine(const ModelArguments& arguments, int contextAtLeast = 0);

/// "portable", "avx2", "avx512" to the engine's option; empty = automatic.
[[nodiscard]] core::EngineOptions engineOptions(const std::string& path);

} // namespace hearth::app::cli
