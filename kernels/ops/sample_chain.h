// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic that decides which token is sampled, for host and device: the same bits everywhere. Shares of a softmax are whole numbers,
// so that sums do not depend on their order; on floats there are only subtractions, divisions and products with powers of two, which no
// compiler fuses or rounds differently.
#pragma once

#include "kernels/ops/sample_params.h"
#include "kernels/quant/half.h"

namespace hearth::kernels {

/// The weight of the likeliest token. Sums of 2^20 weights stay below 2^63.
constexpr int kSampleWeightBits = 42;

HEARTH_INLINE bool isFiniteLogit(float logit) {
    return (bitsOfFloat(logit) & 0x7f800000u) != 0x7f800000u;
}

HEARTH_INLINE float penalizedLogit(float logit, float divisorAbove, float divisorBelow, float penalty) {
    return logit / (logit > 0.0f ? divisorAbove : divisorBelow) - penalty;
}

/// e^difference in 2^-42, difference <= 0; within 2e-8 of it, and 0 below 2^-42.
HEARTH_INLINE std::uint64_t sampleWeight(float difference) {
    if (!(difference > -31.0f)) return 0;
    // e^-x = 2^-y, y = x log2 e with 57 binary places.
    const auto x = static_cast<std::uint64_t>(-difference * 0x1p27f);
    const std::uint64_t y = x * 1549082005u; // log2 e in 2^-30
    const auto whole = static_cast<int>(y >> 57);
    const std::uint64_t part = y >> 25 & 0xffffffffu;
    // 2^-part, part in [0, 1) with 32 places: the alternating series of (part ln 2)^n / n!, whose coefficients in 2^-32 follow.
    std::uint64_t sum = 30;
    sum = 437 - (sum * part >> 32);
    sum = 5676 - (sum * part >> 32);
    sum = 65510 - (sum * part >> 32);
    sum = 661577 - (sum * part >> 32);
    sum = 5726720 - (sum * part >> 32);
    sum = 41309550 - (sum * part >> 32);
    sum = 238388332 - (sum * part >> 32);
    sum = 1031764991 - (sum * part >> 32);
    sum = 2977044472 - (sum * part >> 32);
    sum = (std::uint64_t{1} << 32) - (sum * part >> 32);
    return sum << (kSampleWeightBits - 32) >> whole;
}

/// The least sum that is a share of topP of `total` or more. total < 2^63
HEARTH_INLINE std::uint64_t sampleShare(std::uint64_t total, std::uint64_t topP) {
    const std::uint64_t low = (total & 0xffffffffu) * topP;
    return (total >> 32) * topP + (low >> 32) + ((low & 0xffffffffu) != 0 ? 1 : 0);
}

/// draw / 2^53 of total, rounded down: below total. The token drawn is the first whose running sum is above it.
HEARTH_INLINE std::uint64_t sampleTarget(std::uint64_t total, std::uint64_t draw) {
    // The upper 64 bits of (draw * 2^11) * total, by halves.
    const std::uint64_t fraction = draw << 11;
    const std::uint64_t lowLow = (fraction & 0xffffffffu) * (total & 0xffffffffu);
    const std::uint64_t highLow = (fraction >> 32) * (total & 0xffffffffu);
    const std::uint64_t lowHigh = (fraction & 0xffffffffu) * (total >> 32);
    const std::uint64_t middle = (lowLow >> 32) + (highLow & 0xffffffffu) + (lowHigh & 0xffffffffu);
    return (fraction >> 32) * (total >> 32) + (highLow >> 32) + (lowHigh >> 32) + (middle >> 32);
}

} // namespace hearth::kernels
