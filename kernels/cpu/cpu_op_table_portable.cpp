// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_op_table_impl.h"

namespace hearth::kernels {

const CpuOpTable& cpuOpTablePortable() {
    static constexpr CpuOpTable kTable = makeOpTable<VecPortable>();
    return kTable;
}

} // namespace hearth::kernels
