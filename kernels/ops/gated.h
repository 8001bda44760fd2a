// SPDX-License-Identifier: Apache-2.0
//
// Gated activations: out[i] = activation(gate[i]) * up[i], all f32 of the same shape; out may be gate.
//
// swiGlu  silu(x) = x / (1 + exp(-x))
// geGlu   gelu(x) = x / 2 (1 + tanh(u)) = x / (1 + exp(-2 u)),  u = sqrt(2 / pi) (x + 0.044715 x^3)
//
// exp is good over its full range: large arguments give infinity, very negative ones 0, and the quotient its limit.
// Within 2e-6 of |x| |up| (tests/kernels/ops_test.cpp, from -100 to 88). Moves 12 bytes an element.
// Source: Shazeer 2020, arXiv:2002.05202; Hendrycks and Gimpel 2016, arXiv:1606.08415.
#pragma once

#include "kernels/ops/shapes.h"

namespace hearth::kernels {

[[nodiscard]] inline bool gatedFits(const TensorView& out, const TensorView& gate, const TensorView& up) {
    return isF32Matrix(out) && isF32Matrix(gate) && isF32Matrix(up) && sameShape(out, gate) && sameShape(out, up);
}

} // namespace hearth::kernels
