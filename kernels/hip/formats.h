// SPDX-License-Identifier: Apache-2.0
//
// How the GPU unpacks each weight format from its planes (planes.h). The unit is a chunk: kRuns runs of 16 neighbouring values whose bits share
// the bytes of one 16-byte load where the format allows. A run is 16 signed bytes in four words, a scale and a minimum:
//     value[i] = scale * q[i] + minimum
// An offset that a format subtracts from q (8 in Q4_0, 32 in Q6_K) goes into the minimum: products get it from the sums of Q8Rows for nothing.
//
// Each format has    kBlock      values per block            kRuns    runs per chunk
//                    kMinimum    false: the minimum is 0     kRest    products multiply the rounding's rest too (under four bits)
//                    kRows       output rows of a wave in a product with one row of x (hip_products.cpp: matvecRowsOfOne says the same to the host)
//                    kWhole32    runs 2 i and 2 i + 1 are a block of 32 neighbours with one scale and minimum: products take them as one
//                    Raw, load(planes, block, chunk), run(raw, chunk, j, q, scale, minimum), runIndex(chunk, j): which 16 of the block
// Layouts: kernels/quant/*.h. Device code only.
#pragma once

#include "kernels/hip/device.h"
#include "kernels/quant/codebooks.h"

namespace hearth::kernels::formats {

struct PlanePointers {
    const std::uint8_t* plane[5];
};

template <typename T>
HEARTH_DEVICE T loadAt(const std::uint8_t* plane, std::int64_t byteOffset) {
    return *reinterpret_cast<const T*>(plane + byteOffset);
}
HEARTH_DEVICE Int4 load16(const std::uint8_t* plane, std::int64_t byteOffset) {
    return loadOnce(reinterpret_cast<const Int4*>(plane + byteOffset));
}
HEARTH_DEVICE int word(const Int4& v, int i) {
    return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w;
}
/// Four bits to the lowest bits of four bytes.
HEARTH_DEVICE int spreadBits(int bits) {
    return ((bits & 15) * 0x00204081) & 0x01010101;
}
/// Bytes of magnitudes (none zero) negated where the bit is set. ~m + 1 cannot carry, because m is not 0.
HEARTH_DEVICE int negateBytes(int magnitudes, int bits) {
    const int ones = spreadBits(bits);
    return (magnitudes ^ (ones * 255)) + ones;
}
HEARTH_DEVICE int lowNibbles(int packed, int j) {
    return packed >> (4 * j) & 0x0f0f0f0f;
}
HEARTH_DEVICE int bitPairs(int packed, int j) {
    return packed >> (2 * j) & 0x03030303;
}
/// The 6-bit scale and minimum of sub-block `sub` from the packed 12 bytes of Q4_K and Q5_K.
HEARTH_DEVICE void kScales(const Int4& head, int sub, float& scale, float& minimum) {
    const int shift = 8 * (sub & 3);
    const int a = head.y >> shift;
    const int b = head.z >> shift;
    const int c = head.w >> shift;
    const int s = sub < 4 ? a & 63 : (c & 15) | (a >> 2 & 0x30);
    const int m = sub < 4 ? b & 63 : (c >> 4 & 15) | (b >> 2 & 0x30);
    scale = halfBitsToFloat(static_cast<std::uint16_t>(head.x)) * static_cast<float>(s);
    minimum = -halfBitsToFloat(static_cast<std::uint16_t>(static_cast<unsigned>(head.x) >> 16)) * static_cast<float>(m);
}

// --- blocks of 32, two runs that are the low and the high nibbles of 16 bytes ----------------------------------------------
struct NibbleBlock {
    static constexpr int kBlock = 32;
    static constexpr int kRuns = 2;
    static constexpr bool kWhole32 = true;
    static constexpr int kRows = 2;
    static constexpr bool kRest = false;
    static HEARTH_METHOD int runIndex(int, int j) { return j; }
};

struct Q4_0 : NibbleBlock {
    static constexpr bool kMinimum = true;
    struct Raw {
        Int4 q;
        float d;
    };
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int) {
        return {load16(p.plane[0], block * 16), halfBitsToFloat(loadAt<std::uint16_t>(p.plane[1], block * 2))};
    }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
#pragma unroll
        for (int i = 0; i < 4; ++i) q[i] = lowNibbles(word(raw.q, i), j);
        scale = raw.d;
        minimum = -8.0f * raw.d;
    }
};

