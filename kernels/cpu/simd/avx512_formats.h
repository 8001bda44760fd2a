// SPDX-License-Identifier: Apache-2.0
//
// Unpacking with AVX-512: one struct per format, made for one chunk of 256 columns. Layouts: kernels/quant/*.h.
//   lanes(i)  columns 64 i ... 64 i + 63 in order, as unsigned bytes u
//   scale, minimum  of each group of kGroup columns; value = scale * u - minimum. With groups of 32 only the lower 8 count
//   kOffset  of the same number in every group, when minimum = kOffset * scale; 0 = the minimum is a number of its own
// A format with an offset (q - 8) has it in the minimum as well, since vpdpbusd wants unsigned weights where activations are signed.
// Included by matmul_avx512_vnni.cpp alone; everything here is internal to it.
#pragma once

#include "kernels/cpu/simd/avx2_common.h"
#include "kernels/cpu/simd/codebook_formats.h"
#include "kernels/cpu/simd/scalar_formats.h"
#include "kernels/dtype.h"
#include "kernels/quant/codebooks.h"

namespace hearth::kernels {

namespace {

HEARTH_ALWAYS __m512i load64(const std::uint8_t* p) {
    return _mm512_loadu_si512(p);
}

/// The f16 at p in every lane.
HEARTH_ALWAYS __m512 half16(const std::uint8_t* p) {
    return _mm512_cvtph_ps(_mm256_set1_epi16(static_cast<short>(loadAs<std::uint16_t>(p))));
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

/// The 16 bytes at p, p + step, p + 2 step, p + 3 step, by merging broadcasts, which need no shuffle.
HEARTH_ALWAYS __m512i quarters(const std::uint8_t* p, int step) {
    __m512i v = _mm512_castsi128_si512(load16(p));
    v = _mm512_mask_broadcast_i32x4(v, 0x00f0, load16(p + step));
    v = _mm512_mask_broadcast_i32x4(v, 0x0f00, load16(p + 2 * step));
    return _mm512_mask_broadcast_i32x4(v, 0xf000, load16(p + 3 * step));
}

HEARTH_ALWAYS __m512i lowNibbles(__m512i bytes) {
    return _mm512_and_si512(bytes, _mm512_set1_epi8(15));
}

HEARTH_ALWAYS __m512i highNibbles(__m512i bytes) {
    return lowNibbles(_mm512_srli_epi16(bytes, 4));
}

// --- blocks of 32 ----------------------------------------------------------------------------------------------------

/// The f16 at byte `At` of each of the eight blocks from p on; reads nothing beyond them.
template <int Stride, int At = 0>
HEARTH_ALWAYS __m256 halvesOf8Blocks(const std::uint8_t* p) {
    constexpr int kWords = Stride / 2;
    constexpr int kAt = At / 2;
    if constexpr (3 * kWords + kAt < 32) { // four blocks begin in 64 bytes: two loads hold all
        const __m512i index = _mm512_castsi128_si512(_mm_setr_epi16(kAt, kAt + kWords, kAt + 2 * kWords, kAt + 3 * kWords, 32 + kAt,
                                                                    32 + kAt + kWords, 32 + kAt + 2 * kWords, 32 + kAt + 3 * kWords));
        const __m512i words = _mm512_permutex2var_epi16(load64(p), index, load64(p + 4 * Stride));
        return _mm256_cvtph_ps(_mm512_castsi512_si128(words));
    } else if constexpr (2 * kWords + kAt < 32) { // three do: three loads, the last at the end of the blocks
        constexpr int kLast = 8 * kWords - 32;
        const __m512i first = _mm512_castsi128_si512(_mm_setr_epi16(kAt, kAt + kWords, kAt + 2 * kWords, 32 + kAt, 32 + kAt + kWords,
                                                                    32 + kAt + 2 * kWords, 0, 0));
        const __m512i last =
            _mm512_castsi128_si512(_mm_setr_epi16(0, 1, 2, 3, 4, 5, 32 + kAt + 6 * kWords - kLast, 32 + kAt + 7 * kWords - kLast));
        const __m512i six = _mm512_permutex2var_epi16(load64(p), first, load64(p + 3 * Stride));
        return _mm256_cvtph_ps(_mm512_castsi512_si128(_mm512_permutex2var_epi16(six, last, load64(p + 2 * kLast))));
    } else {
        return halves8(p + At, Stride);
    }
}

template <int Bytes, int Offset = 0>
struct BlocksOf32 {
    static constexpr int kOffset = Offset;
    static constexpr int kBlockElements = 32;
    static constexpr int kBlockBytes = Bytes;
    static constexpr int kChunkBytes = Bytes * kBlocksPerChunk;
    static constexpr int kGroup = 32;

    const std::uint8_t* p;
    __m512 scale;
    __m512 minimum;

    HEARTH_ALWAYS explicit BlocksOf32(const std::uint8_t* chunk) : p(chunk), scale(widen(halvesOf8Blocks<Bytes>(chunk))) { setMinimum(); }
    HEARTH_ALWAYS BlocksOf32(const std::uint8_t* chunk, __m256 scales) : p(chunk), scale(widen(scales)) { setMinimum(); }
    HEARTH_ALWAYS void setMinimum() { minimum = _mm512_mul_ps(scale, _mm512_set1_ps(static_cast<float>(Offset))); }
    [[nodiscard]] HEARTH_ALWAYS const std::uint8_t* block(int i) const { return p + i * Bytes; }
    /// 16 bytes at `at` in every block: the low nibbles are its first half, the high ones its second.
    HEARTH_ALWAYS void nibblePieces(__m512i (&u)[4], int at) const {
        const __m512i even = quarters(p + at, 2 * Bytes);
        const __m512i odd = quarters(p + Bytes + at, 2 * Bytes);
        u[0] = lowNibbles(even);
        u[1] = highNibbles(even);
        u[2] = lowNibbles(odd);
        u[3] = highNibbles(odd);
    }
    /// value = scale u + m: the minimum with its sign turned.
    template <int At>
    HEARTH_ALWAYS void setSummand() {
        minimum = _mm512_sub_ps(_mm512_setzero_ps(), widen(halvesOf8Blocks<Bytes, At>(p)));
    }
    /// Adds 16 where the bit of an element is set, words of 32 bits at `at` in each block.
    [[nodiscard]] HEARTH_ALWAYS __m512i addFifthBits(__m512i u, int i, int at) const {
        const std::uint64_t bits = loadAs<std::uint32_t>(block(2 * i) + at)
                                   | static_cast<std::uint64_t>(loadAs<std::uint32_t>(block(2 * i + 1) + at)) << 32;
        return _mm512_mask_add_epi8(u, bits, u, _mm512_set1_epi8(16));
    }
    HEARTH_ALWAYS void addFifthBits(__m512i (&u)[4], int at) const {
        const __m512i firstHalf = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
        const __m512i secondHalf = _mm512_add_epi8(firstHalf, _mm512_set1_epi8(2));
        const __m512i bit = _mm512_set1_epi64(static_cast<long long>(0x8040201008040201u));
#pragma GCC unroll 2
        for (int odd = 0; odd < 2; ++odd) {
            const auto wordOf = [&](int quarter) HEARTH_ALWAYS_LAMBDA { return loadAs<int>(block(2 * quarter + odd) + at); };
            __m512i words = _mm512_set1_epi32(wordOf(0));
            words = _mm512_mask_set1_epi32(words, 0x00f0, wordOf(1));
            words = _mm512_mask_set1_epi32(words, 0x0f00, wordOf(2));
            words = _mm512_mask_set1_epi32(words, 0xf000, wordOf(3));
            const auto add = [&](__m512i& lanes, __m512i bytes) HEARTH_ALWAYS_LAMBDA {
                const __mmask64 set = _mm512_test_epi8_mask(_mm512_shuffle_epi8(words, bytes), bit);
                lanes = _mm512_mask_add_epi8(lanes, set, lanes, _mm512_set1_epi8(16));
            };
            add(u[2 * odd], firstHalf);
            add(u[2 * odd + 1], secondHalf);
        }
    }
};

template <DType D>
struct Format;

template <>
struct Format<DType::Q4_0> : BlocksOf32<18, 8> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) {}
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const { return nibblesOf2(block(2 * i) + 2, block(2 * i + 1) + 2); }
    HEARTH_ALWAYS void pieces(__m512i (&u)[4]) const { nibblePieces(u, 2); }
};

template <>
struct Format<DType::Q4_1> : BlocksOf32<20> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) { setSummand<2>(); }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const { return nibblesOf2(block(2 * i) + 4, block(2 * i + 1) + 4); }
    HEARTH_ALWAYS void pieces(__m512i (&u)[4]) const { nibblePieces(u, 4); }
};

