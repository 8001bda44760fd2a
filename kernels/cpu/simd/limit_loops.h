// SPDX-License-Identifier: Apache-2.0
//
// LimitLoops: what an instruction set can do at most, as loops that do nothing else. kernels/cpu/cpu_limits.h times them.
// Thread: any; the functions keep nothing.
#pragma once

#include <cstdint>

namespace hearth::kernels {

struct LimitLoops {
    /// Reads all bytes with the widest loads, in several streams of addresses (one does not use all of the memory's
    /// bandwidth).
    /// Returns some function of them. data is aligned to 64; bytes a multiple of 512.
    std::uint64_t (*read)(const void* data, std::int64_t bytes);
    /// Products of 8-bit numbers summed in 32 bits, from registers; returns how many operations (two per product) that was.
    std::int64_t (*int8)(std::int64_t rounds);
    /// The same of f32 numbers, fused.
    std::int64_t (*f32)(std::int64_t rounds);
    /// The same of bf16 numbers summed in f32; null where the instruction set has no such instruction.
    std::int64_t (*bf16)(std::int64_t rounds);
};

} // namespace hearth::kernels
