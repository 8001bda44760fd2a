// SPDX-License-Identifier: Apache-2.0
//
// What few models need, on the GPU: four neighbours a thread.
#include "kernels/hip/device.h"

#include "kernels/hip/float4.h"
#include "kernels/ops/special_hip.h"

namespace hearth::kernels {

/// Comparisons with a NaN are false, so it passes.
HEARTH_DEVICE float limited(float value, float limit) {
    return value > limit ? limit : value;
}

HEARTH_DEVICE float clampedSwiGluOf(float gate, float up) {
    constexpr float kSlope = 1.702f; // special.h, which device code cannot include
    constexpr float kLimit = 7.0f;
    const float g = limited(gate, kLimit);
    const float u = -limited(-limited(up, kLimit), kLimit);
    return g * reciprocal(1.0f + expOf(-kSlope * g)) * (u + 1.0f);
}

HEARTH_KERNEL(hearth_clamped_swi_glu, GatedArgs, kGatedThreads) {
    const std::int64_t at = (std::int64_t{blockX()} * kGatedThreads + threadInBlock()) * 4;
    const bool fours = inFours(args.gate, 0) && inFours(args.up, 0) && inFours(args.out, 0) && at + 4 <= args.count;
    const Float4 gate = loadFour(args.gate, at, args.count, fours);
    const Float4 up = loadFour(args.up, at, args.count, fours);
    const Float4 value = {clampedSwiGluOf(gate.x, up.x), clampedSwiGluOf(gate.y, up.y), clampedSwiGluOf(gate.z, up.z), clampedSwiGluOf(gate.w, up.w)};
    storeFour(args.out, at, args.count, fours, value);
    if (args.q8.q != nullptr) quantizeFour(args.q8, 0, args.count, at, value, at < args.count);
}

HEARTH_KERNEL(hearth_add_expert_bias, AddExpertBiasArgs, kSpecialThreads) {
    const int row = blockX() / args.pieces;
    const int col = (blockX() % args.pieces * kSpecialThreads + threadInBlock()) * 4;
    const int id = args.ids[row];
    const int expert = id < 0 ? 0 : id < args.experts ? id : args.experts - 1;
    float* x = args.x + std::int64_t{row} * args.cols;
    const float* bias = args.bias + std::int64_t{expert} * args.cols;
    const bool fours = inFours(args.x, args.cols) && inFours(args.bias, args.cols);
    const Float4 value = loadFour(x, col, args.cols, fours);
    const Float4 added = loadFour(bias, col, args.cols, fours);
    storeFour(x, col, args.cols, fours, {value.x + added.x, value.y + added.y, value.z + added.z, value.w + added.w});
}

HEARTH_KERNEL(hearth_copy_columns, CopyColumnsArgs, kSpecialThreads) {
    const int row = blockX() / args.pieces;
    const int col = (blockX() % args.pieces * kSpecialThreads + threadInBlock()) * 4;
    const float* in = args.in + std::int64_t{row / args.repeat} * args.inCols;
    float* out = args.out + std::int64_t{row} * args.outCols;
    const bool fours = inFours(args.in, args.inCols) && inFours(args.out, args.outCols) && args.count % 4 == 0;
    storeFour(out, col, args.count, fours, loadFour(in, col, args.count, fours));
}

} // namespace hearth::kernels
