// SPDX-License-Identifier: Apache-2.0
//
// The plain values of sampling, for host and device. What they mean: sample.h.
#pragma once

#include <cstdint>

namespace hearth::kernels {

/// Below this the division by the temperature overflows; the distribution is a single spike anyway.
constexpr float kGreedyTemperature = 1e-4f;
constexpr std::int32_t kSampleMostK = 1024;
constexpr std::uint64_t kSampleWhole = std::uint64_t{1} << 32; ///< topP = 1: off

/// What is taken off a token's logit.
struct TokenPenalty {
    std::int32_t token;
    float penalty;
};

/// What changes from token to token; a recorded step reads it from device memory.
struct SampleParams {
    float temperature = 0.0f;
    std::int32_t topK = 0;
    std::uint64_t topP = kSampleWhole; ///< in 2^-32
    float logMinP = 0.0f;              ///< log of min-p, or minus infinity: off
    float divisorAbove = 1.0f;         ///< the repetition penalty of positive logits ...
    float divisorBelow = 1.0f;         ///< ... and its inverse, of the others
    std::int32_t penalties = 0;        ///< length of the list
    std::uint64_t draw = 0;            ///< uniform in [0, 2^53)
};

} // namespace hearth::kernels
