// SPDX-License-Identifier: Apache-2.0
//
// Q4_K: 256 values in 144 bytes, 8 sub-blocks of 32. Each 64 values have 32 bytes of q: low nibbles first, then high ones.
// 6-bit scales and minimums are packed in 12 bytes: sub-block i < 4 has its scale in the low six bits of byte i and its minimum
// in those of byte i + 4; sub-block i >= 4 has low nibbles in byte i + 4 (scale low, minimum high) and the top two bits in
// bits 6 and 7 of bytes i - 4 (scale) and i (minimum).
// value = d scale q - dmin minimum.  Source: GGUF specification, tensor types.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockQ4_K {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 12;
    std::uint16_t d;    ///< f16
    std::uint16_t dmin; ///< f16
    std::uint8_t scales[12];
    std::uint8_t q[128];
};
static_assert(sizeof(BlockQ4_K) == 144);

struct ScaleAndMinimum {
    int scale;
    int minimum;
};

/// Of sub-block `sub` in the 12 packed bytes of Q4_K and Q5_K; each 0 ... 63.
HEARTH_INLINE ScaleAndMinimum scaleAndMinimum(const std::uint8_t* packed, int sub) {
    if (sub < 4) return {packed[sub] & 63, packed[sub + 4] & 63};
    return {(packed[sub + 4] & 15) | (packed[sub - 4] >> 6) << 4, packed[sub + 4] >> 4 | (packed[sub] >> 6) << 4};
}

HEARTH_INLINE void decode(const BlockQ4_K& block, float* out) {
    const float d = halfToFloat(block.d);
    const float dmin = halfToFloat(block.dmin);
    for (int sub = 0; sub < 8; ++sub) {
        const ScaleAndMinimum packed = scaleAndMinimum(block.scales, sub);
        const float scale = d * static_cast<float>(packed.scale);
        const float minimum = dmin * static_cast<float>(packed.minimum);
        const std::uint8_t* bytes = block.q + sub / 2 * 32;
        const int shift = sub % 2 * 4;
        for (int l = 0; l < 32; ++l) out[sub * 32 + l] = scale * static_cast<float>(bytes[l] >> shift & 15) - minimum;
    }
}

} // namespace hearth::kernels
