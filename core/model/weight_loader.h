// SPDX-License-Identifier: Apache-2.0
//
// WeightLoader: matches the file's tensors with what the architecture lists, then brings them into memory and hands
// them to the back end. Nothing is read until every name, shape and type has been found right. Thread: engine only.
#pragma once

#include "core/base/error.h"
#include "core/gguf/gguf_file.h"
#include "core/model/backend_set.h"
#include "core/model/model.h"
#include "core/model/model_weights.h"
#include "core/model/tensor_spec.h"

#include <functional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

namespace hearth::core {

struct MatchedTensor {
    const TensorSpec* spec = nullptr;
    const GgufTensor* tensor = nullptr;
};

/// MissingTensor, WrongShape, UnsupportedTensorType, or UnsupportedArchitecture for a tensor that the list does not
/// know: ignoring it would compute something else than the model.
[[nodiscard]] Result<std::vector<MatchedTensor>> matchTensors(const GgufFile& file, std::span<const TensorSpec> specs);

/// Tensors that no back end is given: what old converters wrote beside the metadata, and what the host keeps.
[[nodiscard]] bool staysOnHost(std::string_view tensorName);

/// Reads every matched tensor's pages with progress, gives it to the back end where it is used, and fills the slots.
/// Cancelled, OutOfMemory, DeviceLost, FileChanged.
[[nodiscard]] Result<void> loadTensors(const GgufFile& file, std::span<const MatchedTensor> matched,
                                       const BackendSet& backends,
                                       const std::function<void(const WeightProgress&)>& progress,
                                       std::stop_token stop);

} // namespace hearth::core
