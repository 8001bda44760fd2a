// SPDX-License-Identifier: Apache-2.0
//
// TQ1_0: 256 ternary values in 54 bytes. A byte is a fraction of 256 in base 3: multiplied by 3 it pushes out its next digit on top.
// 32 bytes of five digits (digit n of byte m is element 32 n + m), 16 bytes of five (element 160 + 16 n + m), 4 bytes of four (element
// 240 + 4 n + m). value = d (digit - 1).  Source: the GGML file formats.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockTQ1_0 {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 34;
    std::uint8_t q[48];
    std::uint8_t rest[4];
    std::uint16_t d; ///< f16
};
static_assert(sizeof(BlockTQ1_0) == 54);

HEARTH_INLINE void decodeTernary(float* out, const std::uint8_t* bytes, int byteCount, int digits, float d) {
    std::uint32_t power = 1;
    for (int n = 0; n < digits; ++n, power *= 3) {
        for (int m = 0; m < byteCount; ++m) {
            const std::uint32_t fraction = bytes[m] * power & 255u;
            out[n * byteCount + m] = static_cast<float>(static_cast<int>(fraction * 3 >> 8) - 1) * d;
        }
    }
}

HEARTH_INLINE void decode(const BlockTQ1_0& block, float* out) {
    const float d = halfToFloat(block.d);
    decodeTernary(out, block.q, 32, 5, d);
    decodeTernary(out + 160, block.q + 32, 16, 5, d);
    decodeTernary(out + 240, block.rest, 4, 4, d);
}

} // namespace hearth::kernels