struct Q4_1 : NibbleBlock {
    static constexpr bool kMinimum = true;
    struct Raw {
        Int4 q;
        std::uint32_t head;
    };
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int) {
        return {load16(p.plane[0], block * 16), loadAt<std::uint32_t>(p.plane[1], block * 4)};
    }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
#pragma unroll
        for (int i = 0; i < 4; ++i) q[i] = lowNibbles(word(raw.q, i), j);
        scale = halfBitsToFloat(static_cast<std::uint16_t>(raw.head));
        minimum = halfBitsToFloat(static_cast<std::uint16_t>(raw.head >> 16));
    }
};

struct Q5_0 : NibbleBlock {
    static constexpr bool kMinimum = true;
    struct Raw {
        Int4 q;
        std::uint32_t high;
        float d;
    };
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int) {
        return {load16(p.plane[0], block * 16), loadAt<std::uint32_t>(p.plane[1], block * 4),
                halfBitsToFloat(loadAt<std::uint16_t>(p.plane[2], block * 2))};
    }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            q[i] = lowNibbles(word(raw.q, i), j) | spreadBits(static_cast<int>(raw.high >> (16 * j + 4 * i))) << 4;
        }
        scale = raw.d;
        minimum = -16.0f * raw.d;
    }
};

struct Q5_1 : NibbleBlock {
    static constexpr bool kMinimum = true;
    struct Raw {
        Int4 q;
        std::uint32_t high;
        std::uint32_t head;
    };
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int) {
        return {load16(p.plane[0], block * 16), loadAt<std::uint32_t>(p.plane[1], block * 4),
                loadAt<std::uint32_t>(p.plane[2], block * 4)};
    }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            q[i] = lowNibbles(word(raw.q, i), j) | spreadBits(static_cast<int>(raw.high >> (16 * j + 4 * i))) << 4;
        }
        scale = halfBitsToFloat(static_cast<std::uint16_t>(raw.head));
        minimum = halfBitsToFloat(static_cast<std::uint16_t>(raw.head >> 16));
    }
};

/// Nibbles through a table of 16 signed bytes, given as four words.
template <int t0, int t1, int t2, int t3>
HEARTH_DEVICE void tableNibbles(const Int4& packed, int j, int (&q)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) q[i] = lookUpBytes(t0, t1, t2, t3, lowNibbles(word(packed, i), j));
}
HEARTH_DEVICE void iq4Nibbles(const Int4& packed, int j, int (&q)[4]) {
    // kIq4nlValues: -127 -104 -83 -65 | -49 -35 -22 -10 | 1 13 25 38 | 53 69 89 113
    tableNibbles<static_cast<int>(0xbfad9881u), static_cast<int>(0xf6eaddcfu), 0x26190d01, 0x71594535>(packed, j, q);
}

struct IQ4_NL : NibbleBlock {
    static constexpr bool kMinimum = false;
    using Raw = Q4_0::Raw;
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) { return Q4_0::load(p, block, chunk); }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
        iq4Nibbles(raw.q, j, q);
        scale = raw.d;
        minimum = 0.0f;
    }
};

struct MXFP4 : NibbleBlock {
    static constexpr bool kMinimum = false;
    using Raw = Q4_0::Raw;
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int) {
        const std::uint32_t e = loadAt<std::uint8_t>(p.plane[1], block);
        return {load16(p.plane[0], block * 16), floatFromBits(e < 2 ? 0x00200000u << e : (e - 1) << 23)};
    }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
        // kMxfp4DoubledValues: 0 1 2 3 | 4 6 8 12 | 0 -1 -2 -3 | -4 -6 -8 -12
        tableNibbles<0x03020100, 0x0c080604, static_cast<int>(0xfdfeff00u), static_cast<int>(0xf4f8fafcu)>(raw.q, j, q);
        scale = raw.d;
        minimum = 0.0f;
    }
};

struct Q8_0 {
    static constexpr int kBlock = 32;
    static constexpr int kRuns = 2;
    static constexpr bool kWhole32 = true;
    static constexpr int kRows = 1;
    static constexpr bool kMinimum = false;
    static constexpr bool kRest = false;
    struct Raw {
        Int4 first;
        Int4 second;
        float d;
    };
    static HEARTH_METHOD int runIndex(int, int j) { return j; }
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int) {
        return {load16(p.plane[0], block * 32), load16(p.plane[0], block * 32 + 16), halfBitsToFloat(loadAt<std::uint16_t>(p.plane[1], block * 2))};
    }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
