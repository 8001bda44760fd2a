// SPDX-License-Identifier: Apache-2.0
//
// Gated activations on the GPU: four neighbours a thread.
#include "kernels/hip/device.h"

#include "kernels/hip/float4.h"
#include "kernels/ops/gated_hip.h"

namespace hearth::kernels {

HEARTH_DEVICE float siluOf(float x) {
    return x * reciprocal(1.0f + expOf(-x));
}

HEARTH_DEVICE float geluOf(float x) {
    constexpr float kMinusTwoSqrt2OverPi = -1.5957691216057308f;
    return x * reciprocal(1.0f + expOf(kMinusTwoSqrt2OverPi * fusedMultiplyAdd(0.044715f * x * x, x, x)));
}

template <typename Activation>
HEARTH_DEVICE void gate(const GatedArgs& args, Activation activation) {
    const std::int64_t at = (std::int64_t{blockX()} * kGatedThreads + threadInBlock()) * 4;
    const bool fours = inFours(args.gate, 0) && inFours(args.up, 0) && inFours(args.out, 0) && at + 4 <= args.count;
    const Float4 x = loadFour(args.gate, at, args.count, fours);
    const Float4 up = loadFour(args.up, at, args.count, fours);
    const Float4 value = {activation(x.x) * up.x, activation(x.y) * up.y, activation(x.z) * up.z, activation(x.w) * up.w};
    if (args.out != nullptr) storeFour(args.out, at, args.count, fours, value);
    // Rows are multiples of 32 and follow each other without gaps, so that all of them are one long row.
    if (args.q8.q != nullptr) quantizeFour(args.q8, 0, args.count, at, value, at < args.count);
}

HEARTH_KERNEL(hearth_swi_glu, GatedArgs, kGatedThreads) {
    gate(args, [](float x) { return siluOf(x); });
}

HEARTH_KERNEL(hearth_ge_glu, GatedArgs, kGatedThreads) {
    gate(args, [](float x) { return geluOf(x); });
}

} // namespace hearth::kernels
