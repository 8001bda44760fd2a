// SPDX-License-Identifier: Apache-2.0
//
// Q5_1: 32 values in 24 bytes, bits as in Q5_0. value = q d + m.  Source: GGUF specification, tensor types.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockQ5_1 {
    static constexpr int kElements = 32;
    static constexpr std::uint32_t kGgufId = 7;
    std::uint16_t d;      ///< f16 scale
    std::uint16_t m;      ///< f16 minimum
    std::uint8_t high[4]; ///< little-endian word of fifth bits
    std::uint8_t q[16];
};
static_assert(sizeof(BlockQ5_1) == 24);

HEARTH_INLINE void decode(const BlockQ5_1& block, float* out) {
    const float d = halfToFloat(block.d);
    const float m = halfToFloat(block.m);
    std::uint32_t high;
    __builtin_memcpy(&high, block.high, sizeof high);
    for (int j = 0; j < 16; ++j) {
        const int first = (block.q[j] & 15) | static_cast<int>((high >> j & 1u) << 4);
        const int second = (block.q[j] >> 4) | static_cast<int>((high >> (j + 16) & 1u) << 4);
        out[j] = static_cast<float>(first) * d + m;
        out[j + 16] = static_cast<float>(second) * d + m;
    }
}

} // namespace hearth::kernels