template <>
struct Format<DType::Q5_0> : BlocksOf32<22, 16> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) {}
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        return addFifthBits(nibblesOf2(block(2 * i) + 6, block(2 * i + 1) + 6), i, 2);
    }
    HEARTH_ALWAYS void pieces(__m512i (&u)[4]) const {
        nibblePieces(u, 6);
        addFifthBits(u, 2);
    }
};

template <>
struct Format<DType::Q5_1> : BlocksOf32<24> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) { setSummand<2>(); }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        return addFifthBits(nibblesOf2(block(2 * i) + 8, block(2 * i + 1) + 8), i, 4);
    }
    HEARTH_ALWAYS void pieces(__m512i (&u)[4]) const {
        nibblePieces(u, 8);
        addFifthBits(u, 4);
    }
};

template <>
struct Format<DType::Q8_0> : BlocksOf32<34, 128> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) {}
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        const __m512i q = _mm512_inserti64x4(_mm512_castsi256_si512(load32(block(2 * i) + 2)), load32(block(2 * i + 1) + 2), 1);
        return _mm512_xor_si512(q, _mm512_set1_epi8(-128));
    }
};

/// Nibbles to the bytes of a table that stands in every 128-bit part.
HEARTH_ALWAYS void lookUp(__m512i (&u)[4], __m512i table) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) u[i] = _mm512_shuffle_epi8(table, u[i]);
}

