// SPDX-License-Identifier: Apache-2.0
//
// Float weights times many f32 activations. A tile of 2 x kLanes rows by 256 columns is widened to f32 once, column by column, so
// that a broadcast activation serves all of its rows; tokens pass by it from a copy whose rows stand close together, because rows a
// power of two apart would meet in the same few sets of the caches.
// Included by the translation unit of one instruction set after its Isa; everything here is internal to it.
#pragma once

#include "kernels/cpu/simd/float_weight.h"

#include <cstring>

namespace hearth::kernels {

namespace {

constexpr std::int64_t kGemmCols = 256;
constexpr std::int64_t kGemmTokens = 256; ///< their copy stays in the second-level cache

/// std::min has external linkage: a copy compiled for a newer processor could stand in for an older one's.
HEARTH_ALWAYS std::int64_t smaller(std::int64_t a, std::int64_t b) {
    return a < b ? a : b;
}

template <class Isa>
struct FloatTile {
    alignas(64) float w[2][kGemmCols][Isa::kLanes]; ///< [half][column][row]
};

template <class Isa, DType D>
void fillFloatTile(FloatTile<Isa>& tile, const std::uint8_t* weight, std::int64_t rowBytes, std::int64_t rows, std::int64_t cols) {
    using Weight = FloatWeight<D>;
    constexpr std::int64_t L = Isa::kLanes;
    alignas(64) float staged[L][kGemmCols];
    for (std::int64_t half = 0; half < 2; ++half) {
        // Rows past the end and columns up to the next whole group are zero.
        if (rows < 2 * L || cols % L != 0) std::memset(staged, 0, sizeof staged);
        for (std::int64_t r = 0; r < L && half * L + r < rows; ++r) {
            const auto* row = reinterpret_cast<const typename Weight::Stored*>(weight + (half * L + r) * rowBytes);
            std::int64_t c = 0;
            for (; c + L <= cols; c += L) Isa::storeF32(&staged[r][c], Weight::template load<Isa>(row + c));
            for (; c < cols; ++c) staged[r][c] = Weight::value(row[c]);
        }
        for (std::int64_t c = 0; c < cols; c += L) {
            Isa::transposeLanes(reinterpret_cast<std::int32_t*>(tile.w[half][c]), reinterpret_cast<const std::int32_t*>(&staged[0][c]),
                                kGemmCols);
        }
    }
}

/// T tokens times the tile; adds to out when `adding`.
template <class Isa, int T>
void floatTileDots(const FloatTile<Isa>& tile, std::int64_t rows, std::int64_t cols, float* out, std::int64_t outStride,
                   const float* x, bool adding) {
    constexpr int L = Isa::kLanes;
    typename Isa::Vector sum[T][2];
#pragma GCC unroll 12
    for (int t = 0; t < T; ++t) sum[t][0] = sum[t][1] = Isa::zero();
    for (std::int64_t c = 0; c < cols; ++c) {
        const typename Isa::Vector w0 = Isa::loadF32(tile.w[0][c]);
        const typename Isa::Vector w1 = Isa::loadF32(tile.w[1][c]);
#pragma GCC unroll 12
        for (int t = 0; t < T; ++t) {
            const typename Isa::Vector activation = Isa::broadcast(x[t * kGemmCols + c]);
            sum[t][0] = Isa::multiplyAdd(w0, activation, sum[t][0]);
            sum[t][1] = Isa::multiplyAdd(w1, activation, sum[t][1]);
        }
    }
    for (int t = 0; t < T; ++t) {
        alignas(64) float dots[2 * L];
        Isa::storeF32(dots, sum[t][0]);
        Isa::storeF32(dots + L, sum[t][1]);
        float* to = out + t * outStride;
        for (std::int64_t r = 0; r < rows; ++r) to[r] = adding ? to[r] + dots[r] : dots[r];
    }
}

template <class Isa, int T>
void floatTileRest(std::int64_t tokens, const FloatTile<Isa>& tile, std::int64_t rows, std::int64_t cols, float* out,
                   std::int64_t outStride, const float* x, bool adding) {
    if (tokens == T) return floatTileDots<Isa, T>(tile, rows, cols, out, outStride, x, adding);
    if constexpr (T > 1) floatTileRest<Isa, T - 1>(tokens, tile, rows, cols, out, outStride, x, adding);
}

template <class Isa, DType D>
void matmulFloatMany(const FloatCall& call) {
    constexpr std::int64_t kMost = Isa::kGemmTokensAtOnce;
    FloatTile<Isa> tile;
    alignas(64) float panel[kGemmTokens * kGemmCols];
    for (std::int64_t t0 = 0; t0 < call.nTokens; t0 += kGemmTokens) {
        const std::int64_t tokens = smaller(kGemmTokens, call.nTokens - t0);
        for (std::int64_t c0 = 0; c0 < call.cols; c0 += kGemmCols) {
            const std::int64_t cols = smaller(kGemmCols, call.cols - c0);
            for (std::int64_t t = 0; t < tokens; ++t) {
                std::memcpy(panel + t * kGemmCols, call.x + (t0 + t) * call.xStride + c0, static_cast<std::size_t>(cols) * sizeof(float));
            }
            for (std::int64_t r = call.rowFrom; r < call.rowTo; r += 2 * Isa::kLanes) {
                const std::int64_t rows = smaller(2 * Isa::kLanes, call.rowTo - r);
                const auto offset = c0 * static_cast<std::int64_t>(sizeof(typename FloatWeight<D>::Stored));
                fillFloatTile<Isa, D>(tile, call.weight + r * call.rowBytes + offset, call.rowBytes, rows, cols);
                for (std::int64_t t = 0; t < tokens; t += kMost) {
                    floatTileRest<Isa, static_cast<int>(kMost)>(smaller(kMost, tokens - t), tile, rows, cols,
                                                                call.out + (t0 + t) * call.outStride + r, call.outStride,
                                                                panel + t * kGemmCols, c0 != 0);
                }
            }
        }
    }
}

} // namespace

} // namespace hearth::kernels