#pragma unroll
        for (int i = 0; i < 4; ++i) q[i] = word(j == 0 ? raw.first : raw.second, i);
        scale = raw.d;
        minimum = 0.0f;
    }
};

// --- blocks of 256 --------------------------------------------------------------------------------------------------------
/// Chunks of 64: the low nibbles of 32 bytes are one sub-block, the high ones the next.
struct Q4_K {
    static constexpr int kBlock = 256;
    static constexpr int kRuns = 4;
    static constexpr bool kWhole32 = true;
    static constexpr int kRows = 2;
    static constexpr bool kMinimum = true;
    static constexpr bool kRest = false;
    struct Raw {
        Int4 first;
        Int4 second;
        Int4 head;
    };
    static HEARTH_METHOD int runIndex(int chunk, int j) { return chunk * 4 + j; }
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        return {load16(p.plane[0], block * 128 + chunk * 32), load16(p.plane[0], block * 128 + chunk * 32 + 16), load16(p.plane[1], block * 16)};
    }
    static HEARTH_METHOD void run(const Raw& raw, int chunk, int j, int (&q)[4], float& scale, float& minimum) {
#pragma unroll
        for (int i = 0; i < 4; ++i) q[i] = lowNibbles(word(j % 2 == 0 ? raw.first : raw.second, i), j / 2);
        kScales(raw.head, chunk * 2 + j / 2, scale, minimum);
    }
};

struct Q5_K {
    static constexpr int kBlock = 256;
    static constexpr int kRuns = 4;
    static constexpr bool kWhole32 = true;
    static constexpr int kRows = 2;
    static constexpr bool kMinimum = true;
    static constexpr bool kRest = false;
    struct Raw {
        Int4 first;
        Int4 second;
        Int4 highFirst; ///< bit s of a byte belongs to sub-block s
        Int4 highSecond;
        Int4 head;
    };
    static HEARTH_METHOD int runIndex(int chunk, int j) { return chunk * 4 + j; }
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        return {load16(p.plane[0], block * 128 + chunk * 32), load16(p.plane[0], block * 128 + chunk * 32 + 16),
                load16(p.plane[1], block * 32), load16(p.plane[1], block * 32 + 16), load16(p.plane[2], block * 16)};
    }
    static HEARTH_METHOD void run(const Raw& raw, int chunk, int j, int (&q)[4], float& scale, float& minimum) {
        const int sub = chunk * 2 + j / 2;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            q[i] = lowNibbles(word(j % 2 == 0 ? raw.first : raw.second, i), j / 2) |
                   (word(j % 2 == 0 ? raw.highFirst : raw.highSecond, i) >> sub & 0x01010101) << 4;
        }
        kScales(raw.head, sub, scale, minimum);
    }
};

struct Q6_K {
    static constexpr int kBlock = 256;
    static constexpr int kRuns = 2;
    static constexpr bool kWhole32 = false;
    static constexpr int kRows = kWaveSize == 64 ? 2 : 4; // GFX9 has not the registers
    static constexpr bool kMinimum = true;
    static constexpr bool kRest = false;
    struct Raw {
        Int4 low;
        Int4 high;
        float d;
        int scales; ///< of the two runs, in the lower two bytes
    };
    /// chunk = half * 4 + quarter pair * 2 + first or second 16
    static HEARTH_METHOD int runIndex(int chunk, int j) { return chunk / 4 * 8 + (chunk / 2 % 2 + 2 * j) * 2 + chunk % 2; }
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        const int first = loadAt<std::uint8_t>(p.plane[2], block * 16 + runIndex(chunk, 0));
        const int second = loadAt<std::uint8_t>(p.plane[2], block * 16 + runIndex(chunk, 1));
        return {load16(p.plane[0], block * 128 + chunk * 16), load16(p.plane[1], block * 64 + chunk / 4 * 32 + chunk % 2 * 16),
                halfBitsToFloat(loadAt<std::uint16_t>(p.plane[3], block * 2)), first | second << 8};
    }
    static HEARTH_METHOD void run(const Raw& raw, int chunk, int j, int (&q)[4], float& scale, float& minimum) {
        const int quarter = chunk / 2 % 2 + 2 * j;
#pragma unroll
        for (int i = 0; i < 4; ++i) q[i] = lowNibbles(word(raw.low, i), j) | bitPairs(word(raw.high, i), quarter) << 4;
        scale = raw.d * static_cast<float>(static_cast<std::int8_t>(raw.scales >> (8 * j)));
        minimum = -32.0f * scale;
    }
};

