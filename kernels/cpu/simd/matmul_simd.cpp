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

const LimitLoops* limitLoops(CpuPath path) {
    const MatmulKernels* kernels = matmulKernels(path);
    if (kernels == nullptr) return nullptr;
#ifdef HEARTH_SIMD_X86
    if (path == CpuPath::Avx512Vnni && cpuHasBf16Products()) {
        static const LimitLoops kWithBf16 = [] {
            LimitLoops loops = kMatmulAvx512Vnni.limits;
            loops.bf16 = bf16LoopAvx512;
            return loops;
        }();
        return &kWithBf16;
    }
#endif
    return &kernels->limits;
}

} // namespace hearth::kernels
