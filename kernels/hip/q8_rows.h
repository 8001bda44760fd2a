// SPDX-License-Identifier: Apache-2.0
//
// Q8Rows: activations as the quantised products of the GPU read them. Each 32 values are rounded to 8 bits (quant/q8_activation.h), and what
// rounding left over is rounded to 8 bits again (`rest`), for the formats of under four bits:
//     x[i] ~= scale * q[i]                  and, closer,     x[i] ~= scale * q[i] + restScale * rest[i]
// `sums` are scale * (sum of q) over each 16 values, for formats with a minimum or an offset, and restSums those of the rest: a format that
// does not multiply the rest must not add it here either, or the offset no longer cancels. Rows follow each other without gaps; cols is a multiple of 32.
#pragma once

#include <cstdint>

namespace hearth::kernels {

struct Q8Rows {
    std::int8_t* q = nullptr;    ///< [rows, cols], 16-byte aligned
    std::int8_t* rest = nullptr; ///< [rows, cols]
    float* scale = nullptr;      ///< [rows, cols / 32]
    float* restScale = nullptr;  ///< [rows, cols / 32]
    float* sums = nullptr;       ///< [rows, cols / 16]
    float* restSums = nullptr;   ///< [rows, cols / 16]
};

/// What changes from token to token in a recorded step, in device memory.
struct StepState {
    std::int32_t token;
    std::int32_t firstPosition;
};

} // namespace hearth::kernels

#if defined(HEARTH_DEVICE)
namespace hearth::kernels {

HEARTH_DEVICE int packBytes(int a, int b, int c, int d) {
    return (a & 255) | (b & 255) << 8 | (c & 255) << 16 | d << 24;
}

/// Four neighbours to whole numbers: round(x * inverse), their bytes packed.
struct RoundedFour {
    int bytes;
    int sum;
};
HEARTH_DEVICE RoundedFour roundFour(const Float4& x, float inverse) {
    const int a = static_cast<int>(roundToEven(x.x * inverse));
    const int b = static_cast<int>(roundToEven(x.y * inverse));
    const int c = static_cast<int>(roundToEven(x.z * inverse));
    const int d = static_cast<int>(roundToEven(x.w * inverse));
    return {packBytes(a, b, c, d), a + b + c + d};
}

HEARTH_DEVICE float largestOfEight(const Float4& x) {
    float largest = fabsOf(x.x);
    largest = fabsOf(x.y) > largest ? fabsOf(x.y) : largest;
    largest = fabsOf(x.z) > largest ? fabsOf(x.z) : largest;
    largest = fabsOf(x.w) > largest ? fabsOf(x.w) : largest;
    return waveMax<8>(largest);
}

/// Four values of a block of 32 in 8 bits, and what rounding left over once more (kRest). Eight neighbouring lanes hold the block; all lanes of
/// the wave take part. `sum` is of the 16 values that four neighbouring lanes hold.
template <bool kRest>
struct RoundedBlock {
    int bytes = 0;
    int sum = 0;
    float scale = 0.0f;
    int restBytes = 0;
    int restSum = 0;
    float restScale = 0.0f;
};
template <bool kRest>
HEARTH_DEVICE RoundedBlock<kRest> roundBlock(const Float4& x) {
    constexpr float kSmallest = 1e-30f; // kQ8SmallestMagnitude
    RoundedBlock<kRest> out;
    const float largest = largestOfEight(x);
    const bool empty = !(largest >= kSmallest && largest <= 3.4e38f);
    const RoundedFour q = roundFour(x, empty ? 0.0f : 127.0f / largest);
    out.scale = empty ? 0.0f : largest / 127.0f;
    out.bytes = empty ? 0 : q.bytes;
    out.sum = q.sum;
    out.sum += shuffleXor(out.sum, 1);
    out.sum += shuffleXor(out.sum, 2);
    if constexpr (kRest) {
        const float scale = out.scale;
        const Float4 left = {x.x - scale * static_cast<float>(static_cast<std::int8_t>(q.bytes)),
                             x.y - scale * static_cast<float>(static_cast<std::int8_t>(q.bytes >> 8)),
                             x.z - scale * static_cast<float>(static_cast<std::int8_t>(q.bytes >> 16)),
                             x.w - scale * static_cast<float>(static_cast<std::int8_t>(q.bytes >> 24))};
        const float largestLeft = largestOfEight(left); // by all lanes, whatever their block holds
        const bool noRest = empty || !(largestLeft >= kSmallest);
        const RoundedFour rest = roundFour(left, noRest ? 0.0f : 127.0f / largestLeft);
        out.restScale = noRest ? 0.0f : largestLeft / 127.0f;
        out.restBytes = rest.bytes;
        out.restSum = rest.sum;
        out.restSum += shuffleXor(out.restSum, 1);
        out.restSum += shuffleXor(out.restSum, 2);
    }
    return out;
}

/// Writes the values x of columns col ... col + 3 of a row of cols. Eight neighbouring lanes hold the 32 values of a block, so col is
/// 4 * (lane % 8) past a multiple of 32, and all lanes of the wave must take part (with `store` false where there is nothing to store).
HEARTH_DEVICE void quantizeFour(const Q8Rows& out, std::int64_t row, std::int64_t cols, std::int64_t col, const Float4& x, bool store) {
    const RoundedBlock<true> rounded = roundBlock<true>(x);
    if (!store) return;
    const std::int64_t at = row * cols + col;
    *reinterpret_cast<int*>(out.q + at) = rounded.bytes;
    *reinterpret_cast<int*>(out.rest + at) = rounded.restBytes;
    if (col % 32 == 0) {
        out.scale[at / 32] = rounded.scale;
        out.restScale[at / 32] = rounded.restScale;
    }
    if (col % 16 == 0) {
        out.sums[at / 16] = rounded.scale * static_cast<float>(rounded.sum);
        out.restSums[at / 16] = rounded.restScale * static_cast<float>(rounded.restSum);
    }
}

} // namespace hearth::kernels
#endif
