// SPDX-License-Identifier: Apache-2.0
//
// What the kernels of test_kernels.hip take.
#pragma once

#include <cstdint>

namespace hearth::test {

struct ExecutorTestArgs {
    float* out = nullptr;
    const float* in = nullptr;
    int* counter = nullptr;
    std::int32_t count = 0;
};

} // namespace hearth::test
