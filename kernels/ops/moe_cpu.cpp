// SPDX-License-Identifier: Apache-2.0
#include "kernels/ops/moe.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hearth::kernels {

void moeRouteRow(std::int32_t* ids, float* weights, const float* logits, std::int64_t experts, std::int64_t k,
                 RouteWeights mode, std::int32_t* scratch) {
    std::iota(scratch, scratch + experts, 0);
    // A NaN sorts last, so that the order stays strict and the ids valid whatever comes in.
    const auto rank = [&](std::int32_t id) { return std::isnan(logits[id]) ? -HUGE_VALF : logits[id]; };
    const auto before = [&](std::int32_t a, std::int32_t b) { return rank(a) != rank(b) ? rank(a) > rank(b) : a < b; };
    std::partial_sort(scratch, scratch + k, scratch + experts, before);

    const float largest = logits[scratch[0]];
    float total = 0.0f;
    for (std::int64_t e = 0; e < experts; ++e) total += std::exp(logits[e] - largest);
    float chosen = 0.0f;
    for (std::int64_t j = 0; j < k; ++j) {
        ids[j] = scratch[j];
        weights[j] = std::exp(logits[scratch[j]] - largest) / total;
        chosen += weights[j];
    }
    if (mode == RouteWeights::Renormalised) {
        for (std::int64_t j = 0; j < k; ++j) weights[j] /= chosen;
    }
}

} // namespace hearth::kernels
