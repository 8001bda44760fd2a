// SPDX-License-Identifier: Apache-2.0
//
// NVIDIA's driver as a GpuRuntime, opened by name at run time: libcuda.so.1. Each device's primary context is retained when
// it is first used and released with the runtime. Source: the CUDA driver API reference, 11.4 to 13.0.
#pragma once

#include "kernels/hip/dynamic_library.h"
#include "kernels/hip/gpu_runtime.h"

#include <memory>

namespace hearth::kernels {

/// As openHipRuntime.
[[nodiscard]] std::unique_ptr<GpuRuntime> openCudaRuntime(RuntimeFailure& failure);

} // namespace hearth::kernels
