// SPDX-License-Identifier: Apache-2.0
//
// Loads and scales that the Format structs of all paths share; all paths have AVX2.
// Included by the translation unit of one instruction set; everything here is internal to it.
#pragma once

#include "kernels/cpu/simd/activation_panel.h"

#include <cstring>

namespace hearth::kernels {

namespace {

template <class T>
HEARTH_ALWAYS T loadAs(const std::uint8_t* p) {
    T value;
    std::memcpy(&value, p, sizeof value);
    return value;
}

HEARTH_ALWAYS __m128i load16(const std::uint8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

HEARTH_ALWAYS __m256i load32(const std::uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

/// The f16 at p in every lane.
HEARTH_ALWAYS __m256 half8(const std::uint8_t* p) {
    return _mm256_cvtph_ps(_mm_set1_epi16(static_cast<short>(loadAs<std::uint16_t>(p))));
}

/// The f16 at p, p + stride, ... of eight blocks.
HEARTH_ALWAYS __m256 halves8(const std::uint8_t* p, int stride) {
    const auto at = [&](int i) { return static_cast<short>(loadAs<std::uint16_t>(p + i * stride)); };
    return _mm256_cvtph_ps(_mm_setr_epi16(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)));
}

/// Eight bytes as numbers.
HEARTH_ALWAYS __m256i wordsOf(std::uint64_t bytes) {
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(bytes)));
}

HEARTH_ALWAYS __m256 floatsOf(std::uint64_t bytes) {
    return _mm256_cvtepi32_ps(wordsOf(bytes));
}

/// Eight bytes each.
struct ScalesAndMinimums {
    std::uint64_t scales;
    std::uint64_t minimums;
};

/// Q4_K's and Q5_K's 12 bytes at p.
HEARTH_ALWAYS ScalesAndMinimums unpackScales(const std::uint8_t* p) {
    const std::uint64_t a = loadAs<std::uint32_t>(p);
    const std::uint64_t b = loadAs<std::uint32_t>(p + 4);
    const std::uint64_t c = loadAs<std::uint32_t>(p + 8);
    return {(a & 0x3f3f3f3f) | ((c & 0x0f0f0f0f) | (a >> 2 & 0x30303030)) << 32,
            (b & 0x3f3f3f3f) | ((c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030)) << 32};
}

/// Q3_K's 16 scales (still plus 32) from the 12 bytes at p; `half` 0 or 1.
HEARTH_ALWAYS std::uint64_t unpackQ3Scales(const std::uint8_t* p, int half) {
    const std::uint64_t low = loadAs<std::uint64_t>(p) >> (4 * half);
    const std::uint64_t top = loadAs<std::uint32_t>(p + 8);
    const std::uint64_t placed = half == 0 ? top << 4 | top << 34 : top | top << 30;
    return (low & 0x0f0f0f0f0f0f0f0f) | (placed & 0x3030303030303030);
}

/// IQ4_XS's scales, less 32.
HEARTH_ALWAYS __m256i unpackIq4Scales(const std::uint8_t* block) {
    const __m256i low = _mm256_srlv_epi32(_mm256_set1_epi32(static_cast<int>(loadAs<std::uint32_t>(block + 4))),
                                          _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28));
    const __m256i high = _mm256_srlv_epi32(_mm256_set1_epi32(loadAs<std::uint16_t>(block + 2)),
                                           _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14));
    const __m256i whole = _mm256_or_si256(_mm256_and_si256(low, _mm256_set1_epi32(15)),
                                          _mm256_slli_epi32(_mm256_and_si256(high, _mm256_set1_epi32(3)), 4));
    return _mm256_sub_epi32(whole, _mm256_set1_epi32(32));
}

/// The scales of 8 MXFP4 blocks for doubled values: 2^(e - 128), for e < 2 subnormal.
HEARTH_ALWAYS __m256 mxfp4HalfScales(const std::uint8_t* chunk) {
    const auto at = [&](int i) { return static_cast<int>(chunk[i * 17]); };
    const __m256i e = _mm256_setr_epi32(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7));
    const __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(1)), 23);
    const __m256i subnormal = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), e);
    return _mm256_castsi256_ps(_mm256_blendv_epi8(normal, subnormal, _mm256_cmpgt_epi32(_mm256_set1_epi32(2), e)));
}

} // namespace

} // namespace hearth::kernels
