// SPDX-License-Identifier: Apache-2.0
//
// Norms over the rows of x.
//
// Root mean square: out[r][c] = x[r][c] * weight[c] / sqrt(mean(x[r]^2) + eps)
// Layer norm:       out[r][c] = (x[r][c] - mean(x[r])) / sqrt(variance(x[r]) + eps) * weight[c] + bias[c]
//
// out     [rows, dim]  f32; may be the same memory as x
// x       [rows, dim]  f32
// weight  [dim]        f32
// bias    [dim]        f32, or data == nullptr for none
// eps     inside the root; from the model file
//
// Sums in f32, the variance from the centred values; within 1e-5 of the largest output (tests/kernels/ops_test.cpp).
// Moves rows * dim * 8 + dim * 4 bytes.
// Source: Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4; Ba, Kiros and Hinton 2016, arXiv:1607.06450.
#pragma once

#include "kernels/ops/shapes.h"

namespace hearth::kernels {

[[nodiscard]] inline bool rmsNormFits(const TensorView& out, const TensorView& x, const TensorView& weight) {
    return isF32Matrix(out) && isF32Matrix(x) && sameShape(out, x) && isF32Vector(weight, x.cols());
}

[[nodiscard]] inline bool layerNormFits(const TensorView& out, const TensorView& x, const TensorView& weight,
                                        const TensorView& bias) {
    return rmsNormFits(out, x, weight) && (bias.data == nullptr || isF32Vector(bias, x.cols()));
}

} // namespace hearth::kernels
