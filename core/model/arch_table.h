// SPDX-License-Identifier: Apache-2.0
//
// The table of architectures that Hearth runs. Each is one file in core/model/arch/ and one row in arch_table.cpp; what
// is not in the table is refused by name before anything is loaded. Thread: any.
#pragma once

#include "core/base/error.h"
#include "core/gguf/gguf_metadata.h"
#include "core/model/model_config.h"
#include "core/model/model_weights.h"
#include "core/model/tensor_spec.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

struct Architecture {
    std::string_view name; ///< general.architecture
    Result<ModelConfig> (*readConfig)(const GgufMetadata& metadata);
    /// Sizes weights.layers and lists every tensor, with slots pointing into `weights`.
    std::vector<TensorSpec> (*listTensors)(const ModelConfig& config, ModelWeights& weights);
};

[[nodiscard]] std::span<const Architecture> archTable();

/// UnsupportedArchitecture names the one asked for and lists those supported; MissingKey when the file names none.
[[nodiscard]] Result<const Architecture*> findArchitecture(const GgufMetadata& metadata);

/// "llama, qwen2, qwen3"
[[nodiscard]] std::string supportedArchitectures();

} // namespace hearth::core
