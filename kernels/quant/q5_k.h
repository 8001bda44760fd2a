// SPDX-License-Identifier: Apache-2.0
//
// Q5_K: 256 values in 176 bytes. Scales, minimums and low four bits as in Q4_K; bit i of high[l] is the fifth bit of
// element l of sub-block i. value = d scale q - dmin minimum.  Source: GGUF specification, tensor types.
#pragma once

#include "kernels/quant/q4_k.h"

namespace hearth::kernels {

struct BlockQ5_K {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 13;
    std::uint16_t d;    ///< f16
    std::uint16_t dmin; ///< f16
    std::uint8_t scales[12];
    std::uint8_t high[32];
    std::uint8_t q[128];
};
static_assert(sizeof(BlockQ5_K) == 176);

HEARTH_INLINE void decode(const BlockQ5_K& block, float* out) {
    const float d = halfToFloat(block.d);
    const float dmin = halfToFloat(block.dmin);
    for (int sub = 0; sub < 8; ++sub) {
        const ScaleAndMinimum packed = scaleAndMinimum(block.scales, sub);
        const float scale = d * static_cast<float>(packed.scale);
        const float minimum = dmin * static_cast<float>(packed.minimum);
        const std::uint8_t* bytes = block.q + sub / 2 * 32;
        const int shift = sub % 2 * 4;
        for (int l = 0; l < 32; ++l) {
            const int q = (bytes[l] >> shift & 15) | (block.high[l] >> sub & 1) << 4;
            out[sub * 32 + l] = scale * static_cast<float>(q) - minimum;
        }
    }
}

} // namespace hearth::kernels
