// SPDX-License-Identifier: Apache-2.0
//
// Unpacking with AVX-512: one struct per format, made for one chunk of 256 columns. Layouts: kernels/quant/*.h.
//   lanes(i)  columns 64 i ... 64 i + 63 in order, as unsigned bytes u
//   scale, minimum  of each group of kGroup columns; value = scale * u - minimum. With groups of 32 only the lower 8 count
// A format with an offset (q - 8) has it in the minimum, since vpdpbusd wants unsigned weights.
// Included by matmul_avx512_vnni.cpp alone; everything here is internal to it.
#pragma once

#include "kernels/cpu/simd/activation_panel.h"
#include "kernels/cpu/simd/scalar_formats.h"
#include "kernels/dtype.h"
#include "kernels/quant/codebooks.h"

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

HEARTH_ALWAYS __m512i load64(const std::uint8_t* p) {
    return _mm512_loadu_si512(p);
}

/// The f16 at p in every lane.
HEARTH_ALWAYS __m256 half8(const std::uint8_t* p) {
    return _mm256_cvtph_ps(_mm_set1_epi16(static_cast<short>(loadAs<std::uint16_t>(p))));
}

HEARTH_ALWAYS __m512 half16(const std::uint8_t* p) {
    return _mm512_cvtph_ps(_mm256_set1_epi16(static_cast<short>(loadAs<std::uint16_t>(p))));
}

/// The f16 at p, p + stride, ... of eight blocks.
HEARTH_ALWAYS __m256 halves8(const std::uint8_t* p, int stride) {
    const auto at = [&](int i) { return static_cast<short>(loadAs<std::uint16_t>(p + i * stride)); };
    return _mm256_cvtph_ps(_mm_setr_epi16(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)));
}

HEARTH_ALWAYS __m512 widen(__m256 eight) {
    return _mm512_zextps256_ps512(eight);
}

/// Different values for the lower and the upper 256 bits.
HEARTH_ALWAYS __m512i split16(int lower, int upper) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_set1_epi16(static_cast<short>(lower))),
                              _mm256_set1_epi16(static_cast<short>(upper)), 1);
}

HEARTH_ALWAYS __m512i split8(int lower, int upper) {
    return split16(lower * 0x101, upper * 0x101);
}

/// Two blocks of 32 nibbles: 16 low ones of p, 16 high ones of p, the same of q.
HEARTH_ALWAYS __m512i nibblesOf2(const std::uint8_t* p, const std::uint8_t* q) {
    const __m512i both = _mm512_mask_broadcast_i32x4(_mm512_broadcast_i32x4(load16(p)), 0xff00, load16(q));
    return _mm512_and_si512(_mm512_mask_srli_epi32(both, 0xf0f0, both, 4), _mm512_set1_epi8(15));
}

/// 64 nibbles: 32 low ones of the 32 bytes at p, then 32 high ones.
HEARTH_ALWAYS __m512i nibbles64(const std::uint8_t* p) {
    const __m512i both = _mm512_broadcast_i64x4(load32(p));
    return _mm512_and_si512(_mm512_srlv_epi16(both, split16(0, 4)), _mm512_set1_epi8(15));
}

// --- blocks of 32 ----------------------------------------------------------------------------------------------------

template <int Bytes>
struct BlocksOf32 {
    static constexpr int kBlockElements = 32;
    static constexpr int kBlockBytes = Bytes;
    static constexpr int kChunkBytes = Bytes * kBlocksPerChunk;
    static constexpr int kGroup = 32;

    const std::uint8_t* p;
    __m512 scale;
    __m512 minimum;

    HEARTH_ALWAYS explicit BlocksOf32(const std::uint8_t* chunk) : p(chunk), scale(widen(halves8(chunk, Bytes))) {}
    HEARTH_ALWAYS BlocksOf32(const std::uint8_t* chunk, __m256 scales) : p(chunk), scale(widen(scales)) {}
    [[nodiscard]] HEARTH_ALWAYS const std::uint8_t* block(int i) const { return p + i * Bytes; }
    HEARTH_ALWAYS void setOffset(float offset) { minimum = _mm512_mul_ps(scale, _mm512_set1_ps(offset)); }
    /// value = scale u + m: the minimum with its sign turned.
    HEARTH_ALWAYS void setSummand(int at) {
        minimum = _mm512_sub_ps(_mm512_setzero_ps(), widen(halves8(p + at, Bytes)));
    }
    /// Adds 16 where the bit of an element is set, words of 32 bits at `at` in each block.
    [[nodiscard]] HEARTH_ALWAYS __m512i addFifthBits(__m512i u, int i, int at) const {
        const std::uint64_t bits = loadAs<std::uint32_t>(block(2 * i) + at)
                                   | static_cast<std::uint64_t>(loadAs<std::uint32_t>(block(2 * i + 1) + at)) << 32;
        return _mm512_mask_add_epi8(u, bits, u, _mm512_set1_epi8(16));
    }
};

