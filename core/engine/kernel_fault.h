// SPDX-License-Identifier: Apache-2.0
//
// KernelFault: one operation of a GPU that computes something else than the processor, as its self-test found it, and what
// that means for a model: which of its parts must stay on the CPU, or that the GPU is of no use.
// Thread: any (plain values).
#pragma once

#include "core/catalog/memory_plan.h"

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hearth::core {

struct KernelFault {
    std::string operation;  ///< as in kernels/backend.h: "matmul", "attention"
    std::string format;     ///< the weight's type, "Q3_K", or the cache's, "q8_0"; empty where there is only one
    double error = std::numeric_limits<double>::infinity(); ///< of the reference's own size; infinite = refused, or not finite
    double allowed = 0.0;

    bool operator==(const KernelFault&) const = default;
};

/// "matmul of Q3_K (off by 42 %, 3 % allowed)"
[[nodiscard]] std::string describe(const KernelFault& fault);
/// The same of at most three faults, one for each operation and format, "and 4 more".
[[nodiscard]] std::string describe(std::span<const KernelFault> faults);

/// What must not lie on a GPU with these faults. nullopt: every layer needs one of them, so that nothing may.
[[nodiscard]] std::optional<GpuGaps> gapsOf(std::span<const KernelFault> faults);

/// One clause for people about what the CPU does instead: "layers with Q3_K weights run on the processor"; empty without faults.
[[nodiscard]] std::string consequenceOf(std::span<const KernelFault> faults);

} // namespace hearth::core
