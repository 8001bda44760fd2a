// SPDX-License-Identifier: Apache-2.0
//
// What a kernel and its shared memory are on the executor: a function with an entry in its file's list, and static arrays in a section of their
// own. HEARTH_EXECUTOR_WAVE is 32 or 64. Included in the middle of a translation unit (executor_kernels.cpp).
#pragma once

#define HEARTH_EXECUTOR_QUOTED(x) #x
#define HEARTH_EXECUTOR_NAMED(wave) "hearth_shared_" HEARTH_EXECUTOR_QUOTED(wave)
#define HEARTH_SHARED __attribute__((section(HEARTH_EXECUTOR_NAMED(HEARTH_EXECUTOR_WAVE)))) static
#if defined(__clang__)
#define HEARTH_CLEAR_PADDING(Args) nullptr
#else
#define HEARTH_CLEAR_PADDING(Args) [](void* arguments) { __builtin_clear_padding(static_cast<Args*>(arguments)); }
#endif
#define HEARTH_KERNEL(name, Args, threads)                                                                                                \
    static void name(const Args args);                                                                                                    \
    static ::hearth_executor::KernelEntry name##Entry(                                                                                     \
        executorKernels, #name, threads, sizeof(Args), [](const void* arguments) { name(*static_cast<const Args*>(arguments)); },         \
        HEARTH_CLEAR_PADDING(Args));                                                                                                      \
    static void name(const Args args)
#define HEARTH_BIG_KERNEL(name, Args, threads) HEARTH_KERNEL(name, Args, threads)
#define HEARTH_FULL_KERNEL(name, Args, threads) HEARTH_KERNEL(name, Args, threads)

// In kernels it stands behind HEARTH_SHARED, where compilers take only their own spelling.
#define alignas(bytes) __attribute__((aligned(bytes)))
