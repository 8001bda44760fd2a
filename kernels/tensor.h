// SPDX-License-Identifier: Apache-2.0
//
// TensorView: a look at contiguous numbers in a back end's memory. Owns nothing. Shapes are outermost first, the last
// index is fastest: [rows, cols] or [experts, rows, cols].
#pragma once

#include "kernels/dtype.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace hearth::kernels {

struct TensorView {
    void* data = nullptr;            ///< an address of the back end that made it; only that back end may dereference it
    DType dtype = DType::F32;
    std::array<std::int64_t, 3> shape{1, 1, 1}; ///< [outer, rows, cols]; unused leading dimensions are 1

    [[nodiscard]] std::int64_t outer() const { return shape[0]; }
    [[nodiscard]] std::int64_t rows() const { return shape[1]; }
    [[nodiscard]] std::int64_t cols() const { return shape[2]; }
    [[nodiscard]] std::int64_t elements() const { return shape[0] * shape[1] * shape[2]; }
    [[nodiscard]] std::uint64_t bytes() const { return bytesFor(dtype, static_cast<std::uint64_t>(elements())); }
    [[nodiscard]] float* f32() const { return static_cast<float*>(data); }

    /// The first `count` rows of a [rows, cols] view.
    [[nodiscard]] TensorView firstRows(std::int64_t count) const {
        TensorView view = *this;
        view.shape[1] = count;
        return view;
    }
    /// Rows [from, from + count) of a [rows, cols] view.
    [[nodiscard]] TensorView rowRange(std::int64_t from, std::int64_t count) const {
        TensorView view = firstRows(count);
        view.data = static_cast<std::byte*>(data) + bytesFor(dtype, static_cast<std::uint64_t>(from * cols()));
        return view;
    }
};

[[nodiscard]] inline TensorView matrixView(void* data, DType dtype, std::int64_t rows, std::int64_t cols) {
    return {data, dtype, {1, rows, cols}};
}

} // namespace hearth::kernels
