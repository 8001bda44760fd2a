// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic of the AVX-512 VNNI path: the Isa of matmul_driver.h.
// A tile is 16 rows: dwords of four columns, row beside row, so that one vpdpbusd with four broadcast activations serves
// 16 rows and no sum across lanes is needed.
// Included by matmul_avx512_vnni.cpp alone; everything here is internal to it.
#pragma once

#include "kernels/cpu/simd/activation_panel.h"
#include "kernels/cpu/simd/matmul_driver.h"

#include <type_traits>

namespace hearth::kernels {

namespace {

/// 16 x 16 dwords; row r at from + r * stride dwords, column c written to to + 16 c.
HEARTH_ALWAYS void transpose16(std::int32_t* to, const std::int32_t* from, int stride) {
    __m512i a[16];
    __m512i b[16];
#pragma GCC unroll 16
    for (int r = 0; r < 16; ++r) a[r] = _mm512_load_si512(from + r * stride);
#pragma GCC unroll 8
    for (int r = 0; r < 16; r += 2) {
        b[r] = _mm512_unpacklo_epi32(a[r], a[r + 1]);
        b[r + 1] = _mm512_unpackhi_epi32(a[r], a[r + 1]);
    }
#pragma GCC unroll 4
    for (int r = 0; r < 16; r += 4) {
        a[r] = _mm512_unpacklo_epi64(b[r], b[r + 2]);
        a[r + 1] = _mm512_unpackhi_epi64(b[r], b[r + 2]);
        a[r + 2] = _mm512_unpacklo_epi64(b[r + 1], b[r + 3]);
        a[r + 3] = _mm512_unpackhi_epi64(b[r + 1], b[r + 3]);
    }
    // a[4 k + j], part m, now holds rows 4 k ... 4 k + 3 of column 4 m + j.
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
        const __m512i low01 = _mm512_shuffle_i32x4(a[j], a[4 + j], 0x88);
        const __m512i high01 = _mm512_shuffle_i32x4(a[j], a[4 + j], 0xdd);
        const __m512i low23 = _mm512_shuffle_i32x4(a[8 + j], a[12 + j], 0x88);
        const __m512i high23 = _mm512_shuffle_i32x4(a[8 + j], a[12 + j], 0xdd);
        _mm512_store_si512(to + 16 * j, _mm512_shuffle_i32x4(low01, low23, 0x88));
        _mm512_store_si512(to + 16 * (j + 8), _mm512_shuffle_i32x4(low01, low23, 0xdd));
        _mm512_store_si512(to + 16 * (j + 4), _mm512_shuffle_i32x4(high01, high23, 0x88));
        _mm512_store_si512(to + 16 * (j + 12), _mm512_shuffle_i32x4(high01, high23, 0xdd));
    }
}

/// Which of the (up to 16) group scales lane l of the 64 columns i needs.
template <int Group>
HEARTH_ALWAYS __m512i groupOfLane(int i) {
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_add_epi32(_mm512_srli_epi32(lane, Group == 32 ? 3 : 2), _mm512_set1_epi32(i * (64 / Group)));
}

struct Avx512Isa {
    static constexpr int kTileRows = 16;

    struct Tile {
        struct Chunk {
            alignas(64) std::uint8_t u[kChunk / 4][kTileRows][4];
            alignas(64) float scale[16][kTileRows];   ///< [group][row]; 8 groups when they are of 32
            alignas(64) float minimum[16][kTileRows];
        };
        Chunk chunks[kTilePanelChunks];
    };

