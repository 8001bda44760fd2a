// SPDX-License-Identifier: Apache-2.0
//
// Unpacking with AVX2: one struct per format, made for one chunk of 256 columns. Layouts: kernels/quant/*.h.
//   lanes(i)  columns 32 i ... 32 i + 31 in order, as bytes u
//   scale, minimum  of each group of kGroup columns, 8 to a register; value = scale * u - minimum
// u is unsigned, an offset (q - 8) is in the minimum, and kLargest bounds u, so that pairs of products fit 16 bits.
// Formats that need all 8 bits (kWide) give signed u without offset where vpdpbusd is absent.
// Included by matmul_avx2.cpp and matmul_avx2_vnni.cpp; everything here is internal to them.
#pragma once

#include "kernels/cpu/simd/avx2_common.h"
#include "kernels/cpu/simd/codebook_formats.h"
#include "kernels/cpu/simd/scalar_formats.h"
#include "kernels/dtype.h"
#include "kernels/quant/codebooks.h"

namespace hearth::kernels {

namespace {

#ifdef __AVXVNNI__
constexpr bool kHaveDotProduct = true;
#else
constexpr bool kHaveDotProduct = false;
#endif

/// The low nibbles of 16 bytes, then the high ones.
HEARTH_ALWAYS __m256i nibbles32(const std::uint8_t* p) {
    const __m128i bytes = load16(p);
    return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(bytes, 4), bytes), _mm256_set1_epi8(15));
}

/// Bytes of `value` where bit j of `word` is set for lane j, else 0.
HEARTH_ALWAYS __m256i whereBit(std::uint32_t word, __m256i value) {
    const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3,
                                            3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201u));
    const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(word)), spread);
    return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit), value);
}

// --- blocks of 32 ----------------------------------------------------------------------------------------------------

template <int Bytes, int Largest>
struct BlocksOf32 {
    static constexpr int kBlockElements = 32;
    static constexpr int kChunkBytes = Bytes * kBlocksPerChunk;
    static constexpr int kGroup = 32;
    static constexpr int kLargest = Largest;
    static constexpr bool kWide = Largest > 127;

    const std::uint8_t* p;
    __m256 scale[1];
    __m256 minimum[1];

    HEARTH_ALWAYS explicit BlocksOf32(const std::uint8_t* chunk) : p(chunk), scale{halves8(chunk, Bytes)} {}
    HEARTH_ALWAYS BlocksOf32(const std::uint8_t* chunk, __m256 scales) : p(chunk), scale{scales} {}
    [[nodiscard]] HEARTH_ALWAYS const std::uint8_t* block(int i) const { return p + i * Bytes; }
    HEARTH_ALWAYS void setOffset(float offset) { minimum[0] = _mm256_mul_ps(scale[0], _mm256_set1_ps(offset)); }
    /// value = scale u + m: the minimum with its sign turned.
    HEARTH_ALWAYS void setSummand(int at) { minimum[0] = _mm256_sub_ps(_mm256_setzero_ps(), halves8(p + at, Bytes)); }
    /// The offset that wideLanes() adds.
    HEARTH_ALWAYS void setWideOffset() { setOffset(kHaveDotProduct ? 128.0f : 0.0f); }
};

/// Signed bytes as the dot product of this path wants them.
HEARTH_ALWAYS __m256i wideLanes(__m256i q) {
    return kHaveDotProduct ? _mm256_xor_si256(q, _mm256_set1_epi8(-128)) : q;
}

template <DType D>
struct Format;

template <>
struct Format<DType::Q4_0> : BlocksOf32<18, 15> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) { setOffset(8.0f); }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const { return nibbles32(block(i) + 2); }
};

template <>
struct Format<DType::Q4_1> : BlocksOf32<20, 15> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) { setSummand(2); }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const { return nibbles32(block(i) + 4); }
};

template <>
struct Format<DType::Q5_0> : BlocksOf32<22, 31> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) { setOffset(16.0f); }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const {
        return _mm256_or_si256(nibbles32(block(i) + 6), whereBit(loadAs<std::uint32_t>(block(i) + 2), _mm256_set1_epi8(16)));
    }
};

