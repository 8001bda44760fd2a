// SPDX-License-Identifier: Apache-2.0
//
// The tables that the translation units of this folder define; everybody else asks matmulKernels().
#pragma once

#include "kernels/cpu/simd/matmul_simd.h"

namespace hearth::kernels {

extern const MatmulKernels kMatmulAvx2;
extern const MatmulKernels kMatmulAvx2Vnni;
extern const MatmulKernels kMatmulAvx512Vnni;

/// LimitLoops::bf16 with AVX512_BF16.
std::int64_t bf16LoopAvx512(std::int64_t rounds);

} // namespace hearth::kernels
