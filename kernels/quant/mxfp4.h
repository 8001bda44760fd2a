// SPDX-License-Identifier: Apache-2.0
//
// MXFP4: 32 values in 17 bytes: an E8M0 exponent (bias 127), then nibbles as in Q4_0, each an E2M1 number of magnitude
// 0, 0.5, 1, 1.5, 2, 3, 4 or 6. value = 2^(e - 127) * number.
// Source: OCP Microscaling Formats specification 1.0; nibble order: the GGML file formats.
#pragma once

#include "kernels/quant/codebooks.h"
#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockMXFP4 {
    static constexpr int kElements = 32;
    static constexpr std::uint32_t kGgufId = 39;
    std::uint8_t exponent;
    std::uint8_t q[16];
};
static_assert(sizeof(BlockMXFP4) == 17);

/// 2^(exponent - 128): half of the block's scale, because the table holds doubled values. Subnormal for exponents 0 and 1.
HEARTH_INLINE float halfScaleOf(const BlockMXFP4& block) {
    const std::uint32_t e = block.exponent;
    return floatFromBits(e < 2 ? 0x00200000u << e : (e - 1) << 23);
}

HEARTH_INLINE void decode(const BlockMXFP4& block, float* out) {
    const float d = halfScaleOf(block);
    for (int j = 0; j < 16; ++j) {
        out[j] = static_cast<float>(kMxfp4DoubledValues[block.q[j] & 15]) * d;
        out[j + 16] = static_cast<float>(kMxfp4DoubledValues[block.q[j] >> 4]) * d;
    }
}

} // namespace hearth::kernels
