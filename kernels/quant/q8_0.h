// SPDX-License-Identifier: Apache-2.0
//
// Q8_0: 32 values in 34 bytes. value = q d.  Source: GGUF specification, tensor types.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockQ8_0 {
    static constexpr int kElements = 32;
    static constexpr std::uint32_t kGgufId = 8;
    std::uint16_t d; ///< f16 scale
    std::int8_t q[32];
};
static_assert(sizeof(BlockQ8_0) == 34);

HEARTH_INLINE void decode(const BlockQ8_0& block, float* out) {
    const float d = halfToFloat(block.d);
    for (int j = 0; j < 32; ++j) out[j] = static_cast<float>(block.q[j]) * d;
}

} // namespace hearth::kernels
