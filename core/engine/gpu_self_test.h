// SPDX-License-Identifier: Apache-2.0
//
// Self-test of a GPU back end: every operation of kernels::Backend once or twice on small random shapes, products in every
// weight format, attention over every type of cache, against the processor's portable back end; sampling against the
// processor's sampler. Run by the probing child process (gpu_probe.h).
// Thread: one.
#pragma once

#include "core/engine/kernel_fault.h"
#include "kernels/backend.h"

#include <functional>
#include <string>
#include <vector>

namespace hearth::core {

struct SelfTestResult {
    std::vector<KernelFault> faults;  ///< one for each operation and format, with its largest error
    std::string stopped;              ///< the operation in which the device was lost or ran out of memory; empty = none
    bool outOfMemory = false;         ///< it was memory

    [[nodiscard]] bool passed() const { return faults.empty() && stopped.empty(); }
    /// The faults as describe() says them, "then rope" where it stopped.
    [[nodiscard]] std::string summary() const;
};

/// An output is right when its root-mean-square distance from the reference is within the operation's tolerance of the
/// reference's own size, finite, and no element is off by eight times that. Tolerances: kernels/ops/*.h, widened for 8-bit activations (3e-2) and f16 keys and
/// values (1e-2). What the reference refuses is not judged.
/// `alive` (may be empty) is called between operations, so that whoever waits can tell slow from stuck.
[[nodiscard]] SelfTestResult selfTest(kernels::Backend& device, kernels::Backend& reference, const std::function<void()>& alive = {});

} // namespace hearth::core
