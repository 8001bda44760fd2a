// SPDX-License-Identifier: Apache-2.0
//
// From a dtype to the code for it: the functions of one MatmulKernels table.
// Included by the translation unit of one instruction set after its Format structs; everything here is internal to it.
#pragma once

#include "kernels/cpu/simd/float_driver.h"
#include "kernels/cpu/simd/limit_loops_impl.h"
#include "kernels/cpu/simd/matmul_driver.h"
#include "kernels/cpu/simd/matmul_simd.h"

#include <cassert>

#define HEARTH_SIMD_FORMATS(X)                                                                                         \
    X(IQ1_M)                                                                                                           \
    X(IQ1_S)                                                                                                           \
    X(IQ2_S)                                                                                                           \
    X(IQ2_XS)                                                                                                          \
    X(IQ2_XXS)                                                                                                         \
    X(IQ3_S)                                                                                                           \
    X(IQ3_XXS)                                                                                                         \
    X(IQ4_NL)                                                                                                          \
    X(IQ4_XS)                                                                                                          \
    X(MXFP4)                                                                                                           \
    X(Q2_K)                                                                                                            \
    X(Q3_K)                                                                                                            \
    X(Q4_0)                                                                                                            \
    X(Q4_1)                                                                                                            \
    X(Q4_K)                                                                                                            \
    X(Q5_0)                                                                                                            \
    X(Q5_1)                                                                                                            \
    X(Q5_K)                                                                                                            \
    X(Q6_K)                                                                                                            \
    X(Q8_0)                                                                                                            \
    X(TQ1_0)                                                                                                           \
    X(TQ2_0)

namespace hearth::kernels {

namespace {

bool supportsDType(DType dtype) {
    switch (dtype) {
#define HEARTH_ROW(NAME) case DType::NAME:
    HEARTH_SIMD_FORMATS(HEARTH_ROW)
#undef HEARTH_ROW
    case DType::BF16:
    case DType::F16:
    case DType::F32: return true;
    default: return false;
    }
}

template <class Isa>
void matmulEntry(float* out, std::int64_t outStride, DType dtype, const void* weight, std::int64_t rowBytes,
                 std::int64_t rowFrom, std::int64_t rowTo, const Q8Chunk* x, std::int64_t nTokens, std::int64_t cols) {
    const MatmulCall call{out,   outStride, static_cast<const std::uint8_t*>(weight), rowBytes, rowFrom,
                          rowTo, x,         nTokens,                                  cols / kQ8Elements};
    switch (dtype) {
#define HEARTH_ROW(NAME)                                                                                               \
    case DType::NAME: matmulFormat<Isa, Format<DType::NAME>>(call); return;
    HEARTH_SIMD_FORMATS(HEARTH_ROW)
#undef HEARTH_ROW
    default: assert(!"a type that supports() denies");
    }
}

template <class Isa>
void matmulFloatEntry(float* out, std::int64_t outStride, DType dtype, const void* weight, std::int64_t rowBytes,
                      std::int64_t rowFrom, std::int64_t rowTo, const float* x, std::int64_t xStride,
                      std::int64_t nTokens, std::int64_t cols) {
    const FloatCall call{out,   outStride, static_cast<const std::uint8_t*>(weight), rowBytes, rowFrom,
                         rowTo, x,         xStride,                                  nTokens,  cols};
    switch (dtype) {
    case DType::F32: matmulFloatType<Isa, DType::F32>(call); return;
    case DType::F16: matmulFloatType<Isa, DType::F16>(call); return;
    case DType::BF16: matmulFloatType<Isa, DType::BF16>(call); return;
    default: assert(!"a type that is not a float");
    }
}

template <class Isa>
constexpr MatmulKernels makeTable(const char* name) {
    return {name, supportsDType, packRow<Isa::kRaisedActivations>, matmulEntry<Isa>, matmulFloatEntry<Isa>,
            makeLimitLoops<Isa>()};
}

} // namespace

} // namespace hearth::kernels
