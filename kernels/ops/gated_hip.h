// SPDX-License-Identifier: Apache-2.0
//
// Gated activations on the GPU: what host and device share. Contract: gated.h. A thread computes four neighbours.
// hearth_swi_glu, hearth_ge_glu: with q8.q != nullptr the result in 8 bits too (the row length a multiple of 32); with out == nullptr
// in 8 bits only.
#pragma once

#include "kernels/hip/q8_rows.h"

#include <array>
#include <cstdint>

namespace hearth::kernels {

constexpr int kGatedThreads = 256;

struct GatedArgs {
    float* out; ///< may be gate, or nullptr
    const float* gate;
    const float* up;
    Q8Rows q8;
    std::int64_t count; ///< values
};

inline std::array<std::uint32_t, 3> gatedGrid(std::int64_t count) {
    constexpr std::int64_t kPerBlock = 4 * kGatedThreads;
    return {static_cast<std::uint32_t>((count + kPerBlock - 1) / kPerBlock), 1, 1};
}

} // namespace hearth::kernels
