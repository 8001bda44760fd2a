// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic of the AVX-512 VNNI path: the Isa of matmul_driver.h.
// A tile is 2 x 16 rows: dwords of four columns, row beside row, so that one vpdpbusd with four broadcast activations serves
// 16 rows and no sum across lanes is needed; a broadcast serves both halves.
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

/// The totals of four vectors: pairs of a and b side by side in every quarter, then a, b, c, d; then the quarters together.
HEARTH_ALWAYS void storeTotals(float* out, __m512 a, __m512 b, __m512 c, __m512 d) {
    const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    const __m512 abcd = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
    const __m256 halves = _mm256_add_ps(_mm512_castps512_ps256(abcd), _mm512_extractf32x8_ps(abcd, 1));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps(halves, 1)));
}

/// Which of the (up to 16) group scales lane l of the 64 columns i needs.
template <int Group>
HEARTH_ALWAYS __m512i groupOfLane(int i) {
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_add_epi32(_mm512_srli_epi32(lane, Group == 32 ? 3 : 2), _mm512_set1_epi32(i * (64 / Group)));
}

/// Formats whose bytes come as both halves of four blocks with fewer instructions than in order: pieces(u) gives the first halves of
/// the even blocks, their second halves, and the same of the odd ones, as the panel's second order has the activations.
template <class F>
concept HasPieces = requires(const F& weights, __m512i (&u)[4]) { weights.pieces(u); };

struct Avx512Isa {
    static constexpr bool kRaisedActivations = true;
    static constexpr int kTileRows = 32;
    static constexpr int kTileChunks = 2; ///< 512 columns: the tile stays in the first-level cache beside its tokens
    static constexpr int kHalves = kTileRows / 16;

    /// Weights as signed numbers, the offset taken away. Activations are raised by 128 because vpdpbusd wants one factor
    /// unsigned; what that adds is known once per group and row: sums of products start from `start`.
    struct Tile {
        struct Chunk {
            alignas(64) std::int8_t w[kHalves][kChunk / 4][16][4];
            alignas(64) float scale[kHalves][16][16];   ///< [half][group][row]; 8 groups when they are of 32
            alignas(64) float minimum[kHalves][16][16]; ///< only of formats without an offset
            alignas(64) std::int32_t start[kHalves][16][16];
        };
        Chunk chunks[kTileChunks];
    };

