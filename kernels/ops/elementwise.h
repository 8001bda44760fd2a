// SPDX-License-Identifier: Apache-2.0
//
// Element by element, in place on x:
//
// addBias  x[r][c] += bias[c]         x [rows, cols] f32, bias [cols] f32
// add      x[i] += y[i]               x, y f32 of the same shape
// scale    x[i] *= factor
// softcap  x[i] = cap * tanh(x[i] / cap)
//
// add, addBias and scale round once; softcap is within 1e-6 * cap (tests/kernels/ops_test.cpp), its tanh being
// 1 - 2 / (exp(2 x / cap) + 1). Runs at memory speed. Source of softcap: Gemma 2 report, arXiv:2408.00118, section 2.
#pragma once

#include "kernels/ops/shapes.h"

namespace hearth::kernels {

[[nodiscard]] inline bool addBiasFits(const TensorView& x, const TensorView& bias) {
    return isF32Matrix(x) && isF32Vector(bias, x.cols());
}

[[nodiscard]] inline bool addFits(const TensorView& x, const TensorView& y) {
    return isF32Matrix(x) && isF32Matrix(y) && sameShape(x, y);
}

} // namespace hearth::kernels
