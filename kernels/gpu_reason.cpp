// SPDX-License-Identifier: Apache-2.0
#include "kernels/gpu_reason.h"

#include <array>

namespace hearth::kernels {

std::string_view name(GpuReason reason) {
    // No default: the compiler names one that is missing.
    switch (reason) {
    case GpuReason::Ok: return "Ok";
    case GpuReason::ModuleMissing: return "ModuleMissing";
    case GpuReason::RuntimeMissing: return "RuntimeMissing";
    case GpuReason::RuntimeTooOld: return "RuntimeTooOld";
    case GpuReason::NoPermission: return "NoPermission";
    case GpuReason::NoDevice: return "NoDevice";
    case GpuReason::FamilyNotBuiltIn: return "FamilyNotBuiltIn";
    case GpuReason::SelfTestFailed: return "SelfTestFailed";
    case GpuReason::OutOfMemory: return "OutOfMemory";
    case GpuReason::DeviceLost: return "DeviceLost";
    case GpuReason::Hang: return "Hang";
    case GpuReason::ProbeCrashed: return "ProbeCrashed";
    case GpuReason::ProbeTimedOut: return "ProbeTimedOut";
    case GpuReason::CrashedLastTime: return "CrashedLastTime";
    case GpuReason::UsersChoice: return "UsersChoice";
    case GpuReason::HiddenByEnvironment: return "HiddenByEnvironment";
    case GpuReason::DriverError: return "DriverError";
    case GpuReason::ModelNeedsMore: return "ModelNeedsMore";
    }
    return "";
}

std::span<const GpuReason> allGpuReasons() {
    static constexpr std::array kAll = std::to_array<GpuReason>(
        {GpuReason::Ok, GpuReason::ModuleMissing, GpuReason::RuntimeMissing, GpuReason::RuntimeTooOld,
         GpuReason::NoPermission, GpuReason::NoDevice, GpuReason::FamilyNotBuiltIn, GpuReason::SelfTestFailed,
         GpuReason::OutOfMemory, GpuReason::DeviceLost, GpuReason::Hang, GpuReason::ProbeCrashed,
         GpuReason::ProbeTimedOut, GpuReason::CrashedLastTime, GpuReason::UsersChoice, GpuReason::HiddenByEnvironment,
         GpuReason::DriverError, GpuReason::ModelNeedsMore});
    return kAll;
}

} // namespace hearth::kernels
