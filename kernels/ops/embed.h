// SPDX-License-Identifier: Apache-2.0
//
// Embedding lookup: out[i] = scale * decode(table[tokens[i]])
//
// out     [n, dim]      f32
// table   [vocab, dim]  any format that computes
// tokens  [n]           each in [0, vocab); checked, since 0 is a token and -1 is not
// scale   1, or sqrt(dim) for gemma
//
// Decoding is exact, the product rounds once (tests/kernels/ops_test.cpp). Moves n * (bytes of a row + dim * 4) bytes.
// Source: kernels/quant/*.h.
#pragma once

#include "kernels/ops/shapes.h"

#include <algorithm>
#include <span>

namespace hearth::kernels {

[[nodiscard]] inline bool embedFits(const TensorView& out, const TensorView& table,
                                    std::span<const std::int32_t> tokens) {
    return isF32Matrix(out) && table.data != nullptr && table.outer() == 1 && hasWholeBlocks(table) &&
           out.cols() == table.cols() && out.rows() == static_cast<std::int64_t>(tokens.size()) &&
           std::ranges::all_of(tokens, [&](std::int32_t token) { return token >= 0 && token < table.rows(); });
}

} // namespace hearth::kernels
