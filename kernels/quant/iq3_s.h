// SPDX-License-Identifier: Apache-2.0
//
// IQ3_S: 256 values in 110 bytes. Each 4 values: 8 low bits of the grid index in `low`, the ninth in `high` (eight a byte). Each 8
// values: a byte of signs. Each 64 values: a byte of two 4-bit scales, one for each 32. value = d (1 + 2 scale) grid * sign.
// Source: the GGML file formats (codebooks.h).
#pragma once

#include "kernels/quant/codebooks.h"
#include "kernels/quant/grid.h"

namespace hearth::kernels {

struct BlockIQ3_S {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 21;
    std::uint16_t d; ///< f16
    std::uint8_t low[64];
    std::uint8_t high[8];
    std::uint8_t signs[32];
    std::uint8_t scales[4];
};
static_assert(sizeof(BlockIQ3_S) == 110);

HEARTH_INLINE void decode(const BlockIQ3_S& block, float* out) {
    const float d = halfToFloat(block.d);
    for (int l = 0; l < 64; ++l) {
        const int nibble = block.scales[l / 16] >> (l % 16 / 8 * 4) & 15;
        const int index = block.low[l] | (block.high[l / 8] >> (l % 8) & 1) << 8;
        const float scale = d * static_cast<float>(1 + 2 * nibble);
        const std::uint32_t signs = static_cast<std::uint32_t>(block.signs[l / 2]) >> (l % 2 * 4);
        decodeGrid(out + l * 4, kIq3sGrid[index], signs, scale, 4);
    }
}

} // namespace hearth::kernels
