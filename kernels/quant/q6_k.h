// SPDX-License-Identifier: Apache-2.0
//
// Q6_K: 256 values in 210 bytes, 16 sub-blocks of 16 with signed 8-bit scales. Each half of 128 values has 64 bytes of low
// nibbles and 32 of top bits: quarter j of the half (32 values, element l) has its low bits in byte 32 (j % 2) + l, low nibble for
// j < 2 and high nibble for j >= 2, and its top two bits in byte l from bit 2 j.
// value = d scale (q - 32).  Source: GGUF specification, tensor types.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockQ6_K {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 14;
    std::uint8_t low[128];
    std::uint8_t high[64];
    std::int8_t scales[16];
    std::uint16_t d; ///< f16
};
static_assert(sizeof(BlockQ6_K) == 210);

HEARTH_INLINE void decode(const BlockQ6_K& block, float* out) {
    const float d = halfToFloat(block.d);
    for (int sub = 0; sub < 16; ++sub) {
        const int quarter = sub % 8 / 2;
        const std::uint8_t* low = block.low + sub / 8 * 64 + quarter % 2 * 32 + sub % 2 * 16;
        const std::uint8_t* high = block.high + sub / 8 * 32 + sub % 2 * 16;
        const float scale = d * static_cast<float>(block.scales[sub]);
        for (int l = 0; l < 16; ++l) {
            const int q = (low[l] >> (quarter / 2 * 4) & 15) | (high[l] >> (quarter * 2) & 3) << 4;
            out[sub * 16 + l] = scale * static_cast<float>(q - 32);
        }
    }
}

} // namespace hearth::kernels
