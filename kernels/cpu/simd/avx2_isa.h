// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic of the AVX2 paths, with and without vpdpbusd: the Isa of matmul_driver.h.
// A tile is 8 rows: dwords of four columns, row beside row, so that one product with four broadcast activations serves
// 8 rows and no sum across lanes is needed.
// Without vpdpbusd, vpmaddubsw adds two products in 16 bits; u up to F::kLargest leaves room to add several such pairs before
// they are widened.
// Included by matmul_avx2.cpp and matmul_avx2_vnni.cpp; everything here is internal to them.
#pragma once

#include "kernels/cpu/simd/activation_panel.h"
#include "kernels/cpu/simd/avx2_formats.h"
#include "kernels/cpu/simd/matmul_driver.h"

#include <type_traits>

namespace hearth::kernels {

namespace {

enum class Lanes : std::uint8_t {
    Unsigned, ///< u fits vpmaddubsw, or there is vpdpbusd
    Signed,   ///< all 8 bits with vpmaddubsw: the sign of the weight moves to the activation
};

template <class F>
constexpr Lanes kLanesOf = F::kWide && !kHaveDotProduct ? Lanes::Signed : Lanes::Unsigned;

/// How many vpmaddubsw results (pairs of u * 127) fit 16 bits: 8, 4, 2 or 1.
template <class F>
constexpr int kPairsIn16Bits = F::kLargest <= 15 ? 8 : F::kLargest <= 31 ? 4 : F::kLargest <= 63 ? 2 : 1;

/// Pairs of products in 16 bits.
template <Lanes L>
HEARTH_ALWAYS __m256i pairs(__m256i u, __m256i q) {
    if constexpr (L == Lanes::Unsigned) return _mm256_maddubs_epi16(u, q);
    else return _mm256_maddubs_epi16(_mm256_abs_epi8(u), _mm256_sign_epi8(q, u));
}

/// sum + the sums of four neighbours' products.
template <Lanes L>
HEARTH_ALWAYS __m256i dotAdd(__m256i sum, __m256i u, __m256i q) {
#ifdef __AVXVNNI__
    return _mm256_dpbusd_avx_epi32(sum, u, q);
#else
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs<L>(u, q), _mm256_set1_epi16(1)));
#endif
}

HEARTH_ALWAYS float sumOfLanes(__m256 v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/// 8 x 8 dwords; row r at from + r * stride dwords, column c written to to + 8 c.
HEARTH_ALWAYS void transpose8(std::int32_t* to, const std::int32_t* from, int stride) {
    __m256i a[8];
    __m256i b[8];
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) a[r] = _mm256_load_si256(reinterpret_cast<const __m256i*>(from + r * stride));
#pragma GCC unroll 4
    for (int r = 0; r < 8; r += 2) {
        b[r] = _mm256_unpacklo_epi32(a[r], a[r + 1]);
        b[r + 1] = _mm256_unpackhi_epi32(a[r], a[r + 1]);
    }
#pragma GCC unroll 2
    for (int r = 0; r < 8; r += 4) {
        a[r] = _mm256_unpacklo_epi64(b[r], b[r + 2]);
        a[r + 1] = _mm256_unpackhi_epi64(b[r], b[r + 2]);
        a[r + 2] = _mm256_unpacklo_epi64(b[r + 1], b[r + 3]);
        a[r + 3] = _mm256_unpackhi_epi64(b[r + 1], b[r + 3]);
    }
    // a[4 k + j], half m, now holds rows 4 k ... 4 k + 3 of column 4 m + j.
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
        _mm256_store_si256(reinterpret_cast<__m256i*>(to + 8 * j), _mm256_permute2x128_si256(a[j], a[4 + j], 0x20));
        _mm256_store_si256(reinterpret_cast<__m256i*>(to + 8 * (j + 4)), _mm256_permute2x128_si256(a[j], a[4 + j], 0x31));
    }
}

/// Which of the eight scales of a register lane l of the 32 columns i needs.
template <int Group>
HEARTH_ALWAYS __m256i groupOfLane(int i) {
    if constexpr (Group == 32) return _mm256_set1_epi32(i);
    const int first = i % 4 * 2;
    return _mm256_setr_epi32(first, first, first, first, first + 1, first + 1, first + 1, first + 1);
}

