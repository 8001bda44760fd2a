// SPDX-License-Identifier: Apache-2.0
//
// The loops that every instruction set and format shares: which rows, tokens and columns meet when.
//   1 to 4 tokens: every row is read once and multiplied while it is unpacked in registers (Isa::rowDots).
//   more: a tile of rows by some chunks of columns is unpacked once (Isa::fillTile), then all tokens pass by it
//   (Isa::tileDots).
// A Format F unpacks chunks of 256 columns: F::kChunkBytes bytes, whose blocks hold F::kBlockElements values.
// Included by the translation unit of one instruction set; everything here is internal to it.
#pragma once

#include "kernels/cpu/simd/activation_panel.h"

#include <cstring>
#include <type_traits>

namespace hearth::kernels {

namespace {

/// Tokens that share one unpacked tile: their part of the panel stays in the second-level cache while tiles pass.
constexpr std::int64_t kTileTokens = 512;

/// The columns of one pass: `full` whole chunks and, in formats of 32, perhaps a part of one more.
struct ColumnSpan {
    std::int64_t full;
    std::int64_t tailBytes; ///< weight bytes of the partial chunk; 0 = none
};

template <class F>
HEARTH_ALWAYS ColumnSpan columnSpan(std::int64_t blocks) {
    return {blocks / kBlocksPerChunk, blocks % kBlocksPerChunk * (F::kChunkBytes / kBlocksPerChunk)};
}

/// A chunk with all of its blocks.
struct WholeChunk {};

/// A chunk of which only the first blocks belong to the row: what follows them is no matter of this row, though it may be read.
struct PartOfChunk {
    std::int64_t blocks;
};

/// Calls visit(weight bytes of chunk c, c, r, WholeChunk or PartOfChunk) for every chunk of R rows, `distance` bytes apart. `end` is
/// that of the readable weights: the partial chunk at it, or any with ReadsOn false, is completed with zero blocks and visited as whole.
template <class F, int R, bool ReadsOn, class Visit>
HEARTH_ALWAYS void forEachChunk(const std::uint8_t* row, std::int64_t distance, ColumnSpan span, const std::uint8_t* end, Visit visit) {
    for (std::int64_t c = 0; c < span.full; ++c) {
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) visit(row + r * distance + c * F::kChunkBytes, c, r, WholeChunk{});
    }
    if constexpr (F::kBlockElements < kChunk) {
        if (span.tailBytes == 0) return;
        const std::uint8_t* last = row + span.full * F::kChunkBytes;
        if constexpr (ReadsOn) {
            if (end - last - (R - 1) * distance >= F::kChunkBytes) {
                const PartOfChunk part{span.tailBytes / (F::kChunkBytes / kBlocksPerChunk)};
#pragma GCC unroll 4
                for (int r = 0; r < R; ++r) visit(last + r * distance, span.full, r, part);
                return;
            }
        }
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) {
            alignas(64) std::uint8_t padded[F::kChunkBytes] = {};
            std::memcpy(padded, last + r * distance, static_cast<std::size_t>(span.tailBytes));
            visit(padded, span.full, r, WholeChunk{});
        }
    }
}

/// Weight bytes of chunk c; the partial one is completed in `padded` [F::kChunkBytes].
template <class F>
HEARTH_ALWAYS const std::uint8_t* chunkAt(const std::uint8_t* row, ColumnSpan span, std::int64_t c, std::uint8_t* padded) {
    const std::uint8_t* bytes = row + c * F::kChunkBytes;
    if constexpr (F::kBlockElements < kChunk) {
        if (c == span.full) {
            std::memcpy(padded, bytes, static_cast<std::size_t>(span.tailBytes));
            return padded;
        }
    }
    return bytes;
}

struct MatmulCall {
    float* out;
    std::int64_t outStride;
    const std::uint8_t* weight;
    std::int64_t rowBytes;
    std::int64_t rowFrom;
    std::int64_t rowTo;
    const Q8Chunk* x;       ///< [chunks][nTokens]
    std::int64_t nTokens;
    std::int64_t blocks;    ///< of 32 columns
};

