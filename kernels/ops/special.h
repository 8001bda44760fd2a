// SPDX-License-Identifier: Apache-2.0
//
// What few models need; a back end says in Backend::offers() which of them it has. All f32.
//
// clampedSwiGlu  out[i] = g / (1 + exp(-1.702 g)) * (u + 1),   g = min(gate[i], 7), u = min(max(up[i], -7), 7)
//     out, gate, up of the same shape; out may be gate. A NaN stays one. Within 2e-6 of |g| (|u| + 1).
// addExpertBias  x[t * k + j][c] += bias[ids[t][j]][c]
//     x [n * k, cols], bias [experts, cols], ids [n, k] I32 as moeRoute gives them. Rounds once.
// copyColumns    out[r][outFrom + c] = in[r / repeat][inFrom + c],   c < count, repeat = rows of out / rows of in
//     out and in do not overlap; repeat is a whole number. Exact.
//
// Judged by tests/kernels/special_ops_test.cpp. Run at memory speed.
// Source: the gpt-oss model card, OpenAI 2025 (its experts' activation and biases); DeepSeek-V2 report, arXiv:2405.04434, section 2.1 (heads
// put together of rotated and other parts).
#pragma once

#include "kernels/ops/gated.h"
#include "kernels/ops/shapes.h"

namespace hearth::kernels {

constexpr float kClampedSwiGluSlope = 1.702f;
constexpr float kClampedSwiGluLimit = 7.0f;

[[nodiscard]] inline bool addExpertBiasFits(const TensorView& x, const TensorView& bias, const TensorView& ids) {
    return isF32Matrix(x) && isF32Matrix(bias) && isMatrix(ids, DType::I32) && x.cols() == bias.cols() &&
           x.rows() == ids.elements();
}

[[nodiscard]] inline bool copyColumnsFits(const TensorView& out, std::int64_t outFrom, const TensorView& in,
                                          std::int64_t inFrom, std::int64_t count) {
    return isF32Matrix(out) && isF32Matrix(in) && count > 0 && outFrom >= 0 && inFrom >= 0 &&
           outFrom + count <= out.cols() && inFrom + count <= in.cols() &&
           (in.rows() == 0 ? out.rows() == 0 : out.rows() % in.rows() == 0);
}

} // namespace hearth::kernels
