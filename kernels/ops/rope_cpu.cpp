// SPDX-License-Identifier: Apache-2.0
#include "kernels/ops/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace hearth::kernels {

namespace {

/// The (fractional) pair index whose wave turns `turns` times within the training context.
double pairTurning(double turns, const RopeParams& params) {
    const double wave = static_cast<double>(params.originalContext) / (turns * 2.0 * std::numbers::pi);
    return params.dims * std::log(wave) / (2.0 * std::log(static_cast<double>(params.base)));
}

bool extendsByYarn(const RopeParams& params) {
    return params.extensionFactor != 0.0f && params.originalContext > 0;
}

} // namespace

void ropeFrequencies(double* radians, const RopeParams& params) {
    const bool yarn = extendsByYarn(params);
    const double low = yarn ? std::max(0.0, std::floor(pairTurning(params.betaFast, params))) : 0.0;
    const double high = yarn ? std::min(params.dims - 1.0, std::ceil(pairTurning(params.betaSlow, params))) : 0.0;
    for (std::int32_t i = 0; i < params.dims / 2; ++i) {
        double frequency = std::pow(static_cast<double>(params.base), -2.0 * static_cast<double>(i) / params.dims);
        if (params.frequencyFactors != nullptr) frequency /= params.frequencyFactors[i];
        radians[i] = frequency * params.positionScale;
        if (yarn) {
            const double ramp =
                1.0 - std::clamp((static_cast<double>(i) - low) / std::max(0.001, high - low), 0.0, 1.0);
            const double mix = ramp * params.extensionFactor;
            radians[i] = radians[i] * (1.0 - mix) + frequency * mix;
        }
    }
}

double ropeMagnitude(const RopeParams& params) {
    double magnitude = params.attentionFactor;
    if (extendsByYarn(params) && params.positionScale > 0.0f) {
        magnitude *= 1.0 - 0.1 * std::log(static_cast<double>(params.positionScale));
    }
    return magnitude;
}

void makeRopeTurns(std::uint64_t* turns, const RopeParams& params) {
    std::vector<double> radians(static_cast<std::size_t>(params.dims / 2));
    ropeFrequencies(radians.data(), params);
    for (const double angle : radians) {
        const double turn = angle / (2.0 * std::numbers::pi);
        const double part = std::ldexp(turn - std::floor(turn), 64); // 0 ... 2^64, both included
        *turns++ = part >= 0x1p64 ? 0 : static_cast<std::uint64_t>(part);
    }
}

void makeRopeTable(RopeTurn* table, std::int32_t firstPosition, std::int64_t positions, const RopeParams& params) {
    const std::int64_t pairs = params.dims / 2;
    const double magnitude = ropeMagnitude(params);
    std::vector<double> radians(static_cast<std::size_t>(pairs));
    ropeFrequencies(radians.data(), params);
    for (std::int64_t i = 0; i < pairs; ++i) {
        for (std::int64_t t = 0; t < positions; ++t) {
            const double angle = static_cast<double>(firstPosition + t) * radians[static_cast<std::size_t>(i)];
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
