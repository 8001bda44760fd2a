// SPDX-License-Identifier: Apache-2.0
//
// The AVX2 path with AVX-VNNI (256-bit vpdpbusd): Alder Lake and Zen 5 onwards.
#include "kernels/cpu/simd/avx2_formats.h"
#include "kernels/cpu/simd/avx2_isa.h"
#include "kernels/cpu/simd/matmul_entry.h"
#include "kernels/cpu/simd/tables.h"

namespace hearth::kernels {

const MatmulKernels kMatmulAvx2Vnni = makeTable<Avx2Isa>("AVX2 VNNI");

} // namespace hearth::kernels
