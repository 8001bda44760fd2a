// SPDX-License-Identifier: Apache-2.0
//
// Elementwise operations on the GPU: four neighbours a thread.
#include "kernels/hip/device.h"

#include "kernels/hip/float4.h"
#include "kernels/ops/elementwise_hip.h"

namespace hearth::kernels {

/// The first of the four values of this thread.
HEARTH_DEVICE std::int64_t firstOfFour() {
    return (std::int64_t{blockX()} * kElementwiseThreads + threadInBlock()) * 4;
}

/// The last group may be incomplete.
HEARTH_DEVICE bool isWholeFour(const void* base, std::int64_t at, std::int64_t count) {
    return inFours(base, 0) && at + 4 <= count;
}

HEARTH_KERNEL(hearth_add, ElementwiseArgs, kElementwiseThreads) {
    const std::int64_t at = firstOfFour();
    const bool fours = isWholeFour(args.x, at, args.count) && inFours(args.y, 0);
    const Float4 x = loadFour(args.x, at, args.count, fours);
    const Float4 y = loadFour(args.y, at, args.count, fours);
    storeFour(args.x, at, args.count, fours, {x.x + y.x, x.y + y.y, x.z + y.z, x.w + y.w});
}

HEARTH_KERNEL(hearth_scale, ElementwiseArgs, kElementwiseThreads) {
    const std::int64_t at = firstOfFour();
    const bool fours = isWholeFour(args.x, at, args.count);
    const Float4 x = loadFour(args.x, at, args.count, fours);
    storeFour(args.x, at, args.count, fours, {x.x * args.factor, x.y * args.factor, x.z * args.factor, x.w * args.factor});
}

HEARTH_KERNEL(hearth_softcap, ElementwiseArgs, kElementwiseThreads) {
    const std::int64_t at = firstOfFour();
    const bool fours = isWholeFour(args.x, at, args.count);
    const float cap = args.factor;
    const float inverse = 1.0f / cap;
    const Float4 x = loadFour(args.x, at, args.count, fours);
    storeFour(args.x, at, args.count, fours,
              {cap * tanhOf(x.x * inverse), cap * tanhOf(x.y * inverse), cap * tanhOf(x.z * inverse), cap * tanhOf(x.w * inverse)});
}

HEARTH_KERNEL(hearth_add_bias, AddBiasArgs, kElementwiseThreads) {
    const int row = blockX() / args.blocksPerRow;
    const int col = ((blockX() % args.blocksPerRow) * kElementwiseThreads + threadInBlock()) * 4;
    float* x = args.x + std::int64_t{row} * args.cols;
    const bool fours = inFours(args.x, args.cols);
    const Float4 value = loadFour(x, col, args.cols, fours);
    const Float4 bias = loadFour(args.bias, col, args.cols, fours);
    storeFour(x, col, args.cols, fours, {value.x + bias.x, value.y + bias.y, value.z + bias.z, value.w + bias.w});
}

} // namespace hearth::kernels
