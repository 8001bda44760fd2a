// SPDX-License-Identifier: Apache-2.0
//
// The kernel tables that CMakeLists.txt generates: Hearth's own kernels, and those that test the executor.
#pragma once

#include "tests/support/gpu_executor/executor_words.h"

namespace hearth_executor {

KernelTable hearth_executor_kernels_wave32();
KernelTable hearth_executor_kernels_wave64();
KernelTable hearth_executor_test_kernels_wave32();
KernelTable hearth_executor_test_kernels_wave64();

} // namespace hearth_executor
