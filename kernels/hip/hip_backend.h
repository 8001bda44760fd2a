// SPDX-License-Identifier: Apache-2.0
//
// HipBackend: Backend on a GPU through a GpuRuntime (HIP, NVIDIA's driver, or the tests' executor). One stream; operations are launched in
// order and nothing waits until endStep() or a download outside a recorded step. A step with a signature is captured as a graph and
// launched again by replayStep(); what changes between tokens (the token, its position) lies in device memory.
// Errors are sticky: after DeviceLost every later call returns it, and the caller tears the back end down.
// Thread: one at a time.
#pragma once

#include "kernels/backend.h"
#include "kernels/hip/gpu_runtime.h"

#include <memory>
#include <span>

namespace hearth::kernels {

struct CodeObject {
    const char* arch; ///< "gfx1100", "sm_90"
    std::span<const std::byte> image;
};

struct HipOptions {
    int device = 0;
    /// No kernel of ours runs for a second; a stream that is not done after this is a hung device. 0 = wait for ever.
    int watchdogMs = 10'000;
    /// Weights share allocations of this size (device_arena.h); 0 = each has its own (tests, which see reads past its end).
    std::uint64_t weightSlabBytes = std::uint64_t{32} << 20;
    /// Read by measureReadBandwidth: far more than any cache holds (96 MB on the largest consumer card, 256 MB on MI300).
    std::uint64_t bandwidthBytes = std::uint64_t{2} << 30;
    bool recordSteps = true; ///< false: every operation is launched every time (tests, drivers whose graphs fail)
};

/// `runtime` must outlive the back end. nullptr with `status` when the device refuses the code object or a resource.
[[nodiscard]] std::unique_ptr<Backend> createHipBackend(GpuRuntime& runtime, const CodeObject& code, const HipOptions& options,
                                                        Status& status);

} // namespace hearth::kernels
