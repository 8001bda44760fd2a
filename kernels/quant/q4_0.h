// SPDX-License-Identifier: Apache-2.0
//
// Q4_0: 32 values in 18 bytes. Byte j of q holds element j in its low nibble and element j + 16 in its high one.
// value = (q - 8) d.  Source: GGUF specification, tensor types.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockQ4_0 {
    static constexpr int kElements = 32;
    static constexpr std::uint32_t kGgufId = 2;
    std::uint16_t d; ///< f16 scale
    std::uint8_t q[16];
};
static_assert(sizeof(BlockQ4_0) == 18);

HEARTH_INLINE void decode(const BlockQ4_0& block, float* out) {
    const float d = halfToFloat(block.d);
    for (int j = 0; j < 16; ++j) {
        out[j] = static_cast<float>((block.q[j] & 15) - 8) * d;
        out[j + 16] = static_cast<float>((block.q[j] >> 4) - 8) * d;
    }
}

} // namespace hearth::kernels
