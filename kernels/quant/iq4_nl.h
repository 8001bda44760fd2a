// SPDX-License-Identifier: Apache-2.0
//
// IQ4_NL: 32 values in 18 bytes, nibbles as in Q4_0, each an index into a table of 16. value = d table[q].
// Source: the GGML file formats (codebooks.h).
#pragma once

#include "kernels/quant/codebooks.h"
#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockIQ4_NL {
    static constexpr int kElements = 32;
    static constexpr std::uint32_t kGgufId = 20;
    std::uint16_t d; ///< f16 scale
    std::uint8_t q[16];
};
static_assert(sizeof(BlockIQ4_NL) == 18);

HEARTH_INLINE void decode(const BlockIQ4_NL& block, float* out) {
    const float d = halfToFloat(block.d);
    for (int j = 0; j < 16; ++j) {
        out[j] = d * static_cast<float>(kIq4nlValues[block.q[j] & 15]);
        out[j + 16] = d * static_cast<float>(kIq4nlValues[block.q[j] >> 4]);
    }
}

} // namespace hearth::kernels
