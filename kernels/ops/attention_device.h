// SPDX-License-Identifier: Apache-2.0
//
// What the attention kernels have in common on the device: how the cache is read, the soft-cap, the end of the softmax.
#pragma once

#include "kernels/hip/device.h"

#include "kernels/ops/attention_hip.h"

namespace hearth::kernels {

constexpr float kMinusInfinity = -__builtin_huge_valf();

HEARTH_DEVICE void unpackHalves(int pair, float* x) {
    x[0] = halfBitsToFloat(static_cast<std::uint16_t>(pair));
    x[1] = halfBitsToFloat(static_cast<std::uint16_t>(static_cast<std::uint32_t>(pair) >> 16));
}

/// One infinity in the cache, or in a product of matrix tiles, would turn whole rows into NaN.
HEARTH_DEVICE std::uint16_t finiteHalf(float x) {
    constexpr float kLargest = 65504.0f;
    return floatToHalfBits(x > kLargest ? kLargest : x < -kLargest ? -kLargest : x);
}

HEARTH_DEVICE int packHalves(float low, float high) {
    return static_cast<int>(static_cast<std::uint32_t>(finiteHalf(low)) | static_cast<std::uint32_t>(finiteHalf(high)) << 16);
}

// How eight elements of a position are stored: `at` is the position's row, d the first element; beyond the head there are zeros.
struct HalfStore {
    using Raw = Int4;
    HEARTH_DEVICE std::int64_t rowBytes(int headDim) { return static_cast<std::int64_t>(headDim) * 2; }
    HEARTH_DEVICE Raw load(const std::uint8_t* at, int d, int headDim) {
        if (d >= headDim) return {0, 0, 0, 0};
        return loadFields(reinterpret_cast<const Int4*>(at + 2 * d)); // not loadOnce: this launch may have written it
    }
    HEARTH_DEVICE void unpack(const Raw& raw, float (&x)[8]) {
        unpackHalves(raw.x, x);
        unpackHalves(raw.y, x + 2);
        unpackHalves(raw.z, x + 4);
        unpackHalves(raw.w, x + 6);
    }
    HEARTH_DEVICE Int4 halves(const Raw& raw) { return raw; }
};

/// Q8_0: blocks of 34 bytes, so nothing is aligned to more than two.
struct Q8Store {
    struct Raw {
        int low, high;
        std::uint16_t scale;
    };
    HEARTH_DEVICE std::int64_t rowBytes(int headDim) { return static_cast<std::int64_t>(headDim) / 32 * 34; }
    HEARTH_DEVICE Raw load(const std::uint8_t* at, int d, int headDim) {
        if (d >= headDim) return {0, 0, 0};
        const auto* block = reinterpret_cast<const std::uint16_t*>(at + d / 32 * 34);
        const auto* quants = block + 1 + d % 32 / 2;
        return {quants[0] | quants[1] << 16, quants[2] | quants[3] << 16, block[0]};
    }
    HEARTH_DEVICE void unpack(const Raw& raw, float (&x)[8]) {
        const float scale = halfBitsToFloat(raw.scale);
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            x[i] = static_cast<float>(static_cast<std::int8_t>(raw.low >> 8 * i)) * scale;
            x[i + 4] = static_cast<float>(static_cast<std::int8_t>(raw.high >> 8 * i)) * scale;
        }
    }
    HEARTH_DEVICE Int4 halves(const Raw& raw) {
        float x[8];
        unpack(raw, x);
        return {packHalves(x[0], x[1]), packHalves(x[2], x[3]), packHalves(x[4], x[5]), packHalves(x[6], x[7])};
    }
};

HEARTH_DEVICE float capped(float score, float cap) {
    return cap * tanhOf(score / cap);
}

/// What a head's sums are multiplied by in the end: 1 / weight, the sink's share counted.
struct Joined {
    float maximum;
    float weight;
};
HEARTH_DEVICE float finalFactor(const AttentionArgs& args, int head, const Joined& all) {
    if (args.sinks == nullptr) return all.weight > 0.0f ? 1.0f / all.weight : 0.0f;
    const float sink = args.sinks[head];
    const float maximum = sink > all.maximum ? sink : all.maximum;
    if (!(maximum > kMinusInfinity)) return 0.0f;
    const float fade = expOf(all.maximum - maximum);
    const float total = all.weight * fade + expOf(sink - maximum);
    return total > 0.0f ? fade / total : 0.0f;
}

} // namespace hearth::kernels
