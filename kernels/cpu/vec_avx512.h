// SPDX-License-Identifier: Apache-2.0
//
// Sixteen floats: AVX-512 F. Only for files compiled with it. Interface as VecPortable's.
#pragma once

#include "kernels/quant/half.h"

#include <immintrin.h>

namespace hearth::kernels {
namespace {

struct VecAvx512 {
    static constexpr int kWidth = 16;
    static constexpr int kScoreRows = 4; ///< of 32 registers: 16 sums, 4 keys
    static constexpr int kBlockRows = 12; ///< attention of prompts: two sums each, beside two vectors and a factor
    __m512 v;

    HEARTH_INLINE VecAvx512 load(const float* p) { return {_mm512_loadu_ps(p)}; }
    HEARTH_INLINE VecAvx512 loadHalf(const std::uint16_t* p) {
        return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
    }
    HEARTH_INLINE VecAvx512 set(float x) { return {_mm512_set1_ps(x)}; }
    HEARTH_INLINE void store(float* p, VecAvx512 a) { _mm512_storeu_ps(p, a.v); }
    HEARTH_INLINE void storeHalf(std::uint16_t* p, VecAvx512 a) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
    }
    HEARTH_INLINE VecAvx512 add(VecAvx512 a, VecAvx512 b) { return {_mm512_add_ps(a.v, b.v)}; }
    HEARTH_INLINE VecAvx512 sub(VecAvx512 a, VecAvx512 b) { return {_mm512_sub_ps(a.v, b.v)}; }
    HEARTH_INLINE VecAvx512 mul(VecAvx512 a, VecAvx512 b) { return {_mm512_mul_ps(a.v, b.v)}; }
    HEARTH_INLINE VecAvx512 div(VecAvx512 a, VecAvx512 b) { return {_mm512_div_ps(a.v, b.v)}; }
    HEARTH_INLINE VecAvx512 fma(VecAvx512 a, VecAvx512 b, VecAvx512 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
    /// min and max return b when one is NaN.
    HEARTH_INLINE VecAvx512 min(VecAvx512 a, VecAvx512 b) { return {_mm512_min_ps(a.v, b.v)}; }
    HEARTH_INLINE VecAvx512 max(VecAvx512 a, VecAvx512 b) { return {_mm512_max_ps(a.v, b.v)}; }

    /// As VecAvx2::exp; scalef multiplies by 2^n with the right results at both ends.
    HEARTH_INLINE VecAvx512 exp(VecAvx512 a) {
        const __m512 x = _mm512_max_ps(_mm512_set1_ps(-105.0f), _mm512_min_ps(_mm512_set1_ps(89.0f), a.v));
        const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)),
                                              _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693145752f), x);
        r = _mm512_fnmadd_ps(n, _mm512_set1_ps(1.42860677e-6f), r);
        __m512 p = _mm512_set1_ps(1.0f / 5040.0f);
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 720.0f));
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 120.0f));
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 24.0f));
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 6.0f));
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.5f));
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
        return {_mm512_scalef_ps(p, n)};
    }

    HEARTH_INLINE float sum(VecAvx512 a) { return _mm512_reduce_add_ps(a.v); }
    HEARTH_INLINE void storeSums(float* out, VecAvx512 a, VecAvx512 b, VecAvx512 c, VecAvx512 d) {
        // In every quarter: pairs of a and b side by side, then a, b, c, d; then the quarters together.
        const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a.v, b.v), _mm512_unpackhi_ps(a.v, b.v));
        const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c.v, d.v), _mm512_unpackhi_ps(c.v, d.v));
        const __m512 abcd = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
        const __m256 halves = _mm256_add_ps(_mm512_castps512_ps256(abcd), _mm512_extractf32x8_ps(abcd, 1));
        _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps(halves, 1)));
    }
    HEARTH_INLINE float largest(VecAvx512 a) { return _mm512_reduce_max_ps(a.v); }
};

} // namespace
} // namespace hearth::kernels