/// The table of the IQ4 formats, raised by 128, in every 128-bit part.
HEARTH_ALWAYS __m512i iq4Values() {
    const __m128i table = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kIq4nlValues));
    return _mm512_broadcast_i32x4(_mm_xor_si128(table, _mm_set1_epi8(-128)));
}

template <>
struct Format<DType::IQ4_NL> : BlocksOf32<18, 128> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk) {}
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        return _mm512_shuffle_epi8(iq4Values(), nibblesOf2(block(2 * i) + 2, block(2 * i + 1) + 2));
    }
    HEARTH_ALWAYS void pieces(__m512i (&u)[4]) const {
        nibblePieces(u, 2);
        lookUp(u, iq4Values());
    }
};

/// Doubled E2M1 values, raised by 12 to 0 ... 24.
template <>
struct Format<DType::MXFP4> : BlocksOf32<17, 12> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlocksOf32(chunk, mxfp4HalfScales(chunk)) {}
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        return _mm512_shuffle_epi8(values(), nibblesOf2(block(2 * i) + 1, block(2 * i + 1) + 1));
    }
    HEARTH_ALWAYS void pieces(__m512i (&u)[4]) const {
        nibblePieces(u, 1);
        lookUp(u, values());
    }

private:
    static HEARTH_ALWAYS __m512i values() {
        const __m128i table = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kMxfp4DoubledValues));
        return _mm512_broadcast_i32x4(_mm_add_epi8(table, _mm_set1_epi8(12)));
    }
};

// --- blocks of 256 ---------------------------------------------------------------------------------------------------

