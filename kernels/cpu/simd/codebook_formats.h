// SPDX-License-Identifier: Apache-2.0
//
// What the paths share of the codebook formats: grid indices, signs, scales. Making lanes of them differs (Format structs).
//   index(l)  of grid word l: 8 values each, or 4 in the 3-bit grids
//   signs     32 bits for each 32 columns, set = negative
//   scale, minimum  of each group, 8 to a register, for u = 64 +- magnitude (or as the IQ1 structs say)
// Included by the translation unit of one instruction set; everything here is internal to it.
#pragma once

#include "kernels/cpu/simd/avx2_common.h"
#include "kernels/dtype.h"
#include "kernels/quant/codebooks.h"

namespace hearth::kernels {

namespace {

constexpr float kMagnitudeOffset = 64.0f;

/// To 7 bits in each byte the eighth that makes the count of ones even.
HEARTH_ALWAYS __m256i evenParity(__m256i bytes) {
    const __m256i odd = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, -128, -128, 0, -128, 0, 0, -128, -128, 0, 0, -128, 0, -128, -128, 0));
    const __m256i folded = _mm256_and_si256(_mm256_xor_si256(bytes, _mm256_srli_epi16(bytes, 4)), _mm256_set1_epi8(15));
    return _mm256_or_si256(bytes, _mm256_shuffle_epi8(odd, folded));
}

/// Eight words of four 7-bit sign indices as four bytes of signs each.
HEARTH_ALWAYS __m256i signBytes(__m256i words) {
    const auto part = [](__m256i moved, int mask) { return _mm256_and_si256(moved, _mm256_set1_epi32(mask)); };
    const __m256i lower = _mm256_or_si256(part(words, 0x7f), part(_mm256_slli_epi32(words, 1), 0x7f00));
    const __m256i upper = _mm256_or_si256(part(_mm256_slli_epi32(words, 2), 0x7f0000),
                                          part(_mm256_slli_epi32(words, 3), 0x7f000000));
    return evenParity(_mm256_or_si256(lower, upper));
}

template <int Bytes, int Group>
struct CodebookBlock {
    static constexpr int kBytes = Bytes;
    static constexpr int kGroup = Group;
    static constexpr int kOffset = static_cast<int>(kMagnitudeOffset); ///< minimum / scale; 0 = a number of its own

    const std::uint8_t* p;
    __m256 scale[32 / Group];
    __m256 minimum[32 / Group];
    alignas(32) std::uint32_t signs[8];

    HEARTH_ALWAYS explicit CodebookBlock(const std::uint8_t* block) : p(block) {}
    HEARTH_ALWAYS void storeSigns(__m256i bytes) { _mm256_store_si256(reinterpret_cast<__m256i*>(signs), bytes); }
    /// scale = d (2 packed + 1)
    HEARTH_ALWAYS void setScale(int i, __m256 d, __m256i packed) {
        const __m256i odd = _mm256_add_epi32(_mm256_add_epi32(packed, packed), _mm256_set1_epi32(1));
        scale[i] = _mm256_mul_ps(d, _mm256_cvtepi32_ps(odd));
        minimum[i] = _mm256_mul_ps(scale[i], _mm256_set1_ps(kMagnitudeOffset));
    }
    HEARTH_ALWAYS __m256 halfTimes(float factor) const { return _mm256_mul_ps(half8(p), _mm256_set1_ps(factor)); }
    /// 16 nibbles in the eight bytes at `at`, low one first.
    HEARTH_ALWAYS void setNibbleScales(__m256 d, int at) {
        const __m128i bytes = _mm_cvtsi64_si128(loadAs<long long>(p + at));
        const __m128i mask = _mm_set1_epi8(15);
        const __m128i nibbles = _mm_unpacklo_epi8(_mm_and_si128(bytes, mask), _mm_and_si128(_mm_srli_epi16(bytes, 4), mask));
        setScale(0, d, _mm256_cvtepu8_epi32(nibbles));
        setScale(1, d, _mm256_cvtepu8_epi32(_mm_srli_si128(nibbles, 8)));
    }
};

template <DType D>
struct Codebook;

template <>
struct Codebook<DType::IQ2_XXS> : CodebookBlock<66, 32> {
    HEARTH_ALWAYS explicit Codebook(const std::uint8_t* block) : CodebookBlock(block) {
        // The odd dwords of 64 bytes.
        const __m256 a = _mm256_castsi256_ps(load32(p + 2));
        const __m256 b = _mm256_castsi256_ps(load32(p + 34));
        const __m256i words = _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd)), 0xd8);
        storeSigns(signBytes(words));
        setScale(0, halfTimes(0.125f), _mm256_srli_epi32(words, 28));
    }
    static const std::uint64_t* grid() { return kIq2xxsGrid; }
    [[nodiscard]] HEARTH_ALWAYS std::uint32_t index(int l) const { return p[2 + l / 4 * 8 + l % 4]; }
};

template <>
struct Codebook<DType::IQ2_XS> : CodebookBlock<74, 16> {
    HEARTH_ALWAYS explicit Codebook(const std::uint8_t* block) : CodebookBlock(block) {
        const __m256i a = _mm256_srli_epi16(load32(p + 2), 9);
        const __m256i b = _mm256_srli_epi16(load32(p + 34), 9);
        storeSigns(evenParity(_mm256_permute4x64_epi64(_mm256_packus_epi16(a, b), 0xd8)));
        setNibbleScales(halfTimes(0.125f), 66);
    }
    static const std::uint64_t* grid() { return kIq2xsGrid; }
    [[nodiscard]] HEARTH_ALWAYS std::uint32_t index(int l) const { return loadAs<std::uint16_t>(p + 2 + 2 * l) & 511u; }
};

