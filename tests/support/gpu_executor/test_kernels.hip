// SPDX-License-Identifier: Apache-2.0
//
// Kernels that prove the executor: right ones, and one for each mistake that it must find.
#include "kernels/hip/device.h"

#include "tests/support/gpu_executor/test_kernels.h"

namespace hearth::kernels {

using test::ExecutorTestArgs;

// --- right ones --------------------------------------------------------------------------------------------------------

/// out[global thread] = its own coordinates
HEARTH_KERNEL(hearth_test_coordinates, ExecutorTestArgs, 96) {
    const int block = blockX() + gridX() * (blockY() + 2 * blockZ());
    args.out[block * 96 + threadInBlock()] = static_cast<float>(blockX() + 10 * blockY() + 100 * blockZ() + 1000 * threadInBlock());
}

/// out[0] += the sum of in, out[1] the largest
HEARTH_KERNEL(hearth_test_block_sum, ExecutorTestArgs, 256) {
    HEARTH_SHARED float scratch[kMaxWaves];
    float sum = 0.0f;
    float largest = -1e30f;
    for (int i = threadInBlock(); i < args.count; i += 256) {
        sum += args.in[i];
        largest = args.in[i] > largest ? args.in[i] : largest;
    }
    sum = blockSum(sum, scratch, 256 / kWaveSize);
    largest = blockMax(largest, scratch, 256 / kWaveSize);
    if (threadInBlock() == 0) {
        args.out[0] += sum;
        args.out[1] = largest;
    }
}

/// Ten shuffles a thread, for timing.
HEARTH_KERNEL(hearth_test_ten_shuffles, ExecutorTestArgs, 256) {
    float value = args.in[threadInBlock()];
    for (int i = 0; i < 10; ++i) value += shuffleXor(value, 1 << i % 5);
    args.out[threadInBlock()] = value;
}

/// Rows of 64: shuffle from the next lane, sums of 8, the ballot of odd values in two floats.
HEARTH_KERNEL(hearth_test_wave, ExecutorTestArgs, 64) {
    const float value = args.in[threadInBlock()];
    args.out[threadInBlock()] = shuffle(value, laneId() + 1);
    args.out[64 + threadInBlock()] = waveSum<8>(value);
    const std::uint64_t odd = waveBallot(static_cast<int>(value) % 2 != 0);
    args.out[128 + threadInBlock()] = static_cast<float>(static_cast<std::uint32_t>(odd >> laneId()) & 1u);
    args.out[192 + threadInBlock()] = static_cast<float>(shuffle(threadInBlock(), 3));
}

/// out [16, 16] = in halves A [16, 24 of which 16] * B^T, both in shared memory
HEARTH_KERNEL(hearth_test_tile, ExecutorTestArgs, kWaveSize) {
    HEARTH_SHARED alignas(16) std::uint16_t a[16 * 24];
    HEARTH_SHARED alignas(16) std::uint16_t b[16 * 24];
    for (int i = threadInBlock(); i < 16 * 16; i += kWaveSize) {
        a[i / 16 * 24 + i % 16] = floatToHalfBits(args.in[i]);
        b[i / 16 * 24 + i % 16] = floatToHalfBits(args.in[256 + i]);
    }
    blockBarrier();
    FragmentA fragmentA;
    FragmentB fragmentB;
    FragmentC c = {};
    loadFragment(fragmentA, a, 24);
    loadFragment(fragmentB, b, 24);
    multiplyAdd(c, fragmentA, fragmentB);
    for (int i = 0; i < kAccumulators; ++i) args.out[rowOf(i) * 16 + colOf(i)] = c.v[i];
}

/// The last block to come adds up what all have written.
HEARTH_KERNEL(hearth_test_last_block, ExecutorTestArgs, 64) {
    HEARTH_SHARED int last[1];
    if (threadInBlock() == 0) {
        args.out[1 + blockX()] = static_cast<float>(blockX());
        deviceFence();
        last[0] = atomicAddTo(args.counter, 1) == gridX() - 1 ? 1 : 0;
    }
    blockBarrier();
    if (last[0] == 0 || threadInBlock() != 0) return;
    float sum = 0.0f;
    for (int i = 0; i < gridX(); ++i) sum += args.out[1 + i];
    args.out[0] = sum;
}

/// out = the numbers of device.h for in, eight of each
HEARTH_KERNEL(hearth_test_words, ExecutorTestArgs, kWaveSize) {
    if (threadInBlock() >= args.count) return;
    const float x = args.in[threadInBlock()];
    float* out = args.out + threadInBlock() * 10;
    out[0] = expOf(x);
    out[1] = logOf(x);
    out[2] = reciprocal(x);
    out[3] = inverseSqrt(x);
    out[4] = squareRoot(x);
    out[5] = roundToEven(x);
    out[6] = tanhOf(x);
    out[7] = halfBitsToFloat(floatToHalfBits(x));
    out[8] = static_cast<float>(dot4(0x01ff7f80, static_cast<int>(0x02fe7f80u), 5));
    out[9] = fusedMultiplyAdd(x, x, -(x * x));
}

// --- mistakes ----------------------------------------------------------------------------------------------------------

/// Reads what another wave writes, without a barrier.
HEARTH_KERNEL(hearth_test_no_barrier, ExecutorTestArgs, 128) {
    HEARTH_SHARED float values[128];
    values[threadInBlock()] = 1.0f;
    args.out[threadInBlock()] = values[127 - threadInBlock()];
}

/// The second round overwrites what slow waves still read.
HEARTH_KERNEL(hearth_test_no_second_barrier, ExecutorTestArgs, 128) {
    HEARTH_SHARED float values[1];
    float sum = 0.0f;
    for (int round = 0; round < 4; ++round) {
        if (threadInBlock() == 0) values[0] = static_cast<float>(round);
        blockBarrier();
        sum += values[0];
    }
    args.out[threadInBlock()] = sum;
}

HEARTH_KERNEL(hearth_test_shared_not_set, ExecutorTestArgs, 64) {
    HEARTH_SHARED float values[64];
    if (threadInBlock() % 2 == 0) values[threadInBlock()] = 0.0f;
    blockBarrier();
    args.out[threadInBlock()] = values[threadInBlock()];
}

HEARTH_KERNEL(hearth_test_barrier_of_some_waves, ExecutorTestArgs, 128) {
    if (threadInBlock() < 64) blockBarrier();
    args.out[threadInBlock()] = 1.0f;
}

HEARTH_KERNEL(hearth_test_barrier_of_some_lanes, ExecutorTestArgs, 64) {
    if (threadInBlock() % 2 == 0) blockBarrier();
    args.out[threadInBlock()] = 1.0f;
}

HEARTH_KERNEL(hearth_test_barriers_at_two_places, ExecutorTestArgs, 128) {
    if (threadInBlock() < 64) {
        blockBarrier();
    } else {
        blockBarrier();
    }
}

HEARTH_KERNEL(hearth_test_shuffle_after_some_ended, ExecutorTestArgs, 64) {
    if (threadInBlock() >= args.count) return;
    args.out[threadInBlock()] = waveSum(1.0f);
}

HEARTH_KERNEL(hearth_test_shuffle_against_barrier, ExecutorTestArgs, 64) {
    if (laneId() == 5) blockBarrier();
    args.out[threadInBlock()] = waveSum(1.0f);
    if (laneId() != 5) blockBarrier();
}

HEARTH_KERNEL(hearth_test_shuffles_at_two_places, ExecutorTestArgs, 64) {
    float value = 1.0f;
    if (laneId() < 8) {
        value = shuffleXor(value, 1);
    } else {
        value = shuffleXor(value, 2);
    }
    args.out[threadInBlock()] = value;
}

HEARTH_KERNEL(hearth_test_wide_mask, ExecutorTestArgs, 64) {
    args.out[threadInBlock()] = shuffleXor(1.0f, kWaveSize);
}

HEARTH_KERNEL(hearth_test_half_wave, ExecutorTestArgs, 16) {
    args.out[threadInBlock()] = shuffle(1.0f, 20);
}

/// in[count + thread], out[count + thread]
HEARTH_KERNEL(hearth_test_read, ExecutorTestArgs, 64) {
    args.out[threadInBlock()] = args.in[args.count + threadInBlock()];
}
HEARTH_KERNEL(hearth_test_write, ExecutorTestArgs, 64) {
    args.out[args.count + threadInBlock()] = 1.0f;
}

HEARTH_KERNEL(hearth_test_unaligned, ExecutorTestArgs, 1) {
    const Int4 four = loadOnce(reinterpret_cast<const Int4*>(args.in + args.count));
    args.out[0] = static_cast<float>(four.x);
}

HEARTH_KERNEL(hearth_test_index, ExecutorTestArgs, 1) {
    HEARTH_SHARED float values[8];
    for (int i = 0; i <= args.count; ++i) values[i] = 1.0f;
    args.out[0] = values[0];
}

HEARTH_DEVICE float deeper(float* out, int depth) {
    float values[64];
    for (int i = 0; i < 64; ++i) values[i] = out[i % 2] + static_cast<float>(depth);
    const float sum = depth == 0 ? 0.0f : deeper(values, depth - 1);
    return sum + values[depth % 64];
}
HEARTH_KERNEL(hearth_test_stack, ExecutorTestArgs, 1) {
    args.out[0] = deeper(args.out, args.count);
}

} // namespace hearth::kernels