template <int Bytes, int Group, int Offset = 0>
struct BlockOf256 {
    static constexpr int kOffset = Offset;
    static constexpr int kBlockElements = 256;
    static constexpr int kBlockBytes = Bytes;
    static constexpr int kChunkBytes = Bytes;
    static constexpr int kGroup = Group;

    const std::uint8_t* p;
    __m512 scale;
    __m512 minimum;

    HEARTH_ALWAYS explicit BlockOf256(const std::uint8_t* chunk) : p(chunk) {}
    HEARTH_ALWAYS void setScale(__m512 d, __m512i whole) {
        scale = _mm512_mul_ps(d, _mm512_cvtepi32_ps(whole));
        minimum = _mm512_mul_ps(scale, _mm512_set1_ps(static_cast<float>(Offset)));
    }
    HEARTH_ALWAYS void setScale(__m256 d, __m256i whole) {
        scale = widen(_mm256_mul_ps(d, _mm256_cvtepi32_ps(whole)));
        minimum = _mm512_mul_ps(scale, _mm512_set1_ps(static_cast<float>(Offset)));
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
struct Format<DType::Q3_K> : BlockOf256<110, 16, 4> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlockOf256(chunk) {
        const __m128i packed = _mm_set_epi64x(static_cast<long long>(unpackQ3Scales(p + 96, 1)),
                                              static_cast<long long>(unpackQ3Scales(p + 96, 0)));
        setScale(half16(p + 108), _mm512_sub_epi32(_mm512_cvtepu8_epi32(packed), _mm512_set1_epi32(32)));
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
        // Words a, b, c of four bytes: scales a & 63 and c & 15 | (a >> 6) << 4, minimums the same of b and c >> 4.
        const __m128i words = load16(chunk);
        const __m128i low = _mm_and_si128(_mm_srlv_epi32(_mm_shuffle_epi32(words, 0xed), _mm_setr_epi32(0, 0, 0, 4)),
                                          _mm_setr_epi32(0x3f3f3f3f, 0x0f0f0f0f, 0x3f3f3f3f, 0x0f0f0f0f));
        const __m128i high = _mm_and_si128(_mm_srli_epi32(_mm_shuffle_epi32(words, 0xa5), 2),
                                           _mm_setr_epi32(0, 0x30303030, 0, 0x30303030));
        const __m512 both = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_or_si128(low, high)));
        const __m256i halves = _mm256_set_m128i(_mm_set1_epi16(static_cast<short>(loadAs<std::uint16_t>(chunk + 2))),
                                                _mm_set1_epi16(static_cast<short>(loadAs<std::uint16_t>(chunk))));
        const __m512 product = _mm512_mul_ps(_mm512_cvtph_ps(halves), both);
        this->scale = widen(_mm512_castps512_ps256(product));
        this->minimum = widen(_mm512_extractf32x8_ps(product, 1));
    }
};

/// 32 bytes for each pair of blocks: the low nibbles are the even one, the high ones the odd one.
HEARTH_ALWAYS void nibblePieces(__m512i (&u)[4], const std::uint8_t* p) {
    const __m512i front = load64(p);
    const __m512i back = load64(p + 64);
    const __m512i first = _mm512_shuffle_i32x4(front, back, 0x88);
    const __m512i second = _mm512_shuffle_i32x4(front, back, 0xdd);
    u[0] = lowNibbles(first);
    u[1] = lowNibbles(second);
    u[2] = highNibbles(first);
    u[3] = highNibbles(second);
}

