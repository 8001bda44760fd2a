// SPDX-License-Identifier: Apache-2.0
//
// The AVX2 path (FMA, F16C, BMI2): Haswell and Zen onwards.
#include "kernels/cpu/simd/avx2_formats.h"
#include "kernels/cpu/simd/avx2_isa.h"
#include "kernels/cpu/simd/matmul_entry.h"
#include "kernels/cpu/simd/tables.h"

namespace hearth::kernels {

const MatmulKernels kMatmulAvx2 = makeTable<Avx2Isa>("AVX2");

} // namespace hearth::kernels
