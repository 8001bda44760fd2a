// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_op_table_impl.h"
#include "kernels/cpu/vec_avx2.h"

namespace hearth::kernels {

const CpuOpTable& cpuOpTableAvx2() {
    static constexpr CpuOpTable kTable = makeOpTable<VecAvx2>();
    return kTable;
}

} // namespace hearth::kernels
