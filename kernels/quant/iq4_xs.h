// SPDX-License-Identifier: Apache-2.0
//
// IQ4_XS: 256 values in 136 bytes, 8 sub-blocks of 32 whose 16 bytes are those of IQ4_NL. Scales have 6 bits, less 32: low nibbles in
// scalesLow (two a byte, even sub-block low), top two bits in scalesHigh from bit 2 i. value = d scale table[q].
// Source: the GGML file formats (codebooks.h).
#pragma once

#include "kernels/quant/codebooks.h"
#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockIQ4_XS {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 23;
    std::uint16_t d; ///< f16
    std::uint16_t scalesHigh;
    std::uint8_t scalesLow[4];
    std::uint8_t q[128];
};
static_assert(sizeof(BlockIQ4_XS) == 136);

/// Scale of sub-block `sub`, -32 ... 31.
HEARTH_INLINE int scaleOf(const BlockIQ4_XS& block, int sub) {
    const int low = block.scalesLow[sub / 2] >> (sub % 2 * 4) & 15;
    const int top = block.scalesHigh >> (sub * 2) & 3;
    return (low | top << 4) - 32;
}

HEARTH_INLINE void decode(const BlockIQ4_XS& block, float* out) {
    const float d = halfToFloat(block.d);
    for (int sub = 0; sub < 8; ++sub) {
        const float scale = d * static_cast<float>(scaleOf(block, sub));
        const std::uint8_t* bytes = block.q + sub * 16;
        for (int j = 0; j < 16; ++j) {
            out[sub * 32 + j] = scale * static_cast<float>(kIq4nlValues[bytes[j] & 15]);
            out[sub * 32 + j + 16] = scale * static_cast<float>(kIq4nlValues[bytes[j] >> 4]);
        }
    }
}

} // namespace hearth::kernels
