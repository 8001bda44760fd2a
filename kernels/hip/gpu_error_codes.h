// SPDX-License-Identifier: Apache-2.0
//
// The numbers that HIP's runtime and NVIDIA's driver answer with; HIP took over NVIDIA's, so one table serves both.
// Source: the enumerations hipError_t (ROCm documentation, "HIP runtime API reference") and CUresult (CUDA driver API).
#pragma once

#include "kernels/hip/gpu_runtime.h"

namespace hearth::kernels {

[[nodiscard]] constexpr GpuError gpuErrorOf(int raw) {
    switch (raw) {
    case 0: return GpuError::None;
    case 2: return GpuError::OutOfMemory;
    case 100:                                // no device
    case 101: return GpuError::NoDevice;     // invalid device
    case 98:                                 // invalid device function
    case 200:                                // invalid image
    case 209:                                // no binary for this GPU
    case 218:                                // invalid PTX
    case 222:                                // PTX of a later toolkit
    case 300:                                // invalid source
    case 301:                                // file not found
    case 500: return GpuError::NoCodeObject; // named symbol not found
    case 600: return GpuError::NotReady;
    case 701:                                // out of launch resources
    case 720: return GpuError::LaunchFailed; // cooperative launch too large
    case 46:                                 // device unavailable
    case 214:                                // uncorrectable memory error
    case 700:                                // illegal address
    case 702:                                // launch timed out
    case 709:                                // context is destroyed
    case 710:                                // device-side assertion
    case 714:                                // hardware stack error
    case 715:                                // illegal instruction
    case 716:                                // misaligned address
    case 717:                                // invalid address space
    case 718:                                // invalid program counter
    case 719: return GpuError::DeviceLost;   // launch failure: the context is lost with it
    case 800: return GpuError::NoPermission;
    case 801: return GpuError::Unsupported;
    default: return GpuError::Other;
    }
}

[[nodiscard]] constexpr GpuResult gpuResult(int raw) {
    return {gpuErrorOf(raw), raw};
}

} // namespace hearth::kernels
