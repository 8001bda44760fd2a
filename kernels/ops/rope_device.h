// SPDX-License-Identifier: Apache-2.0
//
// Rotating elements and storing them in the KV cache, for the kernels that do so: hearth_rope_append, and attention in a decoding step.
#pragma once

#include "kernels/hip/device.h"

#include "kernels/ops/attention_device.h"
#include "kernels/ops/rope_hip.h"

namespace hearth::kernels {

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

/// To the nearest whole number, halves away from zero; |x| < 2^31.
HEARTH_DEVICE int roundAway(float x) {
    const int whole = static_cast<int>(x);
    const float rest = x - static_cast<float>(whole);
    return whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
}

/// Four neighbours of a block of 32, which eight neighbouring lanes hold, as Q8_0 at the block `to`: f16 scale, then the quants. All lanes of
/// the wave take part.
HEARTH_DEVICE void storeQ8(std::uint8_t* to, int part, const Float4& x, bool store) {
    constexpr float kMost = 127.0f * 65504.0f;
    float limited[4] = {x.x, x.y, x.z, x.w};
    float largest = 0.0f;
    int broken = 0;
#pragma unroll
    for (float& value : limited) {
        if (!(value == value)) broken = 1;
        value = value > kMost ? kMost : value < -kMost ? -kMost : value;
        largest = fabsOf(value) > largest ? fabsOf(value) : largest;
    }
    largest = waveMax<8>(largest);
#pragma unroll
    for (int mask = 4; mask > 0; mask /= 2) broken |= shuffleXor(broken, mask);
    const float d = largest / 127.0f;
    const std::uint16_t scale = broken != 0 ? static_cast<std::uint16_t>(0x7e00) : floatToHalfBits(d);
    const float inverse = scale == 0 || broken != 0 ? 0.0f : 1.0f / d;
    int quants[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) quants[i] = broken != 0 ? 0 : roundAway(limited[i] * inverse);
    if (!store) return;
    auto* halves = reinterpret_cast<std::uint16_t*>(to);
    if (part == 0) halves[0] = scale;
    halves[1 + 2 * part] = static_cast<std::uint16_t>((quants[0] & 255) | (quants[1] & 255) << 8);
    halves[2 + 2 * part] = static_cast<std::uint16_t>((quants[2] & 255) | (quants[3] & 255) << 8);
}

/// Elements index ... index + 3 of a row of k or v into the cache; all lanes of the wave take part.
HEARTH_DEVICE void appendFour(const RopeAppendArgs& args, bool isKey, int index, int row, int position) {
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

} // namespace hearth::kernels
