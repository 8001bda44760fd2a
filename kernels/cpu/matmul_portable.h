// SPDX-License-Identifier: Apache-2.0
//
// Matrix products without 8-bit activations: any weight format, decoded a few rows at a time, times f32 activations.
// The most exact path, and the one for formats and shapes that the SIMD kernels do not take. Contract: kernels/ops/matmul.h.
// Thread: any; the caller brings the scratch.
#pragma once

#include "kernels/dtype.h"

#include <cstdint>

namespace hearth::kernels {

/// Rows decoded at once: enough to use each activation loaded several times.
constexpr std::int64_t kDecodedRows = 4;

/// The signature of MatmulKernels::matmulFloat.
using MatmulFloat = void (*)(float* out, std::int64_t outStride, DType dtype, const void* weight, std::int64_t rowBytes,
                             std::int64_t rowFrom, std::int64_t rowTo, const float* x, std::int64_t xStride,
                             std::int64_t nTokens, std::int64_t cols);

/// out[t * outStride + r] = dot(weight row r, x + t * xStride) for F32 weights only.
void matmulF32Portable(float* out, std::int64_t outStride, DType dtype, const void* weight, std::int64_t rowBytes,
                       std::int64_t rowFrom, std::int64_t rowTo, const float* x, std::int64_t xStride,
                       std::int64_t nTokens, std::int64_t cols);

/// The same for every format that decodeRow() knows.
/// scratch  [kDecodedRows * cols]
/// multiply for the decoded rows, called with DType::F32
void matmulDecoded(float* out, std::int64_t outStride, DType dtype, const void* weight, std::int64_t rowBytes,
                   std::int64_t rowFrom, std::int64_t rowTo, const float* x, std::int64_t xStride, std::int64_t nTokens,
                   std::int64_t cols, float* scratch, MatmulFloat multiply);

} // namespace hearth::kernels