template <>
struct Format<DType::Q5_1> : BlocksOf32<24, 31> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) { setSummand(2); }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const {
        return _mm256_or_si256(nibbles32(block(i) + 8), whereBit(loadAs<std::uint32_t>(block(i) + 4), _mm256_set1_epi8(16)));
    }
};

template <>
struct Format<DType::Q8_0> : BlocksOf32<34, 255> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) { setWideOffset(); }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const { return wideLanes(load32(block(i) + 2)); }
};

HEARTH_ALWAYS __m256i iq4Lanes(const std::uint8_t* nibbles) {
    const __m128i table = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kIq4nlValues));
    return wideLanes(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), nibbles32(nibbles)));
}

template <>
struct Format<DType::IQ4_NL> : BlocksOf32<18, 255> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) { setWideOffset(); }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const { return iq4Lanes(block(i) + 2); }
};

/// Doubled E2M1 values, raised by 12 to 0 ... 24.
template <>
struct Format<DType::MXFP4> : BlocksOf32<17, 24> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk, mxfp4HalfScales(chunk)) { setOffset(12.0f); }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const {
        const __m128i table = _mm_add_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(kMxfp4DoubledValues)), _mm_set1_epi8(12));
        return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), nibbles32(block(i) + 1));
    }
};

// --- blocks of 256 ---------------------------------------------------------------------------------------------------

template <int Bytes, int Group, int Largest>
struct BlockOf256 {
    static constexpr int kBlockElements = 256;
    static constexpr int kChunkBytes = Bytes;
    static constexpr int kGroup = Group;
    static constexpr int kLargest = Largest;
    static constexpr bool kWide = Largest > 127;

    const std::uint8_t* p;
    __m256 scale[32 / Group];
    __m256 minimum[32 / Group];

    HEARTH_ALWAYS explicit BlockOf256(const std::uint8_t* chunk) : p(chunk) {}
    HEARTH_ALWAYS void setScale(int i, __m256 d, __m256i whole, float offset) {
        scale[i] = _mm256_mul_ps(d, _mm256_cvtepi32_ps(whole));
        minimum[i] = _mm256_mul_ps(scale[i], _mm256_set1_ps(offset));
    }
};

/// Two bits from bit `shift` of each of 32 bytes.
HEARTH_ALWAYS __m256i bitPairs(const std::uint8_t* p, int shift) {
    return _mm256_and_si256(_mm256_srl_epi16(load32(p), _mm_cvtsi32_si128(shift)), _mm256_set1_epi8(3));
}

/// `value` in the bytes of p whose bit `bit` is set.
HEARTH_ALWAYS __m256i whereByteBit(const std::uint8_t* p, int bit, int value) {
    const __m256i mask = _mm256_set1_epi8(static_cast<char>(1 << bit));
    const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(load32(p), mask), mask);
    return _mm256_and_si256(set, _mm256_set1_epi8(static_cast<char>(value)));
}

template <>
struct Format<DType::Q2_K> : BlockOf256<84, 16, 3> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlockOf256(chunk) {
        const __m256 d = half8(p + 80);
        const __m256 dmin = half8(p + 82);
        for (int i = 0; i < 2; ++i) {
            const __m256i both = wordsOf(loadAs<std::uint64_t>(p + 8 * i));
            scale[i] = _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_and_si256(both, _mm256_set1_epi32(15))));
            minimum[i] = _mm256_mul_ps(dmin, _mm256_cvtepi32_ps(_mm256_srli_epi32(both, 4)));
        }
    }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const { return bitPairs(p + 16 + i / 4 * 32, i % 4 * 2); }
};

