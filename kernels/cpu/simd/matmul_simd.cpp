// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/simd/matmul_simd.h"

#include "kernels/cpu/simd/tables.h"

namespace hearth::kernels {

const MatmulKernels* matmulKernels(CpuPath path) {
#ifdef HEARTH_SIMD_X86
    switch (path) {
    case CpuPath::Portable: return nullptr;
    case CpuPath::Avx2:
    case CpuPath::Avx512: return &kMatmulAvx2;
    case CpuPath::Avx2Vnni: return &kMatmulAvx2Vnni;
    case CpuPath::Avx512Vnni: return &kMatmulAvx512Vnni;
    }
#else
    static_cast<void>(path);
#endif
    return nullptr;
}

} // namespace hearth::kernels
