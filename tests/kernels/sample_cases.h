// SPDX-License-Identifier: Apache-2.0
//
// What sampling is tested with: logits of many kinds, among them ties, NaN and infinities, and random settings that a GPU takes.
#pragma once

#include "core/engine/generation.h"

#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <random>
#include <vector>

namespace hearth::test {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

inline constexpr const char* kKinds[] = {"like a model's", "many ties",        "all equal", "hardly different", "mostly not finite", "large and far from 0",
                                  "peaked",         "zeros of both signs", "nothing finite, or one", "huge"};
inline constexpr int kKindCount = static_cast<int>(std::size(kKinds));

inline std::vector<float> logitsOf(int kind, std::size_t vocabulary, std::mt19937& random) {
    std::normal_distribution<float> normal;
    std::vector<float> logits(vocabulary);
    for (float& logit : logits) {
        switch (kind) {
        case 0: logit = 3.0f * normal(random); break;
        case 1: logit = std::round(2.0f * normal(random)); break;
        case 2: logit = 5.0f; break;
        case 3: logit = 1e-4f * normal(random); break;
        case 4: logit = random() % 40 == 0 ? kInfinity : random() % 40 == 0 ? kNan : random() % 3 != 0 ? -kInfinity : normal(random); break;
        case 5: logit = 500.0f + 30.0f * normal(random); break;
        case 6: logit = normal(random); break;
        case 7: logit = random() % 2 == 0 ? 0.0f : -0.0f; break;
        case 8: logit = random() % 2 == 0 ? kNan : -kInfinity; break;
        default: logit = random() % 100 == 0 ? 1e37f * normal(random) : -1e30f; break;
        }
    }
    if (kind == 6) logits[random() % vocabulary] = 14.0f;
    if (kind == 8 && random() % 2 == 0) logits[random() % vocabulary] = -7.0f;
    return logits;
}

template <typename T, std::size_t n>
T oneOf(const T (&values)[n], std::mt19937& random) {
    return values[random() % n];
}

inline core::SamplingSettings randomSettings(std::mt19937& random) {
    std::uniform_real_distribution<float> unit;
    core::SamplingSettings settings;
    settings.temperature = oneOf({0.0f, 1.0f, 0.7f, 2e-4f, 0.1f + 2.0f * unit(random)}, random);
    settings.topK = oneOf({1, 2, 5, 40, 64, 100, 500, 1000, 1024, 1 + static_cast<int>(random() % 1024)}, random);
    settings.topP = oneOf({1.0f, 0.95f, 0.9f, 0.5f, 0.0f, 0.999f, unit(random)}, random);
    settings.minP = oneOf({0.0f, 0.05f, 0.1f, 1.0f, 0.5f, 1e-6f, 2.0f}, random);
    if (random() % 2 == 0) {
        settings.repeatPenalty = oneOf({1.0f, 1.1f, 0.9f, 0.0f, 1.0f + unit(random)}, random);
        settings.frequencyPenalty = oneOf({0.0f, 0.3f, -0.5f}, random);
        settings.presencePenalty = oneOf({0.0f, 0.7f, -1.0f}, random);
        settings.penaltyWindow = oneOf({-1, 0, 1, 64, 300}, random);
    }
    return settings;
}

} // namespace hearth::test