template <>
struct Format<DType::Q3_K> : BlockOf256<110, 16, 7> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlockOf256(chunk) {
        for (int i = 0; i < 2; ++i) {
            const __m256i whole = _mm256_sub_epi32(wordsOf(unpackQ3Scales(p + 96, i)), _mm256_set1_epi32(32));
            setScale(i, half8(p + 108), whole, 4.0f);
        }
    }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const {
        return _mm256_or_si256(bitPairs(p + 32 + i / 4 * 32, i % 4 * 2), whereByteBit(p, i, 4));
    }
};

/// Q4_K and Q5_K: 12 bytes of scales and minimums at p + 4.
template <int Bytes, int Largest>
struct PackedScales : BlockOf256<Bytes, 32, Largest> {
    HEARTH_ALWAYS explicit PackedScales(const std::uint8_t* chunk) : BlockOf256<Bytes, 32, Largest>(chunk) {
        const ScalesAndMinimums packed = unpackScales(chunk + 4);
        this->scale[0] = _mm256_mul_ps(half8(chunk), floatsOf(packed.scales));
        this->minimum[0] = _mm256_mul_ps(half8(chunk + 2), floatsOf(packed.minimums));
    }
    [[nodiscard]] static HEARTH_ALWAYS __m256i nibbles(const std::uint8_t* bytes, int i) {
        const __m256i both = load32(bytes + i / 2 * 32);
        return _mm256_and_si256(i % 2 == 0 ? both : _mm256_srli_epi16(both, 4), _mm256_set1_epi8(15));
    }
};

template <>
struct Format<DType::Q4_K> : PackedScales<144, 15> {
    using PackedScales::PackedScales;
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const { return nibbles(p + 16, i); }
};

template <>
struct Format<DType::Q5_K> : PackedScales<176, 31> {
    using PackedScales::PackedScales;
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const {
        return _mm256_or_si256(nibbles(p + 48, i), whereByteBit(p + 16, i, 16));
    }
};

template <>
struct Format<DType::Q6_K> : BlockOf256<210, 16, 63> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlockOf256(chunk) {
        const __m256 d = half8(p + 208);
        for (int i = 0; i < 2; ++i) {
            const __m128i bytes = _mm_cvtsi64_si128(loadAs<long long>(p + 192 + 8 * i));
            setScale(i, d, _mm256_cvtepi8_epi32(bytes), 32.0f);
        }
    }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const {
        const int quarter = i % 4;
        const __m256i bytes = load32(p + i / 4 * 64 + quarter % 2 * 32);
        const __m256i low = _mm256_and_si256(quarter < 2 ? bytes : _mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15));
        const __m256i top = bitPairs(p + 128 + i / 4 * 32, quarter * 2);
        return _mm256_or_si256(low, _mm256_slli_epi16(top, 4));
    }
};

template <>
struct Format<DType::IQ4_XS> : BlockOf256<136, 32, 255> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlockOf256(chunk) {
        setScale(0, half8(p), unpackIq4Scales(p), kHaveDotProduct ? 128.0f : 0.0f);
    }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const { return iq4Lanes(p + 8 + 16 * i); }
};

// --- codebooks -------------------------------------------------------------------------------------------------------

/// Two words of a grid. Gathers are slower, on some processors much.
HEARTH_ALWAYS __m128i gridPair(const std::uint64_t* grid, std::uint32_t first, std::uint32_t second) {
    const __m128d low = _mm_load_sd(reinterpret_cast<const double*>(grid + first));
    return _mm_castpd_si128(_mm_loadh_pd(low, reinterpret_cast<const double*>(grid + second)));
}

/// The grid words of 32 columns.
template <class C>
HEARTH_ALWAYS __m256i gridLanes(const C& code, const std::uint64_t* grid, int i) {
    const __m128i low = gridPair(grid, code.index(4 * i), code.index(4 * i + 1));
    return _mm256_set_m128i(gridPair(grid, code.index(4 * i + 2), code.index(4 * i + 3)), low);
}

template <class C>
HEARTH_ALWAYS __m256i gridLanes(const C& code, const std::uint32_t* grid, int i) {
    const auto at = [&](int l) { return static_cast<int>(grid[code.index(8 * i + l)]); };
    return _mm256_setr_epi32(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7));
}

