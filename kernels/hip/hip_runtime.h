// SPDX-License-Identifier: Apache-2.0
//
// HIP's runtime as a GpuRuntime, opened by name at run time: libamdhip64.so.7, .6, .5 or .so, then the same in
// /opt/rocm/lib. Source: AMD's HIP runtime API reference, HIP 5.2 to 7.0.
#pragma once

#include "kernels/hip/dynamic_library.h"
#include "kernels/hip/gpu_runtime.h"

#include <memory>

namespace hearth::kernels {

/// nullptr with `failure`: RuntimeMissing (under 5 ms), RuntimeTooOld (names the missing call), NoDevice (hipInit finds none),
/// NoPermission, DriverError. Graph calls that the runtime lacks answer Unsupported.
[[nodiscard]] std::unique_ptr<GpuRuntime> openHipRuntime(RuntimeFailure& failure);

} // namespace hearth::kernels