template <DType D>
struct Format;

template <>
struct Format<DType::Q4_0> : BlocksOf32<18> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) { setOffset(8.0f); }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const { return nibblesOf2(block(2 * i) + 2, block(2 * i + 1) + 2); }
};

template <>
struct Format<DType::Q4_1> : BlocksOf32<20> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) { setSummand(2); }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const { return nibblesOf2(block(2 * i) + 4, block(2 * i + 1) + 4); }
};

template <>
struct Format<DType::Q5_0> : BlocksOf32<22> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) { setOffset(16.0f); }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        return addFifthBits(nibblesOf2(block(2 * i) + 6, block(2 * i + 1) + 6), i, 2);
    }
};

template <>
struct Format<DType::Q5_1> : BlocksOf32<24> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) { setSummand(2); }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        return addFifthBits(nibblesOf2(block(2 * i) + 8, block(2 * i + 1) + 8), i, 4);
    }
};

template <>
struct Format<DType::Q8_0> : BlocksOf32<34> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) { setOffset(128.0f); }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        const __m512i q = _mm512_inserti64x4(_mm512_castsi256_si512(load32(block(2 * i) + 2)), load32(block(2 * i + 1) + 2), 1);
        return _mm512_xor_si512(q, _mm512_set1_epi8(-128));
    }
};

/// The table of the IQ4 formats, raised by 128, in every 128-bit part.
HEARTH_ALWAYS __m512i iq4Values() {
    const __m128i table = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kIq4nlValues));
    return _mm512_broadcast_i32x4(_mm_xor_si128(table, _mm_set1_epi8(-128)));
}

template <>
struct Format<DType::IQ4_NL> : BlocksOf32<18> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) { setOffset(128.0f); }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        return _mm512_shuffle_epi8(iq4Values(), nibblesOf2(block(2 * i) + 2, block(2 * i + 1) + 2));
    }
};

/// Doubled E2M1 values, raised by 12 to 0 ... 24.
template <>
struct Format<DType::MXFP4> : BlocksOf32<17> {
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
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        const __m128i table = _mm_add_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(kMxfp4DoubledValues)), _mm_set1_epi8(12));
        return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), nibblesOf2(block(2 * i) + 1, block(2 * i + 1) + 1));
    }
};

// --- blocks of 256 ---------------------------------------------------------------------------------------------------

template <int Bytes, int Group>
struct BlockOf256 {
    static constexpr int kBlockElements = 256;
    static constexpr int kBlockBytes = Bytes;
    static constexpr int kChunkBytes = Bytes;
    static constexpr int kGroup = Group;

    const std::uint8_t* p;
    __m512 scale;
    __m512 minimum;

    HEARTH_ALWAYS explicit BlockOf256(const std::uint8_t* chunk) : p(chunk) {}
    HEARTH_ALWAYS void setScale(__m512 d, __m512i whole, float offset) {
        scale = _mm512_mul_ps(d, _mm512_cvtepi32_ps(whole));
        minimum = _mm512_mul_ps(scale, _mm512_set1_ps(offset));
    }
    HEARTH_ALWAYS void setScale(__m256 d, __m256i whole, float offset) {
        scale = widen(_mm256_mul_ps(d, _mm256_cvtepi32_ps(whole)));
        minimum = _mm512_mul_ps(scale, _mm512_set1_ps(offset));
    }
};

template <>
struct Format<DType::Q2_K> : BlockOf256<84, 16> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlockOf256(chunk) {
        const __m512i both = _mm512_cvtepu8_epi32(load16(p));
        scale = _mm512_mul_ps(half16(p + 80), _mm512_cvtepi32_ps(_mm512_and_si512(both, _mm512_set1_epi32(15))));
        minimum = _mm512_mul_ps(half16(p + 82), _mm512_cvtepi32_ps(_mm512_srli_epi32(both, 4)));
    }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        const __m512i bytes = _mm512_broadcast_i64x4(load32(p + 16 + i / 2 * 32));
        const int shift = i % 2 * 4;
        return _mm512_and_si512(_mm512_srlv_epi16(bytes, split16(shift, shift + 2)), _mm512_set1_epi8(3));
    }
};

