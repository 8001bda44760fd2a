// SPDX-License-Identifier: Apache-2.0
//
// Unpacking in plain C++, eight values to a 64-bit word, for the rarer formats: the dot products stay vectorised.
// Values and meaning as in the Format structs (avx2_formats.h): value = scale * u - minimum for each group.
// Included by the translation unit of one instruction set; everything here is internal to it.
#pragma once

#include "kernels/cpu/simd/activation_panel.h"
#include "kernels/dtype.h"
#include "kernels/quant/iq1_m.h"
#include "kernels/quant/iq1_s.h"
#include "kernels/quant/iq2_s.h"
#include "kernels/quant/iq2_xs.h"
#include "kernels/quant/iq3_s.h"
#include "kernels/quant/tq1_0.h"
#include "kernels/quant/tq2_0.h"

#include <cstring>

namespace hearth::kernels {

namespace {

template <int Groups>
struct ScalarChunk {
    alignas(64) std::uint8_t u[kChunk];
    alignas(64) float scale[Groups];
    alignas(64) float minimum[Groups];

    HEARTH_ALWAYS void put8(int at, std::uint64_t bytes) { std::memcpy(u + at, &bytes, sizeof bytes); }
};

constexpr std::uint64_t kEachByte = 0x0101010101010101u;

/// 64 + byte i of magnitudes (below 64), or 64 - it where bit i of signs is set.
HEARTH_ALWAYS std::uint64_t signedBytes(std::uint64_t magnitudes, std::uint8_t signs) {
    const std::uint64_t bits = signs * kEachByte & 0x8040201008040201u;
    const std::uint64_t negative = ((bits + 0x7f * kEachByte) >> 7 & kEachByte) * 0xff;
    return 64 * kEachByte + (magnitudes & ~negative) - (magnitudes & negative);
}

/// 1 + byte i of a grid of -1, 0, 1.
HEARTH_ALWAYS std::uint64_t raisedBytes(std::uint64_t grid) {
    return ((grid & 0x7f * kEachByte) + kEachByte) ^ (grid & 0x80 * kEachByte);
}

/// The nibble of group g (of 16) in the scale bytes of IQ2_XS and IQ2_S.
HEARTH_ALWAYS void setGridScales(ScalarChunk<16>& out, float d, const std::uint8_t* scales) {
    for (int g = 0; g < 16; ++g) {
        out.scale[g] = d * 0.125f * static_cast<float>(2 * (scales[g / 2] >> (g % 2 * 4) & 15) + 1);
        out.minimum[g] = 64.0f * out.scale[g];
    }
}

template <DType D>
struct ScalarFormat;

template <>
struct ScalarFormat<DType::IQ2_XS> {
    using Block = BlockIQ2_XS;
    static constexpr int kGroup = 16;
    static constexpr int kLargest = 64 + 43;
    static HEARTH_ALWAYS void unpack(ScalarChunk<16>& out, const Block& block) {
        setGridScales(out, halfToFloat(block.d), block.scales);
        for (int l = 0; l < 32; ++l) out.put8(8 * l, signedBytes(kIq2xsGrid[block.q[l] & 511], kIq2Signs[block.q[l] >> 9]));
    }
};

template <>
struct ScalarFormat<DType::IQ2_S> {
    using Block = BlockIQ2_S;
    static constexpr int kGroup = 16;
    static constexpr int kLargest = 64 + 43;
    static HEARTH_ALWAYS void unpack(ScalarChunk<16>& out, const Block& block) {
        setGridScales(out, halfToFloat(block.d), block.scales);
        for (int l = 0; l < 32; ++l) {
            const int index = block.low[l] | (block.high[l / 4] >> (l % 4 * 2) & 3) << 8;
            out.put8(8 * l, signedBytes(kIq2sGrid[index], block.signs[l]));
        }
    }
};

template <>
struct ScalarFormat<DType::IQ3_S> {
    using Block = BlockIQ3_S;
    static constexpr int kGroup = 32;
    static constexpr int kLargest = 64 + 15;
    static HEARTH_ALWAYS void unpack(ScalarChunk<8>& out, const Block& block) {
        const float d = halfToFloat(block.d);
        for (int g = 0; g < 8; ++g) {
            out.scale[g] = d * static_cast<float>(2 * (block.scales[g / 2] >> (g % 2 * 4) & 15) + 1);
            out.minimum[g] = 64.0f * out.scale[g];
        }
        for (int l = 0; l < 32; ++l) {
            const int high = block.high[l / 4] >> (l % 4 * 2);
            const std::uint64_t first = kIq3sGrid[block.low[2 * l] | (high & 1) << 8];
            const std::uint64_t second = kIq3sGrid[block.low[2 * l + 1] | (high & 2) << 7];
            out.put8(8 * l, signedBytes(first | second << 32, block.signs[l]));
        }
    }
};

template <>
struct ScalarFormat<DType::IQ1_S> {
    using Block = BlockIQ1_S;
    static constexpr int kGroup = 32;
    static constexpr int kLargest = 2;
    static HEARTH_ALWAYS void unpack(ScalarChunk<8>& out, const Block& block) {
        const float d = halfToFloat(block.d);
        for (int g = 0; g < 8; ++g) {
            const int high = block.high[g];
            out.scale[g] = d * static_cast<float>(2 * (high >> 12 & 7) + 1);
            out.minimum[g] = out.scale[g] * ((high & 0x8000) != 0 ? 1.0f + kIq1Shift : 1.0f - kIq1Shift);
            for (int l = 0; l < 4; ++l) {
                const int index = block.low[4 * g + l] | (high >> (3 * l) & 7) << 8;
                out.put8(32 * g + 8 * l, raisedBytes(kIq1sGrid[index]));
            }
        }
    }
};

/// The shift changes every 8 values, a scale spans 16: u = 8 (grid + 1) + 1 +- 1, in eighths.
template <>
struct ScalarFormat<DType::IQ1_M> {
    using Block = BlockIQ1_M;
    static constexpr int kGroup = 16;
    static constexpr int kLargest = 18;
    static HEARTH_ALWAYS void unpack(ScalarChunk<16>& out, const Block& block) {
        std::uint32_t bits = 0;
        for (int i = 0; i < 4; ++i) bits |= static_cast<std::uint32_t>(block.scales[i] >> 12) << (4 * i);
        const float eighth = halfToFloat(static_cast<std::uint16_t>(bits)) * kIq1Shift;
        for (int g = 0; g < 16; ++g) {
            out.scale[g] = eighth * static_cast<float>(2 * (block.scales[g / 4] >> (g % 4 * 3) & 7) + 1);
            out.minimum[g] = 9.0f * out.scale[g];
        }
        for (int l = 0; l < 32; ++l) {
            const int nibble = block.high[l / 2] >> (l % 2 * 4) & 15;
            const std::uint64_t grid = kIq1sGrid[block.low[l] | (nibble & 7) << 8];
            out.put8(8 * l, (raisedBytes(grid) << 3) + ((nibble & 8) != 0 ? 0 : 2 * kEachByte));
        }
    }
};

HEARTH_ALWAYS void setOneScale(ScalarChunk<8>& out, float d) {
    for (int g = 0; g < 8; ++g) out.scale[g] = out.minimum[g] = d;
}

template <>
struct ScalarFormat<DType::TQ1_0> {
    using Block = BlockTQ1_0;
    static constexpr int kGroup = 32;
    static constexpr int kLargest = 2;
    static HEARTH_ALWAYS void digits(std::uint8_t* u, const std::uint8_t* bytes, int byteCount, int digitCount) {
        std::uint32_t power = 1;
        for (int n = 0; n < digitCount; ++n, power *= 3) {
            for (int m = 0; m < byteCount; ++m) {
                u[n * byteCount + m] = static_cast<std::uint8_t>((bytes[m] * power & 255u) * 3 >> 8);
            }
        }
    }
    static HEARTH_ALWAYS void unpack(ScalarChunk<8>& out, const Block& block) {
        setOneScale(out, halfToFloat(block.d));
        digits(out.u, block.q, 32, 5);
        digits(out.u + 160, block.q + 32, 16, 5);
        digits(out.u + 240, block.rest, 4, 4);
    }
};

template <>
struct ScalarFormat<DType::TQ2_0> {
    using Block = BlockTQ2_0;
    static constexpr int kGroup = 32;
    static constexpr int kLargest = 3;
    static HEARTH_ALWAYS void unpack(ScalarChunk<8>& out, const Block& block) {
        setOneScale(out, halfToFloat(block.d));
        for (int g = 0; g < 8; ++g) {
            for (int l = 0; l < 32; ++l) {
                out.u[32 * g + l] = static_cast<std::uint8_t>(block.q[g / 4 * 32 + l] >> (g % 4 * 2) & 3);
            }
        }
    }
};

/// Fills a chunk from unaligned bytes.
template <DType D>
HEARTH_ALWAYS void unpackScalar(ScalarChunk<kChunk / ScalarFormat<D>::kGroup>& out, const std::uint8_t* bytes) {
    typename ScalarFormat<D>::Block block;
    std::memcpy(&block, bytes, sizeof block);
    ScalarFormat<D>::unpack(out, block);
}

#define HEARTH_SCALAR_FORMATS(X)                                                                                       \
    X(IQ1_M)                                                                                                           \
    X(IQ1_S)                                                                                                           \
    X(IQ2_S)                                                                                                           \
    X(IQ2_XS)                                                                                                          \
    X(IQ3_S)                                                                                                           \
    X(TQ1_0)                                                                                                           \
    X(TQ2_0)

} // namespace

} // namespace hearth::kernels
