// SPDX-License-Identifier: Apache-2.0
//
// Products of few rows of activations (decoding): arguments that host and device share. Contract: matmul.h.
//
// A wave computes one to four output rows (for several rows of x: one; of the gated pair: one of each) for all rows of x: its lanes stride over the
// weights' chunks, multiply signed bytes four at a time and add up in f32; each weight byte is read once. Up to three weights of one format over
// the same x go in one launch.
#pragma once

#include "kernels/hip/q8_rows.h"

#include <array>
#include <cstdint>

namespace hearth::kernels {

constexpr int kMatvecThreads = 128;
constexpr int kMatvecWeights = 3;
constexpr int kMatvecMostRows = 8; ///< of x; more go to the tiled product. Kernels exist for 1 row and for 4 at a time

enum class MatvecStore : std::int32_t {
    Write,    ///< out = product (+ bias)
    Add,      ///< out += product (+ bias)
};

struct MatvecWeight {
    const std::uint8_t* plane[5]; ///< planes.h; [0] alone for F32, F16, BF16
    std::int64_t expertBlocks;    ///< blocks from one expert to the next; 0 without experts
    float* out;                   ///< [n, rows]
    const float* bias;            ///< [rows] or null
    std::int32_t rows;
    std::int32_t lastRow;         ///< of all weights' rows counted through, one past this weight's
};

struct MatvecArgs {
    MatvecWeight weight[kMatvecWeights];
    Q8Rows x;                 ///< quantised formats
    const float* xFloat;      ///< F32, F16, BF16
    const std::int32_t* ids;  ///< experts: block row y multiplies weight ids[y]; null without
    std::int32_t idsPerRow;   ///< experts: y / idsPerRow is the row of x (1: x has a row for each y)
    std::int32_t experts;     ///< ids outside [0, experts) count as the nearest inside
    std::int32_t cols;
    std::int32_t xRows;       ///< rows of x; block row y multiplies 4 (or 1) of them from 4 y on. Experts: 1
    MatvecStore store;
    std::int32_t gelu;        ///< gated: 1 = GELU, 0 = SiLU
};

} // namespace hearth::kernels
