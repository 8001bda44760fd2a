// SPDX-License-Identifier: Apache-2.0
//
// F32, F16, BF16 as "blocks" of one value, so that generic kernels treat them like every other format.
// Source: GGUF specification, tensor types.
#pragma once

#include "kernels/quant/half.h"

namespace hearth::kernels {

struct BlockF32 {
    static constexpr int kElements = 1;
    static constexpr std::uint32_t kGgufId = 0;
    float value;
};
static_assert(sizeof(BlockF32) == 4);

struct BlockF16 {
    static constexpr int kElements = 1;
    static constexpr std::uint32_t kGgufId = 1;
    std::uint16_t bits;
};
static_assert(sizeof(BlockF16) == 2);

struct BlockBF16 {
    static constexpr int kElements = 1;
    static constexpr std::uint32_t kGgufId = 30;
    std::uint16_t bits;
};
static_assert(sizeof(BlockBF16) == 2);

HEARTH_INLINE void decode(const BlockF32& block, float* out) {
    *out = block.value;
}

HEARTH_INLINE void decode(const BlockF16& block, float* out) {
    *out = halfToFloat(block.bits);
}

HEARTH_INLINE void decode(const BlockBF16& block, float* out) {
    *out = bf16ToFloat(block.bits);
}

} // namespace hearth::kernels