    template <class F, int T>
    static HEARTH_ALWAYS void rowDots(float* dots, const std::uint8_t* row, ColumnSpan span, const XChunk* x,
                                      std::int64_t xStride) {
        __m512 sum[T][2];
        for (int t = 0; t < T; ++t) sum[t][0] = sum[t][1] = _mm512_setzero_ps();
        forEachChunk<F>(row, span, [&](const std::uint8_t* bytes, std::int64_t c) HEARTH_ALWAYS_LAMBDA {
            const F weights(bytes);
            __m512 scale[T];
#pragma GCC unroll 4
            for (int t = 0; t < T; ++t) {
                const XChunk& chunk = x[t * xStride + c];
                if constexpr (F::kGroup == 32) {
                    scale[t] = _mm512_mul_ps(weights.scale, _mm512_zextps256_ps512(_mm256_load_ps(chunk.scale)));
                    const __m512 sums = _mm512_zextps256_ps512(_mm256_load_ps(chunk.sum));
                    sum[t][1] = _mm512_fnmadd_ps(weights.minimum, sums, sum[t][1]);
                } else {
                    const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
                    const __m512 eight = _mm512_castps256_ps512(_mm256_load_ps(chunk.scale));
                    scale[t] = _mm512_mul_ps(weights.scale, _mm512_permutexvar_ps(twice, eight));
                    sum[t][1] = _mm512_fnmadd_ps(weights.minimum, _mm512_loadu_ps(chunk.sum), sum[t][1]);
                }
            }
#pragma GCC unroll 4
            for (int i = 0; i < 4; ++i) {
                const __m512i u = weights.lanes(i);
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t) {
                    const __m512i q = _mm512_load_si512(x[t * xStride + c].q + 64 * i);
                    const __m512 dot = _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(_mm512_setzero_si512(), u, q));
                    const __m512 s = _mm512_permutexvar_ps(groupOfLane<F::kGroup>(i), scale[t]);
                    sum[t][i % 2] = _mm512_fmadd_ps(dot, s, sum[t][i % 2]);
                }
            }
        });
        for (int t = 0; t < T; ++t) dots[t] = _mm512_reduce_add_ps(_mm512_add_ps(sum[t][0], sum[t][1]));
    }

    template <class F>
    static void fillTile(Tile& tile, const std::uint8_t* weight, std::int64_t rowBytes, int rows, ColumnSpan span) {
        struct Rows {
            alignas(64) std::int32_t u[kTileRows][kChunk / 4];
            alignas(64) float scale[kTileRows][16];
            alignas(64) float minimum[kTileRows][16];
        };
        Rows staged[kTilePanelChunks];
        const std::int64_t chunks = span.full + (span.tailBytes != 0 ? 1 : 0);
        // Rows past the end are computed and dropped: any weights will do, if only they are numbers.
        if (rows < kTileRows) std::memset(static_cast<void*>(staged), 0, sizeof staged);
        for (int r = 0; r < rows; ++r) {
            forEachChunk<F>(weight + r * rowBytes, span, [&](const std::uint8_t* bytes, std::int64_t c) HEARTH_ALWAYS_LAMBDA {
                const F weights(bytes);
                _mm512_store_ps(staged[c].scale[r], weights.scale);
                _mm512_store_ps(staged[c].minimum[r], weights.minimum);
#pragma GCC unroll 4
                for (int i = 0; i < 4; ++i) _mm512_store_si512(&staged[c].u[r][16 * i], weights.lanes(i));
            });
        }
        for (std::int64_t c = 0; c < chunks; ++c) {
            Tile::Chunk& to = tile.chunks[c];
            for (int i = 0; i < 4; ++i) {
                transpose16(reinterpret_cast<std::int32_t*>(to.u[16 * i]), &staged[c].u[0][16 * i], kChunk / 4);
            }
            transpose16(reinterpret_cast<std::int32_t*>(to.scale), reinterpret_cast<const std::int32_t*>(staged[c].scale), 16);
            transpose16(reinterpret_cast<std::int32_t*>(to.minimum), reinterpret_cast<const std::int32_t*>(staged[c].minimum), 16);
        }
    }

    /// 16 rows times T tokens; adds to out when `adding`.
    template <int Group, int T>
    static void tileDots(const Tile& tile, int chunks, __mmask16 rows, float* out, std::int64_t outStride, const XChunk* x,
                         bool adding) {
        __m512 sum[T];
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) {
            sum[t] = adding ? _mm512_maskz_loadu_ps(rows, out + t * outStride) : _mm512_setzero_ps();
        }
        for (int c = 0; c < chunks; ++c) {
            const Tile::Chunk& weights = tile.chunks[c];
            for (int g = 0; g < kChunk / Group; ++g) {
                __m512i dot[T];
#pragma GCC unroll 8
                for (int t = 0; t < T; ++t) dot[t] = _mm512_setzero_si512();
#pragma GCC unroll 8
                for (int k = 0; k < Group / 4; ++k) {
                    const int at = g * (Group / 4) + k;
                    const __m512i u = _mm512_load_si512(weights.u[at]);
#pragma GCC unroll 8
                    for (int t = 0; t < T; ++t) {
                        std::int32_t four;
                        std::memcpy(&four, x[t * kTilePanelChunks + c].q + at * 4, sizeof four);
                        dot[t] = _mm512_dpbusd_epi32(dot[t], u, _mm512_set1_epi32(four));
                    }
                }
                const __m512 scale = _mm512_load_ps(weights.scale[g]);
                const __m512 minimum = _mm512_load_ps(weights.minimum[g]);
#pragma GCC unroll 8
                for (int t = 0; t < T; ++t) {
                    const XChunk& chunk = x[t * kTilePanelChunks + c];
                    const __m512 s = _mm512_mul_ps(scale, _mm512_set1_ps(chunk.scale[g * Group / 32]));
                    sum[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[t]), s, sum[t]);
                    sum[t] = _mm512_fnmadd_ps(minimum, _mm512_set1_ps(chunk.sum[g]), sum[t]);
                }
            }
        }
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) _mm512_mask_storeu_ps(out + t * outStride, rows, sum[t]);
    }

    template <class F>
    static HEARTH_ALWAYS void tileTokens(const Tile& tile, int chunks, int rows, float* out, std::int64_t outStride,
                                         const XChunk* x, std::int64_t tokens, bool adding) {
        constexpr int G = F::kGroup;
        const auto mask = static_cast<__mmask16>((1u << rows) - 1);
        std::int64_t t = 0;
        const auto run = [&]<int T>(std::integral_constant<int, T>) {
            for (; t + T <= tokens; t += T) {
                tileDots<G, T>(tile, chunks, mask, out + t * outStride, outStride, x + t * kTilePanelChunks, adding);
            }
        };
        run(std::integral_constant<int, 8>{});
        run(std::integral_constant<int, 4>{});
        run(std::integral_constant<int, 2>{});
        run(std::integral_constant<int, 1>{});
    }

    // --- float weights ------------------------------------------------------------------------------------------------
    using Vector = __m512;
    static constexpr int kLanes = 16;
    static constexpr int kFloatRows = 4;
    static constexpr int kFloatTokens = 4;
    static HEARTH_ALWAYS Vector zero() { return _mm512_setzero_ps(); }
    static HEARTH_ALWAYS Vector multiplyAdd(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
    static HEARTH_ALWAYS float total(Vector v) { return _mm512_reduce_add_ps(v); }
    static HEARTH_ALWAYS Vector loadF32(const void* p) { return _mm512_loadu_ps(p); }
    static HEARTH_ALWAYS Vector loadF16(const void* p) {
        return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
    }
    static HEARTH_ALWAYS Vector loadBf16(const void* p) {
        const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
        return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
    }
};

} // namespace

} // namespace hearth::kernels
