// SPDX-License-Identifier: Apache-2.0
//
// How quantised weights lie in GPU memory. A file's blocks have odd sizes (18, 34, 210 bytes), which would cost a GPU its 16-byte loads. On
// upload the fields of the blocks are therefore gathered into planes: all blocks' quants together, all scales together, block after block in
// the file's order. Nothing is expanded: a plane is rounded up to 16 bytes, and that is all the difference in size.
//
// Host code without a driver: the plan of what fits where (core/catalog/memory_plan.h) takes its sizes from here.
//
// Each row of the table below names the block's fields as {offset, bytes} in the block, in plane order. Types not in it (F32, F16, BF16) stay as
// they are. Block layouts: kernels/quant/*.h, whose structs the static_asserts of planes.cpp check this table against.
#pragma once

#include "kernels/dtype.h"

#include <cstdint>
#include <span>

namespace hearth::kernels {

constexpr int kMaxPlanes = 5;

struct PlaneField {
    std::uint16_t offset; ///< in the block
    std::uint16_t bytes;
};

/// Where the planes of one tensor begin.
struct Planes {
    const std::uint8_t* plane[kMaxPlanes];
};

/// The fields of a format, in plane order; empty when the format is stored as in the file.
[[nodiscard]] std::span<const PlaneField> planeFields(DType dtype);

/// Tensors begin at multiples of this in a device's memory (device_arena.h).
constexpr std::uint64_t kDeviceAlignment = 256;

/// Bytes of a tensor of `elements` values in GPU memory: the planes, each rounded up to 16.
[[nodiscard]] std::uint64_t planeBytes(DType dtype, std::uint64_t elements);

/// The planes of a tensor of `elements` values at `base`.
[[nodiscard]] Planes planesAt(const void* base, DType dtype, std::uint64_t elements);

} // namespace hearth::kernels
