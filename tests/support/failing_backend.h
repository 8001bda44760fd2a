// SPDX-License-Identifier: Apache-2.0
//
// FailingBackend: the CPU back end in a GPU's clothes, which fails at a chosen operation, weight or allocation the way a GPU
// does: the status is sticky, and everything after it does nothing. Can also compute one operation wrongly.
#pragma once

#include "kernels/cpu/cpu_backend.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace hearth::test {

struct FailurePlan {
    int operation = -1;                ///< of all since the back end was made; -1 = never
    int allocation = -1;
    int weight = -1;
    kernels::StatusCode code = kernels::StatusCode::DeviceLost;
    const char* place = "matmul";
    bool samples = true;               ///< it chooses tokens too
    std::string wrong;                 ///< an operation that computes nonsense: "rmsNorm"
    std::function<void()> instead;     ///< called in place of the failing operation, before the status is set
};

/// What happened to a back end, kept by the test.
struct BackendLog {
    int made = 0;
    int alive = 0;
    int operations = 0;
    int allocations = 0;
    int weights = 0;
    std::int64_t largestRows = 0;      ///< tokens embedded at once
};

/// `log` must outlive the back end.
[[nodiscard]] std::unique_ptr<kernels::Backend> makeFailingBackend(FailurePlan plan, BackendLog& log, std::string_view family = "gfx1100");

} // namespace hearth::test
