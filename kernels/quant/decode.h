// SPDX-License-Identifier: Apache-2.0
//
// decodeRow: any weight format to f32, exactly as the format defines it (tests/kernels/quant_blocks_test.cpp).
// Thread: any.
#pragma once

#include "kernels/dtype.h"

#include <cstdint>

namespace hearth::kernels {

/// True for every dtype that decodeRow() knows: all but I32.
[[nodiscard]] bool canDecode(DType dtype);

/// out [elements] = the values of `row`.
///
/// elements  a multiple of the format's block
/// row       aligned as its block's fields (at most 4 bytes)
void decodeRow(DType dtype, float* out, const void* row, std::int64_t elements);

} // namespace hearth::kernels
