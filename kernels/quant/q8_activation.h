// SPDX-License-Identifier: Apache-2.0
//
// Q8Block: 32 activations rounded to 8 bits, for dot products with quantised weights in whole numbers.
// x[i] ~= scale * q[i]. The sum of q is kept because formats with a minimum or an offset need it:
//     sum_i (d w[i] + m) * scale q[i]  =  scale * (d * sum_i w[i] q[i]  +  m * sum_i q[i]).
// A row of cols activations is cols / 32 blocks; a row whose length is no multiple of 32 is multiplied in f32 instead.
#pragma once

#include "kernels/quant/half.h"

#include <cmath>
#include <cstdint>

namespace hearth::kernels {

constexpr std::int64_t kQ8Elements = 32;

struct Q8Block {
    float scale;       ///< largest magnitude / 127
    std::int32_t sum;  ///< of q
    std::int8_t q[32]; ///< -127 ... 127
};
static_assert(sizeof(Q8Block) == 40);

constexpr std::int64_t kQ8ChunkElements = 256;

/// Eight such blocks of one row as the CPU's inner loops read them: numbers, scales and sums each contiguous. A panel of n rows is
/// [chunks of a row][n], so that the same columns of all rows stand together; what the last chunk of a row lacks is zero.
struct alignas(64) Q8Chunk {
    std::uint8_t q[256]; ///< two's complement, or raised by 128 (MatmulKernels::packRow)
    float scale[8];      ///< of each 32
    float sum32[8];      ///< scale * sum of q, of each 32 ...
    float sum16[16];     ///< ... and of each 16
};
static_assert(sizeof(Q8Chunk) == 384);

[[nodiscard]] constexpr std::int64_t q8ChunksFor(std::int64_t cols) {
    return (cols + kQ8ChunkElements - 1) / kQ8ChunkElements;
}

/// Rows up to which weights are multiplied while they are unpacked.
constexpr std::int64_t kQ8FewRows = 4;

/// The chunks of a panel. Panels of few rows are followed by the same chunks in a second order, where the path has a use for it: the
/// first halves of blocks 0, 2, 4 and 6, their second halves, then those of blocks 1, 3, 5 and 7; only `q` counts there.
[[nodiscard]] constexpr std::int64_t q8PanelChunks(std::int64_t rows, std::int64_t cols) {
    return rows * q8ChunksFor(cols) * (rows <= kQ8FewRows ? 2 : 1);
}

/// A block whose largest magnitude is below this is all zero: its inverse would overflow.
constexpr float kQ8SmallestMagnitude = 1e-30f;

/// The definition, which every faster version equals bit for bit on finite input:
/// scale = maxabs / 127, q = x * (127 / maxabs) rounded to nearest even, both in f32.
HEARTH_INLINE void quantizeRowToQ8(Q8Block* out, const float* x, std::int64_t cols) {
    for (std::int64_t b = 0; b < cols / kQ8Elements; ++b) {
        const float* in = x + b * kQ8Elements;
        float largest = 0.0f;
        for (int i = 0; i < 32; ++i) largest = std::fabs(in[i]) > largest ? std::fabs(in[i]) : largest;
        const bool empty = !(largest >= kQ8SmallestMagnitude && largest <= 3.4e38f);
        const float inverse = empty ? 0.0f : 127.0f / largest;
        std::int32_t sum = 0;
        for (int i = 0; i < 32; ++i) {
            const int q = empty ? 0 : static_cast<int>(std::nearbyint(in[i] * inverse));
            out[b].q[i] = static_cast<std::int8_t>(q);
            sum += q;
        }
        out[b].scale = empty ? 0.0f : largest / 127.0f;
        out[b].sum = sum;
    }
}

} // namespace hearth::kernels
