// SPDX-License-Identifier: Apache-2.0
//
// Status: what a back end remembers of a step that went wrong. Sticky: once set, later operations of the step do
// nothing, and endStep() returns it. kernels/ has no strings for people; core turns a Status into an Error.
#pragma once

#include <cstdint>

namespace hearth::kernels {

enum class StatusCode : std::uint8_t { Ok, Cancelled, OutOfMemory, InvalidShape, UnsupportedType, DeviceLost, LaunchFailed };

struct Status {
    StatusCode code = StatusCode::Ok;
    const char* place = ""; ///< the operation's name, a literal

    [[nodiscard]] bool ok() const { return code == StatusCode::Ok; }
};

} // namespace hearth::kernels
