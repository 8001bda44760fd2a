// SPDX-License-Identifier: Apache-2.0
//
// Products of many rows of activations (prompts): arguments that host and device share. Contract: matmul.h.
//
// A block computes a tile of kTileRows weight rows times kTileTokens rows of x. Weights are unpacked to f16 into shared memory, 64 columns at a
// time, and multiplied by the family's matrix instructions with sums in f32. x comes as f16 with a power of two per row (hearth_half_rows), so
// that no activation overflows. The 64 columns of a step are the four runs of 16 that the format's chunks hold together: the order of columns
// does not matter to a sum, as long as both sides keep to it.
#pragma once

#include <cstdint>

namespace hearth::kernels {

constexpr int kMatmulThreads = 256;
constexpr int kTileRows = 128;
constexpr int kTileTokens = 128;

struct MatmulArgs {
    const std::uint8_t* plane[5];
    const std::uint16_t* x;      ///< f16 [tokens, cols]
    const float* xScale;         ///< [tokens]
    float* out;                  ///< [tokens, rows]
    const float* bias;           ///< [rows] or null
    std::int64_t expertBlocks;   ///< blocks from one expert to the next; 0 without experts
    const std::int32_t* offsets; ///< experts: [experts + 1] into `pairs`; block z is the expert. Null without
    const std::int32_t* pairs;   ///< experts: pair numbers (token * k + slot) in the order of their experts
    std::int32_t pairsPerRow;    ///< experts: pair / pairsPerRow is the row of x
    std::int32_t rows;
    std::int32_t cols;           ///< a multiple of 16
    std::int32_t tokens;         ///< rows of x (without experts)
    std::int32_t add;            ///< 1: out += product
};

} // namespace hearth::kernels
