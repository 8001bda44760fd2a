// SPDX-License-Identifier: Apache-2.0
//
// Self-test of a GPU back end: every operation of kernels::Backend once or twice on small random shapes, matrix products in
// every weight format, against the processor's portable back end. Run by the probing child process (gpu_probe.h).
// Thread: one.
#pragma once

#include "kernels/backend.h"

#include <string>
#include <vector>

namespace hearth::core {

struct SelfTestResult {
    std::vector<std::string> failed; ///< operations that computed something else: "rmsNorm", "matmul Q4_K"
    std::string stopped;             ///< the operation in which the device was lost or ran out of memory; empty = none

    [[nodiscard]] bool passed() const { return failed.empty() && stopped.empty(); }
    /// "matmul Q4_K, rope", at most three names and "and 4 more"
    [[nodiscard]] std::string summary() const;
};

/// An output is right when its root-mean-square distance from the reference is within the operation's tolerance of the
/// reference's own size, finite, and no element is off by eight times that. Tolerances: kernels/ops/*.h, widened for 8-bit activations (3e-2) and f16 keys and
/// values (1e-2). What the reference refuses is not judged.
[[nodiscard]] SelfTestResult selfTest(kernels::Backend& device, kernels::Backend& reference);

} // namespace hearth::core
