// SPDX-License-Identifier: Apache-2.0
//
// The kernel tables that CMakeLists.txt generates: Hearth's own kernels, and those that test the executor.
#pragma once

#include "tests/support/gpu_executor/executor_words.h"

#include <optional>

namespace hearth_executor {

KernelTable hearth_executor_kernels_wave32();
KernelTable hearth_executor_kernels_wave64();
KernelTable hearth_executor_test_kernels_wave32();
KernelTable hearth_executor_test_kernels_wave64();

/// All kernels, those that use matrix tiles (and those that test the executor) over AMD's own words for this family. Nothing when no clang was
/// there to compile them.
std::optional<KernelTable> amdKernels(const char* family);

} // namespace hearth_executor
