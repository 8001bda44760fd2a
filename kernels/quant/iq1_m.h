// SPDX-License-Identifier: Apache-2.0
//
// IQ1_M: 256 values in 56 bytes. Each 8 values: 8 low bits of the grid index in `low` and a nibble of `high`: three more bits and the
// sign of the shift. Each 16 values: a 3-bit scale, four to a 16-bit word. The top nibbles of the four words are, lowest first, the
// f16 d of the block. value = d (2 scale + 1) (grid + shift), as in IQ1_S.  Source: the GGML file formats (codebooks.h).
#pragma once

#include "kernels/quant/iq1_s.h"

namespace hearth::kernels {

struct BlockIQ1_M {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 29;
    std::uint8_t low[32];
    std::uint8_t high[16];
    std::uint16_t scales[4];
};
static_assert(sizeof(BlockIQ1_M) == 56);

HEARTH_INLINE void decode(const BlockIQ1_M& block, float* out) {
    std::uint32_t bits = 0;
    for (int i = 0; i < 4; ++i) bits |= static_cast<std::uint32_t>(block.scales[i] >> 12) << (4 * i);
    const float d = halfToFloat(static_cast<std::uint16_t>(bits));
    for (int l = 0; l < 32; ++l) {
        const int nibble = block.high[l / 2] >> (l % 2 * 4) & 15;
        const int packed = block.scales[l / 8] >> (l % 8 / 2 * 3) & 7;
        const float scale = d * static_cast<float>(2 * packed + 1);
        const int index = block.low[l] | (nibble & 7) << 8;
        decodeSignedGrid(out + l * 8, kIq1sGrid[index], scale, (nibble & 8) != 0 ? -kIq1Shift : kIq1Shift);
    }
}

} // namespace hearth::kernels
