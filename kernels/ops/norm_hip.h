// SPDX-License-Identifier: Apache-2.0
//
// Norms on the GPU: what host and device share. Contract: norm.h; and, so that a step needs fewer launches:
//     y != nullptr       x += y first, and the sum is written back to x
//     q8.q != nullptr    the result in 8 bits too, for the matrix product that reads it (cols a multiple of 32)
//     out == nullptr     the result in 8 bits only
// hearth_rms_norm        a block per row
// hearth_rms_norm_heads  32 lanes per row, for many short rows (the norms of Q and K); no q8
// hearth_layer_norm      a block per row
#pragma once

#include "kernels/hip/q8_rows.h"

#include <array>
#include <cstdint>

namespace hearth::kernels {

constexpr int kNormThreads = 512;
constexpr int kHeadNormThreads = 128;
constexpr int kHeadNormLanes = 32;
/// Rows of up to this many values are read once; longer ones work too.
constexpr int kHeadNormCols = 512;

struct RmsNormArgs {
    float* out;          ///< [rows, cols]; may be x, or nullptr
    float* x;            ///< [rows, cols]; written only when y is there
    const float* y;      ///< [rows, cols] or nullptr
    const float* weight; ///< [cols]
    Q8Rows q8;
    std::int32_t rows;
    std::int32_t cols;
    float eps;
};

struct LayerNormArgs {
    float* out;          ///< [rows, cols]; may be x, or nullptr
    const float* x;      ///< [rows, cols]
    const float* weight; ///< [cols]
    const float* bias;   ///< [cols] or nullptr
    Q8Rows q8;
    std::int32_t rows;
    std::int32_t cols;
    float eps;
};

/// hearth_rms_norm and hearth_layer_norm
inline std::array<std::uint32_t, 3> normGrid(std::int32_t rows) {
    return {static_cast<std::uint32_t>(rows), 1, 1};
}

/// hearth_rms_norm_heads is the better one
inline bool isHeadNorm(const RmsNormArgs& args) {
    return args.q8.q == nullptr && args.cols <= kHeadNormCols && args.rows > 1;
}

inline std::array<std::uint32_t, 3> headNormGrid(std::int32_t rows) {
    constexpr std::int32_t kRows = kHeadNormThreads / kHeadNormLanes;
    return {static_cast<std::uint32_t>((rows + kRows - 1) / kRows), 1, 1};
}

} // namespace hearth::kernels
