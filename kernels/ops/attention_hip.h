// SPDX-License-Identifier: Apache-2.0
//
// What host and device share of the attention kernels. Contract: kernels/ops/attention.h.
//
// Rows    (hearth_attention_rows_*): f32 arithmetic, any number of rows, any even head size up to 256; meant for decoding. A block has one row,
//         one KV head and one range of positions, and up to eight query heads that read it, so that keys and values are read once. The ranges
//         of a row are joined by the block that ends last (`counters`), or by hearth_attention_join_* afterwards.
// Tiles   (hearth_attention_tiles_*): prompts, on matrix tiles, head sizes 64, 80, 96, 128, 192 and 256. A block has 64 (head size over 128: 32)
//         rows of the list [token][head of the group] of one KV head.
#pragma once

#include "kernels/ops/rope_hip.h"
#include "kernels/quant/half.h"

#include <array>
#include <cstdint>

namespace hearth::kernels {

constexpr int kAttentionThreads = 256;    ///< of the rows and join kernels
constexpr int kAttentionSteps = 4;        ///< positions of a lane in a tile
constexpr int kAttentionHeads = 8;        ///< query heads of a block, at most
constexpr int kAttentionMaxSplits = 128;  ///< ranges of a row, at most
constexpr int kAttentionMaxHeadDim = 256;

struct AttentionArgs {
    float* out;            ///< [rows, heads * headDim]
    const float* q;        ///< like out
    const void* keys;      ///< KvView's memory
    const void* values;
    const float* sinks;    ///< [heads] or null
    const StepState* step; ///< its position is added to firstPosition; may be null
    float scale;
    float softcap;
    std::int32_t firstPosition;
    std::int32_t rows;
    std::int32_t heads;
    std::int32_t kvHeads;
    std::int32_t headDim;
    std::int32_t capacity; ///< positions of the cache
    std::int32_t window;
    std::int32_t causal;

