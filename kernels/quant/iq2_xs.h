// SPDX-License-Identifier: Apache-2.0
//
// IQ2_XS: 256 values in 74 bytes. Each 8 values: 16 bits, a 9-bit grid index and a 7-bit sign index. Each 32 values: a byte of two
// 4-bit scales, one for each 16. value = d (0.5 + scale) / 4 * grid * sign.  Source: the GGML file formats (codebooks.h).
#pragma once

#include "kernels/quant/codebooks.h"
#include "kernels/quant/grid.h"

namespace hearth::kernels {

struct BlockIQ2_XS {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 17;
    std::uint16_t d; ///< f16
    std::uint16_t q[32];
    std::uint8_t scales[8];
};
static_assert(sizeof(BlockIQ2_XS) == 74);

HEARTH_INLINE void decode(const BlockIQ2_XS& block, float* out) {
    const float d = halfToFloat(block.d);
    for (int l = 0; l < 32; ++l) {
        const int nibble = block.scales[l / 4] >> (l % 4 / 2 * 4) & 15;
        const float scale = d * (0.5f + static_cast<float>(nibble)) * 0.25f;
        decodeGrid(out + l * 8, kIq2xsGrid[block.q[l] & 511], kIq2Signs[block.q[l] >> 9], scale, 8);
    }
}

} // namespace hearth::kernels
