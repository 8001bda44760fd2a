// SPDX-License-Identifier: Apache-2.0
//
// Unpacking in plain C++ for the rarer formats; the dot products stay vectorised.
// Values and meaning as in the Format structs (avx2_formats.h): value = scale * u - minimum for each group.
// Included by the translation unit of one instruction set; everything here is internal to it.
#pragma once

#include "kernels/cpu/simd/activation_panel.h"
#include "kernels/dtype.h"
#include "kernels/quant/tq1_0.h"
#include "kernels/quant/tq2_0.h"

#include <cstring>

namespace hearth::kernels {

namespace {

struct ScalarChunk {
    alignas(64) std::uint8_t u[kChunk];
    float scale; ///< of all 256
    float minimum;
};

template <DType D>
struct ScalarFormat;

template <>
struct ScalarFormat<DType::TQ1_0> {
    using Block = BlockTQ1_0;
    static constexpr int kLargest = 2;
    static constexpr int kOffset = 1; ///< minimum / scale
    static HEARTH_ALWAYS void digits(std::uint8_t* u, const std::uint8_t* bytes, int byteCount, int digitCount) {
        std::uint32_t power = 1;
        for (int n = 0; n < digitCount; ++n, power *= 3) {
            for (int m = 0; m < byteCount; ++m) {
                u[n * byteCount + m] = static_cast<std::uint8_t>((bytes[m] * power & 255u) * 3 >> 8);
            }
        }
    }
    static HEARTH_ALWAYS void unpack(ScalarChunk& out, const Block& block) {
        out.scale = out.minimum = halfToFloat(block.d);
        digits(out.u, block.q, 32, 5);
        digits(out.u + 160, block.q + 32, 16, 5);
        digits(out.u + 240, block.rest, 4, 4);
    }
};

template <>
struct ScalarFormat<DType::TQ2_0> {
    using Block = BlockTQ2_0;
    static constexpr int kLargest = 3;
    static constexpr int kOffset = 1;
    static HEARTH_ALWAYS void unpack(ScalarChunk& out, const Block& block) {
        out.scale = out.minimum = halfToFloat(block.d);
        for (int g = 0; g < 8; ++g) {
            for (int l = 0; l < 32; ++l) {
                out.u[32 * g + l] = static_cast<std::uint8_t>(block.q[g / 4 * 32 + l] >> (g % 4 * 2) & 3);
            }
        }
    }
};

/// Fills a chunk from unaligned bytes.
template <DType D>
HEARTH_ALWAYS void unpackScalar(ScalarChunk& out, const std::uint8_t* bytes) {
    typename ScalarFormat<D>::Block block;
    std::memcpy(&block, bytes, sizeof block);
    ScalarFormat<D>::unpack(out, block);
}

} // namespace

} // namespace hearth::kernels
