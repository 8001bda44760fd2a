// SPDX-License-Identifier: Apache-2.0
//
// IQ2_S: 256 values in 82 bytes. Each 8 values: 8 low bits of the grid index in `low`, two more in `high` (four pairs a byte), a byte of
// signs. Each 32 values: a byte of two 4-bit scales. value = d (0.5 + scale) / 4 * grid * sign.
// Source: the GGML file formats (codebooks.h).
#pragma once

#include "kernels/quant/codebooks.h"
#include "kernels/quant/grid.h"

namespace hearth::kernels {

struct BlockIQ2_S {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 22;
    std::uint16_t d; ///< f16
    std::uint8_t low[32];
    std::uint8_t signs[32];
    std::uint8_t high[8];
    std::uint8_t scales[8];
};
static_assert(sizeof(BlockIQ2_S) == 82);

HEARTH_INLINE void decode(const BlockIQ2_S& block, float* out) {
    const float d = halfToFloat(block.d);
    for (int l = 0; l < 32; ++l) {
        const int nibble = block.scales[l / 4] >> (l % 4 / 2 * 4) & 15;
        const int index = block.low[l] | (block.high[l / 4] >> (l % 4 * 2) & 3) << 8;
        const float scale = d * (0.5f + static_cast<float>(nibble)) * 0.25f;
        decodeGrid(out + l * 8, kIq2sGrid[index], block.signs[l], scale, 8);
    }
}

} // namespace hearth::kernels
