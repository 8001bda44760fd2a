// SPDX-License-Identifier: Apache-2.0
//
// Activations as matrix products read them: 8 bits with scales per 32, or f16 with a scale per row.
#include "kernels/hip/device.h"

#include "kernels/hip/float4.h"
#include "kernels/ops/quantize_hip.h"

namespace hearth::kernels {

HEARTH_KERNEL(hearth_quantize_rows, QuantizeRowsArgs, kQuantizeThreads) {
    // Rows are multiples of 32 and follow each other without gaps, so that all of them are one long row.
    const std::int64_t at = (std::int64_t{blockX()} * kQuantizeThreads + threadInBlock()) * 4;
    quantizeFour(args.out, 0, args.count, at, loadFour(args.x, at, args.count, inFours(args.x, args.count)), at < args.count);
}

constexpr int kHalfHeld = 8;
constexpr int kHalfStride = 4 * kHalfRowsThreads; ///< columns that the block covers in one round

HEARTH_DEVICE float finiteMagnitude(float x) {
    const float magnitude = fabsOf(x);
    return magnitude <= 3.402823466e38f ? magnitude : 0.0f; // NaN compares false
}

HEARTH_DEVICE float largestFinite(const Float4& v) {
    float largest = finiteMagnitude(v.x);
    largest = finiteMagnitude(v.y) > largest ? finiteMagnitude(v.y) : largest;
    largest = finiteMagnitude(v.z) > largest ? finiteMagnitude(v.z) : largest;
    return finiteMagnitude(v.w) > largest ? finiteMagnitude(v.w) : largest;
}

HEARTH_DEVICE void storeHalves(std::uint16_t* row, int col, int cols, bool fours, const Float4& x, float inverse) {
    const std::uint16_t a = floatToHalfBits(x.x * inverse);
    const std::uint16_t b = floatToHalfBits(x.y * inverse);
    const std::uint16_t c = floatToHalfBits(x.z * inverse);
    const std::uint16_t d = floatToHalfBits(x.w * inverse);
    if (fours) {
        if (col < cols) *reinterpret_cast<Int2*>(row + col) = {a | b << 16, c | d << 16};
        return;
    }
    if (col < cols) row[col] = a;
    if (col + 1 < cols) row[col + 1] = b;
    if (col + 2 < cols) row[col + 2] = c;
    if (col + 3 < cols) row[col + 3] = d;
}

HEARTH_KERNEL(hearth_half_rows, HalfRowsArgs, kHalfRowsThreads) {
    HEARTH_SHARED float scratch[kMaxWaves];
    const int cols = args.cols;
    const std::int64_t row = blockX();
    const float* in = args.x + row * cols;
    std::uint16_t* out = args.out + row * cols;
    const bool fours = inFours(args.x, cols);
    const int first = 4 * threadInBlock();
    Float4 x[kHalfHeld] = {};
#pragma unroll
    for (int i = 0; i < kHalfHeld; ++i) {
        if (i * kHalfStride < cols) x[i] = loadFour(in, first + i * kHalfStride, cols, fours);
    }
    float largest = 0.0f;
#pragma unroll
    for (int i = 0; i < kHalfHeld; ++i) {
        const float other = largestFinite(x[i]);
        largest = other > largest ? other : largest;
    }
    for (int col = first + kHalfHeld * kHalfStride; col < cols; col += kHalfStride) {
        const float other = largestFinite(loadFour(in, col, cols, fours));
        largest = other > largest ? other : largest;
    }
    largest = blockMax(largest, scratch, kHalfRowsThreads / kWaveSize);
    // The biased exponent e of the largest value becomes that of 1024, 137; both factors stay normal numbers.
    const int exponent = static_cast<int>(bitsOfFloat(largest) >> 23);
    const int raised = exponent < 11 ? 11 : exponent;
    const float scale = largest > 0.0f ? floatFromBits(static_cast<std::uint32_t>(raised - 10) << 23) : 1.0f;
    const float inverse = largest > 0.0f ? floatFromBits(static_cast<std::uint32_t>(264 - raised) << 23) : 1.0f;
    if (threadInBlock() == 0) args.scale[row] = scale;
#pragma unroll
    for (int i = 0; i < kHalfHeld; ++i) {
        if (i * kHalfStride < cols) storeHalves(out, first + i * kHalfStride, cols, fours, x[i], inverse);
    }
    for (int col = first + kHalfHeld * kHalfStride; col < cols; col += kHalfStride) {
        storeHalves(out, col, cols, fours, loadFour(in, col, cols, fours), inverse);
    }
}

} // namespace hearth::kernels
