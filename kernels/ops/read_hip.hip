// SPDX-License-Identifier: Apache-2.0
//
// Every byte once, coalesced, eight loads in flight a thread.
#include "kernels/hip/device.h"

#include "kernels/ops/read_hip.h"

namespace hearth::kernels {

HEARTH_KERNEL(hearth_read, ReadArgs, kReadThreads) {
    constexpr int kInFlight = 8;
    HEARTH_SHARED int perWave[kMaxWaves];
    const Int4* from = reinterpret_cast<const Int4*>(args.from);
    // A block's share is one piece, as a matrix row is.
    const std::int64_t perBlock = (args.words + gridX() - 1) / gridX();
    const std::int64_t first = perBlock * blockX();
    const std::int64_t end = first + perBlock < args.words ? first + perBlock : args.words;
    int sum = 0;
    std::int64_t at = first + threadInBlock();
    for (; at + (kInFlight - 1) * kReadThreads < end; at += kInFlight * kReadThreads) {
        Int4 v[kInFlight];
#pragma unroll
        for (int i = 0; i < kInFlight; ++i) v[i] = loadOnce(from + at + i * kReadThreads);
#pragma unroll
        for (int i = 0; i < kInFlight; ++i) sum ^= v[i].x ^ v[i].y ^ v[i].z ^ v[i].w;
    }
    for (; at < end; at += kReadThreads) {
        const Int4 v = loadOnce(from + at);
        sum ^= v.x ^ v.y ^ v.z ^ v.w;
    }
#pragma unroll
    for (int mask = kWaveSize / 2; mask > 0; mask /= 2) sum ^= shuffleXor(sum, mask);
    if (laneInWave() == 0) perWave[waveInBlock()] = sum;
    blockBarrier();
    if (threadInBlock() != 0) return;
    for (int w = 1; w < kReadThreads / kWaveSize; ++w) sum ^= perWave[w];
    args.sums[blockX()] = sum;
}

} // namespace hearth::kernels
