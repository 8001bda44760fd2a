// SPDX-License-Identifier: Apache-2.0
//
// planTensors: which tensors a generated model file has, of which type and with which values. A type is what people call
// a file by ("Q4_K_M"); the mixes give each tensor the type that llama.cpp's quantiser gives it without an importance
// matrix. Thread: any.
// Source of the mixes and fallbacks: llama.cpp's llama-quant.cpp.
#pragma once

#include "app/cli/model_shapes.h"
#include "kernels/dtype.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::app::cli {

struct PlannedTensor {
    std::string name;
    int rank = 1;
    std::array<std::uint64_t, 3> dims{1, 1, 1}; ///< columns first, as the file stores them
    kernels::DType dtype = kernels::DType::F32;
    float mean = 0.0f; ///< zero unless dtype is F32
    float deviation = 0.0f;

    [[nodiscard]] std::uint64_t bytes() const { return kernels::bytesFor(dtype, dims[0] * dims[1] * dims[2]); }
};

/// "F32" ... "Q4_K_M" ... "MXFP4". The IQ types below four bits, TQ and MXFP4 are pure: every matrix has the type itself.
[[nodiscard]] std::span<const std::string_view> modelTypes();

/// The general.file_type number of one of modelTypes().
[[nodiscard]] std::uint32_t fileTypeNumber(std::string_view type);

/// The tensors in the order of the file. `type` is one of modelTypes().
[[nodiscard]] std::vector<PlannedTensor> planTensors(const ModelShape& shape, std::string_view type);

} // namespace hearth::app::cli