struct Q2_K {
    static constexpr int kBlock = 256;
    static constexpr int kRuns = 4;
    static constexpr bool kWhole32 = false;
    static constexpr int kRows = 2;
    static constexpr bool kMinimum = true;
    static constexpr bool kRest = true;
    struct Raw {
        Int4 q;
        Int2 scales; ///< of the half's eight runs
        std::uint32_t head;
    };
    /// chunk = half * 2 + first or second 16
    static HEARTH_METHOD int runIndex(int chunk, int j) { return chunk / 2 * 8 + j * 2 + chunk % 2; }
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        return {load16(p.plane[0], block * 64 + chunk * 16), loadAt<Int2>(p.plane[1], block * 16 + chunk / 2 * 8),
                loadAt<std::uint32_t>(p.plane[2], block * 4)};
    }
    static HEARTH_METHOD void run(const Raw& raw, int chunk, int j, int (&q)[4], float& scale, float& minimum) {
#pragma unroll
        for (int i = 0; i < 4; ++i) q[i] = bitPairs(word(raw.q, i), j);
        const int packed = (j < 2 ? raw.scales.x : raw.scales.y) >> (j % 2 * 16 + chunk % 2 * 8);
        scale = halfBitsToFloat(static_cast<std::uint16_t>(raw.head)) * static_cast<float>(packed & 15);
        minimum = -halfBitsToFloat(static_cast<std::uint16_t>(raw.head >> 16)) * static_cast<float>(packed >> 4 & 15);
    }
};

struct Q3_K {
    static constexpr int kBlock = 256;
    static constexpr int kRuns = 4;
    static constexpr bool kWhole32 = false;
    static constexpr int kRows = 2;
    static constexpr bool kMinimum = true;
    static constexpr bool kRest = true;
    struct Raw {
        Int4 q;
        Int4 high;
        int scales[3];
        float d;
    };
    static HEARTH_METHOD int runIndex(int chunk, int j) { return Q2_K::runIndex(chunk, j); }
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        return {load16(p.plane[0], block * 64 + chunk * 16),
                load16(p.plane[1], block * 32 + chunk % 2 * 16),
                {loadAt<int>(p.plane[2], block * 12), loadAt<int>(p.plane[2], block * 12 + 4), loadAt<int>(p.plane[2], block * 12 + 8)},
                halfBitsToFloat(loadAt<std::uint16_t>(p.plane[3], block * 2))};
    }
    static HEARTH_METHOD void run(const Raw& raw, int chunk, int j, int (&q)[4], float& scale, float& minimum) {
        const int half = chunk / 2;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            q[i] = bitPairs(word(raw.q, i), j) | (word(raw.high, i) >> (half * 4 + j) & 0x01010101) << 2;
        }
        const int sub = j * 2 + chunk % 2; // within the half: low nibbles are the first half's, high ones the second's
        const int low = (sub < 4 ? raw.scales[0] : raw.scales[1]) >> (8 * (sub & 3) + 4 * half) & 15;
        const int top = raw.scales[2] >> (8 * (sub & 3) + 2 * (half * 2 + sub / 4)) & 3;
        scale = raw.d * static_cast<float>((low | top << 4) - 32);
        minimum = -4.0f * scale;
    }
};

struct IQ4_XS {
    static constexpr int kBlock = 256;
    static constexpr int kRuns = 2;
    static constexpr bool kWhole32 = true;
    static constexpr int kRows = 2;
    static constexpr bool kMinimum = false;
    static constexpr bool kRest = false;
    struct Raw {
        Int4 q;
        Int2 head; ///< f16 d, 16 bits of high scale bits, 4 bytes of low ones
    };
    static HEARTH_METHOD int runIndex(int chunk, int j) { return chunk * 2 + j; }
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        return {load16(p.plane[0], block * 128 + chunk * 16), loadAt<Int2>(p.plane[1], block * 8)};
    }
    static HEARTH_METHOD void run(const Raw& raw, int chunk, int j, int (&q)[4], float& scale, float& minimum) {
        iq4Nibbles(raw.q, j, q);
        const int s = (raw.head.y >> (4 * chunk) & 15) | (raw.head.x >> (16 + 2 * chunk) & 3) << 4;
        scale = halfBitsToFloat(static_cast<std::uint16_t>(raw.head.x)) * static_cast<float>(s - 32);
        minimum = 0.0f;
    }
};

