// SPDX-License-Identifier: Apache-2.0
//
// Compiles one file of GPU kernels for the executor: HEARTH_EXECUTOR_SOURCE for waves of HEARTH_EXECUTOR_WAVE lanes, as the list
// HEARTH_EXECUTOR_LIST (CMakeLists.txt generates what includes this). All of it lies in an unnamed namespace, so that the builds for both
// wave sizes, whose types differ, live in one program. The standard headers that device code may include come first, outside of it.
#include "tests/support/gpu_executor/executor_words.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#define HEARTH_EXECUTOR_QUOTED(x) #x
#define HEARTH_EXECUTOR_NAMED(wave) "hearth_shared_" HEARTH_EXECUTOR_QUOTED(wave)
#define HEARTH_EXECUTOR_SECTION HEARTH_EXECUTOR_NAMED(HEARTH_EXECUTOR_WAVE)

// In kernels it stands behind HEARTH_SHARED, where GCC takes only its own spelling.
#define alignas(bytes) __attribute__((aligned(bytes)))

namespace {

hearth_executor::KernelList executorKernels;

#include HEARTH_EXECUTOR_SOURCE

} // namespace

namespace hearth_executor {

extern const KernelList* const HEARTH_EXECUTOR_LIST;
const KernelList* const HEARTH_EXECUTOR_LIST = &executorKernels;

} // namespace hearth_executor
