// SPDX-License-Identifier: Apache-2.0
//
// RoPE and the KV append. The blocks in x are those of q, then of k, then of v; y is the row.
#include "kernels/hip/device.h"

#include "kernels/ops/rope_hip.h"

namespace hearth::kernels {

namespace {

struct Turn {
    float cosine;
    float sine;
};

/// cos and sin of `fraction` 2^-64 turns: the nearest quarter turn comes off in whole numbers, what is left is at most pi / 4, where the
/// Taylor series below end 2e-9 and 3e-8 short.
HEARTH_DEVICE Turn turnOf(std::uint64_t fraction) {
    constexpr float kRadians = 1.46291807926715968e-9f; // 2 pi / 2^32
    const std::uint32_t whole = static_cast<std::uint32_t>(fraction >> 32);
    const std::uint32_t quarter = (whole + 0x20000000u) >> 30;
    const float x = static_cast<float>(static_cast<std::int32_t>(whole - (quarter << 30))) * kRadians;
    const float y = x * x;
    float sine = fusedMultiplyAdd(y, 1.0f / 362880.0f, -1.0f / 5040.0f);
    sine = fusedMultiplyAdd(sine, y, 1.0f / 120.0f);
    sine = fusedMultiplyAdd(sine, y, -1.0f / 6.0f);
    sine = fusedMultiplyAdd(sine * y, x, x);
    float cosine = fusedMultiplyAdd(y, -1.0f / 3628800.0f, 1.0f / 40320.0f);
    cosine = fusedMultiplyAdd(cosine, y, -1.0f / 720.0f);
    cosine = fusedMultiplyAdd(cosine, y, 1.0f / 24.0f);
    cosine = fusedMultiplyAdd(cosine, y, -0.5f);
    cosine = fusedMultiplyAdd(cosine, y, 1.0f);
    const bool swapped = (quarter & 1) != 0;
    const float c = swapped ? sine : cosine;
    const float s = swapped ? cosine : sine;
    return {quarter == 1 || quarter == 2 ? -c : c, (quarter & 2) != 0 ? -s : s};
}

HEARTH_DEVICE Turn pairTurn(const RopeAppendArgs& args, int pair, int position) {
    const Turn turn = turnOf(args.turns[pair] * static_cast<std::uint64_t>(position));
    return {turn.cosine * args.magnitude, turn.sine * args.magnitude};
}

/// Element e of a head after the rotation.
HEARTH_DEVICE float rotatedElement(const RopeAppendArgs& args, const float* head, int e, int position) {
    if (e >= args.dims) return head[e];
    const int half = args.dims / 2;
    const bool second = args.interleaved != 0 ? (e & 1) != 0 : e >= half;
    const int pair = args.interleaved != 0 ? e / 2 : second ? e - half : e;
    const int partner = args.interleaved != 0 ? e ^ 1 : second ? e - half : e + half;
    const Turn turn = pairTurn(args, pair, position);
    return second ? head[partner] * turn.sine + head[e] * turn.cosine : head[e] * turn.cosine - head[partner] * turn.sine;
}

HEARTH_DEVICE void rotateQuery(const RopeAppendArgs& args, int index, int row, int position) {
    const int pairs = args.dims / 2;
    if (index >= args.heads * pairs) return;
    const int headIndex = index / pairs;
    const int pair = index % pairs;
    float* head = args.q + (static_cast<std::int64_t>(row) * args.heads + headIndex) * args.headDim;
    float* first = head + (args.interleaved != 0 ? 2 * pair : pair);
    float* second = first + (args.interleaved != 0 ? 1 : pairs);
    const Turn turn = pairTurn(args, pair, position);
    const float a = *first;
    const float b = *second;
    *first = a * turn.cosine - b * turn.sine;
    *second = a * turn.sine + b * turn.cosine;
}

/// One infinity in the cache would turn every later row into NaN.
HEARTH_DEVICE std::uint16_t finiteHalf(float x) {
    constexpr float kLargest = 65504.0f;
    return floatToHalfBits(x > kLargest ? kLargest : x < -kLargest ? -kLargest : x);
}

HEARTH_DEVICE int packHalves(float low, float high) {
    return static_cast<int>(static_cast<std::uint32_t>(finiteHalf(low)) | static_cast<std::uint32_t>(finiteHalf(high)) << 16);
}

HEARTH_DEVICE float limitedForQ8(float x) {
    constexpr float kMost = 127.0f * 65504.0f; // whose scale is the largest f16; NaN stays what it is
    return x > kMost ? kMost : x < -kMost ? -kMost : x;
}

/// The nearest whole number, halves away from zero.
HEARTH_DEVICE int roundAway(float x) {
    const float size = fabsOf(x);
    const float even = roundToEven(size);
    const int away = static_cast<int>(size - even == 0.5f ? even + 1.0f : even);
    return x < 0.0f ? -away : away;
}

/// Four neighbours of a block of 32, which eight neighbouring lanes hold, as Q8_0 at the block `to`: f16 scale, then the quants.
HEARTH_DEVICE void storeQ8(std::uint8_t* to, int part, Float4 x, bool store) {
    const bool nan = x.x != x.x || x.y != x.y || x.z != x.z || x.w != x.w;
    const bool broken = waveMax<8>(nan ? 1.0f : 0.0f) > 0.0f;
    x = {limitedForQ8(x.x), limitedForQ8(x.y), limitedForQ8(x.z), limitedForQ8(x.w)};
    const float scale = largestOfEight(x) / 127.0f;
    const std::uint16_t half = broken ? static_cast<std::uint16_t>(0x7e00) : floatToHalfBits(scale);
    const bool empty = broken || half == 0;
    const float inverse = empty ? 0.0f : 1.0f / scale;
    const int bytes = empty ? 0 : packBytes(roundAway(x.x * inverse), roundAway(x.y * inverse), roundAway(x.z * inverse), roundAway(x.w * inverse));
    if (!store) return;
    auto* halves = reinterpret_cast<std::uint16_t*>(to);
    if (part == 0) halves[0] = half;
    halves[1 + 2 * part] = static_cast<std::uint16_t>(bytes);
    halves[2 + 2 * part] = static_cast<std::uint16_t>(bytes >> 16);
}

/// Elements index ... index + 3 of a row of k or v into the cache; all lanes of the wave take part.
HEARTH_DEVICE void storeFour(const RopeAppendArgs& args, bool isKey, int index, int row, int position) {
    const int width = args.kvHeads * args.headDim;
    const float* source = (isKey ? args.k : args.v) + static_cast<std::int64_t>(row) * width;
    void* cache = isKey ? args.keys : args.values;
    const auto element = [&](const float* head, int e) { return isKey ? rotatedElement(args, head, e, position) : head[e]; };
    const auto cacheRow = [&](int head) { return static_cast<std::int64_t>(head) * args.capacity + position; };

    if (args.headDim % 4 != 0) {
        for (int i = index; i < index + 4 && i < width; ++i) {
            const int head = i / args.headDim;
            const int e = i % args.headDim;
            static_cast<std::uint16_t*>(cache)[cacheRow(head) * args.headDim + e] =
                finiteHalf(element(source + head * args.headDim, e));
        }
        return;
    }
    const bool inside = index < width;
    const int head = inside ? index / args.headDim : 0;
    const int e = inside ? index % args.headDim : 0;
    const float* from = source + head * args.headDim;
    const Float4 x = {element(from, e), element(from, e + 1), element(from, e + 2), element(from, e + 3)};
    if (args.cacheIsQ8 != 0) {
        const std::int64_t block = cacheRow(head) * (args.headDim / 32) + e / 32;
        storeQ8(static_cast<std::uint8_t*>(cache) + block * 34, e % 32 / 4, x, inside);
    } else if (inside) {
        auto* to = reinterpret_cast<Int2*>(static_cast<std::uint16_t*>(cache) + cacheRow(head) * args.headDim + e);
        *to = {packHalves(x.x, x.y), packHalves(x.z, x.w)};
    }
}

} // namespace

HEARTH_KERNEL(hearth_rope_append, RopeAppendArgs, kRopeThreads) {
    const int row = blockY();
    const int position = args.firstPosition + row + (args.step != nullptr ? args.step->firstPosition : 0);
    const int queryBlocks = ropeQueryBlocks(args.heads, args.dims);
    if (blockX() < queryBlocks) {
        rotateQuery(args, blockX() * kRopeThreads + threadInBlock(), row, position);
        return;
    }
    const int storeBlocks = ropeStoreBlocks(args.kvHeads, args.headDim);
    const int block = blockX() - queryBlocks;
    const bool isKey = block < storeBlocks;
    const int index = ((isKey ? block : block - storeBlocks) * kRopeThreads + threadInBlock()) * 4;
    storeFour(args, isKey, index, row, position);
}

} // namespace hearth::kernels
