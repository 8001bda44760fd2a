// SPDX-License-Identifier: Apache-2.0
//
// What differs between GPU families and vendors, in one place: no kernel file has a branch on either. Three implementations of the same
// words: device_amd.h (clang for AMDGCN, freestanding), device_cuda.h (nvcc), and the tests' executor, which runs blocks on the CPU.
//
//   kWaveSize                      lanes of a wave: 32 on RDNA and NVIDIA, 64 on GFX9; never a literal elsewhere
//   HEARTH_KERNEL(name, Args, n)   a kernel of at most n threads a block that takes one struct `args`
//   HEARTH_BIG_KERNEL              the same, for kernels that live on many registers rather than on many waves
//   HEARTH_FULL_KERNEL             the same, for big blocks of which two must fit a multiprocessor
//   HEARTH_SHARED T name[n]        memory of a block; n is a constant
//   threadInBlock() blockX() blockY() blockZ() gridX()
//   blockBarrier()                 all threads of the block; shared and global writes before it are seen after it
//   shuffle(v, lane) shuffleXor(v, mask)   int and float; all lanes of the wave take part
//   waveBallot(bool)                   one bit a lane
//   HEARTH_METHOD                  like HEARTH_DEVICE, for static member functions
//   lookUpBytes(t0..t3, indices)   four bytes of 0 ... 15, each replaced by that one of the 16 bytes in t0 ... t3
//   dot4(a, b, c)                  c + the sum of four products of signed bytes
//   halfBitsToFloat, floatToHalfBits (nearest even), exp2Of, reciprocal, inverseSqrt, squareRoot, logOf
//   loadOnce(Int4*)                16 bytes that no one reads again soon
//   loadFields(Int4*), storeFields 16 bytes to and from registers
//   atomicAddTo(int*, int) and deviceFence()
//   kLoadsInFlight                 16-byte loads that a lane of a product has on the way at once, as far as registers allow
//   schedulingFence()              instructions after it are not moved before it (of one lane; no barrier)
//   kMatrixUnroll                  how far to unroll a loop over matrix tiles
//   FragmentA, FragmentB, FragmentC, loadFragment, multiplyAdd, rowOf, colOf: below
//
// Matrix tiles of 16 x 16 x 16: FragmentC [m][n] += FragmentA [m][k] * FragmentB [n][k], f16 in, f32 out. A and B tiles lie in shared memory,
// k fastest, rows `stride` halves apart (a multiple of 8; 16-byte aligned). A lane holds kAccumulators elements of C; element i of a lane is
// at (rowOf(i), colOf(i)). Layouts: AMD's RDNA3, RDNA4 and CDNA ISA documents; NVIDIA's PTX ISA, mma.m16n8k16.
#pragma once

#include "kernels/quant/half.h"

#include <cstdint>

#if defined(HEARTH_EXECUTOR)
#include "gpu_executor_device.h"
#elif defined(__CUDACC__)
#include "kernels/hip/device_cuda.h"
#else
#include "kernels/hip/device_amd.h"
#endif

namespace hearth::kernels {

HEARTH_DEVICE int laneInWave() {
    return threadInBlock() % kWaveSize;
}

HEARTH_DEVICE int waveInBlock() {
    return threadInBlock() / kWaveSize;
}

/// The sum over `width` neighbouring lanes (a power of two, at most kWaveSize), in every one of them. The order of the additions is the same
/// in all lanes, so all hold the same bits.
template <int width = kWaveSize>
HEARTH_DEVICE float waveSum(float value) {
#pragma unroll
    for (int mask = width / 2; mask > 0; mask /= 2) value += shuffleXor(value, mask);
    return value;
}

template <int width = kWaveSize>
HEARTH_DEVICE float waveMax(float value) {
#pragma unroll
    for (int mask = width / 2; mask > 0; mask /= 2) {
        const float other = shuffleXor(value, mask);
        value = other > value ? other : value;
    }
    return value;
}

/// e^x by 2^(x log2 e), the product's rounding corrected; good over the full range, 0 and infinity at its ends, infinite x included.
HEARTH_DEVICE float expOf(float x) {
    constexpr float kLog2e = 1.44269504088896341f;
    constexpr float kLog2eRest = 1.92596299112661746887e-8f;
    x = x < -200.0f ? -200.0f : x > 200.0f ? 200.0f : x; // the correction of an infinite product would be NaN
    const float whole = x * kLog2e;
    return exp2Of(whole + (fusedMultiplyAdd(x, kLog2e, -whole) + x * kLog2eRest));
}

/// tanh from exp, without cancellation near 0 mattering for soft-caps (absolute error 1e-7).
HEARTH_DEVICE float tanhOf(float x) {
    return 1.0f - 2.0f * reciprocal(expOf(2.0f * x) + 1.0f);
}

HEARTH_DEVICE float fabsOf(float x) {
    return x < 0.0f ? -x : x;
}

/// Sum over the block, in every thread. `scratch` [kMaxWaves] is shared memory that no one else uses at the time.
constexpr int kMaxWaves = 32;
HEARTH_DEVICE float blockSum(float value, float* scratch, int waves) {
    value = waveSum(value);
    if (laneInWave() == 0) scratch[waveInBlock()] = value;
    blockBarrier();
    float total = 0.0f;
    for (int w = 0; w < waves; ++w) total += scratch[w];
    blockBarrier();
    return total;
}

HEARTH_DEVICE float blockMax(float value, float* scratch, int waves) {
    value = waveMax(value);
    if (laneInWave() == 0) scratch[waveInBlock()] = value;
    blockBarrier();
    float largest = scratch[0];
    for (int w = 1; w < waves; ++w) largest = scratch[w] > largest ? scratch[w] : largest;
    blockBarrier();
    return largest;
}

} // namespace hearth::kernels