struct TQ2_0 {
    static constexpr int kBlock = 256;
    static constexpr int kRuns = 4;
    static constexpr bool kWhole32 = false;
    static constexpr int kRows = 2;
    static constexpr bool kMinimum = true;
    static constexpr bool kRest = true;
    using Raw = Q4_0::Raw;
    static HEARTH_METHOD int runIndex(int chunk, int j) { return Q2_K::runIndex(chunk, j); }
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        return {load16(p.plane[0], block * 64 + chunk * 16), halfBitsToFloat(loadAt<std::uint16_t>(p.plane[1], block * 2))};
    }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
#pragma unroll
        for (int i = 0; i < 4; ++i) q[i] = bitPairs(word(raw.q, i), j);
        scale = raw.d;
        minimum = -raw.d;
    }
};

/// Base 3: digit n of a byte is pushed out on top by the multiplication with 3^n, then 3.
struct TQ1_0 {
    static constexpr int kBlock = 256;
    static constexpr int kRuns = 1;
    static constexpr bool kWhole32 = false;
    static constexpr int kRows = 2;
    static constexpr bool kMinimum = true;
    static constexpr bool kRest = true;
    struct Raw {
        Int4 q;
        float d;
    };
    static HEARTH_METHOD int runIndex(int chunk, int) { return chunk; }
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        const float d = halfBitsToFloat(loadAt<std::uint16_t>(p.plane[2], block * 2));
        if (chunk < 15) return {load16(p.plane[0], block * 48 + (chunk < 10 ? chunk % 2 * 16 : 32)), d};
        const int rest = loadAt<int>(p.plane[1], block * 4);
        return {{rest, rest, rest, rest}, d};
    }
    static HEARTH_METHOD int digits(int bytes, unsigned power) {
        int q = 0;
#pragma unroll
        for (int b = 0; b < 4; ++b) {
            const unsigned fraction = (static_cast<unsigned>(bytes) >> (8 * b) & 255u) * power & 255u;
            q |= static_cast<int>(fraction * 3u >> 8) << (8 * b);
        }
        return q;
    }
    static HEARTH_METHOD void run(const Raw& raw, int chunk, int, int (&q)[4], float& scale, float& minimum) {
        const int digit = chunk < 10 ? chunk / 2 : chunk - 10;
        const unsigned power = digit == 0 ? 1u : digit == 1 ? 3u : digit == 2 ? 9u : digit == 3 ? 27u : 81u;
        if (chunk < 15) {
#pragma unroll
            for (int i = 0; i < 4; ++i) q[i] = digits(word(raw.q, i), power);
        } else {
            q[0] = digits(raw.q.x, 1u);
            q[1] = digits(raw.q.y, 3u);
            q[2] = digits(raw.q.z, 9u);
            q[3] = digits(raw.q.w, 27u);
        }
        scale = raw.d;
        minimum = -raw.d;
    }
};

// --- codebooks: chunks are the sub-blocks of 32 ---------------------------------------------------------------------------
struct GridBlock {
    static constexpr int kBlock = 256;
    static constexpr int kRuns = 2;
    static constexpr int kRows = 2;
    static constexpr bool kRest = true;
    static HEARTH_METHOD int runIndex(int chunk, int j) { return chunk * 2 + j; }
};

/// Eight magnitudes with eight signs.
HEARTH_DEVICE void signedGrid(std::uint64_t grid, int signs, int& low, int& high) {
    low = negateBytes(static_cast<int>(grid), signs);
    high = negateBytes(static_cast<int>(grid >> 32), signs >> 4);
}

struct IQ2_XXS : GridBlock {
    static constexpr bool kWhole32 = true;
    static constexpr bool kMinimum = false;
    struct Raw {
        Int2 q;
        float d;
    };
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        return {loadAt<Int2>(p.plane[0], block * 64 + chunk * 8), halfBitsToFloat(loadAt<std::uint16_t>(p.plane[1], block * 2))};
    }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
        const auto signs = static_cast<unsigned>(raw.q.y);
