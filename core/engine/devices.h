// SPDX-License-Identifier: Apache-2.0
//
// Devices: every processor that could run a model here, which of them is used, and for each other one the reason why not.
// Plain values; makeDeviceList() only puts together what the probe, sysfs and the environment say. The words of this file
// are for hearth-cli and logs; the window words GpuReason in ui/bridge/error_text.cpp.
// Thread: any.
#pragma once

#include "core/catalog/memory_plan.h"
#include "core/engine/generation.h"
#include "core/engine/gpu_probe.h"
#include "kernels/gpu_reason.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

using kernels::GpuReason;

inline constexpr std::string_view kCpuDevice = "cpu"; ///< the processor's id
inline constexpr std::string_view kAnyGpu = "gpu";    ///< like automatic, but the CPU is then a fallback

struct Device {
    std::string id;                ///< "cpu", a PCI address "0000:03:00.0", else "hip:0"
    std::string name;              ///< "Radeon RX 7900 XTX"
    std::string api;               ///< "HIP", "CUDA"; empty for the CPU and for cards that only sysfs shows
    std::string family;            ///< "gfx1100", "sm_90", "AVX-512 VNNI"; empty when unknown
    std::string codeObject;        ///< the embedded kernels that it would run; empty = none
    std::uint64_t totalBytes = 0;  ///< its own memory
    std::uint64_t freeBytes = 0;   ///< 0 = unknown
    bool integrated = false;
    bool used = false;             ///< the one that the next model goes to
    GpuReason reason = GpuReason::Ok; ///< Ok: could be used
    std::string explanation;       ///< one English sentence: used, could be used, or why not and what to do
    std::vector<KernelFault> faults; ///< with Ok: what it must not be given, as its self-test found
    int testMs = 0;                ///< how long the self-test took; 0 = there was none
    // For opening it.
    int index = -1;                ///< the runtime's number
    int driverVersion = 0;
};

struct DeviceList {
    std::vector<Device> devices;   ///< the CPU first, then GPUs
    GpuReason gpuReason = GpuReason::Ok; ///< when no GPU is used: the reason that counts
    std::string gpuExplanation;    ///< the same as a sentence
    std::string environment;       ///< variables that hide or choose devices: "HIP_VISIBLE_DEVICES=0"; empty = none

    /// The one marked used. Never null in a list of makeDeviceList.
    [[nodiscard]] const Device* used() const;
    [[nodiscard]] const Device* find(std::string_view id) const;
};

/// A card of /sys/class/drm, whether a runtime shows it or not.
struct SystemCard {
    std::string name;
    std::string pciAddress;
    std::uint64_t totalBytes = 0;
};

struct SystemFacts {
    std::string cpuName;
    std::string cpuPath;                  ///< "AVX2"
    std::uint64_t memoryBytes = 0;
    std::vector<SystemCard> cards;        ///< AMD's
    std::string noCardReason;             ///< when there are none
    std::string closedFile;               ///< a device file that the user may not open: "/dev/kfd"; empty = none
    std::string closedGroup;              ///< the group that it belongs to: "render"
    std::vector<std::string> environment; ///< "HIP_VISIBLE_DEVICES=0"
    bool gpusOff = false;                 ///< HEARTH_GPU=off
};

/// Asks sysfs, /dev/kfd and the environment.
[[nodiscard]] SystemFacts gatherSystemFacts();

/// The group of `file` when this process may not read and write it; empty when it may or when there is no such file.
[[nodiscard]] std::string groupWithoutAccess(const std::string& file);

/// What a sentence names besides the device.
struct ReasonFacts {
    std::string device;  ///< name
    std::string family;
    std::string api;     ///< "HIP", "CUDA"
    std::string file;    ///< "/dev/kfd"
    std::string group;   ///< "render"
    std::string detail;  ///< operations, a function, a signal, a variable
    int raw = 0;         ///< the driver's number
};

/// One English sentence with its remedy.
[[nodiscard]] std::string explain(GpuReason reason, const ReasonFacts& facts);

/// "its self-test found matmul of Q3_K (off by 42 %, 3 % allowed), so layers with Q3_K weights run on the processor"; empty
/// when the self-test found nothing.
[[nodiscard]] std::string limitsOf(const Device& device);

/// Marks the device that `wanted` means (makeDeviceList) as used, all others as not, and says so in their explanations.
void choose(DeviceList& list, std::string_view wanted);

/// What a plan may give to this device; a processor, or null, has no room for a GPU's part. `freeBytes`: 0 = unknown, all of it.
[[nodiscard]] MemoryRoom roomOn(const Device* device, std::uint64_t freeBytes);

/// What a request asks of the plan. InvalidArgument for an unknown type of keys and values.
[[nodiscard]] Result<PlanWishes> wishesOf(const LoadRequest& request);

/// `wanted`: "" or "gpu" = automatic (discrete before integrated, then most free memory), "cpu", or an id. An id that cannot be used
/// leaves the CPU, with that device's reason: what the user chose is not silently replaced by another GPU.
[[nodiscard]] DeviceList makeDeviceList(const SystemFacts& facts, const GpuProbe& probe, std::string_view wanted);

} // namespace hearth::core
