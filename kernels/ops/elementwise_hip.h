// SPDX-License-Identifier: Apache-2.0
//
// Elementwise operations on the GPU: what host and device share. Contract: elementwise.h. A thread computes four neighbours.
// hearth_add, hearth_scale, hearth_softcap   ElementwiseArgs, elementwiseGrid
// hearth_add_bias                            AddBiasArgs, addBiasGrid
#pragma once

#include <array>
#include <cstdint>

namespace hearth::kernels {

constexpr int kElementwiseThreads = 256;

struct ElementwiseArgs {
    float* x;
    const float* y;     ///< hearth_add
    std::int64_t count; ///< values
    float factor;       ///< hearth_scale: the factor; hearth_softcap: the cap
};

struct AddBiasArgs {
    float* x;          ///< [rows, cols]
    const float* bias; ///< [cols]
    std::int32_t cols;
    std::int32_t blocksPerRow; ///< addBiasBlocks(cols)
};

inline std::array<std::uint32_t, 3> elementwiseGrid(std::int64_t count) {
    constexpr std::int64_t kPerBlock = 4 * kElementwiseThreads;
    return {static_cast<std::uint32_t>((count + kPerBlock - 1) / kPerBlock), 1, 1};
}

inline std::int32_t addBiasBlocks(std::int32_t cols) {
    return static_cast<std::int32_t>(elementwiseGrid(cols)[0]);
}

inline std::array<std::uint32_t, 3> addBiasGrid(std::int32_t rows, std::int32_t cols) {
    return {static_cast<std::uint32_t>(rows) * static_cast<std::uint32_t>(addBiasBlocks(cols)), 1, 1};
}

} // namespace hearth::kernels
