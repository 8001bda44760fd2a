// SPDX-License-Identifier: Apache-2.0
//
// What the codebook formats share: writing the magnitudes of one grid word with signs and a scale.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {

/// out[i] = scale * byte i of word, negated where bit i of signs is set; `count` is 8, or 4 for the 3-bit grids.
HEARTH_INLINE void decodeGrid(float* out, std::uint64_t word, std::uint32_t signs, float scale, int count) {
    for (int i = 0; i < count; ++i) {
        const float value = scale * static_cast<float>(word >> (8 * i) & 255u);
        out[i] = (signs >> i & 1u) != 0 ? -value : value;
    }
}

} // namespace hearth::kernels
