// SPDX-License-Identifier: Apache-2.0
//
// What every fuzz target shares: libFuzzer's entry point, and a check that stays on in Release.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

/// Called with one input after another by libFuzzer, or by replay_main.cpp. Returns 0; aborts when a promise is broken.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace hearth::test {

inline void require(bool promise, const char* what) {
    if (promise) return;
    std::fprintf(stderr, "broken promise: %s\n", what);
    std::abort();
}

} // namespace hearth::test