template <DType D, int Largest>
struct FromCodebook {
    static constexpr int kBlockElements = kChunk;
    static constexpr int kChunkBytes = Codebook<D>::kBytes;
    static constexpr int kGroup = Codebook<D>::kGroup;
    static constexpr int kLargest = Largest;
    static constexpr bool kWide = false;

    Codebook<D> code;
    __m256 scale[32 / kGroup];
    __m256 minimum[32 / kGroup];

    HEARTH_ALWAYS explicit FromCodebook(const std::uint8_t* chunk) : code(chunk) {
        for (int h = 0; h < 32 / kGroup; ++h) {
            scale[h] = code.scale[h];
            minimum[h] = code.minimum[h];
        }
    }
};

/// u = 64 +- magnitude; the largest magnitude is 62.
template <DType D>
struct SignedCodebook : FromCodebook<D, 126> {
    using FromCodebook<D, 126>::FromCodebook;
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const {
        // m is -1 where negative: (g xor m) - m = -g.
        const __m256i m = whereBit(this->code.signs[i], _mm256_set1_epi8(-1));
        const __m256i raise = _mm256_sub_epi8(_mm256_set1_epi8(static_cast<char>(kMagnitudeOffset)), m);
        return _mm256_add_epi8(_mm256_xor_si256(gridLanes(this->code, Codebook<D>::grid(), i), m), raise);
    }
};

#define HEARTH_ROW(NAME)                                                                                               \
    template <>                                                                                                        \
    struct Format<DType::NAME> : SignedCodebook<DType::NAME> {                                                         \
        using SignedCodebook::SignedCodebook;                                                                          \
    };
HEARTH_ROW(IQ2_S)
HEARTH_ROW(IQ2_XS)
HEARTH_ROW(IQ2_XXS)
HEARTH_ROW(IQ3_S)
HEARTH_ROW(IQ3_XXS)
#undef HEARTH_ROW

template <>
struct Format<DType::IQ1_S> : FromCodebook<DType::IQ1_S, 2> {
    using FromCodebook::FromCodebook;
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const {
        return _mm256_add_epi8(gridLanes(code, kIq1sGrid, i), _mm256_set1_epi8(1));
    }
};

template <>
struct Format<DType::IQ1_M> : FromCodebook<DType::IQ1_M, 18> {
    using FromCodebook::FromCodebook;
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const {
        const __m256i grid = _mm256_add_epi8(gridLanes(code, kIq1sGrid, i), _mm256_set1_epi8(1));
        const auto at = [&](int l) { return code.raise(4 * i + l); };
        const __m256i raise = _mm256_setr_epi64x(at(0), at(1), at(2), at(3));
        return _mm256_add_epi8(_mm256_slli_epi16(grid, 3), raise); // up to 2 * 8: nothing crosses into a neighbour
    }
};

// --- the rest ----------------------------------------------------------------------------------------------------------

template <DType D>
struct FromScalar {
    static constexpr int kBlockElements = kChunk;
    static constexpr int kChunkBytes = sizeof(typename ScalarFormat<D>::Block);
    static constexpr int kGroup = 32;
    static constexpr int kLargest = ScalarFormat<D>::kLargest;
    static constexpr bool kWide = false;

    ScalarChunk unpacked;
    __m256 scale[1];
    __m256 minimum[1];

    HEARTH_ALWAYS explicit FromScalar(const std::uint8_t* chunk) {
        unpackScalar<D>(unpacked, chunk);
        scale[0] = _mm256_set1_ps(unpacked.scale);
        minimum[0] = _mm256_set1_ps(unpacked.minimum);
    }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const { return load32(unpacked.u + 32 * i); }
};

template <>
struct Format<DType::TQ1_0> : FromScalar<DType::TQ1_0> {
    using FromScalar::FromScalar;
};

template <>
struct Format<DType::TQ2_0> : FromScalar<DType::TQ2_0> {
    using FromScalar::FromScalar;
};

} // namespace

} // namespace hearth::kernels
