// SPDX-License-Identifier: Apache-2.0
//
// IQ3_XXS: 256 values in 98 bytes: 64 grid indices (4 values each), then for each 32 values a word of four 7-bit sign indices (8 values
// each) and, on top, a 4-bit scale. value = d (0.5 + scale) / 2 * grid * sign.  Source: the GGML file formats (codebooks.h).
#pragma once

#include "kernels/quant/codebooks.h"
#include "kernels/quant/grid.h"

namespace hearth::kernels {

struct BlockIQ3_XXS {
    static constexpr int kElements = 256;
    static constexpr std::uint32_t kGgufId = 18;
    std::uint16_t d; ///< f16
    std::uint8_t q[64];
    std::uint8_t signsAndScales[32]; ///< 8 little-endian words
};
static_assert(sizeof(BlockIQ3_XXS) == 98);

HEARTH_INLINE void decode(const BlockIQ3_XXS& block, float* out) {
    const float d = halfToFloat(block.d);
    for (int sub = 0; sub < 8; ++sub) {
        std::uint32_t word;
        __builtin_memcpy(&word, block.signsAndScales + sub * 4, sizeof word);
        const float scale = d * (0.5f + static_cast<float>(word >> 28)) * 0.5f;
        for (int l = 0; l < 4; ++l) {
            const std::uint32_t signs = kIq2Signs[word >> (7 * l) & 127u];
            const std::uint8_t* index = block.q + sub * 8 + l * 2;
            decodeGrid(out + sub * 32 + l * 8, kIq3xxsGrid[index[0]], signs, scale, 4);
            decodeGrid(out + sub * 32 + l * 8 + 4, kIq3xxsGrid[index[1]], signs >> 4, scale, 4);
        }
    }
}

} // namespace hearth::kernels
