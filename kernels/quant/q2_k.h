// SPDX-License-Identifier: Apache-2.0
//
// Q2_K: 256 values in 84 bytes, 16 sub-blocks of 16. A byte of `scales` holds a sub-block's scale (low nibble) and minimum (high).
// Each half of 128 values has 32 bytes of q; bits 2j and 2j + 1 of byte l are element 32 j + l of the half.
// value = d scale q - dmin minimum.  Source: GGUF specification, tensor types.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockQ2_K {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 10;
    std::uint8_t scales[16];
    std::uint8_t q[64];
    std::uint16_t d;    ///< f16
    std::uint16_t dmin; ///< f16
};
static_assert(sizeof(BlockQ2_K) == 84);

HEARTH_INLINE void decode(const BlockQ2_K& block, float* out) {
    const float d = halfToFloat(block.d);
    const float dmin = halfToFloat(block.dmin);
    for (int sub = 0; sub < 16; ++sub) {
        const std::uint8_t* bytes = block.q + sub / 8 * 32 + sub % 2 * 16;
        const int shift = sub % 8 / 2 * 2;
        const float scale = d * static_cast<float>(block.scales[sub] & 15);
        const float minimum = dmin * static_cast<float>(block.scales[sub] >> 4);
        for (int l = 0; l < 16; ++l) out[sub * 16 + l] = scale * static_cast<float>(bytes[l] >> shift & 3) - minimum;
    }
}

} // namespace hearth::kernels
