// SPDX-License-Identifier: Apache-2.0
//
// Compiles GPU kernels for the executor: the file HEARTH_EXECUTOR_SOURCE for waves of HEARTH_EXECUTOR_WAVE lanes, as the table
// HEARTH_EXECUTOR_TABLE. All of it lies in an unnamed namespace, so that the builds for both wave sizes, whose types differ, live in one
// program. The standard headers that device code may include come first, outside of it.
#include "tests/support/gpu_executor/executor_words.h"

#include <array>
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

// The linker's names for the two ends of a section; absent where no kernel has shared memory.
#define HEARTH_EXECUTOR_END_NAMED(end, wave) end##_hearth_shared_##wave
#define HEARTH_EXECUTOR_END(end, wave) HEARTH_EXECUTOR_END_NAMED(end, wave)
extern "C" {
extern std::byte HEARTH_EXECUTOR_END(__start, HEARTH_EXECUTOR_WAVE)[] __attribute__((weak, visibility("hidden")));
extern std::byte HEARTH_EXECUTOR_END(__stop, HEARTH_EXECUTOR_WAVE)[] __attribute__((weak, visibility("hidden")));
}

namespace hearth_executor {

KernelTable HEARTH_EXECUTOR_TABLE() {
    std::byte* const begin = HEARTH_EXECUTOR_END(__start, HEARTH_EXECUTOR_WAVE);
    std::byte* const end = HEARTH_EXECUTOR_END(__stop, HEARTH_EXECUTOR_WAVE);
    return {HEARTH_EXECUTOR_WAVE, &executorKernels, begin, static_cast<std::size_t>(end - begin)};
}

} // namespace hearth_executor