/// A lone token's rows are read in several places at once: one stream of addresses does not use all of the memory's bandwidth.
template <class Isa, class F, int T>
void matmulFew(const MatmulCall& call) {
    constexpr int kStreams = T == 1 ? kReadStreams : 1;
    const ColumnSpan span = columnSpan<F>(call.blocks);
    const std::int64_t rows = (call.rowTo - call.rowFrom) / kStreams;
    const std::uint8_t* range = call.weight + call.rowTo * call.rowBytes;
    const auto run = [&]<int R>(std::int64_t first, const std::uint8_t* stream, std::integral_constant<int, R>) HEARTH_ALWAYS_LAMBDA {
        float dots[R][T];
        Isa::template rowDots<F, T, R>(dots, call.weight + first * call.rowBytes, rows * call.rowBytes, span, stream, range, call.x);
        for (int r = 0; r < R; ++r) {
            for (int t = 0; t < T; ++t) call.out[t * call.outStride + first + r * rows] = dots[r][t];
        }
    };
    const std::uint8_t* stream = call.weight + (call.rowFrom + rows) * call.rowBytes;
    for (std::int64_t r = call.rowFrom; r < call.rowFrom + rows; ++r) run(r, stream, std::integral_constant<int, kStreams>{});
    for (std::int64_t r = call.rowFrom + kStreams * rows; r < call.rowTo; ++r) run(r, range, std::integral_constant<int, 1>{});
}

/// Asks for the weights that a tile will unpack.
template <class F>
void prefetchTile(const std::uint8_t* weight, std::int64_t rowBytes, std::int64_t rows, std::int64_t chunks) {
    constexpr std::int64_t kLine = 64;
    for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t at = 0; at < chunks * F::kChunkBytes; at += kLine) _mm_prefetch(weight + r * rowBytes + at, _MM_HINT_T1);
    }
}

template <class Isa, class F>
void matmulMany(const MatmulCall& call) {
    constexpr std::int64_t kBlocks = Isa::kTileChunks * kBlocksPerChunk;
    typename Isa::Tile tile;
    for (std::int64_t t0 = 0; t0 < call.nTokens; t0 += kTileTokens) {
        const std::int64_t tokens = call.nTokens - t0 < kTileTokens ? call.nTokens - t0 : kTileTokens;
        for (std::int64_t from = 0; from < call.blocks; from += kBlocks) {
            const std::int64_t blocks = call.blocks - from < kBlocks ? call.blocks - from : kBlocks;
            const std::int64_t chunks = (blocks + kBlocksPerChunk - 1) / kBlocksPerChunk;
            const Q8Chunk* panel = call.x + from / kBlocksPerChunk * call.nTokens + t0;
            const std::uint8_t* columns = call.weight + from / kBlocksPerChunk * F::kChunkBytes;
            for (std::int64_t r = call.rowFrom; r < call.rowTo; r += Isa::kTileRows) {
                const std::int64_t left = call.rowTo - r;
                const int rows = static_cast<int>(left < Isa::kTileRows ? left : Isa::kTileRows);
                Isa::template fillTile<F>(tile, columns + r * call.rowBytes, call.rowBytes, rows, columnSpan<F>(blocks));
                const std::int64_t next = left - rows < Isa::kTileRows ? left - rows : Isa::kTileRows;
                prefetchTile<F>(columns + (r + rows) * call.rowBytes, call.rowBytes, next, chunks);
                Isa::template tileTokens<F>(tile, static_cast<int>(chunks), rows, call.out + t0 * call.outStride + r,
                                            call.outStride, panel, call.nTokens, tokens, from != 0);
            }
        }
    }
}

template <class Isa, class F>
void matmulFormat(const MatmulCall& call) {
    static_assert(kFewTokens == 4);
    switch (call.nTokens) {
    case 0: return;
    case 1: matmulFew<Isa, F, 1>(call); return;
    case 2: matmulFew<Isa, F, 2>(call); return;
    case 3: matmulFew<Isa, F, 3>(call); return;
    case 4: matmulFew<Isa, F, 4>(call); return;
    default: matmulMany<Isa, F>(call); return;
    }
}

} // namespace

} // namespace hearth::kernels
