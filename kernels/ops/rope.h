// SPDX-License-Identifier: Apache-2.0
//
// Rotary position embedding, in place on x [n, heads * headDim]; row t stands at position p = firstPosition + t.
// In every head, for pair i of dims / 2, (a, b) becomes (a cos - b sin, a sin + b cos) of the pair's angle. Elements from dims on stay.
// Pairs: Interleaved (2 i, 2 i + 1); HalfSplit (i, i + dims / 2).
//
// angle        e = p * base^(-2 i / dims) / frequencyFactors[i]        the model's own, extrapolated
//              s = e * positionScale                                   linear scaling: positions squeezed
//              extensionFactor == 0:  angle = s
//              else (YaRN):           angle = s (1 - mix) + e mix,     mix = extensionFactor * ramp(i)
// ramp(i)      1 for pairs that turn often (extrapolate), 0 for slow ones: 1 - clamp((i - low) / max(0.001, high - low), 0, 1), with
//              low = max(0, floor(d(betaFast))), high = min(dims - 1, ceil(d(betaSlow))),
//              d(beta) = dims ln(originalContext / (2 pi beta)) / (2 ln(base)), the pair that turns beta times in the training context
// magnitude    cos and sin are multiplied by attentionFactor, and with YaRN by 1 + 0.1 ln(1 / positionScale) as well
//
// Angles in double on the CPU, in fractions of a turn of 2^-64 on a GPU, so that position 100,000 turns as exactly as position 1. Sines
// rounded to f32: within 1e-6 of the pair's length (tests/kernels/ops_test.cpp, tests/kernels/attention_kernels_test.cpp).
// Source: Su 2021, arXiv:2104.09864; Peng 2023, arXiv:2309.00071, sections 3.2 to 3.4.
#pragma once

#include "kernels/backend.h"
#include "kernels/ops/shapes.h"

#include <cstdint>

namespace hearth::kernels {

[[nodiscard]] inline bool ropeFits(const TensorView& x, std::int32_t headDim, std::int32_t firstPosition,
                                   const RopeParams& params) {
    return isF32Matrix(x) && headDim > 0 && x.cols() % headDim == 0 && params.dims >= 0 && params.dims % 2 == 0 &&
           params.dims <= headDim && params.base > 0.0f && firstPosition >= 0;
}

/// radians [dims / 2] = the angle of each pair at position 1, which grows in proportion to the position. In double.
void ropeFrequencies(double* radians, const RopeParams& params);

/// What cos and sin are multiplied by.
[[nodiscard]] double ropeMagnitude(const RopeParams& params);

/// turns [dims / 2] = the angles of ropeFrequencies in 2^-64 of a turn, whole turns dropped. Multiplied by a position, the product's overflow
/// drops whole turns again: the angle at any position, reduced exactly.
void makeRopeTurns(std::uint64_t* turns, const RopeParams& params);

/// What one pair is turned by, magnitude included.
struct RopeTurn {
    float cosine;
    float sine;
};

/// table [positions, dims / 2] = the turns of `positions` positions from firstPosition on. Host arithmetic, for every back end.
void makeRopeTable(RopeTurn* table, std::int32_t firstPosition, std::int64_t positions, const RopeParams& params);

/// Rotates the heads of one row by one position's turns.
void ropeRow(float* row, std::int64_t heads, std::int32_t headDim, const RopeTurn* turns, const RopeParams& params);

} // namespace hearth::kernels
