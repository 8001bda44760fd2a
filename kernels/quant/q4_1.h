// SPDX-License-Identifier: Apache-2.0
//
// Q4_1: 32 values in 20 bytes, nibbles as in Q4_0. value = q d + m.  Source: GGUF specification, tensor types.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockQ4_1 {
    static constexpr int kElements = 32;
    static constexpr std::uint32_t kGgufId = 3;
    std::uint16_t d; ///< f16 scale
    std::uint16_t m; ///< f16 minimum
    std::uint8_t q[16];
};
static_assert(sizeof(BlockQ4_1) == 20);

HEARTH_INLINE void decode(const BlockQ4_1& block, float* out) {
    const float d = halfToFloat(block.d);
    const float m = halfToFloat(block.m);
    for (int j = 0; j < 16; ++j) {
        out[j] = static_cast<float>(block.q[j] & 15) * d + m;
        out[j + 16] = static_cast<float>(block.q[j] >> 4) * d + m;
    }
}

} // namespace hearth::kernels
