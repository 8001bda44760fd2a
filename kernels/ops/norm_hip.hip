// SPDX-License-Identifier: Apache-2.0
//
// Norms on the GPU. A thread owns the same groups of four columns in every pass: the first kNormHeld (kLayerHeld) groups stay in registers
// between the passes, further ones are read again (by the thread that wrote them, so no barrier is needed).
#include "kernels/hip/device.h"

#include "kernels/hip/float4.h"
#include "kernels/ops/norm_hip.h"

namespace hearth::kernels {

constexpr int kNormWaves = kNormThreads / kWaveSize;
constexpr int kNormHeld = 4;
constexpr int kLayerHeld = 2;
constexpr int kNormStride = 4 * kNormThreads; ///< columns that the block covers in one round

HEARTH_DEVICE float squaresOf(const Float4& v) {
    return fusedMultiplyAdd(v.x, v.x, v.y * v.y) + fusedMultiplyAdd(v.z, v.z, v.w * v.w);
}

HEARTH_DEVICE Float4 plus(const Float4& a, const Float4& b) {
    return {a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w};
}

HEARTH_DEVICE Float4 normed(const Float4& x, float factor, const Float4& weight) {
    return {x.x * factor * weight.x, x.y * factor * weight.y, x.z * factor * weight.z, x.w * factor * weight.w};
}

HEARTH_DEVICE Float4 centred(const Float4& v, float mean, int col, int cols) {
    return {col < cols ? v.x - mean : 0.0f, col + 1 < cols ? v.y - mean : 0.0f, col + 2 < cols ? v.z - mean : 0.0f,
            col + 3 < cols ? v.w - mean : 0.0f};
}

/// All threads of the wave, also those beyond the row.
HEARTH_DEVICE void storeNormed(float* out, const Q8Rows& q8, std::int64_t row, int col, int cols, bool fours, const Float4& value) {
    if (out != nullptr) storeFour(out, col, cols, fours, value);
    if (q8.q != nullptr) quantizeFour(q8, row, cols, col, value, col < cols);
}

/// x, or the sum x + y, which is written back.
HEARTH_DEVICE Float4 summed(const RmsNormArgs& args, std::int64_t at, int col, bool fours, const Float4& x) {
    if (args.y == nullptr) return x;
    const Float4 sum = plus(x, loadFour(args.y + at, col, args.cols, fours));
    storeFour(args.x + at, col, args.cols, fours, sum);
    return sum;
}

HEARTH_KERNEL(hearth_rms_norm, RmsNormArgs, kNormThreads) {
    HEARTH_SHARED float scratch[kMaxWaves];
    const int cols = args.cols;
    const std::int64_t row = blockX();
    const std::int64_t at = row * cols;
    const bool fours = inFours(args.x, cols);
    const int first = 4 * threadInBlock();
    Float4 x[kNormHeld] = {};
    Float4 weight[kNormHeld] = {};
#pragma unroll
    for (int i = 0; i < kNormHeld; ++i) {
        if (i * kNormStride < cols) {
            x[i] = loadFour(args.x + at, first + i * kNormStride, cols, fours);
            weight[i] = loadFour(args.weight, first + i * kNormStride, cols, fours);
        }
    }
    float squares = 0.0f;
#pragma unroll
    for (int i = 0; i < kNormHeld; ++i) {
        if (i * kNormStride < cols) x[i] = summed(args, at, first + i * kNormStride, fours, x[i]);
        squares += squaresOf(x[i]);
    }
    for (int col = first + kNormHeld * kNormStride; col < cols; col += kNormStride) {
        squares += squaresOf(summed(args, at, col, fours, loadFour(args.x + at, col, cols, fours)));
    }
    const float mean = blockSum(squares, scratch, kNormWaves) / static_cast<float>(cols);
    const float factor = inverseSqrt(mean + args.eps);
    float* out = args.out == nullptr ? nullptr : args.out + at;
#pragma unroll
    for (int i = 0; i < kNormHeld; ++i) {
        if (i * kNormStride < cols) storeNormed(out, args.q8, row, first + i * kNormStride, cols, fours, normed(x[i], factor, weight[i]));
    }
    for (int start = kNormHeld * kNormStride; start < cols; start += kNormStride) {
        const int col = first + start;
        const Float4 late = loadFour(args.x + at, col, cols, fours);
        storeNormed(out, args.q8, row, col, cols, fours, normed(late, factor, loadFour(args.weight, col, cols, fours)));
    }
}

HEARTH_KERNEL(hearth_rms_norm_heads, RmsNormArgs, kHeadNormThreads) {
    constexpr int kGroups = kHeadNormCols / (4 * kHeadNormLanes);
    constexpr int kRowStride = 4 * kHeadNormLanes;
    const int cols = args.cols;
    const std::int64_t row = std::int64_t{blockX()} * (kHeadNormThreads / kHeadNormLanes) + threadInBlock() / kHeadNormLanes;
    const int limit = row < args.rows ? cols : 0; // a row past the end has no columns, but takes part in the sums of its wave
    const std::int64_t at = row * cols;
    const bool fours = inFours(args.x, cols);
    const int first = 4 * (threadInBlock() % kHeadNormLanes);
    Float4 x[kGroups] = {};
    Float4 weight[kGroups] = {};
#pragma unroll
    for (int i = 0; i < kGroups; ++i) {
        if (i * kRowStride < cols) {
            x[i] = loadFour(args.x + at, first + i * kRowStride, limit, fours);
            weight[i] = loadFour(args.weight, first + i * kRowStride, limit, fours);
            if (args.y != nullptr) {
                x[i] = plus(x[i], loadFour(args.y + at, first + i * kRowStride, limit, fours));
                storeFour(args.x + at, first + i * kRowStride, limit, fours, x[i]);
            }
        }
    }
    float squares = 0.0f;
#pragma unroll
    for (int i = 0; i < kGroups; ++i) squares += squaresOf(x[i]);
    const float factor = inverseSqrt(waveSum<kHeadNormLanes>(squares) / static_cast<float>(cols) + args.eps);
#pragma unroll
    for (int i = 0; i < kGroups; ++i) {
        if (i * kRowStride < cols) storeFour(args.out + at, first + i * kRowStride, limit, fours, normed(x[i], factor, weight[i]));
    }
}

HEARTH_DEVICE void storeLayerNormed(const LayerNormArgs& args, std::int64_t row, int col, bool fours, const Float4& x, float factor) {
    const int cols = args.cols;
    const Float4 weight = loadFour(args.weight, col, cols, fours);
    Float4 value = normed(x, factor, weight);
    if (args.bias != nullptr) value = plus(value, loadFour(args.bias, col, cols, fours));
    storeNormed(args.out == nullptr ? nullptr : args.out + row * cols, args.q8, row, col, cols, fours, value);
}

HEARTH_KERNEL(hearth_layer_norm, LayerNormArgs, kNormThreads) {
    HEARTH_SHARED float scratch[kMaxWaves];
    const int cols = args.cols;
    const std::int64_t row = blockX();
    const float* in = args.x + row * cols;
    const bool fours = inFours(args.x, cols);
    const int first = 4 * threadInBlock();
    Float4 x[kLayerHeld] = {};
#pragma unroll
    for (int i = 0; i < kLayerHeld; ++i) {
        if (i * kNormStride < cols) x[i] = loadFour(in, first + i * kNormStride, cols, fours);
    }
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < kLayerHeld; ++i) sum += (x[i].x + x[i].y) + (x[i].z + x[i].w);
    for (int col = first + kLayerHeld * kNormStride; col < cols; col += kNormStride) {
        const Float4 v = loadFour(in, col, cols, fours);
        sum += (v.x + v.y) + (v.z + v.w);
    }
    const float mean = blockSum(sum, scratch, kNormWaves) / static_cast<float>(cols);
    float squares = 0.0f;
#pragma unroll
    for (int i = 0; i < kLayerHeld; ++i) {
        x[i] = centred(x[i], mean, first + i * kNormStride, cols);
        squares += squaresOf(x[i]);
    }
    for (int col = first + kLayerHeld * kNormStride; col < cols; col += kNormStride) {
        squares += squaresOf(centred(loadFour(in, col, cols, fours), mean, col, cols));
    }
    const float factor = inverseSqrt(blockSum(squares, scratch, kNormWaves) / static_cast<float>(cols) + args.eps);
#pragma unroll
    for (int i = 0; i < kLayerHeld; ++i) {
        if (i * kNormStride < cols) storeLayerNormed(args, row, first + i * kNormStride, fours, x[i], factor);
    }
    for (int start = kLayerHeld * kNormStride; start < cols; start += kNormStride) {
        const int col = first + start;
        storeLayerNormed(args, row, col, fours, centred(loadFour(in, col, cols, fours), mean, col, cols), factor);
    }
}

} // namespace hearth::kernels