template <>
struct Format<DType::Q4_K> : PackedScales<144> {
    using PackedScales::PackedScales;
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const { return nibbles64(p + 16 + 32 * i); }
    HEARTH_ALWAYS void pieces(__m512i (&u)[4]) const { nibblePieces(u, p + 16); }
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
    HEARTH_ALWAYS void pieces(__m512i (&u)[4]) const {
        nibblePieces(u, p + 48);
        // Bit b of byte j is the fifth of element j of block b.
        const __m512i even = _mm512_set_epi64(0x4040404040404040, 0x4040404040404040, 0x1010101010101010, 0x1010101010101010,
                                              0x0404040404040404, 0x0404040404040404, 0x0101010101010101, 0x0101010101010101);
        const __m512i odd = _mm512_add_epi8(even, even);
        const __m512i first = _mm512_broadcast_i32x4(load16(p + 16));
        const __m512i second = _mm512_broadcast_i32x4(load16(p + 32));
        const __m512i sixteen = _mm512_set1_epi8(16);
        u[0] = _mm512_mask_add_epi8(u[0], _mm512_test_epi8_mask(first, even), u[0], sixteen);
        u[1] = _mm512_mask_add_epi8(u[1], _mm512_test_epi8_mask(second, even), u[1], sixteen);
        u[2] = _mm512_mask_add_epi8(u[2], _mm512_test_epi8_mask(first, odd), u[2], sixteen);
        u[3] = _mm512_mask_add_epi8(u[3], _mm512_test_epi8_mask(second, odd), u[3], sixteen);
    }
};

template <>
struct Format<DType::Q6_K> : BlockOf256<210, 16, 32> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlockOf256(chunk) {
        setScale(half16(p + 208), _mm512_cvtepi8_epi32(load16(p + 192)));
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
struct Format<DType::IQ4_XS> : BlockOf256<136, 32, 128> {
    HEARTH_ALWAYS explicit Format(const std::uint8_t* chunk) : BlockOf256(chunk) {
        setScale(half8(p), unpackIq4Scales(p));
    }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        return _mm512_shuffle_epi8(iq4Values(), nibblesOf2(p + 8 + 32 * i, p + 24 + 32 * i));
    }
    HEARTH_ALWAYS void pieces(__m512i (&u)[4]) const {
        const __m512i even = quarters(p + 8, 32);
        const __m512i odd = quarters(p + 24, 32);
        u[0] = lowNibbles(even);
        u[1] = highNibbles(even);
        u[2] = lowNibbles(odd);
        u[3] = highNibbles(odd);
        lookUp(u, iq4Values());
    }
};

// --- codebooks -------------------------------------------------------------------------------------------------------

/// Four words of a grid. Broadcasts that merge under a mask need no shuffle port, which is the busy one here; gathers are no
/// faster on processors that have them fast and much slower on those that do not.
HEARTH_ALWAYS __m256i gridWords(const std::uint64_t* grid, std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    const auto at = [&](std::uint32_t i) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(grid + i)); };
    __m256i words = _mm256_broadcastq_epi64(at(a));
    words = _mm256_mask_broadcastq_epi64(words, 0x2, at(b));
    words = _mm256_mask_broadcastq_epi64(words, 0x4, at(c));
    return _mm256_mask_broadcastq_epi64(words, 0x8, at(d));
}

/// The eight grid words of 64 columns.
template <class C>
HEARTH_ALWAYS __m512i gridLanes(const C& code, const std::uint64_t* grid, int i) {
    const auto four = [&](int l) {
        return gridWords(grid, code.index(l), code.index(l + 1), code.index(l + 2), code.index(l + 3));
    };
    return _mm512_inserti64x4(_mm512_castsi256_si512(four(8 * i)), four(8 * i + 4), 1);
}

template <DType D>
struct FromCodebook {
    static constexpr int kOffset = Codebook<D>::kOffset;
    static constexpr int kBlockElements = kChunk;
    static constexpr int kChunkBytes = Codebook<D>::kBytes;
    static constexpr int kGroup = Codebook<D>::kGroup;

    Codebook<D> code;
    __m512 scale;
    __m512 minimum;

