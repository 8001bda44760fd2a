// SPDX-License-Identifier: Apache-2.0
//
// IQ1_S: 256 values in 50 bytes. Each 8 values: 8 low bits of the grid index in `low`, three more in the 16-bit `high` of their 32
// values, which also holds a 3-bit scale (bits 12-14) and the sign of the shift (bit 15).
// value = d (2 scale + 1) (grid + shift), grid in -1, 0, 1 and shift +-0.125.  Source: the GGML file formats (codebooks.h).
#pragma once

#include "kernels/quant/codebooks.h"
#include "kernels/quant/half.h"

namespace hearth::kernels {

constexpr float kIq1Shift = 0.125f;

struct BlockIQ1_S {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 19;
    std::uint16_t d; ///< f16
    std::uint8_t low[32];
    std::uint16_t high[8];
};
static_assert(sizeof(BlockIQ1_S) == 50);

/// out[i] = scale * (signed byte i of word + shift)
HEARTH_INLINE void decodeSignedGrid(float* out, std::uint64_t word, float scale, float shift) {
    for (int i = 0; i < 8; ++i) {
        out[i] = scale * (static_cast<float>(static_cast<std::int8_t>(word >> (8 * i) & 255u)) + shift);
    }
}

HEARTH_INLINE void decode(const BlockIQ1_S& block, float* out) {
    const float d = halfToFloat(block.d);
    for (int l = 0; l < 32; ++l) {
        const int high = block.high[l / 4];
        const int index = block.low[l] | (high >> (l % 4 * 3) & 7) << 8;
        const float scale = d * static_cast<float>(2 * (high >> 12 & 7) + 1);
        decodeSignedGrid(out + l * 8, kIq1sGrid[index], scale, (high & 0x8000) != 0 ? -kIq1Shift : kIq1Shift);
    }
}

} // namespace hearth::kernels