template <>
struct Codebook<DType::IQ2_S> : CodebookBlock<82, 16> {
    HEARTH_ALWAYS explicit Codebook(const std::uint8_t* block) : CodebookBlock(block) {
        storeSigns(load32(p + 34));
        setNibbleScales(halfTimes(0.125f), 74);
    }
    static const std::uint64_t* grid() { return kIq2sGrid; }
    [[nodiscard]] HEARTH_ALWAYS std::uint32_t index(int l) const {
        return p[2 + l] | (std::uint32_t{p[66 + l / 4]} >> (l % 4 * 2) & 3u) << 8;
    }
};

template <>
struct Codebook<DType::IQ3_XXS> : CodebookBlock<98, 32> {
    HEARTH_ALWAYS explicit Codebook(const std::uint8_t* block) : CodebookBlock(block) {
        const __m256i words = load32(p + 66);
        storeSigns(signBytes(words));
        setScale(0, halfTimes(0.25f), _mm256_srli_epi32(words, 28));
    }
    static const std::uint32_t* grid() { return kIq3xxsGrid; }
    [[nodiscard]] HEARTH_ALWAYS std::uint32_t index(int l) const { return p[2 + l]; }
};

template <>
struct Codebook<DType::IQ3_S> : CodebookBlock<110, 32> {
    HEARTH_ALWAYS explicit Codebook(const std::uint8_t* block) : CodebookBlock(block) {
        storeSigns(load32(p + 74));
        const __m256i nibbles = _mm256_srlv_epi32(_mm256_set1_epi32(static_cast<int>(loadAs<std::uint32_t>(p + 106))),
                                                  _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28));
        setScale(0, half8(p), _mm256_and_si256(nibbles, _mm256_set1_epi32(15)));
    }
    static const std::uint32_t* grid() { return kIq3sGrid; }
    [[nodiscard]] HEARTH_ALWAYS std::uint32_t index(int l) const {
        return p[2 + l] | (std::uint32_t{p[66 + l / 8]} >> (l % 8) & 1u) << 8;
    }
};

// --- IQ1: grids of -1, 0, 1 and a shift of an eighth -------------------------------------------------------------------

/// u = grid + 1; value = scale (u - 1 +- 1/8).
template <>
struct Codebook<DType::IQ1_S> : CodebookBlock<50, 32> {
    static constexpr int kOffset = 0;
    HEARTH_ALWAYS explicit Codebook(const std::uint8_t* block) : CodebookBlock(block) {
        const __m256i high = _mm256_cvtepu16_epi32(load16(p + 34));
        setScale(0, half8(p), _mm256_and_si256(_mm256_srli_epi32(high, 12), _mm256_set1_epi32(7)));
        // Bit 15 of a word, moved to bit 31, turns 7/8 into 9/8: 1 - 1/8 and 1 + 1/8.
        const __m256 eighth = _mm256_castsi256_ps(_mm256_or_si256(
            _mm256_slli_epi32(_mm256_srli_epi32(high, 15), 31), _mm256_castps_si256(_mm256_set1_ps(0.125f))));
        minimum[0] = _mm256_mul_ps(scale[0], _mm256_sub_ps(_mm256_set1_ps(1.0f), eighth));
    }
    [[nodiscard]] HEARTH_ALWAYS std::uint32_t index(int l) const {
        return p[2 + l] | (std::uint32_t{loadAs<std::uint16_t>(p + 34 + l / 4 * 2)} >> (l % 4 * 3) & 7u) << 8;
    }
};

/// u = 8 (grid + 1) + raise, raise 2 or 0 for each 8 values; value = scale (u - 9), scale an eighth of the block's.
template <>
struct Codebook<DType::IQ1_M> : CodebookBlock<56, 16> {
    static constexpr int kOffset = 9;
    HEARTH_ALWAYS explicit Codebook(const std::uint8_t* block) : CodebookBlock(block) {
        // The top nibbles of four words are the f16 d; below them are four scales of 3 bits.
        const auto word = loadAs<std::uint64_t>(p + 48);
        const auto d = static_cast<short>((word >> 12 & 0xf) | (word >> 24 & 0xf0) | (word >> 36 & 0xf00) | (word >> 48 & 0xf000));
        const __m256 eighth = _mm256_mul_ps(_mm256_cvtph_ps(_mm_set1_epi16(d)), _mm256_set1_ps(0.125f));
        for (int i = 0; i < 2; ++i) {
            const auto two = static_cast<std::uint32_t>(word >> (32 * i));
            const __m256i words = _mm256_setr_m128i(_mm_set1_epi32(static_cast<int>(two & 0xffff)),
                                                    _mm_set1_epi32(static_cast<int>(two >> 16)));
            const __m256i packed = _mm256_srlv_epi32(words, _mm256_setr_epi32(0, 3, 6, 9, 0, 3, 6, 9));
            setScale(i, eighth, _mm256_and_si256(packed, _mm256_set1_epi32(7)));
            minimum[i] = _mm256_mul_ps(scale[i], _mm256_set1_ps(static_cast<float>(kOffset)));
        }
    }
    [[nodiscard]] HEARTH_ALWAYS std::uint32_t nibble(int l) const { return std::uint32_t{p[32 + l / 2]} >> (l % 2 * 4); }
    [[nodiscard]] HEARTH_ALWAYS std::uint32_t index(int l) const { return p[l] | (nibble(l) & 7u) << 8; }
    [[nodiscard]] HEARTH_ALWAYS long long raise(int l) const { return (nibble(l) & 8u) != 0 ? 0 : 0x0202020202020202; }
};

} // namespace

} // namespace hearth::kernels