    // What follows is the rows kernels' alone.
    std::int32_t splits;   ///< ranges of positions per row, the x of the grid; 1 ... kAttentionMaxSplits
    float* partials;       ///< scratch, attentionPartialBytes; unused with one split
    int* counters;         ///< [rows * kvHeads * passes], zero before and after; null: attentionJoinKernel() is launched next
    Q8Rows q8;             ///< q == nullptr: off. Else out is written in 8 bits too; headDim must be a multiple of 32
    /// Decoding (one row): k == nullptr: off. Else q is rotated as it is read (rope.q is not used), and the blocks that see the last position
    /// first put its rotated k and its v into the cache; blocks of one KV head write the same bytes.
    RopeAppendArgs rope;
};

/// The positions that a row at `position` sees, in a call whose last row is at lastPosition: from begin up to end.
HEARTH_INLINE int attentionBegin(const AttentionArgs& args, int position) {
    return args.window > 0 && position - args.window + 1 > 0 ? position - args.window + 1 : 0;
}
HEARTH_INLINE int attentionEnd(const AttentionArgs& args, int position, int lastPosition) {
    return (args.causal != 0 ? position : lastPosition) + 1;
}

// --- how the work of the rows kernels is cut -----------------------------------------------------------------------------

/// Lanes that hold one position's head, eight elements each; unaligned head sizes are read element by element by 32 lanes.
HEARTH_INLINE int attentionLanes(int headDim) {
    return headDim % 8 != 0 || headDim > 128 ? 32 : headDim > 64 ? 16 : 8;
}

/// A group of more query heads than a block takes is cut into passes, blocks of their own.
HEARTH_INLINE int attentionPasses(int group, int headDim) {
    const int most = headDim % 8 != 0 ? 1 : kAttentionHeads;
    return (group + most - 1) / most;
}
HEARTH_INLINE int attentionHeadsPerPass(int group, int headDim) {
    const int passes = attentionPasses(group, headDim);
    return (group + passes - 1) / passes;
}

/// Positions that a block takes at once.
HEARTH_INLINE int attentionTile(int lanes) {
    return kAttentionThreads / lanes * kAttentionSteps;
}

/// How the splits of a row share the positions that it sees: split s has begin + s * span ..., up to end.
struct AttentionRange {
    int begin;
    int end;
    int span;
    int splits; ///< those that have any
};
HEARTH_INLINE AttentionRange attentionRange(const AttentionArgs& args, int position, int lastPosition, int tile) {
    AttentionRange range{};
    range.begin = attentionBegin(args, position);
    range.end = attentionEnd(args, position, lastPosition);
    const int share = (range.end - range.begin + args.splits - 1) / args.splits;
    range.span = share <= tile ? tile : (share + tile / 4 - 1) / (tile / 4) * (tile / 4);
    range.splits = (range.end - range.begin + range.span - 1) / range.span;
    return range;
}

/// The next power of two from 256 on that has room for `positions`, at most the capacity: steps are recorded once for each.
inline std::int32_t attentionBucket(std::int32_t positions, std::int32_t capacity) {
    std::int32_t bucket = 256;
    while (bucket < positions && bucket < capacity) bucket *= 2;
    return bucket < capacity ? bucket : capacity;
}

/// Splits for rows that see up to maxPositions: two blocks per multiprocessor, but no split under a tile.
inline std::int32_t attentionSplits(std::int32_t maxPositions, std::int32_t rows, std::int32_t heads, std::int32_t kvHeads, std::int32_t headDim,
                                    std::int32_t multiprocessors) {
    const int group = heads / kvHeads;
    const int blocks = rows * kvHeads * attentionPasses(group, headDim);
    const int tile = attentionTile(attentionLanes(headDim));
    const int wanted = (2 * multiprocessors + blocks - 1) / blocks;
    const int useful = (maxPositions + tile - 1) / tile;
    const int splits = wanted < useful ? wanted : useful;
    return splits < 1 ? 1 : splits > kAttentionMaxSplits ? kAttentionMaxSplits : splits;
}

/// Partial results: per row, head and split the sums [8 * lanes], then per row, head and split {maximum, weight}.
inline std::uint64_t attentionPartialBytes(std::int32_t rows, std::int32_t heads, std::int32_t headDim, std::int32_t splits) {
    const auto parts = static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(heads) * static_cast<std::uint64_t>(splits);
    return parts * static_cast<std::uint64_t>(attentionLanes(headDim) * 8 + 2) * sizeof(float);
}

inline std::int32_t attentionCounters(std::int32_t rows, std::int32_t heads, std::int32_t kvHeads, std::int32_t headDim) {
    return rows * kvHeads * attentionPasses(heads / kvHeads, headDim);
}

/// The rows kernel for a shape, and the kernel that joins its splits.
inline const char* attentionRowsKernel(std::int32_t heads, std::int32_t kvHeads, std::int32_t headDim, bool cacheIsQ8) {
    static constexpr const char* kNames[3][4][2] = {
        {{"hearth_attention_rows_8_1_f16", "hearth_attention_rows_8_1_q8"},
         {"hearth_attention_rows_8_2_f16", "hearth_attention_rows_8_2_q8"},
         {"hearth_attention_rows_8_4_f16", "hearth_attention_rows_8_4_q8"},
         {"hearth_attention_rows_8_8_f16", "hearth_attention_rows_8_8_q8"}},
        {{"hearth_attention_rows_16_1_f16", "hearth_attention_rows_16_1_q8"},
         {"hearth_attention_rows_16_2_f16", "hearth_attention_rows_16_2_q8"},
         {"hearth_attention_rows_16_4_f16", "hearth_attention_rows_16_4_q8"},
         {"hearth_attention_rows_16_8_f16", "hearth_attention_rows_16_8_q8"}},
        {{"hearth_attention_rows_32_1_f16", "hearth_attention_rows_32_1_q8"},
         {"hearth_attention_rows_32_2_f16", "hearth_attention_rows_32_2_q8"},
         {"hearth_attention_rows_32_4_f16", "hearth_attention_rows_32_4_q8"},
         {"hearth_attention_rows_32_8_f16", "hearth_attention_rows_32_8_q8"}},
    };
    if (headDim % 8 != 0) return "hearth_attention_rows_32_1_loose";
    const int perPass = attentionHeadsPerPass(heads / kvHeads, headDim);
    const int lanes = attentionLanes(headDim);
    return kNames[lanes == 8 ? 0 : lanes == 16 ? 1 : 2][perPass > 4 ? 3 : perPass > 2 ? 2 : perPass - 1][cacheIsQ8 ? 1 : 0];
}
inline const char* attentionJoinKernel(std::int32_t headDim) {
    const int lanes = attentionLanes(headDim);
    return lanes == 8 ? "hearth_attention_join_8" : lanes == 16 ? "hearth_attention_join_16" : "hearth_attention_join_32";
}

/// The grid of the rows kernels.
inline std::array<std::uint32_t, 3> attentionRowsGrid(const AttentionArgs& args) {
    const int blocks = args.kvHeads * attentionPasses(args.heads / args.kvHeads, args.headDim);
    return {static_cast<std::uint32_t>(args.splits), static_cast<std::uint32_t>(blocks), static_cast<std::uint32_t>(args.rows)};
}

/// The grid of attentionJoinKernel().
inline std::array<std::uint32_t, 3> attentionJoinGrid(const AttentionArgs& args) {
    const int blocks = args.kvHeads * attentionPasses(args.heads / args.kvHeads, args.headDim);
    return {1, static_cast<std::uint32_t>(blocks), static_cast<std::uint32_t>(args.rows)};
}

// --- the tiles kernels -----------------------------------------------------------------------------------------------------

/// Rows of a block, (token, head of the group) pairs.
HEARTH_INLINE int attentionTileRows(int headDim) {
    return headDim > 128 ? 32 : 64;
}

/// nullptr where there is none: the rows kernel does any head size.
inline const char* attentionTilesKernel(std::int32_t headDim, bool cacheIsQ8) {
    switch (headDim) {
    case 64: return cacheIsQ8 ? "hearth_attention_tiles_64_q8" : "hearth_attention_tiles_64_f16";
    case 80: return cacheIsQ8 ? nullptr : "hearth_attention_tiles_80_f16";
    case 96: return cacheIsQ8 ? "hearth_attention_tiles_96_q8" : "hearth_attention_tiles_96_f16";
    case 128: return cacheIsQ8 ? "hearth_attention_tiles_128_q8" : "hearth_attention_tiles_128_f16";
    case 192: return cacheIsQ8 ? "hearth_attention_tiles_192_q8" : "hearth_attention_tiles_192_f16";
    case 256: return cacheIsQ8 ? "hearth_attention_tiles_256_q8" : "hearth_attention_tiles_256_f16";
    default: return nullptr;
    }
}

inline std::uint32_t attentionTilesThreads(std::int32_t headDim) {
    return static_cast<std::uint32_t>(2 * attentionTileRows(headDim));
}

inline std::array<std::uint32_t, 3> attentionTilesGrid(const AttentionArgs& args) {
    const std::int64_t rows = static_cast<std::int64_t>(args.rows) * (args.heads / args.kvHeads);
    const int perBlock = attentionTileRows(args.headDim);
    return {static_cast<std::uint32_t>((rows + perBlock - 1) / perBlock), static_cast<std::uint32_t>(args.kvHeads), 1};
}

} // namespace hearth::kernels
