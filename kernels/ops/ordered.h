// SPDX-License-Identifier: Apache-2.0
//
// Numbers with ids as whole numbers of the same order: first the larger value, then the lower id. 0 and -0 are one value.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {

/// Larger for what comes first, different for different ids, never 0 (unless value is NaN, which has no place in an order).
HEARTH_INLINE std::uint64_t rankOf(float value, std::int32_t id) {
    const std::uint32_t bits = bitsOfFloat(value == 0.0f ? 0.0f : value);
    const std::uint32_t rising = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
    return std::uint64_t{rising} << 32 | ~static_cast<std::uint32_t>(id);
}

HEARTH_INLINE float valueOf(std::uint64_t rank) {
    const auto rising = static_cast<std::uint32_t>(rank >> 32);
    return floatFromBits((rising & 0x80000000u) != 0 ? rising & 0x7fffffffu : ~rising);
}

HEARTH_INLINE std::int32_t idOf(std::uint64_t rank) {
    return static_cast<std::int32_t>(~static_cast<std::uint32_t>(rank));
}

} // namespace hearth::kernels
