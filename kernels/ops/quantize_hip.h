// SPDX-License-Identifier: Apache-2.0
//
// Activations as matrix products read them: what host and device share.
//
// hearth_quantize_rows  x [rows, cols] f32 -> Q8Rows (kernels/hip/q8_rows.h); cols a multiple of 32. A block of 32 that is not finite
//     becomes 0, as on the CPU (quant/q8_activation.h).
// hearth_half_rows      x [rows, cols] f32 -> out [rows, cols] f16 and scale [rows] f32, with x[r][c] ~= scale[r] * out[r][c], for the
//     matrix units, whose f16 ends at 65504. scale[r] is the power of two that brings the row's largest finite magnitude into
//     [1024, 2048) (1 for a row without a finite value but 0; rows under 2^-116 land lower), so that scaling is exact and what rounding
//     loses is f16's 11 bits. Infinities and NaN stay what they are.
#pragma once

#include "kernels/hip/q8_rows.h"

#include <array>
#include <cstdint>

namespace hearth::kernels {

constexpr int kQuantizeThreads = 256;
constexpr int kHalfRowsThreads = 512;

struct QuantizeRowsArgs {
    Q8Rows out;
    const float* x;
    std::int64_t count; ///< rows * cols
};

struct HalfRowsArgs {
    std::uint16_t* out; ///< [rows, cols] f16
    float* scale;       ///< [rows]
    const float* x;     ///< [rows, cols]
    std::int32_t rows;
    std::int32_t cols;
};

inline std::array<std::uint32_t, 3> quantizeRowsGrid(std::int64_t count) {
    constexpr std::int64_t kPerBlock = 4 * kQuantizeThreads;
    return {static_cast<std::uint32_t>((count + kPerBlock - 1) / kPerBlock), 1, 1};
}

inline std::array<std::uint32_t, 3> halfRowsGrid(std::int32_t rows) {
    return {static_cast<std::uint32_t>(rows), 1, 1};
}

} // namespace hearth::kernels
