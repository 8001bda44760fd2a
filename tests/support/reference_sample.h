// SPDX-License-Identifier: Apache-2.0
//
// referenceSample: the choice of kernels/ops/sample.h, step by step as its contract reads, on a sorted list.
#pragma once

#include "kernels/ops/sample_chain.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hearth::test {

/// The token, or -1 when no logit is finite. Changes the logits that penalties change.
inline std::int32_t referenceSample(std::span<float> logits, std::span<const kernels::TokenPenalty> penalties, const kernels::SampleParams& params) {
    for (const kernels::TokenPenalty& entry : penalties) {
        if (entry.token < 0 || static_cast<std::size_t>(entry.token) >= logits.size()) continue;
        float& logit = logits[static_cast<std::size_t>(entry.token)];
        logit = kernels::penalizedLogit(logit, params.divisorAbove, params.divisorBelow, entry.penalty);
    }
    std::vector<std::int32_t> best;
    for (std::size_t id = 0; id < logits.size(); ++id) {
        if (kernels::isFiniteLogit(logits[id])) best.push_back(static_cast<std::int32_t>(id));
    }
    if (best.empty()) return -1;
    const auto logitOf = [&](std::int32_t id) { return logits[static_cast<std::size_t>(id)]; };
    std::ranges::stable_sort(best, [&](std::int32_t a, std::int32_t b) { return logitOf(a) > logitOf(b); });
    if (params.temperature < kernels::kGreedyTemperature) return best.front();

    const float largest = logitOf(best.front());
    best.resize(std::min(best.size(), static_cast<std::size_t>(params.topK)));
    // The weights of the list, and how many of it until their sum is above, or has reached, a number.
    const auto weigh = [&](float temperature) {
        std::vector<std::uint64_t> sums;
        for (const std::int32_t id : best) {
            const std::uint64_t weight = kernels::sampleWeight((logitOf(id) - largest) / temperature);
            sums.push_back((sums.empty() ? 0 : sums.back()) + weight);
        }
        return sums;
    };
    if (params.topP < kernels::kSampleWhole) {
        const std::vector<std::uint64_t> sums = weigh(1.0f);
        const auto reached = std::ranges::lower_bound(sums, kernels::sampleShare(sums.back(), params.topP));
        best.resize(std::min(best.size(), static_cast<std::size_t>(reached - sums.begin()) + 1));
    }
    std::erase_if(best, [&](std::int32_t id) { return logitOf(id) < largest + params.logMinP; });
    const std::vector<std::uint64_t> sums = weigh(params.temperature);
    const auto drawn = std::ranges::upper_bound(sums, kernels::sampleTarget(sums.back(), params.draw));
    return best[static_cast<std::size_t>(drawn - sums.begin())];
}

} // namespace hearth::test
