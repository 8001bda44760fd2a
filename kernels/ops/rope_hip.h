// SPDX-License-Identifier: Apache-2.0
//
// What host and device share of hearth_rope_append: rotates q in place, rotates k on its way into the KV cache, and stores v there, in one
// launch. Contracts: kernels/ops/rope.h, and appendKv in kernels/ops/attention.h.
//   rope alone      kvHeads 0
//   appendKv alone  heads 0, dims 0
// Moves 8 bytes per element of q, 6 per element of k and v (5.06 into Q8_0).
#pragma once

#include "kernels/hip/q8_rows.h"
#include "kernels/quant/half.h"

#include <array>
#include <cstdint>

namespace hearth::kernels {

constexpr int kRopeThreads = 128;

struct RopeAppendArgs {
    float* q;                   ///< [rows, heads * headDim], in place
    const float* k;             ///< [rows, kvHeads * headDim]
    const float* v;             ///< like k
    void* keys;                 ///< KvView's memory
    void* values;
    const std::uint64_t* turns; ///< [dims / 2], of makeRopeTurns
    const StepState* step;      ///< its position is added to firstPosition; may be null
    float magnitude;            ///< of ropeMagnitude
    std::int32_t firstPosition;
    std::int32_t heads;
    std::int32_t kvHeads;
    std::int32_t headDim;
    std::int32_t dims;        ///< rotated elements of a head
    std::int32_t interleaved; ///< 1: pairs (2 i, 2 i + 1); 0: (i, i + dims / 2)
    std::int32_t capacity;    ///< positions of the cache
    std::int32_t cacheIsQ8;   ///< 1: Q8_0, headDim a multiple of 32; 0: f16
};

/// Blocks over q: a thread turns one pair.
HEARTH_INLINE std::int32_t ropeQueryBlocks(std::int32_t heads, std::int32_t dims) {
    return (heads * (dims / 2) + kRopeThreads - 1) / kRopeThreads;
}

/// Blocks over k, and as many over v: a thread stores four elements.
HEARTH_INLINE std::int32_t ropeStoreBlocks(std::int32_t kvHeads, std::int32_t headDim) {
    return (kvHeads * headDim + 4 * kRopeThreads - 1) / (4 * kRopeThreads);
}

/// The grid for `rows` rows; an x of 0 means that there is nothing to launch.
inline std::array<std::uint32_t, 3> ropeAppendGrid(const RopeAppendArgs& args, std::int64_t rows) {
    const std::int32_t blocks = ropeQueryBlocks(args.heads, args.dims) + 2 * ropeStoreBlocks(args.kvHeads, args.headDim);
    return {static_cast<std::uint32_t>(blocks), static_cast<std::uint32_t>(rows), 1};
}

} // namespace hearth::kernels