    HEARTH_ALWAYS explicit FromCodebook(const std::uint8_t* chunk) : code(chunk) {
        scale = widen(code.scale[0]);
        minimum = widen(code.minimum[0]);
        if constexpr (kGroup == 16) {
            scale = _mm512_insertf32x8(scale, code.scale[1], 1);
            minimum = _mm512_insertf32x8(minimum, code.minimum[1], 1);
        }
    }
    [[nodiscard]] HEARTH_ALWAYS __m512i applySigns(__m512i magnitudes, int i) const {
        std::uint64_t negative;
        std::memcpy(&negative, code.signs + 2 * i, sizeof negative);
        const __m512i middle = _mm512_set1_epi8(static_cast<char>(kMagnitudeOffset));
        return _mm512_mask_sub_epi8(_mm512_add_epi8(middle, magnitudes), negative, middle, magnitudes);
    }
};

#define HEARTH_ROW(NAME)                                                                                               \
    template <>                                                                                                        \
    struct Format<DType::NAME> : FromCodebook<DType::NAME> {                                                           \
        using FromCodebook::FromCodebook;                                                                              \
        [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {                                                       \
            return applySigns(gridLanes(code, Codebook<DType::NAME>::grid(), i), i);                                   \
        }                                                                                                              \
    };
HEARTH_ROW(IQ2_XXS)
HEARTH_ROW(IQ2_XS)
HEARTH_ROW(IQ2_S)
#undef HEARTH_ROW

template <>
struct Format<DType::IQ3_XXS> : FromCodebook<DType::IQ3_XXS> {
    using FromCodebook::FromCodebook;
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        const __m512i index = _mm512_cvtepu8_epi32(load16(code.p + 2 + 16 * i));
        return applySigns(_mm512_i32gather_epi32(index, kIq3xxsGrid, 4), i);
    }
};

template <>
struct Format<DType::IQ3_S> : FromCodebook<DType::IQ3_S> {
    using FromCodebook::FromCodebook;
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        const __m512i low = _mm512_cvtepu8_epi32(load16(code.p + 2 + 16 * i));
        const __m512i index = _mm512_mask_add_epi32(low, loadAs<std::uint16_t>(code.p + 66 + 2 * i), low, _mm512_set1_epi32(256));
        return applySigns(_mm512_i32gather_epi32(index, kIq3sGrid, 4), i);
    }
};

template <>
struct Format<DType::IQ1_S> : FromCodebook<DType::IQ1_S> {
    using FromCodebook::FromCodebook;
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        return _mm512_add_epi8(gridLanes(code, kIq1sGrid, i), _mm512_set1_epi8(1));
    }
};

template <>
struct Format<DType::IQ1_M> : FromCodebook<DType::IQ1_M> {
    using FromCodebook::FromCodebook;
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const {
        const __m512i grid = _mm512_add_epi8(gridLanes(code, kIq1sGrid, i), _mm512_set1_epi8(1));
        const auto at = [&](int l) { return code.raise(8 * i + l); };
        const __m512i raise = _mm512_setr_epi64(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7));
        return _mm512_add_epi8(_mm512_slli_epi16(grid, 3), raise); // up to 2 * 8: nothing crosses into a neighbour
    }
};

// --- the rest ----------------------------------------------------------------------------------------------------------

template <DType D>
struct FromScalar {
    static constexpr int kOffset = ScalarFormat<D>::kOffset;
    static constexpr int kBlockElements = kChunk;
    static constexpr int kChunkBytes = sizeof(typename ScalarFormat<D>::Block);
    static constexpr int kGroup = 32;

    ScalarChunk unpacked;
    __m512 scale;
    __m512 minimum;

    HEARTH_ALWAYS explicit FromScalar(const std::uint8_t* chunk) {
        unpackScalar<D>(unpacked, chunk);
        scale = widen(_mm256_set1_ps(unpacked.scale));
        minimum = widen(_mm256_set1_ps(unpacked.minimum));
    }
    [[nodiscard]] HEARTH_ALWAYS __m512i lanes(int i) const { return _mm512_load_si512(unpacked.u + 64 * i); }
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
