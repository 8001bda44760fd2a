// SPDX-License-Identifier: Apache-2.0
//
// GpuReason: why a GPU is used or not, as a value that crosses layers. The words are made in core/engine/devices.cpp
// (sentences for the terminal) and ui/bridge/error_text.cpp (the window).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hearth::kernels {

enum class GpuReason : std::uint8_t {
    Ok,
    ModuleMissing,       ///< Hearth's own GPU module is not installed, or is another version's
    RuntimeMissing,      ///< no HIP runtime or NVIDIA driver library
    RuntimeTooOld,       ///< the library lacks a call, or does not know the device
    NoPermission,        ///< the device files belong to a group that the user is not in
    NoDevice,            ///< the runtime finds none
    FamilyNotBuiltIn,    ///< no code object for this architecture
    SelfTestFailed,      ///< a kernel computes something else than the CPU
    OutOfMemory,
    DeviceLost,          ///< reset, fault, or gone
    Hang,                ///< did not finish in the watchdog's time
    ProbeCrashed,        ///< the driver ended the probing process
    ProbeTimedOut,
    CrashedLastTime,     ///< Hearth ended without order while it used this device
    UsersChoice,
    HiddenByEnvironment, ///< HIP_VISIBLE_DEVICES and its like, or HEARTH_GPU
    DriverError,         ///< anything else that the driver answers
    ModelNeedsMore,      ///< the model needs an operation that the GPU kernels lack (Backend::offers)
};

/// Status::place of the DeviceLost that a back end's own watchdog raises, which makes it a Hang.
inline constexpr const char* kWatchdogPlace = "watchdog";

/// Whether the user's wish to try the device once more can change the answer while Hearth runs: something failed. What is not
/// installed, not allowed or not wished for needs something else first.
[[nodiscard]] constexpr bool canTryAgain(GpuReason reason) {
    switch (reason) {
    case GpuReason::SelfTestFailed:
    case GpuReason::OutOfMemory:
    case GpuReason::DeviceLost:
    case GpuReason::Hang:
    case GpuReason::ProbeCrashed:
    case GpuReason::ProbeTimedOut:
    case GpuReason::CrashedLastTime:
    case GpuReason::DriverError: return true;
    default: return false;
    }
}

/// The enumerator's own name, for logs, stored verdicts and tests ("NoPermission").
[[nodiscard]] std::string_view name(GpuReason reason);
[[nodiscard]] std::span<const GpuReason> allGpuReasons();

} // namespace hearth::kernels
