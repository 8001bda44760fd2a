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

/// Writes the values x of columns col ... col + 3 of a row of cols. Eight neighbouring lanes hold the 32 values of a block, so col is
/// 4 * (lane % 8) past a multiple of 32, and all lanes of the wave must take part (with `store` false where there is nothing to store).
HEARTH_DEVICE void quantizeFour(const Q8Rows& out, std::int64_t row, std::int64_t cols, std::int64_t col, const Float4& x, bool store) {
    constexpr float kSmallest = 1e-30f; // kQ8SmallestMagnitude
    const float largest = largestOfEight(x);
    const bool empty = !(largest >= kSmallest && largest <= 3.4e38f);
    const RoundedFour q = roundFour(x, empty ? 0.0f : 127.0f / largest);
    const float scale = empty ? 0.0f : largest / 127.0f;
    const Float4 left = {x.x - scale * static_cast<float>(static_cast<std::int8_t>(q.bytes)),
                         x.y - scale * static_cast<float>(static_cast<std::int8_t>(q.bytes >> 8)),
                         x.z - scale * static_cast<float>(static_cast<std::int8_t>(q.bytes >> 16)),
                         x.w - scale * static_cast<float>(static_cast<std::int8_t>(q.bytes >> 24))};
    const float largestLeft = largestOfEight(left); // by all lanes, whatever their block holds
    const bool noRest = empty || !(largestLeft >= kSmallest);
    const RoundedFour rest = roundFour(left, noRest ? 0.0f : 127.0f / largestLeft);
    const float restScale = noRest ? 0.0f : largestLeft / 127.0f;
    int sum = q.sum;
    sum += shuffleXor(sum, 1);
    sum += shuffleXor(sum, 2);
    int restSum = rest.sum;
    restSum += shuffleXor(restSum, 1);
    restSum += shuffleXor(restSum, 2);
    if (!store) return;
    const std::int64_t at = row * cols + col;
    *reinterpret_cast<int*>(out.q + at) = empty ? 0 : q.bytes;
    *reinterpret_cast<int*>(out.rest + at) = rest.bytes;
    if (col % 32 == 0) {
        out.scale[at / 32] = scale;
        out.restScale[at / 32] = restScale;
    }
    if (col % 16 == 0) {
        out.sums[at / 16] = scale * static_cast<float>(sum);
        out.restSums[at / 16] = restScale * static_cast<float>(restSum);
    }
}

} // namespace hearth::kernels
#endif
