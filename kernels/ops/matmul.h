// SPDX-License-Identifier: Apache-2.0
//
// Matrix product: out[t][r] = sum over c of decode(weight)[r][c] * x[t][c]
//
// out     [n, rows]     f32; not the memory of x
// weight  [rows, cols]  any format that computes; cols is whole blocks
// x       [n, cols]     f32
//
// matmulExperts: weight [experts, rows, cols], ids [n, k] I32, out [n * k, rows];
//     out[t * k + j] = weight[ids[t][j]] * x[t]          when x has n rows
//     out[t * k + j] = weight[ids[t][j]] * x[t * k + j]  when x has n * k rows
// matmulShared: several weights over the same x, each as above; x is rounded once for all.
//
// Judged against a sum in double precision (tests/kernels/ops_test.cpp), in units of |weight row| * |x row|:
//   portable path, and F32, F16, BF16 weights on every path     2e-6: f32 sums
//   other formats on the SIMD paths                             1e-2: x is rounded to 8 bits in blocks of 32 (quant/q8_activation.h),
//                                                               and 1e-5 from the same sum over the rounded x
//   of these, formats of under four bits                         1e-4: x is two 8-bit numbers, itself and the rest; TinyLlama
//                                                               in IQ2_XXS comes from 0.027 to 0.008 of the logits' deviation
// One token reads every weight byte once and runs at memory speed; many tokens run at the speed of the multipliers.
#pragma once

#include "kernels/ops/shapes.h"

namespace hearth::kernels {

[[nodiscard]] inline bool matmulFits(const TensorView& out, const TensorView& weight, const TensorView& x) {
    return isF32Matrix(out) && isF32Matrix(x) && weight.data != nullptr && weight.outer() == 1 &&
           hasWholeBlocks(weight) && weight.cols() == x.cols() && out.rows() == x.rows() && out.cols() == weight.rows();
}

[[nodiscard]] inline bool matmulExpertsFits(const TensorView& out, const TensorView& weight, const TensorView& x,
                                            const TensorView& ids) {
    return isF32Matrix(out) && isF32Matrix(x) && isMatrix(ids, DType::I32) && weight.data != nullptr &&
           hasWholeBlocks(weight) && weight.cols() == x.cols() && out.cols() == weight.rows() &&
           out.rows() == ids.elements() && (x.rows() == ids.rows() || x.rows() == ids.elements());
}

} // namespace hearth::kernels
