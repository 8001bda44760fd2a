// SPDX-License-Identifier: Apache-2.0
//
// Eight floats: AVX2, FMA, F16C. Only for files compiled with those. Interface as VecPortable's.
#pragma once

#include "kernels/quant/half.h"

#include <immintrin.h>

namespace hearth::kernels {
namespace {

struct VecAvx2 {
    static constexpr int kWidth = 8;
    static constexpr int kScoreRows = 2; ///< of 16 registers: 8 sums, 4 keys
    static constexpr int kBlockRows = 6; ///< attention of prompts: two sums each, beside two vectors and a factor
    __m256 v;

    HEARTH_INLINE VecAvx2 load(const float* p) { return {_mm256_loadu_ps(p)}; }
    HEARTH_INLINE VecAvx2 loadHalf(const std::uint16_t* p) {
        return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
    }
    HEARTH_INLINE VecAvx2 set(float x) { return {_mm256_set1_ps(x)}; }
    HEARTH_INLINE void store(float* p, VecAvx2 a) { _mm256_storeu_ps(p, a.v); }
    HEARTH_INLINE void storeHalf(std::uint16_t* p, VecAvx2 a) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT));
    }
    HEARTH_INLINE VecAvx2 add(VecAvx2 a, VecAvx2 b) { return {_mm256_add_ps(a.v, b.v)}; }
    HEARTH_INLINE VecAvx2 sub(VecAvx2 a, VecAvx2 b) { return {_mm256_sub_ps(a.v, b.v)}; }
    HEARTH_INLINE VecAvx2 mul(VecAvx2 a, VecAvx2 b) { return {_mm256_mul_ps(a.v, b.v)}; }
    HEARTH_INLINE VecAvx2 div(VecAvx2 a, VecAvx2 b) { return {_mm256_div_ps(a.v, b.v)}; }
    HEARTH_INLINE VecAvx2 fma(VecAvx2 a, VecAvx2 b, VecAvx2 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
    /// min and max return b when one is NaN.
    HEARTH_INLINE VecAvx2 min(VecAvx2 a, VecAvx2 b) { return {_mm256_min_ps(a.v, b.v)}; }
    HEARTH_INLINE VecAvx2 max(VecAvx2 a, VecAvx2 b) { return {_mm256_max_ps(a.v, b.v)}; }

    /// exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2, exp(r) by its series to r^7: about 1 unit in the last place.
    /// ln 2 in two parts keeps r exact. 2^n in two factors, so that results near overflow and subnormal ones come out right.
    HEARTH_INLINE VecAvx2 exp(VecAvx2 a) {
        const __m256 x = _mm256_max_ps(_mm256_set1_ps(-105.0f), _mm256_min_ps(_mm256_set1_ps(89.0f), a.v));
        const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)),
                                         _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693145752f), x);
        r = _mm256_fnmadd_ps(n, _mm256_set1_ps(1.42860677e-6f), r);
        __m256 p = _mm256_set1_ps(1.0f / 5040.0f);
        p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 720.0f));
        p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 120.0f));
        p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 24.0f));
        p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 6.0f));
        p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5f));
        p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
        p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
        const __m256i power = _mm256_cvtps_epi32(n);
        const __m256i half = _mm256_srai_epi32(power, 1);
        const auto twoTo = [](__m256i k) {
            return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(k, _mm256_set1_epi32(127)), 23));
        };
        return {_mm256_mul_ps(_mm256_mul_ps(p, twoTo(half)), twoTo(_mm256_sub_epi32(power, half)))};
    }

    HEARTH_INLINE float sum(VecAvx2 a) {
        __m128 s = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
        s = _mm_add_ps(s, _mm_movehl_ps(s, s));
        return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
    }
    HEARTH_INLINE void storeSums(float* out, VecAvx2 a, VecAvx2 b, VecAvx2 c, VecAvx2 d) {
        const __m256 ab = _mm256_hadd_ps(a.v, b.v);
        const __m256 cd = _mm256_hadd_ps(c.v, d.v);
        const __m256 abcd = _mm256_hadd_ps(ab, cd);
        _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps(abcd, 1)));
    }
    HEARTH_INLINE float largest(VecAvx2 a) {
        __m128 s = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
        s = _mm_max_ps(s, _mm_movehl_ps(s, s));
        return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
    }
};

} // namespace
} // namespace hearth::kernels
