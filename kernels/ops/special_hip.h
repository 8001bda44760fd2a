// SPDX-License-Identifier: Apache-2.0
//
// What few models need, on the GPU: what host and device share. Contract: special.h. A thread computes four neighbours.
// hearth_clamped_swi_glu   GatedArgs, gatedGrid (gated_hip.h), 8 bits included
// hearth_add_expert_bias   AddExpertBiasArgs, hearth_copy_columns   CopyColumnsArgs; both rowPiecesGrid
#pragma once

#include "kernels/ops/gated_hip.h"

#include <array>
#include <cstdint>

namespace hearth::kernels {

constexpr int kSpecialThreads = 256;

struct AddExpertBiasArgs {
    float* x;                ///< [rows, cols]
    const float* bias;       ///< [experts, cols]
    const std::int32_t* ids; ///< [rows]; outside [0, experts) count as the nearest inside
    std::int32_t experts;
    std::int32_t cols;
    std::int32_t pieces; ///< blocks for a row
};

struct CopyColumnsArgs {
    float* out;      ///< first column and row to write
    const float* in; ///< likewise to read
    std::int32_t outCols;
    std::int32_t inCols;
    std::int32_t count;  ///< columns
    std::int32_t repeat; ///< rows of out for a row of in
    std::int32_t pieces; ///< blocks for a row
};

/// Blocks that a row of `cols` values is cut into.
inline std::int32_t rowPieces(std::int32_t cols) {
    return (cols + 4 * kSpecialThreads - 1) / (4 * kSpecialThreads);
}

inline std::array<std::uint32_t, 3> rowPiecesGrid(std::int64_t rows, std::int32_t pieces) {
    return {static_cast<std::uint32_t>(rows * pieces), 1, 1};
}

} // namespace hearth::kernels
