// SPDX-License-Identifier: Apache-2.0
//
// Exchanges of 64-bit numbers within a wave and a block, made of device.h's 32-bit words. Device code.
#pragma once

#include "kernels/hip/device.h"

namespace hearth::kernels {

HEARTH_DEVICE int bitCount(std::uint64_t bits) {
    return __builtin_popcountll(bits);
}

HEARTH_DEVICE std::uint64_t shuffleWide(std::uint64_t value, int lane) {
    const auto low = static_cast<std::uint32_t>(shuffle(static_cast<int>(static_cast<std::uint32_t>(value)), lane));
    const auto high = static_cast<std::uint32_t>(shuffle(static_cast<int>(static_cast<std::uint32_t>(value >> 32)), lane));
    return std::uint64_t{high} << 32 | low;
}

/// The largest over `width` neighbouring lanes, in every one of them.
template <int width = kWaveSize>
HEARTH_DEVICE std::uint64_t waveLargest(std::uint64_t value) {
#pragma unroll
    for (int mask = width / 2; mask > 0; mask /= 2) {
        const std::uint64_t other = shuffleWide(value, laneInWave() ^ mask);
        value = other > value ? other : value;
    }
    return value;
}

/// The largest over the block, in every thread. `scratch` [waves]
HEARTH_DEVICE std::uint64_t blockLargest(std::uint64_t value, std::uint64_t* scratch, int waves) {
    value = waveLargest(value);
    if (laneInWave() == 0) scratch[waveInBlock()] = value;
    blockBarrier();
    std::uint64_t largest = 0;
    for (int w = 0; w < waves; ++w) largest = scratch[w] > largest ? scratch[w] : largest;
    blockBarrier();
    return largest;
}

struct RunningSum {
    std::uint64_t upTo;  ///< of this thread's value and those of the threads before it
    std::uint64_t total; ///< of the block
};

/// `scratch` [waves]
HEARTH_DEVICE RunningSum blockRunningSum(std::uint64_t value, std::uint64_t* scratch, int waves) {
    const int lane = laneInWave();
#pragma unroll
    for (int distance = 1; distance < kWaveSize; distance *= 2) {
        const std::uint64_t other = shuffleWide(value, lane >= distance ? lane - distance : lane);
        value += lane >= distance ? other : 0;
    }
    if (lane == kWaveSize - 1) scratch[waveInBlock()] = value;
    blockBarrier();
    RunningSum sum = {value, 0};
    for (int w = 0; w < waves; ++w) {
        sum.upTo += w < waveInBlock() ? scratch[w] : 0;
        sum.total += scratch[w];
    }
    blockBarrier();
    return sum;
}

} // namespace hearth::kernels
