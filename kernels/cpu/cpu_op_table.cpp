// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_op_table.h"

namespace hearth::kernels {

const CpuOpTable& cpuOpTablePortable();
#ifdef HEARTH_X86_VARIANTS
const CpuOpTable& cpuOpTableAvx2();
const CpuOpTable& cpuOpTableAvx512();
#endif

const CpuOpTable& cpuOpTable(CpuPath path) {
    switch (path) {
    case CpuPath::Portable: break;
#ifdef HEARTH_X86_VARIANTS
    case CpuPath::Avx2:
    case CpuPath::Avx2Vnni: return cpuOpTableAvx2();
    case CpuPath::Avx512:
    case CpuPath::Avx512Vnni: return cpuOpTableAvx512();
#else
    default: break;
#endif
    }
    return cpuOpTablePortable();
}

} // namespace hearth::kernels