    /// dots[r][t] of R rows, `distance` bytes apart, and T tokens. What follows row 0 until `streamEnd`, and the others as far, is read
    /// next; `end` is that of the readable weights.
    template <class F, int T, int R>
    static HEARTH_ALWAYS void rowDots(float (*dots)[T], const std::uint8_t* row, std::int64_t distance, ColumnSpan span,
                                      const std::uint8_t* streamEnd, const std::uint8_t* end, const Q8Chunk* x) {
        const std::int64_t pieces = (span.full + (span.tailBytes != 0 ? 1 : 0)) * T; // where the panel's second order begins
        __m512 sum[R][T][2];
        for (auto& one : sum) {
            for (auto& token : one) token[0] = token[1] = _mm512_setzero_ps();
        }
        forEachChunk<F, R, true>(row, distance, span, end, [&](const std::uint8_t* bytes, std::int64_t c, int r, auto extent) HEARTH_ALWAYS_LAMBDA {
            askAhead<F::kChunkBytes>(bytes, streamEnd + r * distance);
            const F weights(bytes);
            __m512 scale[T];
#pragma GCC unroll 4
            for (int t = 0; t < T; ++t) {
                const Q8Chunk& chunk = x[c * T + t];
                if constexpr (std::is_same_v<decltype(extent), PartOfChunk>) {
                    // What follows the row may be no number: times zero it would stay none.
                    const auto inside = static_cast<__mmask16>((1u << extent.blocks) - 1);
                    scale[t] = _mm512_maskz_mul_ps(inside, weights.scale, _mm512_zextps256_ps512(_mm256_load_ps(chunk.scale)));
                    const __m512 sums = _mm512_zextps256_ps512(_mm256_load_ps(chunk.sum32));
                    sum[r][t][1] = _mm512_mask3_fnmadd_ps(weights.minimum, sums, sum[r][t][1], inside);
                } else if constexpr (F::kGroup == 32) {
                    scale[t] = _mm512_mul_ps(weights.scale, _mm512_zextps256_ps512(_mm256_load_ps(chunk.scale)));
                    const __m512 sums = _mm512_zextps256_ps512(_mm256_load_ps(chunk.sum32));
                    sum[r][t][1] = _mm512_fnmadd_ps(weights.minimum, sums, sum[r][t][1]);
                } else {
                    const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
                    const __m512 eight = _mm512_castps256_ps512(_mm256_load_ps(chunk.scale));
                    scale[t] = _mm512_mul_ps(weights.scale, _mm512_permutexvar_ps(twice, eight));
                    sum[r][t][1] = _mm512_fnmadd_ps(weights.minimum, _mm512_load_ps(chunk.sum16), sum[r][t][1]);
                }
            }
            if constexpr (HasPieces<F>) {
                __m512i u[4];
                weights.pieces(u);
                const __m512i even = _mm512_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6);
                const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t) {
                    const std::uint8_t* q = x[pieces + c * T + t].q;
                    const auto half = [&](int i) HEARTH_ALWAYS_LAMBDA {
                        const __m512i first = _mm512_dpbusd_epi32(_mm512_setzero_si512(), u[i], _mm512_load_si512(q + 64 * i));
                        return _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(first, u[i + 1], _mm512_load_si512(q + 64 * i + 64)));
                    };
                    sum[r][t][0] = _mm512_fmadd_ps(half(0), _mm512_permutexvar_ps(even, scale[t]), sum[r][t][0]);
                    sum[r][t][1] = _mm512_fmadd_ps(half(2), _mm512_permutexvar_ps(odd, scale[t]), sum[r][t][1]);
                }
                return;
            }
#pragma GCC unroll 4
            for (int i = 0; i < 4; ++i) {
                const __m512i u = weights.lanes(i);
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t) {
                    const __m512i q = _mm512_load_si512(x[c * T + t].q + 64 * i);
                    const __m512 dot = _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(_mm512_setzero_si512(), u, q));
                    const __m512 s = _mm512_permutexvar_ps(groupOfLane<F::kGroup>(i), scale[t]);
                    sum[r][t][i % 2] = _mm512_fmadd_ps(dot, s, sum[r][t][i % 2]);
                }
            }
        });
        const auto rowSum = [&](int r, int t) HEARTH_ALWAYS_LAMBDA { return _mm512_add_ps(sum[r][t][0], sum[r][t][1]); };
        if constexpr (R == 4 && T == 1) {
            storeTotals(&dots[0][0], rowSum(0, 0), rowSum(1, 0), rowSum(2, 0), rowSum(3, 0));
        } else {
            for (int r = 0; r < R; ++r) {
                for (int t = 0; t < T; ++t) dots[r][t] = _mm512_reduce_add_ps(rowSum(r, t));
            }
        }
    }

    /// Chunk c of 16 rows.
    template <class F>
    static void fillHalf(Tile::Chunk& to, int half, const std::uint8_t* weight, std::int64_t rowBytes, int rows,
                         ColumnSpan span, std::int64_t c) {
        struct Rows {
            alignas(64) std::int32_t w[16][kChunk / 4];
            alignas(64) float scale[16][16];
            alignas(64) float minimum[16][16];
        };
        Rows staged;
        alignas(64) std::uint8_t padded[F::kChunkBytes] = {};
        // Rows past the end are computed and dropped: any weights will do, if only they are numbers.
        if (rows < 16) std::memset(static_cast<void*>(&staged), 0, sizeof staged);
        for (int r = 0; r < rows; ++r) {
            const F weights(chunkAt<F>(weight + r * rowBytes, span, c, padded));
            _mm512_store_ps(staged.scale[r], weights.scale);
            if constexpr (F::kOffset == 0) _mm512_store_ps(staged.minimum[r], weights.minimum);
#pragma GCC unroll 4
            for (int i = 0; i < 4; ++i) {
                const __m512i signedLanes = _mm512_sub_epi8(weights.lanes(i), _mm512_set1_epi8(static_cast<char>(F::kOffset)));
                _mm512_store_si512(&staged.w[r][16 * i], signedLanes);
            }
        }
        for (int i = 0; i < 4; ++i) {
            transpose16(reinterpret_cast<std::int32_t*>(to.w[half][16 * i]), &staged.w[0][16 * i], kChunk / 4);
        }
        transpose16(reinterpret_cast<std::int32_t*>(to.scale[half]), reinterpret_cast<const std::int32_t*>(staged.scale), 16);
        if constexpr (F::kOffset == 0) {
            transpose16(reinterpret_cast<std::int32_t*>(to.minimum[half]), reinterpret_cast<const std::int32_t*>(staged.minimum), 16);
        }
        for (int g = 0; g < kChunk / F::kGroup; ++g) {
            __m512i sum = _mm512_setzero_si512();
            for (int k = 0; k < F::kGroup / 4; ++k) {
                sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(-128), _mm512_load_si512(to.w[half][g * (F::kGroup / 4) + k]));
            }
            _mm512_store_si512(to.start[half][g], _mm512_sub_epi32(_mm512_setzero_si512(), sum));
        }
    }

    template <class F>
    static void fillTile(Tile& tile, const std::uint8_t* weight, std::int64_t rowBytes, int rows, ColumnSpan span) {
        const std::int64_t chunks = span.full + (span.tailBytes != 0 ? 1 : 0);
        for (int half = 0; half < kHalves; ++half) {
            const int here = rows - 16 * half < 16 ? rows - 16 * half : 16;
            for (std::int64_t c = 0; c < chunks; ++c) {
                fillHalf<F>(tile.chunks[c], half, weight + 16 * half * rowBytes, rowBytes, here > 0 ? here : 0, span, c);
            }
        }
    }

    /// 32 rows times T tokens; adds to out when `adding`.
    template <int Group, bool HasMinimum, int T>
    static void tileDots(const Tile& tile, int chunks, const __mmask16* rows, float* out, std::int64_t outStride,
                         const Q8Chunk* x, std::int64_t xStride, bool adding) {
        __m512 sum[T][kHalves];
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) {
#pragma GCC unroll 2
            for (int h = 0; h < kHalves; ++h) {
                sum[t][h] = adding ? _mm512_maskz_loadu_ps(rows[h], out + t * outStride + 16 * h) : _mm512_setzero_ps();
            }
        }
        for (int c = 0; c < chunks; ++c) {
            const Tile::Chunk& weights = tile.chunks[c];
            const Q8Chunk* tokens = x + c * xStride;
            for (int g = 0; g < kChunk / Group; ++g) {
                __m512i dot[T][kHalves];
#pragma GCC unroll 2
                for (int h = 0; h < kHalves; ++h) {
                    const __m512i start = _mm512_load_si512(weights.start[h][g]);
#pragma GCC unroll 8
                    for (int t = 0; t < T; ++t) dot[t][h] = start;
                }
#pragma GCC unroll 8
                for (int k = 0; k < Group / 4; ++k) {
                    const int at = g * (Group / 4) + k;
                    const __m512i w0 = _mm512_load_si512(weights.w[0][at]);
                    const __m512i w1 = _mm512_load_si512(weights.w[1][at]);
#pragma GCC unroll 8
                    for (int t = 0; t < T; ++t) {
                        std::int32_t four;
                        std::memcpy(&four, tokens[t].q + at * 4, sizeof four);
                        const __m512i q = _mm512_set1_epi32(four);
                        dot[t][0] = _mm512_dpbusd_epi32(dot[t][0], q, w0);
                        dot[t][1] = _mm512_dpbusd_epi32(dot[t][1], q, w1);
                    }
                }
#pragma GCC unroll 2
                for (int h = 0; h < kHalves; ++h) {
                    const __m512 scale = _mm512_load_ps(weights.scale[h][g]);
#pragma GCC unroll 8
                    for (int t = 0; t < T; ++t) {
                        const __m512 s = _mm512_mul_ps(scale, _mm512_set1_ps(tokens[t].scale[g * Group / 32]));
                        sum[t][h] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[t][h]), s, sum[t][h]);
                    }
                    if constexpr (HasMinimum) {
                        const __m512 minimum = _mm512_load_ps(weights.minimum[h][g]);
#pragma GCC unroll 8
                        for (int t = 0; t < T; ++t) {
                            const float total = Group == 32 ? tokens[t].sum32[g] : tokens[t].sum16[g];
                            sum[t][h] = _mm512_fnmadd_ps(minimum, _mm512_set1_ps(total), sum[t][h]);
                        }
                    }
                }
            }
        }
