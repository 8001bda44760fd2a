// SPDX-License-Identifier: Apache-2.0
//
// IQ2_XXS: 256 values in 66 bytes, 8 sub-blocks of 32 in 8 bytes each: four grid indices of 8 bits (8 values each), then a word of
// four 7-bit sign indices and, on top, a 4-bit scale. value = d (0.5 + scale) / 4 * grid * sign.
// Source: the GGML file formats (codebooks.h).
#pragma once

#include "kernels/quant/codebooks.h"
#include "kernels/quant/grid.h"

namespace hearth::kernels {

struct BlockIQ2_XXS {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 16;
    std::uint16_t d; ///< f16
    std::uint8_t q[64];
};
static_assert(sizeof(BlockIQ2_XXS) == 66);

HEARTH_INLINE void decode(const BlockIQ2_XXS& block, float* out) {
    const float d = halfToFloat(block.d);
    for (int sub = 0; sub < 8; ++sub) {
        const std::uint8_t* index = block.q + sub * 8;
        std::uint32_t word;
        __builtin_memcpy(&word, index + 4, sizeof word);
        const float scale = d * (0.5f + static_cast<float>(word >> 28)) * 0.25f;
        for (int l = 0; l < 4; ++l) {
            decodeGrid(out + sub * 32 + l * 8, kIq2xxsGrid[index[l]], kIq2Signs[word >> (7 * l) & 127u], scale, 8);
        }
    }
}

} // namespace hearth::kernels
