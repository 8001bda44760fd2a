// SPDX-License-Identifier: Apache-2.0
//
// TQ2_0: 256 ternary values in 66 bytes. Each half of 128 has 32 bytes; bits 2 j and 2 j + 1 of byte l are element 32 j + l of the half.
// value = d (q - 1).  Source: the GGML file formats.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockTQ2_0 {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 35;
    std::uint8_t q[64];
    std::uint16_t d; ///< f16
};
static_assert(sizeof(BlockTQ2_0) == 66);

HEARTH_INLINE void decode(const BlockTQ2_0& block, float* out) {
    const float d = halfToFloat(block.d);
    for (int group = 0; group < 8; ++group) {
        const std::uint8_t* bytes = block.q + group / 4 * 32;
        for (int l = 0; l < 32; ++l) {
            out[group * 32 + l] = static_cast<float>((bytes[l] >> (group % 4 * 2) & 3) - 1) * d;
        }
    }
}

} // namespace hearth::kernels