struct Avx2Isa {
    static constexpr bool kRaisedActivations = false;
    static constexpr int kTileRows = 8;
    static constexpr int kTileChunks = 4; ///< columns of a tile: it stays in the first-level cache with its tokens

    struct Tile {
        struct Chunk {
            alignas(32) std::uint8_t u[kChunk / 4][kTileRows][4];
            alignas(32) float scale[16][kTileRows];   ///< [group][row]; 8 groups when they are of 32
            alignas(32) float minimum[16][kTileRows];
        };
        Chunk chunks[kTileChunks];
    };

    /// dots[r][t] of R rows, `distance` bytes apart, and T tokens. What follows row 0 until `streamEnd`, and the others as far, is read
    /// next; `end` is that of the readable weights.
    template <class F, int T, int R>
    static HEARTH_ALWAYS void rowDots(float (*dots)[T], const std::uint8_t* row, std::int64_t distance, ColumnSpan span,
                                      const std::uint8_t* streamEnd, const std::uint8_t* end, const Q8Chunk* x) {
        constexpr int kScales = 32 / F::kGroup;
        constexpr int kSums = T == 1 ? 2 : 1; // a lone token's additions would wait for each other
        __m256 sum[R][T][kSums];
        for (auto& one : sum) {
            for (auto& token : one) {
                for (auto& part : token) part = _mm256_setzero_ps();
            }
        }
        forEachChunk<F, R, false>(row, distance, span, end, [&](const std::uint8_t* bytes, std::int64_t c, int r, WholeChunk) HEARTH_ALWAYS_LAMBDA {
            askAhead<F::kChunkBytes>(bytes, streamEnd + r * distance);
            const F weights(bytes);
            __m256 scale[T][kScales];
#pragma GCC unroll 4
            for (int t = 0; t < T; ++t) {
                const Q8Chunk& chunk = x[c * T + t];
                const __m256 eight = _mm256_load_ps(chunk.scale);
                if constexpr (F::kGroup == 32) {
                    scale[t][0] = _mm256_mul_ps(weights.scale[0], eight);
                    sum[r][t][0] = _mm256_fnmadd_ps(weights.minimum[0], _mm256_load_ps(chunk.sum32), sum[r][t][0]);
                } else {
                    for (int h = 0; h < 2; ++h) {
                        const __m256i twice = _mm256_add_epi32(_mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3), _mm256_set1_epi32(4 * h));
                        scale[t][h] = _mm256_mul_ps(weights.scale[h], _mm256_permutevar8x32_ps(eight, twice));
                        const __m256 sums = _mm256_load_ps(chunk.sum16 + 8 * h);
                        sum[r][t][0] = _mm256_fnmadd_ps(weights.minimum[h], sums, sum[r][t][0]);
                    }
                }
            }
#pragma GCC unroll 8
            for (int i = 0; i < 8; ++i) {
                const __m256i u = weights.lanes(i);
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t) {
                    const __m256i q = _mm256_load_si256(reinterpret_cast<const __m256i*>(x[c * T + t].q + 32 * i));
                    const __m256 dot = _mm256_cvtepi32_ps(dotAdd<kLanesOf<F>>(_mm256_setzero_si256(), u, q));
                    const __m256 s = _mm256_permutevar8x32_ps(scale[t][i * kScales / 8], groupOfLane<F::kGroup>(i));
                    sum[r][t][i % kSums] = _mm256_fmadd_ps(dot, s, sum[r][t][i % kSums]);
                }
            }
        });
        for (int r = 0; r < R; ++r) {
            for (int t = 0; t < T; ++t) {
                dots[r][t] = sumOfLanes(kSums == 2 ? _mm256_add_ps(sum[r][t][0], sum[r][t][kSums - 1]) : sum[r][t][0]);
            }
        }
    }

    template <class F>
    static void fillTile(Tile& tile, const std::uint8_t* weight, std::int64_t rowBytes, int rows, ColumnSpan span) {
        constexpr int kScales = 32 / F::kGroup;
        struct Rows {
            alignas(32) std::int32_t u[kTileRows][kChunk / 4];
            alignas(32) float scale[kScales][kTileRows][8];
            alignas(32) float minimum[kScales][kTileRows][8];
        };
        Rows staged[kTileChunks];
        const std::int64_t chunks = span.full + (span.tailBytes != 0 ? 1 : 0);
        // Rows past the end are computed and dropped: any weights will do, if only they are numbers.
        if (rows < kTileRows) std::memset(static_cast<void*>(staged), 0, sizeof staged);
        for (int r = 0; r < rows; ++r) {
            forEachChunk<F, 1, false>(weight + r * rowBytes, 0, span, nullptr, [&](const std::uint8_t* bytes, std::int64_t c, int, WholeChunk) HEARTH_ALWAYS_LAMBDA {
                const F weights(bytes);
                for (int h = 0; h < kScales; ++h) {
                    _mm256_store_ps(staged[c].scale[h][r], weights.scale[h]);
                    _mm256_store_ps(staged[c].minimum[h][r], weights.minimum[h]);
                }
#pragma GCC unroll 8
                for (int i = 0; i < 8; ++i) {
                    _mm256_store_si256(reinterpret_cast<__m256i*>(&staged[c].u[r][8 * i]), weights.lanes(i));
                }
            });
        }
        for (std::int64_t c = 0; c < chunks; ++c) {
            Tile::Chunk& to = tile.chunks[c];
            for (int i = 0; i < 8; ++i) {
                transpose8(reinterpret_cast<std::int32_t*>(to.u[8 * i]), &staged[c].u[0][8 * i], kChunk / 4);
            }
            for (int h = 0; h < kScales; ++h) {
                transpose8(reinterpret_cast<std::int32_t*>(to.scale[8 * h]),
                           reinterpret_cast<const std::int32_t*>(staged[c].scale[h]), 8);
                transpose8(reinterpret_cast<std::int32_t*>(to.minimum[8 * h]),
                           reinterpret_cast<const std::int32_t*>(staged[c].minimum[h]), 8);
            }
        }
    }

    static HEARTH_ALWAYS __m256i fourOf(const Q8Chunk& chunk, int at) {
        std::int32_t four;
        std::memcpy(&four, chunk.q + at * 4, sizeof four);
        return _mm256_set1_epi32(four);
    }

    /// dot[t] += 8 rows times `Group` columns of T tokens, starting with dword `at` of their chunks.
    template <int Group, Lanes L, int Pairs, int T>
    static HEARTH_ALWAYS void groupDots(__m256i* dot, const Tile::Chunk& weights, const Q8Chunk* x, int at) {
        constexpr int kSteps = Group / 4;
        constexpr int kRun = kHaveDotProduct ? 1 : Pairs < kSteps ? Pairs : kSteps;
#pragma GCC unroll 8
        for (int k = 0; k < kSteps; k += kRun) {
            if constexpr (kRun == 1) {
                const __m256i u = _mm256_load_si256(reinterpret_cast<const __m256i*>(weights.u[at + k]));
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t) dot[t] = dotAdd<L>(dot[t], u, fourOf(x[t], at + k));
            } else {
                __m256i partial[T];
#pragma GCC unroll 8
                for (int j = 0; j < kRun; ++j) {
                    const __m256i u = _mm256_load_si256(reinterpret_cast<const __m256i*>(weights.u[at + k + j]));
#pragma GCC unroll 4
                    for (int t = 0; t < T; ++t) {
                        const __m256i two = pairs<L>(u, fourOf(x[t], at + k + j));
                        partial[t] = j == 0 ? two : _mm256_add_epi16(partial[t], two);
                    }
                }
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t) {
                    dot[t] = _mm256_add_epi32(dot[t], _mm256_madd_epi16(partial[t], _mm256_set1_epi16(1)));
                }
            }
        }
    }

    /// 8 rows times T tokens into sums [T][8]; adds to them when `adding`.
    template <int Group, Lanes L, int Pairs, int T>
    static void tileDots(const Tile& tile, int chunks, int rows, float* out, std::int64_t outStride, const Q8Chunk* x,
                         std::int64_t xStride, bool adding) {
        const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        const __m256i inside = _mm256_cmpgt_epi32(_mm256_set1_epi32(rows), lane);
        __m256 sum[T];
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t) {
            sum[t] = adding ? _mm256_maskload_ps(out + t * outStride, inside) : _mm256_setzero_ps();
        }
        for (int c = 0; c < chunks; ++c) {
            const Tile::Chunk& weights = tile.chunks[c];
            for (int g = 0; g < kChunk / Group; ++g) {
                __m256i dot[T];
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t) dot[t] = _mm256_setzero_si256();
                groupDots<Group, L, Pairs, T>(dot, weights, x + c * xStride, g * (Group / 4));
                const __m256 scale = _mm256_load_ps(weights.scale[g]);
                const __m256 minimum = _mm256_load_ps(weights.minimum[g]);
#pragma GCC unroll 4
                for (int t = 0; t < T; ++t) {
                    const Q8Chunk& chunk = x[c * xStride + t];
                    const __m256 s = _mm256_mul_ps(scale, _mm256_set1_ps(chunk.scale[g * Group / 32]));
                    sum[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[t]), s, sum[t]);
                    sum[t] = _mm256_fnmadd_ps(minimum, _mm256_set1_ps(Group == 32 ? chunk.sum32[g] : chunk.sum16[g]), sum[t]);
                }
            }
        }
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t) _mm256_maskstore_ps(out + t * outStride, inside, sum[t]);
    }

    template <class F>
    static HEARTH_ALWAYS void tileTokens(const Tile& tile, int chunks, int rows, float* out, std::int64_t outStride,
                                         const Q8Chunk* x, std::int64_t xStride, std::int64_t tokens, bool adding) {
        constexpr int G = F::kGroup;
        constexpr Lanes L = kLanesOf<F>;
        constexpr int P = kHaveDotProduct ? 1 : kPairsIn16Bits<F>; // one instance serves all with vpdpbusd
        std::int64_t t = 0;
        const auto run = [&]<int T>(std::integral_constant<int, T>) {
            for (; t + T <= tokens; t += T) {
                tileDots<G, L, P, T>(tile, chunks, rows, out + t * outStride, outStride, x + t, xStride, adding);
            }
        };
        run(std::integral_constant<int, 4>{});
        run(std::integral_constant<int, 2>{});
        run(std::integral_constant<int, 1>{});
    }

    // --- float weights ------------------------------------------------------------------------------------------------
    using Vector = __m256;
    static constexpr int kLanes = 8;
    static constexpr int kFloatRows = 4;
    static constexpr int kFloatTokens = 2;
    static constexpr int kGemmTokensAtOnce = 6; ///< two sums each, beside two vectors of weights and one activation
    static HEARTH_ALWAYS Vector zero() { return _mm256_setzero_ps(); }
    static HEARTH_ALWAYS Vector broadcast(float x) { return _mm256_set1_ps(x); }
    static HEARTH_ALWAYS void storeF32(float* p, Vector v) { _mm256_storeu_ps(p, v); }
    static HEARTH_ALWAYS void transposeLanes(std::int32_t* to, const std::int32_t* from, int stride) { transpose8(to, from, stride); }
    static HEARTH_ALWAYS Vector multiplyAdd(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
    static HEARTH_ALWAYS float total(Vector v) { return sumOfLanes(v); }
    static HEARTH_ALWAYS Vector loadF32(const void* p) { return _mm256_loadu_ps(static_cast<const float*>(p)); }
    static HEARTH_ALWAYS Vector loadF16(const void* p) { return _mm256_cvtph_ps(load16(static_cast<const std::uint8_t*>(p))); }
    static HEARTH_ALWAYS Vector loadBf16(const void* p) {
        const __m256i wide = _mm256_cvtepu16_epi32(load16(static_cast<const std::uint8_t*>(p)));
        return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
    }

    // --- limits -------------------------------------------------------------------------------------------------------
    using Integers = __m256i;
    static HEARTH_ALWAYS Integers noIntegers() { return _mm256_setzero_si256(); }
    static HEARTH_ALWAYS Integers addIntegers(Integers sum, const std::uint8_t* p) {
        return _mm256_add_epi64(sum, _mm256_load_si256(reinterpret_cast<const __m256i*>(p)));
    }
    static HEARTH_ALWAYS Integers dotIntegers(Integers sum, Integers u, Integers q) { return dotAdd<Lanes::Unsigned>(sum, u, q); }
};

} // namespace

} // namespace hearth::kernels
