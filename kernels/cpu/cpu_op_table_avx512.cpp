// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_op_table_impl.h"
#include "kernels/cpu/vec_avx512.h"

namespace hearth::kernels {

const CpuOpTable& cpuOpTableAvx512() {
    static constexpr CpuOpTable kTable = makeOpTable<VecAvx512>();
    return kTable;
}

} // namespace hearth::kernels
