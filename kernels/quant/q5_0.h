// SPDX-License-Identifier: Apache-2.0
//
// Q5_0: 32 values in 22 bytes. Low four bits as in Q4_0; bit i of the 32-bit word `high` is the fifth bit of element i.
// value = (q - 16) d.  Source: GGUF specification, tensor types.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockQ5_0 {
    static constexpr int kElements = 32;
    static constexpr std::uint32_t kGgufId = 6;
    std::uint16_t d;      ///< f16 scale
    std::uint8_t high[4]; ///< little-endian word; bytes, because the block is 2-aligned
    std::uint8_t q[16];
};
static_assert(sizeof(BlockQ5_0) == 22);

HEARTH_INLINE void decode(const BlockQ5_0& block, float* out) {
    const float d = halfToFloat(block.d);
    std::uint32_t high;
    __builtin_memcpy(&high, block.high, sizeof high);
    for (int j = 0; j < 16; ++j) {
        const int first = (block.q[j] & 15) | static_cast<int>((high >> j & 1u) << 4);
        const int second = (block.q[j] >> 4) | static_cast<int>((high >> (j + 16) & 1u) << 4);
        out[j] = static_cast<float>(first - 16) * d;
        out[j + 16] = static_cast<float>(second - 16) * d;
    }
}

} // namespace hearth::kernels