#pragma unroll
        for (int l = 0; l < 2; ++l) {
            const int at = 2 * j + l;
            signedGrid(kIq2xxsGrid[raw.q.x >> (8 * at) & 255], kIq2Signs[signs >> (7 * at) & 127u], q[2 * l], q[2 * l + 1]);
        }
        scale = raw.d * (0.5f + static_cast<float>(signs >> 28)) * 0.25f;
        minimum = 0.0f;
    }
};

struct IQ2_XS : GridBlock {
    static constexpr bool kWhole32 = false;
    static constexpr bool kMinimum = false;
    struct Raw {
        Int2 q;
        float d;
        int scales;
    };
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        return {loadAt<Int2>(p.plane[0], block * 64 + chunk * 8), halfBitsToFloat(loadAt<std::uint16_t>(p.plane[2], block * 2)),
                loadAt<std::uint8_t>(p.plane[1], block * 8 + chunk)};
    }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
        const auto pair = static_cast<unsigned>(j == 0 ? raw.q.x : raw.q.y);
#pragma unroll
        for (int l = 0; l < 2; ++l) {
            const unsigned index = pair >> (16 * l) & 0xffffu;
            signedGrid(kIq2xsGrid[index & 511u], kIq2Signs[index >> 9], q[2 * l], q[2 * l + 1]);
        }
        scale = raw.d * (0.5f + static_cast<float>(raw.scales >> (4 * j) & 15)) * 0.25f;
        minimum = 0.0f;
    }
};

struct IQ2_S : GridBlock {
    static constexpr bool kWhole32 = false;
    static constexpr bool kMinimum = false;
    struct Raw {
        int low;
        int signs;
        int high;
        int scales;
        float d;
    };
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        return {loadAt<int>(p.plane[0], block * 64 + chunk * 4), loadAt<int>(p.plane[0], block * 64 + 32 + chunk * 4),
                loadAt<std::uint8_t>(p.plane[1], block * 8 + chunk), loadAt<std::uint8_t>(p.plane[2], block * 8 + chunk),
                halfBitsToFloat(loadAt<std::uint16_t>(p.plane[3], block * 2))};
    }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
#pragma unroll
        for (int l = 0; l < 2; ++l) {
            const int at = 2 * j + l;
            const int index = (raw.low >> (8 * at) & 255) | (raw.high >> (2 * at) & 3) << 8;
            signedGrid(kIq2sGrid[index], raw.signs >> (8 * at), q[2 * l], q[2 * l + 1]);
        }
        scale = raw.d * (0.5f + static_cast<float>(raw.scales >> (4 * j) & 15)) * 0.25f;
        minimum = 0.0f;
    }
};

struct IQ3_XXS : GridBlock {
    static constexpr bool kWhole32 = true;
    static constexpr bool kMinimum = false;
    struct Raw {
        Int2 q;
        std::uint32_t signs;
        float d;
    };
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        return {loadAt<Int2>(p.plane[0], block * 64 + chunk * 8), loadAt<std::uint32_t>(p.plane[1], block * 32 + chunk * 4),
                halfBitsToFloat(loadAt<std::uint16_t>(p.plane[2], block * 2))};
    }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
        const int indices = j == 0 ? raw.q.x : raw.q.y;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int signs = kIq2Signs[raw.signs >> (7 * (2 * j + i / 2)) & 127u];
            q[i] = negateBytes(static_cast<int>(kIq3xxsGrid[indices >> (8 * i) & 255]), signs >> (i % 2 * 4));
        }
        scale = raw.d * (0.5f + static_cast<float>(raw.signs >> 28)) * 0.5f;
        minimum = 0.0f;
    }
};

struct IQ3_S : GridBlock {
    static constexpr bool kWhole32 = true;
    static constexpr bool kMinimum = false;
    struct Raw {
        Int2 low;
        int signs;
        int high;
        int scales;
        float d;
    };
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        return {loadAt<Int2>(p.plane[0], block * 64 + chunk * 8), loadAt<int>(p.plane[1], block * 32 + chunk * 4),
                loadAt<std::uint8_t>(p.plane[2], block * 8 + chunk),
                loadAt<std::uint8_t>(p.plane[3], block * 4 + chunk / 2) >> (chunk % 2 * 4) & 15,
                halfBitsToFloat(loadAt<std::uint16_t>(p.plane[4], block * 2))};
    }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
        const int low = j == 0 ? raw.low.x : raw.low.y;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int index = (low >> (8 * i) & 255) | (raw.high >> (4 * j + i) & 1) << 8;
            q[i] = negateBytes(static_cast<int>(kIq3sGrid[index]), raw.signs >> (16 * j + 4 * i));
        }
        scale = raw.d * static_cast<float>(1 + 2 * raw.scales);
        minimum = 0.0f;
    }
};

