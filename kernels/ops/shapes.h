// SPDX-License-Identifier: Apache-2.0
//
// Small questions about views that the operations' shape checks ask. A back end calls <operation>Fits() before it computes and records
// StatusCode::InvalidShape when the answer is no: a wrong shape comes from a file, so it must not be an assertion.
#pragma once

#include "kernels/tensor.h"

namespace hearth::kernels {

[[nodiscard]] inline bool isMatrix(const TensorView& view, DType dtype) {
    return view.data != nullptr && view.dtype == dtype && view.outer() == 1 && view.rows() >= 0 && view.cols() > 0;
}

[[nodiscard]] inline bool isF32Matrix(const TensorView& view) {
    return isMatrix(view, DType::F32);
}

/// f32 with `count` values in all, however they are shaped.
[[nodiscard]] inline bool isF32Vector(const TensorView& view, std::int64_t count) {
    return view.data != nullptr && view.dtype == DType::F32 && view.elements() == count;
}

[[nodiscard]] inline bool sameShape(const TensorView& a, const TensorView& b) {
    return a.shape == b.shape;
}

/// A weight whose rows are whole blocks of its type.
[[nodiscard]] inline bool hasWholeBlocks(const TensorView& weight) {
    return weight.cols() % static_cast<std::int64_t>(info(weight.dtype).elementsPerBlock) == 0;
}

} // namespace hearth::kernels
