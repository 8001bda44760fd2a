// SPDX-License-Identifier: Apache-2.0
//
// The AVX-512 VNNI path (F, BW, VL, DQ, VNNI): Ice Lake and Zen 4 onwards.
#include "kernels/cpu/simd/avx512_formats.h"
#include "kernels/cpu/simd/avx512_isa.h"
#include "kernels/cpu/simd/matmul_entry.h"
#include "kernels/cpu/simd/tables.h"

namespace hearth::kernels {

const MatmulKernels kMatmulAvx512Vnni = makeTable<Avx512Isa>("AVX-512 VNNI");

} // namespace hearth::kernels
