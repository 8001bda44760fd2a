// SPDX-License-Identifier: Apache-2.0
//
// Products of few rows of activations (decoding): arguments that host and device share. Contract: matmul.h.
//
// A wave computes one to four output rows (for several rows of x: one; of the gated pair: one of each) for all rows of x: its lanes stride over the
// weights' chunks, multiply signed bytes four at a time and add up in f32; each weight byte is read once. Up to three weights of one format over
// the same x go in one launch.
// hearth_matvec1_*, hearth_matvec4_*, hearth_gated_*: x is rounded to 8 bits before (Q8Rows).
// hearth_normed_matvec_*, hearth_normed_gated_* (HEARTH_NORMED_FORMATS): one row of x as it is. Every block rounds it for itself, into shared memory,
// which costs less than a launch that does it once. The norm before it comes for nothing: rounding does not mind a factor, so x * normWeight
// is rounded, and the results are multiplied by 1 / rms at the end. The gated one rounds what it writes, for the product after it.
#pragma once

#include "kernels/hip/q8_rows.h"

#include <array>
#include <cstdint>

namespace hearth::kernels {

constexpr int kMatvecThreads = 128;
constexpr int kNormedThreads = 512;
constexpr int kNormedRows = 2;       ///< output rows of a wave; of the gated kernel one
constexpr int kNormedSlice = 8192;   ///< columns of x that a block holds at once
constexpr int kMostNormedTurns = 8;
constexpr int kMatvecWeights = 3;
constexpr int kMatvecMostRows = 8; ///< of x; more go to the tiled product. Kernels exist for 1 row and for 4 at a time

/// Formats with normed kernels; X(NAME). That was faster on an H100; the others need the registers for weights or codebooks, or round twice.
#define HEARTH_NORMED_FORMATS(X) X(Q4_0) X(Q4_1) X(Q4_K) X(Q5_0) X(Q5_1)

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
    Q8Rows x;                 ///< quantised formats, but for the normed kernels
    const float* xFloat;      ///< F32, F16, BF16, and the normed kernels
    const float* normWeight;  ///< [cols]
    float eps;                ///< of the norm
    std::int32_t turns;       ///< row groups that a block of the normed kernels goes through, 1 ... kMostNormedTurns
    Q8Rows rounded;           ///< the gated normed kernel: where its result goes in 8 bits too; q == nullptr: nowhere. A block has whole runs of 32 rows then
    const std::int32_t* ids;  ///< experts: block row y multiplies weight ids[y]; null without
    std::int32_t idsPerRow;   ///< experts: y / idsPerRow is the row of x (1: x has a row for each y)
    std::int32_t experts;     ///< ids outside [0, experts) count as the nearest inside
    std::int32_t cols;
    std::int32_t xRows;       ///< rows of x; block row y multiplies 4 (or 1) of them from 4 y on. Experts: 1
    MatvecStore store;
    std::int32_t gelu;        ///< gated: 1 = GELU, 0 = SiLU
};

} // namespace hearth::kernels
