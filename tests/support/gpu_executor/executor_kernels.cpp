// SPDX-License-Identifier: Apache-2.0
//
// Compiles one file of GPU kernels for the executor: HEARTH_EXECUTOR_SOURCE for waves of HEARTH_EXECUTOR_WAVE lanes, as the list
// HEARTH_EXECUTOR_LIST (CMakeLists.txt generates what includes this). All of it lies in an unnamed namespace, so that the builds for both
// wave sizes, whose types differ, live in one program. The standard headers that device code may include come first, outside of it.
// With HEARTH_EXECUTOR_AMD (clang) the words are AMD's own ones, kernels/hip/device_amd.h, for the family whose macros are defined, over
// builtins that amd_builtins.h makes of the ISA documents.
#include "tests/support/gpu_executor/executor_words.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace {

hearth_executor::KernelList executorKernels;

#if defined(HEARTH_EXECUTOR_AMD)
#include "amd_builtins.h"
#include "kernels/hip/device.h"
#undef HEARTH_BIG_KERNEL
#undef HEARTH_FULL_KERNEL
#undef HEARTH_KERNEL
#undef HEARTH_SHARED
#include "executor_macros.h"
#endif
#include HEARTH_EXECUTOR_SOURCE

} // namespace

namespace hearth_executor {

extern const KernelList* const HEARTH_EXECUTOR_LIST;
const KernelList* const HEARTH_EXECUTOR_LIST = &executorKernels;

} // namespace hearth_executor
