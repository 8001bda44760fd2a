// SPDX-License-Identifier: Apache-2.0
//
// Unpacking with AVX2: one struct per format, made for one chunk of 256 columns. Layouts: kernels/quant/*.h.
//   lanes(i)  columns 32 i ... 32 i + 31 in order, as bytes u
//   scale, minimum  of each group of kGroup columns, 8 to a register; value = scale * u - minimum
// u is unsigned, an offset (q - 8) is in the minimum, and kLargest bounds u, so that pairs of products fit 16 bits.
// Formats that need all 8 bits (kWide) give signed u without offset where vpdpbusd is absent.
// Included by matmul_avx2.cpp and matmul_avx2_vnni.cpp; everything here is internal to them.
#pragma once

#include "kernels/cpu/simd/activation_panel.h"
#include "kernels/cpu/simd/scalar_formats.h"
#include "kernels/dtype.h"
#include "kernels/quant/codebooks.h"

#include <cstring>

namespace hearth::kernels {

namespace {

#ifdef __AVXVNNI__
constexpr bool kHaveDotProduct = true;
#else
constexpr bool kHaveDotProduct = false;
#endif

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
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk, halfScales(chunk)) { setOffset(12.0f); }
    /// 2^(e - 128), for e < 2 subnormal.
    static HEARTH_ALWAYS __m256 halfScales(const std::uint8_t* chunk) {
        const auto at = [&](int i) { return static_cast<int>(chunk[i * 17]); };
        const __m256i e = _mm256_setr_epi32(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7));
        const __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(1)), 23);
        const __m256i subnormal = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), e);
        const __m256i small = _mm256_cmpgt_epi32(_mm256_set1_epi32(2), e);
        return _mm256_castsi256_ps(_mm256_blendv_epi8(normal, subnormal, small));
    }
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

HEARTH_ALWAYS __m256i bytesToWords(std::uint64_t bytes) {
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(bytes)));
}

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
            const __m256i both = bytesToWords(loadAs<std::uint64_t>(p + 8 * i));
            scale[i] = _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_and_si256(both, _mm256_set1_epi32(15))));
            minimum[i] = _mm256_mul_ps(dmin, _mm256_cvtepi32_ps(_mm256_srli_epi32(both, 4)));
        }
    }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const { return bitPairs(p + 16 + i / 4 * 32, i % 4 * 2); }
};

template <>
struct Format<DType::Q3_K> : BlockOf256<110, 16, 7> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlockOf256(chunk) {
        const std::uint64_t low = loadAs<std::uint64_t>(p + 96);
        const std::uint64_t top = loadAs<std::uint32_t>(p + 104);
        constexpr std::uint64_t kLow = 0x0f0f0f0f0f0f0f0f;
        constexpr std::uint64_t kTop = 0x3030303030303030;
        const __m256 d = half8(p + 108);
        const __m256i bias = _mm256_set1_epi32(32);
        setScale(0, d, _mm256_sub_epi32(bytesToWords((low & kLow) | ((top << 4 | top << 34) & kTop)), bias), 4.0f);
        setScale(1, d, _mm256_sub_epi32(bytesToWords((low >> 4 & kLow) | ((top | top << 30) & kTop)), bias), 4.0f);
    }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const {
        return _mm256_or_si256(bitPairs(p + 32 + i / 4 * 32, i % 4 * 2), whereByteBit(p, i, 4));
    }
};

/// Q4_K and Q5_K: 12 bytes of scales and minimums at p + 4.
template <int Bytes, int Largest>
struct PackedScales : BlockOf256<Bytes, 32, Largest> {
    HEARTH_ALWAYS explicit PackedScales(const std::uint8_t* chunk) : BlockOf256<Bytes, 32, Largest>(chunk) {
        const std::uint64_t a = loadAs<std::uint32_t>(chunk + 4);
        const std::uint64_t b = loadAs<std::uint32_t>(chunk + 8);
        const std::uint64_t c = loadAs<std::uint32_t>(chunk + 12);
        const std::uint64_t scales = (a & 0x3f3f3f3f) | ((c & 0x0f0f0f0f) | (a >> 2 & 0x30303030)) << 32;
        const std::uint64_t minimums = (b & 0x3f3f3f3f) | ((c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030)) << 32;
        this->scale[0] = _mm256_mul_ps(half8(chunk), _mm256_cvtepi32_ps(bytesToWords(scales)));
        this->minimum[0] = _mm256_mul_ps(half8(chunk + 2), _mm256_cvtepi32_ps(bytesToWords(minimums)));
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
        const __m256i low = _mm256_srlv_epi32(_mm256_set1_epi32(static_cast<int>(loadAs<std::uint32_t>(p + 4))),
                                              _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28));
        const __m256i high = _mm256_srlv_epi32(_mm256_set1_epi32(loadAs<std::uint16_t>(p + 2)),
                                               _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14));
        const __m256i whole = _mm256_or_si256(_mm256_and_si256(low, _mm256_set1_epi32(15)),
                                              _mm256_slli_epi32(_mm256_and_si256(high, _mm256_set1_epi32(3)), 4));
        setScale(0, half8(p), _mm256_sub_epi32(whole, _mm256_set1_epi32(32)), kHaveDotProduct ? 128.0f : 0.0f);
    }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const { return iq4Lanes(p + 8 + 16 * i); }
};

