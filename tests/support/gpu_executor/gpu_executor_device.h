// SPDX-License-Identifier: Apache-2.0
//
// device.h on the CPU, for the tests' executor: the threads of a block are fibres that switch where the hardware would make them wait for
// each other. Stricter than any GPU: lanes that meet at different places, values that do not exist, unaligned vectors end the launch with a
// message (gpu_executor.h). HEARTH_EXECUTOR_WAVE is 32 or 64.
#pragma once

#include "executor_macros.h"
#include "executor_words.h"

#define HEARTH_DEVICE [[maybe_unused]] static inline
#define HEARTH_METHOD inline

// Where the caller stands; a default argument is evaluated there.
#define HEARTH_PLACE const char *file = __builtin_FILE(), int line = __builtin_LINE()

namespace hearth::kernels {

constexpr int kWaveSize = HEARTH_EXECUTOR_WAVE;
constexpr int kLoadsInFlight = HEARTH_EXECUTOR_WAVE == 32 ? 4 : 3;

struct alignas(16) Int4 {
    int x, y, z, w;
};
struct alignas(8) Int2 {
    int x, y;
};
struct alignas(16) Float4 {
    float x, y, z, w;
};

HEARTH_DEVICE int threadInBlock() {
    return ::hearth_executor::current->index;
}
HEARTH_DEVICE int blockX() {
    return ::hearth_executor::blockIndex[0];
}
HEARTH_DEVICE int blockY() {
    return ::hearth_executor::blockIndex[1];
}
HEARTH_DEVICE int blockZ() {
    return ::hearth_executor::blockIndex[2];
}
HEARTH_DEVICE int gridX() {
    return ::hearth_executor::gridSize[0];
}

/// meet(), and what other fibres wrote meanwhile is seen.
HEARTH_DEVICE void meetOthers(::hearth_executor::Meeting meeting, const char* file, int line) {
    __asm__ volatile("" ::: "memory");
    ::hearth_executor::meet(meeting, file, line);
    __asm__ volatile("" ::: "memory");
}
HEARTH_DEVICE void blockBarrier(HEARTH_PLACE) {
    meetOthers(::hearth_executor::Meeting::Barrier, file, line);
}

HEARTH_DEVICE int laneId() {
    return ::hearth_executor::current->lane;
}
HEARTH_DEVICE std::uint32_t exchangeWord(std::uint32_t word, int lane, const char* file, int line) {
    ::hearth_executor::Thread& self = *::hearth_executor::current;
    std::uint32_t* const words = self.wave->words[self.meetings & 1u];
    words[self.lane] = word;
    meetOthers(::hearth_executor::Meeting::Shuffle, file, line);
    lane &= kWaveSize - 1; // as both vendors do
    if (lane >= self.wave->lanes) ::hearth_executor::fail("a shuffle reads a lane that does not exist", file, line);
    return words[lane];
}
HEARTH_DEVICE int shuffle(int value, int lane, HEARTH_PLACE) {
    return static_cast<int>(exchangeWord(static_cast<std::uint32_t>(value), lane, file, line));
}
HEARTH_DEVICE float shuffle(float value, int lane, HEARTH_PLACE) {
    return floatFromBits(exchangeWord(bitsOfFloat(value), lane, file, line));
}
HEARTH_DEVICE int checkedMask(int mask, const char* file, int line) {
    // Hardware would give the lane its own value: a reduction that starts too wide doubles its sum.
    if (mask < 0 || mask >= kWaveSize) ::hearth_executor::fail("the mask of shuffleXor leaves the wave", file, line);
    return mask;
}
HEARTH_DEVICE int shuffleXor(int value, int mask, HEARTH_PLACE) {
    return shuffle(value, laneId() ^ checkedMask(mask, file, line), file, line);
}
HEARTH_DEVICE float shuffleXor(float value, int mask, HEARTH_PLACE) {
    return shuffle(value, laneId() ^ checkedMask(mask, file, line), file, line);
}
HEARTH_DEVICE std::uint64_t waveBallot(bool value, HEARTH_PLACE) {
    ::hearth_executor::Thread& self = *::hearth_executor::current;
    std::uint32_t* const words = self.wave->words[self.meetings & 1u];
    words[self.lane] = value ? 1u : 0u;
    meetOthers(::hearth_executor::Meeting::Ballot, file, line);
    std::uint64_t bits = 0;
    for (int lane = 0; lane < self.wave->lanes; ++lane) bits |= static_cast<std::uint64_t>(words[lane]) << lane;
    return bits;
}

HEARTH_DEVICE int dot4(int a, int b, int c) {
    for (int shift = 0; shift < 32; shift += 8) c += static_cast<std::int8_t>(a >> shift) * static_cast<std::int8_t>(b >> shift);
    return c;
}
HEARTH_DEVICE int lookUpBytes(int t0, int t1, int t2, int t3, int indices) {
    const int table[4] = {t0, t1, t2, t3};
    std::uint32_t bytes = 0;
    for (int shift = 0; shift < 32; shift += 8) {
        const int index = indices >> shift & 255;
        // 16 and more mean one thing on AMD and another on NVIDIA.
        if (index > 15) ::hearth_executor::fail("lookUpBytes of more than 15", __FILE__, __LINE__);
        bytes |= (static_cast<std::uint32_t>(table[index / 4]) >> (8 * (index % 4)) & 255u) << shift;
    }
    return static_cast<int>(bytes);
}

HEARTH_DEVICE float halfBitsToFloat(std::uint16_t bits) {
    return halfToFloat(bits);
}
HEARTH_DEVICE std::uint16_t floatToHalfBits(float value) {
    return floatToHalf(value);
}
/// The instructions of the GPUs for exp2 and log2 flush subnormal numbers.
HEARTH_DEVICE float flushed(float x) {
    return __builtin_fabsf(x) < 0x1p-126f ? 0.0f * x : x;
}
HEARTH_DEVICE float exp2Of(float x) {
    return flushed(__builtin_exp2f(x));
}
HEARTH_DEVICE float logOf(float x) {
    return __builtin_log2f(flushed(x)) * 0.693147180559945309f;
}
HEARTH_DEVICE float reciprocal(float x) {
    return 1.0f / x;
}
HEARTH_DEVICE float inverseSqrt(float x) {
    return 1.0f / __builtin_sqrtf(x);
}
HEARTH_DEVICE float squareRoot(float x) {
    return __builtin_sqrtf(x);
}
HEARTH_DEVICE float fusedMultiplyAdd(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
}
HEARTH_DEVICE float roundToEven(float x) {
    return __builtin_rintf(x);
}

HEARTH_DEVICE Int4 loadOnce(const Int4* from) {
    return *from;
}
HEARTH_DEVICE Int4 loadFields(const Int4* from) {
    return *from;
}
HEARTH_DEVICE void storeFields(Int4* to, const Int4& value) {
    *to = value;
}
HEARTH_DEVICE int atomicAddTo(int* target, int value) {
    const int before = *target;
    *target = before + value;
    return before;
}
HEARTH_DEVICE void schedulingFence() {}
HEARTH_DEVICE void deviceFence() {
    __asm__ volatile("" ::: "memory");
}

// --- matrix tiles: no matrix unit; a lane owns one row of A and kAccumulators rows of B, and reads both from memory when it multiplies ---
constexpr int kAccumulators = 256 / kWaveSize;
constexpr int kMatrixUnroll = 1;
struct FragmentC {
    float v[kAccumulators];
};
struct FragmentA {
    const std::uint16_t* tile;
    int stride;
};
struct FragmentB {
    const std::uint16_t* tile;
    int stride;
};
template <typename Fragment>
HEARTH_DEVICE void loadFragment(Fragment& fragment, const std::uint16_t* tile, int stride, HEARTH_PLACE) {
    if (reinterpret_cast<std::uintptr_t>(tile) % 16 != 0 || stride % 8 != 0)
        ::hearth_executor::fail("a matrix tile is not aligned to 16 bytes", file, line);
    fragment.tile = tile;
    fragment.stride = stride;
}
HEARTH_DEVICE int rowOf(int) {
    return laneId() % 16;
}
HEARTH_DEVICE int colOf(int i) {
    return laneId() / 16 * kAccumulators + i;
}
HEARTH_DEVICE void multiplyAdd(FragmentC& c, const FragmentA& a, const FragmentB& b, HEARTH_PLACE) {
    meetOthers(::hearth_executor::Meeting::MatrixTile, file, line);
    for (int i = 0; i < kAccumulators; ++i) {
        const std::uint16_t* const row = a.tile + rowOf(i) * a.stride;
        const std::uint16_t* const other = b.tile + colOf(i) * b.stride;
        for (int k = 0; k < 16; ++k) c.v[i] += ::hearth_executor::halves[row[k]] * ::hearth_executor::halves[other[k]];
    }
}

} // namespace hearth::kernels
