// SPDX-License-Identifier: Apache-2.0
#include "kernels/ops/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hearth::kernels {

namespace {

/// The (fractional) pair index whose wave turns `turns` times within the training context.
double pairTurning(double turns, const RopeParams& params) {
    const double wave = static_cast<double>(params.originalContext) / (turns * 2.0 * std::numbers::pi);
    return params.dims * std::log(wave) / (2.0 * std::log(static_cast<double>(params.base)));
}

} // namespace

void makeRopeTable(RopeTurn* table, std::int32_t firstPosition, std::int64_t positions, const RopeParams& params) {
    const std::int64_t pairs = params.dims / 2;
    const bool yarn = params.extensionFactor != 0.0f && params.originalContext > 0;
    double low = 0.0;
    double high = 0.0;
    double magnitude = params.attentionFactor;
    if (yarn) {
        low = std::max(0.0, std::floor(pairTurning(params.betaFast, params)));
        high = std::min(params.dims - 1.0, std::ceil(pairTurning(params.betaSlow, params)));
        if (params.positionScale > 0.0f) magnitude *= 1.0 - 0.1 * std::log(static_cast<double>(params.positionScale));
    }
    for (std::int64_t i = 0; i < pairs; ++i) {
        double frequency = std::pow(static_cast<double>(params.base), -2.0 * static_cast<double>(i) / params.dims);
        if (params.frequencyFactors != nullptr) frequency /= params.frequencyFactors[i];
        double perPosition = frequency * params.positionScale;
        if (yarn) {
            const double ramp =
                1.0 - std::clamp((static_cast<double>(i) - low) / std::max(0.001, high - low), 0.0, 1.0);
            const double mix = ramp * params.extensionFactor;
            perPosition = perPosition * (1.0 - mix) + frequency * mix;
        }
        for (std::int64_t t = 0; t < positions; ++t) {
            const double angle = static_cast<double>(firstPosition + t) * perPosition;
            table[t * pairs + i] = {static_cast<float>(std::cos(angle) * magnitude),
                                    static_cast<float>(std::sin(angle) * magnitude)};
        }
    }
}

void ropeRow(float* row, std::int64_t heads, std::int32_t headDim, const RopeTurn* turns, const RopeParams& params) {
    const std::int32_t pairs = params.dims / 2;
    const bool interleaved = params.pairing == RopePairing::Interleaved;
    const std::int32_t step = interleaved ? 2 : 1;
    const std::int32_t partner = interleaved ? 1 : pairs;
    for (std::int64_t h = 0; h < heads; ++h) {
        float* head = row + h * headDim;
        for (std::int32_t i = 0; i < pairs; ++i) {
            float& first = head[i * step];
            float& second = head[i * step + partner];
            const float a = first;
            const float b = second;
            first = a * turns[i].cosine - b * turns[i].sine;
            second = a * turns[i].sine + b * turns[i].cosine;
        }
    }
}

} // namespace hearth::kernels