// --- codebooks: magnitudes from a table, signs apart; u = 64 +- magnitude ------------------------------------------------

/// Eight words of four 7-bit sign indices: to each 7 bits the eighth that makes the count of ones even.
HEARTH_ALWAYS __m256i completeSigns(__m256i words) {
    const auto part = [&](__m256i moved, int mask) { return _mm256_and_si256(moved, _mm256_set1_epi32(mask)); };
    const __m256i lower = _mm256_or_si256(part(words, 0x7f), part(_mm256_slli_epi32(words, 1), 0x7f00));
    const __m256i upper = _mm256_or_si256(part(_mm256_slli_epi32(words, 2), 0x7f0000),
                                          part(_mm256_slli_epi32(words, 3), 0x7f000000));
    const __m256i bytes = _mm256_or_si256(lower, upper);
    const __m256i odd = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, -128, -128, 0, -128, 0, 0, -128, -128, 0, 0, -128, 0, -128, -128, 0));
    const __m256i folded = _mm256_and_si256(_mm256_xor_si256(bytes, _mm256_srli_epi16(bytes, 4)), _mm256_set1_epi8(15));
    return _mm256_or_si256(bytes, _mm256_shuffle_epi8(odd, folded));
}

template <int Bytes>
struct SignedGrid : BlockOf256<Bytes, 32, 126> {
    alignas(32) std::uint32_t signs[8];

    using BlockOf256<Bytes, 32, 126>::BlockOf256;
    HEARTH_ALWAYS void setSignsAndScale(__m256i words, float factor) {
        _mm256_store_si256(reinterpret_cast<__m256i*>(signs), completeSigns(words));
        const __m256i odd = _mm256_or_si256(_mm256_slli_epi32(_mm256_srli_epi32(words, 28), 1), _mm256_set1_epi32(1));
        this->setScale(0, _mm256_mul_ps(half8(this->p), _mm256_set1_ps(factor)), odd, 64.0f);
    }
    [[nodiscard]] HEARTH_ALWAYS __m256i applySigns(__m256i magnitudes, int i) const {
        // m is -1 where negative: (g xor m) - m = -g.
        const __m256i m = whereBit(signs[i], _mm256_set1_epi8(-1));
        return _mm256_add_epi8(_mm256_xor_si256(magnitudes, m), _mm256_sub_epi8(_mm256_set1_epi8(64), m));
    }
};

template <>
struct Format<DType::IQ2_XXS> : SignedGrid<66> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : SignedGrid(chunk) {
        // The odd dwords of 64 bytes.
        const __m256 a = _mm256_castsi256_ps(load32(p + 2));
        const __m256 b = _mm256_castsi256_ps(load32(p + 34));
        const __m256i odd = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd));
        setSignsAndScale(_mm256_permute4x64_epi64(odd, 0xd8), 0.125f);
    }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const {
        const std::uint8_t* at = p + 2 + 8 * i;
        const auto grid = [](std::uint8_t index) { return static_cast<long long>(kIq2xxsGrid[index]); };
        return applySigns(_mm256_setr_epi64x(grid(at[0]), grid(at[1]), grid(at[2]), grid(at[3])), i);
    }
};

template <>
struct Format<DType::IQ3_XXS> : SignedGrid<98> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : SignedGrid(chunk) {
        setSignsAndScale(load32(p + 66), 0.25f);
    }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const {
        const std::uint8_t* at = p + 2 + 8 * i;
        const auto grid = [](std::uint8_t index) { return static_cast<int>(kIq3xxsGrid[index]); };
        return applySigns(_mm256_setr_epi32(grid(at[0]), grid(at[1]), grid(at[2]), grid(at[3]), grid(at[4]), grid(at[5]),
                                            grid(at[6]), grid(at[7])), i);
    }
};

// --- the rest ----------------------------------------------------------------------------------------------------------

template <DType D>
struct FromScalar {
    static constexpr int kBlockElements = kChunk;
    static constexpr int kChunkBytes = sizeof(typename ScalarFormat<D>::Block);
    static constexpr int kGroup = ScalarFormat<D>::kGroup;
    static constexpr int kLargest = ScalarFormat<D>::kLargest;
    static constexpr bool kWide = false;

    __m256 scale[32 / kGroup];
    __m256 minimum[32 / kGroup];
    ScalarChunk<kChunk / kGroup> unpacked;

    HEARTH_ALWAYS explicit FromScalar(const std::uint8_t* chunk) {
        unpackScalar<D>(unpacked, chunk);
        for (int h = 0; h < 32 / kGroup; ++h) {
            scale[h] = _mm256_load_ps(unpacked.scale + 8 * h);
            minimum[h] = _mm256_load_ps(unpacked.minimum + 8 * h);
        }
    }
    [[nodiscard]] HEARTH_ALWAYS __m256i lanes(int i) const { return load32(unpacked.u + 32 * i); }
};

#define HEARTH_ROW(NAME)                                                                                               \
    template <>                                                                                                        \
    struct Format<DType::NAME> : FromScalar<DType::NAME> {                                                             \
        using FromScalar::FromScalar;                                                                                  \
    };
HEARTH_SCALAR_FORMATS(HEARTH_ROW)
#undef HEARTH_ROW

} // namespace

} // namespace hearth::kernels