/// Values -1, 0, 1 shifted by an eighth up or down: q = 8 (g + 1) + 2 where up, so that value = scale / 8 * (q - 9).
HEARTH_DEVICE int shiftedSigns(std::uint32_t grid, int up) {
    const auto oneMore = static_cast<int>(((grid ^ 0x80808080u) + 0x01010101u) & 0x03030303u);
    return oneMore << 3 | (up != 0 ? 0x02020202 : 0);
}

struct IQ1_S : GridBlock {
    static constexpr bool kWhole32 = true;
    static constexpr bool kMinimum = true;
    struct Raw {
        int low;
        int high;
        float d;
    };
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        return {loadAt<int>(p.plane[0], block * 32 + chunk * 4), loadAt<std::uint16_t>(p.plane[1], block * 16 + chunk * 2),
                halfBitsToFloat(loadAt<std::uint16_t>(p.plane[2], block * 2))};
    }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
        const int up = (raw.high & 0x8000) == 0;
#pragma unroll
        for (int l = 0; l < 2; ++l) {
            const int at = 2 * j + l;
            const std::uint64_t grid = kIq1sGrid[(raw.low >> (8 * at) & 255) | (raw.high >> (3 * at) & 7) << 8];
            q[2 * l] = shiftedSigns(static_cast<std::uint32_t>(grid), up);
            q[2 * l + 1] = shiftedSigns(static_cast<std::uint32_t>(grid >> 32), up);
        }
        scale = raw.d * static_cast<float>(2 * (raw.high >> 12 & 7) + 1) * 0.125f;
        minimum = -9.0f * scale;
    }
};

struct IQ1_M : GridBlock {
    static constexpr bool kWhole32 = false;
    static constexpr bool kMinimum = true;
    struct Raw {
        int low;
        int high;   ///< four nibbles
        int scales; ///< two of 3 bits
        float d;
    };
    static HEARTH_METHOD Raw load(const PlanePointers& p, std::int64_t block, int chunk) {
        const Int2 words = loadAt<Int2>(p.plane[2], block * 8);
        const int bits = (words.x >> 12 & 0xf) | (words.x >> 24 & 0xf0) | (words.y >> 4 & 0xf00) | (words.y >> 16 & 0xf000);
        const int packed = (chunk < 4 ? words.x : words.y) >> (chunk / 2 % 2 * 16 + chunk % 2 * 6);
        return {loadAt<int>(p.plane[0], block * 32 + chunk * 4), loadAt<std::uint16_t>(p.plane[1], block * 16 + chunk * 2), packed & 63,
                halfBitsToFloat(static_cast<std::uint16_t>(bits))};
    }
    static HEARTH_METHOD void run(const Raw& raw, int, int j, int (&q)[4], float& scale, float& minimum) {
#pragma unroll
        for (int l = 0; l < 2; ++l) {
            const int at = 2 * j + l;
            const int nibble = raw.high >> (4 * at) & 15;
            const std::uint64_t grid = kIq1sGrid[(raw.low >> (8 * at) & 255) | (nibble & 7) << 8];
            q[2 * l] = shiftedSigns(static_cast<std::uint32_t>(grid), (nibble & 8) == 0);
            q[2 * l + 1] = shiftedSigns(static_cast<std::uint32_t>(grid >> 32), (nibble & 8) == 0);
        }
        scale = raw.d * static_cast<float>(2 * (raw.scales >> (3 * j) & 7) + 1) * 0.125f;
        minimum = -9.0f * scale;
    }
};

} // namespace hearth::kernels::formats

/// Every format that has an unpacker here; X(NAME). F32, F16 and BF16 need none.
#define HEARTH_QUANTISED_FORMATS(X)                                                                                                       \
    X(IQ1_M) X(IQ1_S) X(IQ2_S) X(IQ2_XS) X(IQ2_XXS) X(IQ3_S) X(IQ3_XXS) X(IQ4_NL) X(IQ4_XS) X(MXFP4) X(Q2_K) X(Q3_K) X(Q4_0) X(Q4_1) X(Q4_K) \
    X(Q5_0) X(Q5_1) X(Q5_K) X(Q6_K) X(Q8_0) X(TQ1_0) X(TQ2_0)
