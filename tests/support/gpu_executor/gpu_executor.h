// SPDX-License-Identifier: Apache-2.0
//
// Runs a grid of GPU kernels on the CPU, to judge them where no GPU is. Blocks run one after another; the threads of a block are fibres
// (Boost.Context) that run until they must wait for others. What a GPU leaves undefined ends the launch with a message instead:
//   - lanes of a wave at different shuffles, ballots or matrix products; threads of a block at different barriers; some of them ended
//   - reads and writes of memory that belongs to nobody, or that lie unaligned; indices outside an array (compiled-in checks)
// Shared memory begins each block as NaN. Blocks, waves and lanes run upwards and downwards in turns, so that a missing barrier shows as a
// NaN or a stale value in one of the two.
// Thread: any; one launch at a time in a process.
#pragma once

#include "tests/support/gpu_executor/executor_words.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace hearth::test {

/// As f32, f16 and bf16 a NaN; as an index far outside.
inline constexpr std::uint32_t kPoison = 0x7fc07fc0u;

/// Says what an address is, for messages; empty when it is nothing known.
using AddressNames = std::function<std::string(std::uintptr_t)>;

/// Runs `kernel` of `table` with blocks of kernel.threads. Nothing when all went well, else what went wrong, where.
[[nodiscard]] std::optional<std::string> runGrid(const hearth_executor::KernelTable& table, const hearth_executor::Kernel& kernel,
                                                 std::array<std::uint32_t, 3> grid, const void* arguments, const AddressNames& nameOf);

/// The kernel of that name; nullptr when there is none.
[[nodiscard]] const hearth_executor::Kernel* findKernel(const hearth_executor::KernelTable& table, const char* name);

} // namespace hearth::test
