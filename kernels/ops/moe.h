// SPDX-License-Identifier: Apache-2.0
//
// Mixture of experts. The products themselves: matmulExperts in matmul.h.
//
// moeRoute: p = softmax(logits[t]) over all experts; ids[t] = the k experts of largest p, largest first, the lower id on a tie;
//     weights[t][j] = p[ids[t][j]], divided by their sum when `renormalise`.
//     ids [n, k] I32, weights [n, k] f32, logits [n, experts] f32; 1 <= k <= experts
// moeCombine: out[t] = sum over j of weights[t][j] * x[t * k + j]
//     out [n, dim] f32, x [n * k, dim] f32, weights [n, k] f32
//
// Within 1e-6 (tests/kernels/ops_test.cpp); ids are exact. Source: Shazeer 2017, arXiv:1701.06538; Jiang 2024, arXiv:2401.04088.
#pragma once

#include "kernels/ops/shapes.h"

namespace hearth::kernels {

[[nodiscard]] inline bool moeRouteFits(const TensorView& ids, const TensorView& weights, const TensorView& logits) {
    return isMatrix(ids, DType::I32) && isF32Matrix(weights) && isF32Matrix(logits) && sameShape(ids, weights) &&
           ids.rows() == logits.rows() && ids.cols() <= logits.cols();
}

[[nodiscard]] inline bool moeCombineFits(const TensorView& out, const TensorView& x, const TensorView& weights) {
    return isF32Matrix(out) && isF32Matrix(x) && isF32Matrix(weights) && out.rows() == weights.rows() &&
           x.rows() == weights.elements() && x.cols() == out.cols();
}

enum class RouteWeights : bool { AsTheyAre, Renormalised };

/// One row of moeRoute. scratch [experts] is overwritten.
void moeRouteRow(std::int32_t* ids, float* weights, const float* logits, std::int64_t experts, std::int64_t k,
                 RouteWeights mode, std::int32_t* scratch);

} // namespace hearth::kernels
