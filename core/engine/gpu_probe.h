// SPDX-License-Identifier: Apache-2.0
//
// GpuProbe: what a child process found when it opened the GPU runtimes and ran the self-test. A driver that hangs or ends the
// process takes the child with it, not the conversation. The child is this program again (/proc/self/exe) in a hidden mode; it
// answers in lines on its standard output.
// Thread: the engine's.
#pragma once

#include "core/base/error.h"
#include "core/engine/kernel_fault.h"
#include "kernels/backend_loader.h"

#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace hearth::core {

/// PCI address, else "hip:0": what the user's choice and the verdicts are kept under.
[[nodiscard]] std::string deviceId(const kernels::GpuDeviceState& device);

struct ProbedDevice {
    kernels::GpuDeviceState state;
    int driverVersion = 0;
    std::uint64_t freeBytes = 0; ///< 0 = unknown
    std::string detail; ///< where the self-test stopped, or what the driver refused
    std::vector<KernelFault> faults; ///< of its self-test
    int testMs = 0;                  ///< ... and how long that took; 0 = there was none
};

struct GpuProbe {
    kernels::GpuReason reason = kernels::GpuReason::Ok; ///< Ok: the child answered; else ModuleMissing, ProbeCrashed, ProbeTimedOut
    std::string detail;                                 ///< the signal, the module's file
    std::vector<kernels::GpuRuntimeState> runtimes;
    std::vector<ProbedDevice> devices;
};

struct ProbeCommand {
    std::vector<std::string> arguments; ///< program first; "--skip ID" is appended for devices that ended an earlier child
    int limitMs = 5000;                 ///< without a word from the child: opening a runtime or a device, or testing one operation
};

/// This program in its probing mode: {the path of /proc/self/exe, mode}.
[[nodiscard]] ProbeCommand probeCommand(const std::string& mode);

/// Runs the child, again without the device that ended it. The only error is Cancelled, within 100 ms of a stop.
[[nodiscard]] Result<GpuProbe> probeInChild(const ProbeCommand& command, std::stop_token stop = {});

/// The child's side: prints its answer, returns the exit status.
[[nodiscard]] int answerProbe(kernels::BackendLoader& loader, std::span<const std::string> skippedIds);

} // namespace hearth::core
