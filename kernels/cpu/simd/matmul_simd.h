// SPDX-License-Identifier: Apache-2.0
//
// Matrix products straight from the file's quantised weights, one table of functions per instruction set.
// Weights are unpacked to 8-bit whole numbers in registers (few tokens) or in a small tile that stays in the cache
// (many), multiplied with activations of 8 bits (kernels/quant/q8_activation.h), and scaled in f32 group by group.
// Thread: any; the functions keep nothing. They need up to 384 KiB of stack.
#pragma once

#include "kernels/cpu/cpu_features.h"
#include "kernels/cpu/simd/limit_loops.h"
#include "kernels/dtype.h"
#include "kernels/quant/q8_activation.h"

#include <cstdint>

namespace hearth::kernels {

struct MatmulKernels {
    const char* name;

    /// True for the quantised types that matmul() takes and the float types that matmulFloat() takes.
    bool (*supports)(DType dtype);

    /// Row `token` of a panel of nTokens rows: quantizeRowToQ8(), bit for bit on finite input, in the layout of Q8Chunk.
    /// Some paths want the numbers of more than 4 tokens raised by 128, so a panel serves products of exactly nTokens.
    ///
    /// panel  [q8ChunksFor(cols)][nTokens], of q8PanelChunks(nTokens, cols) in all
    /// x      [cols] f32
    /// cols   a multiple of 32
    /// rest   [cols] f32 or null: what rounding left of x
    void (*packRow)(Q8Chunk* panel, std::int64_t nTokens, std::int64_t token, const float* x, std::int64_t cols, float* rest);

    /// out[t * outStride + r] = sum_c w[r][c] * scale_t,c q_t,c   for r in [rowFrom, rowTo), t in [0, nTokens)
    ///
    /// weight   a quantised type; row r at weight + r * rowBytes, any alignment; nothing outside the rows asked for is read
    /// x        a panel of nTokens rows
    /// cols     a multiple of 32 and of the type's block
    ///
    /// Each group of 16 or 32 is summed exactly in whole numbers, groups in f32: within 1e-5 of the sum of magnitudes of
    /// the exact product of the same 8-bit activations (tests/kernels/simd/matmul_simd_test.cpp).
    /// Up to 4 tokens it reads each weight once at near memory speed; with more, calls should bring some dozens of rows, so that
    /// the panel's way into the cache is worth it.
    void (*matmul)(float* out, std::int64_t outStride, DType dtype, const void* weight, std::int64_t rowBytes,
                   std::int64_t rowFrom, std::int64_t rowTo, const Q8Chunk* x, std::int64_t nTokens, std::int64_t cols);

    /// The same for F32, F16 and BF16 weights with f32 activations, token t at x + t * xStride; any cols.
    /// Weights are aligned as their elements.
    void (*matmulFloat)(float* out, std::int64_t outStride, DType dtype, const void* weight, std::int64_t rowBytes,
                        std::int64_t rowFrom, std::int64_t rowTo, const float* x, std::int64_t xStride,
                        std::int64_t nTokens, std::int64_t cols);

    /// What these instructions can do at most; its bf16 is null (limitLoops() knows whether the processor has that).
    LimitLoops limits;
};

/// nullptr for Portable, and for everything where these kernels were not compiled. Says what the code has, not what the
/// processor can do: ask cpuPathSupported() first. Avx512 without VNNI shares the kernels of Avx2.
[[nodiscard]] const MatmulKernels* matmulKernels(CpuPath path);

/// The loops that tell the limits of a path that this processor supports; nullptr where matmulKernels() is.
[[nodiscard]] const LimitLoops* limitLoops(CpuPath path);

} // namespace hearth::kernels
