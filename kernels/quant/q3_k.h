// SPDX-License-Identifier: Apache-2.0
//
// Q3_K: 256 values in 110 bytes, 16 sub-blocks of 16. Low two bits as in Q2_K; the third of element 32 j + l is bit j of
// high[l] (j counts through the whole block). Scales have 6 bits, less 32: low nibbles in scales[0..7] (sub-blocks 0-7 low, 8-15
// high), top two bits in scales[8..11], sub-block i in byte 8 + i % 4 from bit 2 (i / 4).
// value = d scale (q - 4), q of three bits.  Source: GGUF specification, tensor types.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockQ3_K {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 11;
    std::uint8_t high[32];
    std::uint8_t q[64];
    std::uint8_t scales[12];
    std::uint16_t d; ///< f16
};
static_assert(sizeof(BlockQ3_K) == 110);

/// Scale of sub-block `sub`, -32 ... 31.
HEARTH_INLINE int scaleOf(const BlockQ3_K& block, int sub) {
    const int low = sub < 8 ? block.scales[sub] & 15 : block.scales[sub - 8] >> 4;
    const int top = block.scales[8 + sub % 4] >> (sub / 4 * 2) & 3;
    return (low | top << 4) - 32;
}

HEARTH_INLINE void decode(const BlockQ3_K& block, float* out) {
    const float d = halfToFloat(block.d);
    for (int sub = 0; sub < 16; ++sub) {
        const std::uint8_t* bytes = block.q + sub / 8 * 32 + sub % 2 * 16;
        const std::uint8_t* high = block.high + sub % 2 * 16;
        const int shift = sub % 8 / 2 * 2;
        const float scale = d * static_cast<float>(scaleOf(block, sub));
        for (int l = 0; l < 16; ++l) {
            const int q = (bytes[l] >> shift & 3) | (high[l] >> (sub / 2) & 1) << 2;
            out[sub * 16 + l] = scale * static_cast<float>(q - 4);
        }
    }
}

} // namespace hearth::kernels