#pragma GCC unroll 8
        for (int t = 0; t < T; ++t) {
#pragma GCC unroll 2
            for (int h = 0; h < kHalves; ++h) _mm512_mask_storeu_ps(out + t * outStride + 16 * h, rows[h], sum[t][h]);
        }
    }

    template <class F>
    static HEARTH_ALWAYS void tileTokens(const Tile& tile, int chunks, int rows, float* out, std::int64_t outStride,
                                         const Q8Chunk* x, std::int64_t xStride, std::int64_t tokens, bool adding) {
        constexpr int kMost = 6; ///< of 32 registers: 12 running dot products and 12 sums
        constexpr int G = F::kGroup;
        constexpr bool M = F::kOffset == 0;
        const std::uint32_t inside = rows < 32 ? (1u << rows) - 1 : ~0u;
        const __mmask16 masks[kHalves] = {static_cast<__mmask16>(inside), static_cast<__mmask16>(inside >> 16)};
        const auto run = [&]<int T>(std::int64_t t, std::integral_constant<int, T>) {
            tileDots<G, M, T>(tile, chunks, masks, out + t * outStride, outStride, x + t, xStride, adding);
        };
        for (std::int64_t t = 0; t < tokens;) {
            const std::int64_t left = tokens - t;
            // The last two runs share evenly: a lone token waits for its own additions.
            const std::int64_t take = left >= 2 * kMost ? kMost : left > kMost ? (left + 1) / 2 : left;
            switch (take) {
            case 1: run(t, std::integral_constant<int, 1>{}); break;
            case 2: run(t, std::integral_constant<int, 2>{}); break;
            case 3: run(t, std::integral_constant<int, 3>{}); break;
            case 4: run(t, std::integral_constant<int, 4>{}); break;
            case 5: run(t, std::integral_constant<int, 5>{}); break;
            default: run(t, std::integral_constant<int, kMost>{}); break;
            }
            t += take;
        }
    }

    // --- float weights ------------------------------------------------------------------------------------------------
    using Vector = __m512;
    static constexpr int kLanes = 16;
    static constexpr int kFloatRows = 4;
    static constexpr int kFloatTokens = 4;
    static constexpr int kGemmTokensAtOnce = 12; ///< two sums each, beside two vectors of weights and one activation
    static HEARTH_ALWAYS Vector zero() { return _mm512_setzero_ps(); }
    static HEARTH_ALWAYS Vector broadcast(float x) { return _mm512_set1_ps(x); }
    static HEARTH_ALWAYS void storeF32(float* p, Vector v) { _mm512_storeu_ps(p, v); }
    static HEARTH_ALWAYS void transposeLanes(std::int32_t* to, const std::int32_t* from, int stride) { transpose16(to, from, stride); }
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

    // --- limits -------------------------------------------------------------------------------------------------------
    using Integers = __m512i;
    static HEARTH_ALWAYS Integers noIntegers() { return _mm512_setzero_si512(); }
    static HEARTH_ALWAYS Integers addIntegers(Integers sum, const std::uint8_t* p) {
        return _mm512_add_epi64(sum, _mm512_load_si512(p));
    }
    static HEARTH_ALWAYS Integers dotIntegers(Integers sum, Integers u, Integers q) { return _mm512_dpbusd_epi32(sum, u, q); }
};

} // namespace

} // namespace hearth::kernels
