// SPDX-License-Identifier: Apache-2.0
//
// Four neighbouring values of a row as one 16-byte access where the row allows it, one by one where it does not. Device code.
#pragma once

#include "kernels/hip/device.h"

namespace hearth::kernels {

/// Rows of `cols` values that begin at `base` can be read in fours.
HEARTH_DEVICE bool inFours(const void* base, std::int64_t cols) {
    return ((reinterpret_cast<std::uintptr_t>(base) | static_cast<std::uintptr_t>(cols) * sizeof(float)) & 15u) == 0;
}

/// row[col ... col + 3], 0 from `cols` on. `fours`: the row is 16-byte aligned and cols a multiple of four; col always is.
HEARTH_DEVICE Float4 loadFour(const float* row, std::int64_t col, std::int64_t cols, bool fours) {
    Float4 v = {0.0f, 0.0f, 0.0f, 0.0f};
    if (fours) {
        if (col < cols) v = *reinterpret_cast<const Float4*>(row + col);
        return v;
    }
    if (col < cols) v.x = row[col];
    if (col + 1 < cols) v.y = row[col + 1];
    if (col + 2 < cols) v.z = row[col + 2];
    if (col + 3 < cols) v.w = row[col + 3];
    return v;
}

HEARTH_DEVICE void storeFour(float* row, std::int64_t col, std::int64_t cols, bool fours, const Float4& v) {
    if (fours) {
        if (col < cols) *reinterpret_cast<Float4*>(row + col) = v;
        return;
    }
    if (col < cols) row[col] = v.x;
    if (col + 1 < cols) row[col + 1] = v.y;
    if (col + 2 < cols) row[col + 2] = v.z;
    if (col + 3 < cols) row[col + 3] = v.w;
}

} // namespace hearth::kernels