template <>
struct Format<DType::Q3_K> : BlockOf256<110, 16> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlockOf256(chunk) {
        const std::uint64_t low = loadAs<std::uint64_t>(p + 96);
        const std::uint64_t top = loadAs<std::uint32_t>(p + 104);
        constexpr std::uint64_t kLow = 0x0f0f0f0f0f0f0f0f;
        constexpr std::uint64_t kTop = 0x3030303030303030;
        const std::uint64_t first = (low & kLow) | ((top << 4 | top << 34) & kTop);
        const std::uint64_t second = (low >> 4 & kLow) | ((top | top << 30) & kTop);
        const __m128i packed = _mm_set_epi64x(static_cast<long long>(second), static_cast<long long>(first));
        setScale(half16(p + 108), _mm512_sub_epi32(_mm512_cvtepu8_epi32(packed), _mm512_set1_epi32(32)), 4.0f);
    }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        const __m512i bytes = _mm512_broadcast_i64x4(load32(p + 32 + i / 2 * 32));
        const int shift = i % 2 * 4;
        const __m512i low = _mm512_and_si512(_mm512_srlv_epi16(bytes, split16(shift, shift + 2)), _mm512_set1_epi8(3));
        const __m512i high = _mm512_broadcast_i64x4(load32(p));
        return _mm512_mask_add_epi8(low, _mm512_test_epi8_mask(high, split8(1 << (2 * i), 2 << (2 * i))), low,
                                    _mm512_set1_epi8(4));
    }
};

/// Q4_K and Q5_K: 12 bytes of scales and minimums at p + 4.
template <int Bytes>
struct PackedScales : BlockOf256<Bytes, 32> {
    HEARTH_ALWAYS explicit PackedScales(const std::uint8_t* chunk) : BlockOf256<Bytes, 32>(chunk) {
        const std::uint64_t a = loadAs<std::uint32_t>(chunk + 4);
        const std::uint64_t b = loadAs<std::uint32_t>(chunk + 8);
        const std::uint64_t c = loadAs<std::uint32_t>(chunk + 12);
        const std::uint64_t scales = (a & 0x3f3f3f3f) | ((c & 0x0f0f0f0f) | (a >> 2 & 0x30303030)) << 32;
        const std::uint64_t minimums = (b & 0x3f3f3f3f) | ((c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030)) << 32;
        this->scale = widen(_mm256_mul_ps(half8(chunk), bytes8(scales)));
        this->minimum = widen(_mm256_mul_ps(half8(chunk + 2), bytes8(minimums)));
    }
    static HEARTH_ALWAYS __m256 bytes8(std::uint64_t bytes) {
        return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(bytes))));
    }
};

template <>
struct Format<DType::Q4_K> : PackedScales<144> {
    using PackedScales::PackedScales;
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const { return nibbles64(p + 16 + 32 * i); }
};

template <>
struct Format<DType::Q5_K> : PackedScales<176> {
    using PackedScales::PackedScales;
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        const __m512i low = nibbles64(p + 48 + 32 * i);
        const __m512i high = _mm512_broadcast_i64x4(load32(p + 16));
        return _mm512_mask_add_epi8(low, _mm512_test_epi8_mask(high, split8(1 << (2 * i), 2 << (2 * i))), low,
                                    _mm512_set1_epi8(16));
    }
};

template <>
struct Format<DType::Q6_K> : BlockOf256<210, 16> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlockOf256(chunk) {
        setScale(half16(p + 208), _mm512_cvtepi8_epi32(load16(p + 192)), 32.0f);
    }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        const __m512i bytes = load64(p + i / 2 * 64);
        const __m512i low = _mm512_and_si512(i % 2 == 0 ? bytes : _mm512_srli_epi16(bytes, 4), _mm512_set1_epi8(15));
        const __m512i top = _mm512_broadcast_i64x4(load32(p + 128 + i / 2 * 32));
        const __m512i moved = i % 2 == 0 ? _mm512_sllv_epi16(top, split16(4, 2)) : _mm512_srlv_epi16(top, split16(0, 2));
        return _mm512_or_si512(low, _mm512_and_si512(moved, _mm512_set1_epi8(0x30)));
    }
};

template <>
struct Format<DType::IQ4_XS> : BlockOf256<136, 32> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlockOf256(chunk) {
        const __m256i low = _mm256_srlv_epi32(_mm256_set1_epi32(static_cast<int>(loadAs<std::uint32_t>(p + 4))),
                                              _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28));
        const __m256i high = _mm256_srlv_epi32(_mm256_set1_epi32(loadAs<std::uint16_t>(p + 2)),
                                               _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14));
        const __m256i whole = _mm256_or_si256(_mm256_and_si256(low, _mm256_set1_epi32(15)),
                                              _mm256_slli_epi32(_mm256_and_si256(high, _mm256_set1_epi32(3)), 4));
        setScale(half8(p), _mm256_sub_epi32(whole, _mm256_set1_epi32(32)), 128.0f);
    }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        return _mm512_shuffle_epi8(iq4Values(), nibblesOf2(p + 8 + 32 * i, p + 24 + 32 * i));
    }
};

