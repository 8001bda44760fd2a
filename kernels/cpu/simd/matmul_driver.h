// SPDX-License-Identifier: Apache-2.0
//
// The loops that every instruction set and format shares: which rows, tokens and columns meet when.
//   1 to 4 tokens: every row is read once and multiplied while it is unpacked in registers (Isa::rowDots).
//   more: a tile of rows by four chunks of columns is unpacked once (Isa::fillTile), then all tokens pass by it
//   (Isa::tileDots).
// A Format F unpacks chunks of 256 columns: F::kChunkBytes bytes, whose blocks hold F::kBlockElements values.
// Included by the translation unit of one instruction set; everything here is internal to it.
#pragma once

#include "kernels/cpu/simd/activation_panel.h"

#include <cstring>

namespace hearth::kernels {

namespace {

constexpr std::int64_t kTilePanelChunks = 4; ///< columns of a tile: it stays in the first-level cache with its tokens
constexpr std::int64_t kTileTokens = 256;    ///< tokens that share one unpacked tile
constexpr std::int64_t kPanelChunks = kTilePanelChunks * kTileTokens;

/// The columns of one pass: `full` whole chunks and, in formats of 32, perhaps a part of one more.
struct ColumnSpan {
    std::int64_t full;
    std::int64_t tailBytes; ///< weight bytes of the partial chunk; 0 = none
};

template <class F>
HEARTH_ALWAYS ColumnSpan columnSpan(std::int64_t blocks) {
    return {blocks / kBlocksPerChunk, blocks % kBlocksPerChunk * (F::kChunkBytes / kBlocksPerChunk)};
}

/// Calls visit(weight bytes of chunk c, c) for every chunk; the partial one is completed with zero blocks, because reading
/// on would leave the row.
template <class F, class Visit>
HEARTH_ALWAYS void forEachChunk(const std::uint8_t* row, ColumnSpan span, Visit visit) {
    for (std::int64_t c = 0; c < span.full; ++c) visit(row + c * F::kChunkBytes, c);
    if constexpr (F::kBlockElements < kChunk) {
        if (span.tailBytes != 0) {
            alignas(64) std::uint8_t padded[F::kChunkBytes] = {};
            std::memcpy(padded, row + span.full * F::kChunkBytes, static_cast<std::size_t>(span.tailBytes));
            visit(padded, span.full);
        }
    }
}

struct MatmulCall {
    float* out;
    std::int64_t outStride;
    const std::uint8_t* weight;
    std::int64_t rowBytes;
    std::int64_t rowFrom;
    std::int64_t rowTo;
    const Q8Block* x;
    std::int64_t nTokens;
    std::int64_t blocks;    ///< of 32 columns
};

/// T is nTokens, or 4 for 3: the missing one is computed from zeros and dropped.
template <class Isa, class F, int T>
void matmulFew(const MatmulCall& call, XChunk* panel) {
    constexpr std::int64_t kBlocks = kPanelChunks / T * kBlocksPerChunk;
    for (std::int64_t from = 0; from < call.blocks; from += kBlocks) {
        const std::int64_t blocks = call.blocks - from < kBlocks ? call.blocks - from : kBlocks;
        const std::int64_t stride = chunksFor(blocks);
        for (int t = 0; t < T; ++t) {
            if (t < call.nTokens) packActivations<F::kGroup>(panel + t * stride, call.x + t * call.blocks + from, blocks);
            else std::memset(static_cast<void*>(panel + t * stride), 0, static_cast<std::size_t>(stride) * sizeof(XChunk));
        }
        const std::uint8_t* first = call.weight + from / kBlocksPerChunk * F::kChunkBytes;
        for (std::int64_t r = call.rowFrom; r < call.rowTo; ++r) {
            float dots[T];
            Isa::template rowDots<F, T>(dots, first + r * call.rowBytes, columnSpan<F>(blocks), panel, stride);
            for (int t = 0; t < T && t < call.nTokens; ++t) {
                float* out = call.out + t * call.outStride + r;
                *out = from == 0 ? dots[t] : *out + dots[t];
            }
        }
    }
}

template <class Isa, class F>
void matmulMany(const MatmulCall& call, XChunk* panel) {
    constexpr std::int64_t kBlocks = kTilePanelChunks * kBlocksPerChunk;
    typename Isa::Tile tile;
    for (std::int64_t t0 = 0; t0 < call.nTokens; t0 += kTileTokens) {
        const std::int64_t tokens = call.nTokens - t0 < kTileTokens ? call.nTokens - t0 : kTileTokens;
        for (std::int64_t from = 0; from < call.blocks; from += kBlocks) {
            const std::int64_t blocks = call.blocks - from < kBlocks ? call.blocks - from : kBlocks;
            const std::int64_t chunks = chunksFor(blocks);
            for (std::int64_t t = 0; t < tokens; ++t) {
                packActivations<F::kGroup>(panel + t * kTilePanelChunks, call.x + (t0 + t) * call.blocks + from, blocks);
            }
            for (std::int64_t r = call.rowFrom; r < call.rowTo; r += Isa::kTileRows) {
                const int rows = static_cast<int>(call.rowTo - r < Isa::kTileRows ? call.rowTo - r : Isa::kTileRows);
                const std::uint8_t* first = call.weight + r * call.rowBytes + from / kBlocksPerChunk * F::kChunkBytes;
                Isa::template fillTile<F>(tile, first, call.rowBytes, rows, columnSpan<F>(blocks));
                Isa::template tileTokens<F>(tile, static_cast<int>(chunks), rows, call.out + t0 * call.outStride + r,
                                            call.outStride, panel, tokens, from != 0);
            }
        }
    }
}

template <class Isa, class F>
void matmulFormat(const MatmulCall& call) {
    XChunk panel[kPanelChunks];
    switch (call.nTokens) {
    case 0: return;
    case 1: matmulFew<Isa, F, 1>(call, panel); return;
    case 2: matmulFew<Isa, F, 2>(call, panel); return;
    case 3:
    case 4: matmulFew<Isa, F, 4>(call, panel); return;
    default: matmulMany<Isa, F>(call, panel); return;
    }
}

} // namespace

} // namespace hearth::kernels