// --- codebooks: magnitudes from a table, signs apart; u = 64 +- magnitude ------------------------------------------------

/// Eight words of four 7-bit sign indices: to each 7 bits the eighth that makes the count of ones even.
HEARTH_ALWAYS __m256i completeSigns(__m256i words) {
    const auto select = [](int mask, __m256i set, __m256i clear) {
        return _mm256_ternarylogic_epi32(_mm256_set1_epi32(mask), set, clear, 0xca);
    };
    __m256i bytes = select(0x7f, words, _mm256_slli_epi32(words, 1));
    bytes = select(0x7fff, bytes, _mm256_slli_epi32(words, 2));
    bytes = select(0x7fffff, bytes, _mm256_slli_epi32(words, 3));
    bytes = _mm256_and_si256(bytes, _mm256_set1_epi8(0x7f));
    const __m256i odd = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, -128, -128, 0, -128, 0, 0, -128, -128, 0, 0, -128, 0, -128, -128, 0));
    const __m256i folded = _mm256_and_si256(_mm256_xor_si256(bytes, _mm256_srli_epi16(bytes, 4)), _mm256_set1_epi8(15));
    return _mm256_or_si256(bytes, _mm256_shuffle_epi8(odd, folded));
}

template <int Bytes>
struct SignedGrid : BlockOf256<Bytes, 32> {
    alignas(32) std::uint64_t signs[4];

    using BlockOf256<Bytes, 32>::BlockOf256;
    HEARTH_ALWAYS void setSignsAndScale(__m256i words, float factor) {
        _mm256_store_si256(reinterpret_cast<__m256i*>(signs), completeSigns(words));
        const __m256i odd = _mm256_or_si256(_mm256_slli_epi32(_mm256_srli_epi32(words, 28), 1), _mm256_set1_epi32(1));
        this->setScale(_mm256_mul_ps(half8(this->p), _mm256_set1_ps(factor)), odd, 64.0f);
    }
    [[nodiscard]] HEARTH_ALWAYS __m512i applySigns(__m512i magnitudes, int i) const {
        const __m512i middle = _mm512_set1_epi8(64);
        return _mm512_mask_sub_epi8(_mm512_add_epi8(middle, magnitudes), signs[i], middle, magnitudes);
    }
};

template <>
struct Format<DType::IQ2_XXS> : SignedGrid<66> {
    alignas(32) std::uint8_t index[32];

    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : SignedGrid(chunk) {
        const __m512i words = load64(p + 2);
        _mm256_store_si256(reinterpret_cast<__m256i*>(index), _mm512_cvtepi64_epi32(words));
        setSignsAndScale(_mm512_cvtepi64_epi32(_mm512_srli_epi64(words, 32)), 0.125f);
    }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        const __m256i at = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(index + 8 * i)));
        return applySigns(_mm512_i32gather_epi64(at, kIq2xxsGrid, 8), i);
    }
};

template <>
struct Format<DType::IQ3_XXS> : SignedGrid<98> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : SignedGrid(chunk) {
        setSignsAndScale(load32(p + 66), 0.25f);
    }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        return applySigns(_mm512_i32gather_epi32(_mm512_cvtepu8_epi32(load16(p + 2 + 16 * i)), kIq3xxsGrid, 4), i);
    }
};

// --- the rest ----------------------------------------------------------------------------------------------------------

template <DType D>
struct FromScalar {
    static constexpr int kBlockElements = kChunk;
    static constexpr int kChunkBytes = sizeof(typename ScalarFormat<D>::Block);
    static constexpr int kGroup = ScalarFormat<D>::kGroup;

    __m512 scale;
    __m512 minimum;
    ScalarChunk<kChunk / kGroup> unpacked;

    HEARTH_ALWAYS explicit FromScalar(const std::uint8_t* chunk) {
        unpackScalar<D>(unpacked, chunk);
        if constexpr (kGroup == 32) {
            scale = widen(_mm256_load_ps(unpacked.scale));
            minimum = widen(_mm256_load_ps(unpacked.minimum));
        } else {
            scale = _mm512_load_ps(unpacked.scale);
            minimum = _mm512_load_ps(unpacked.minimum);
        }
    }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const { return _mm512_load_si512(unpacked.u + 64 * i); }
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
