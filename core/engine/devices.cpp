// SPDX-License-Identifier: Apache-2.0
#include "core/engine/devices.h"

#include "core/base/units.h"
#include "core/model/kv_cache.h"
#include "core/telemetry/cpu_monitor.h"
#include "core/telemetry/gpu_monitor.h"
#include "kernels/cpu/cpu_features.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <tuple>

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::core {

namespace {

constexpr const char* kKfd = "/dev/kfd"; // AMD's compute device, which HIP opens

const char* apiName(kernels::GpuApi api) {
    return api == kernels::GpuApi::Hip ? "HIP" : "CUDA";
}

/// Of several reasons why there is no GPU the one that says most: something was found and could not be used.
int weight(GpuReason reason) {
    switch (reason) {
    case GpuReason::NoDevice:
    case GpuReason::RuntimeMissing: return 0;
    default: return 1;
    }
}

const kernels::GpuRuntimeState* findRuntime(const GpuProbe& probe, kernels::GpuApi api) {
    const auto found = std::ranges::find(probe.runtimes, api, &kernels::GpuRuntimeState::api);
    return found == probe.runtimes.end() ? nullptr : &*found;
}

Device gpuOf(const ProbedDevice& probed) {
    const kernels::GpuDeviceState& state = probed.state;
    Device device;
    device.id = deviceId(state);
    device.name = state.properties.name;
    device.api = apiName(state.api);
    device.family = state.properties.arch;
    device.codeObject = state.codeObject;
    device.totalBytes = state.properties.totalBytes;
    device.freeBytes = probed.freeBytes;
    device.integrated = state.properties.integrated;
    device.reason = state.reason;
    device.index = state.index;
    device.driverVersion = probed.driverVersion;
    device.faults = probed.faults;
    device.testMs = probed.testMs;
    device.explanation = explain(state.reason, {.device = device.name, .family = device.family, .api = device.api, .file = {}, .group = {},
                                                .detail = probed.detail, .raw = state.raw});
    return device;
}

/// Why no runtime shows an AMD card that the system has.
GpuReason hiddenReason(const SystemFacts& facts, const GpuProbe& probe, ReasonFacts& words) {
    if (facts.gpusOff) {
        words.detail = "HEARTH_GPU=off";
        return GpuReason::HiddenByEnvironment;
    }
    if (probe.reason != GpuReason::Ok) {
        words.detail = probe.detail;
        return probe.reason;
    }
    const kernels::GpuRuntimeState* runtime = findRuntime(probe, kernels::GpuApi::Hip);
    if (runtime == nullptr) {
        words.detail = "HEARTH_GPU=cuda";
        return GpuReason::HiddenByEnvironment;
    }
    words.detail = runtime->detail;
    words.raw = runtime->raw;
    if (runtime->reason == GpuReason::RuntimeMissing || runtime->reason == GpuReason::RuntimeTooOld) return runtime->reason;
    if (!facts.closedFile.empty()) return GpuReason::NoPermission; // whatever the runtime makes of it
    if (runtime->reason != GpuReason::Ok && runtime->reason != GpuReason::NoDevice) return runtime->reason;
    const auto hides = [](const std::string& variable) { return !variable.starts_with("CUDA_") && !variable.starts_with("HEARTH_"); };
    if (const auto found = std::ranges::find_if(facts.environment, hides); found != facts.environment.end()) {
        words.detail = *found;
        return GpuReason::HiddenByEnvironment;
    }
    return GpuReason::NoDevice;
}

/// Why there is no GPU at all.
GpuReason absentReason(const SystemFacts& facts, const GpuProbe& probe, ReasonFacts& words) {
    if (facts.gpusOff || probe.reason != GpuReason::Ok) return hiddenReason(facts, probe, words);
    // A runtime that is there and refuses says more than one that is missing.
    const kernels::GpuRuntimeState* told = nullptr;
    for (const kernels::GpuRuntimeState& runtime : probe.runtimes) {
        if (told == nullptr || weight(runtime.reason) > weight(told->reason)) told = &runtime;
    }
    if (told == nullptr) return GpuReason::NoDevice;
    words.api = apiName(told->api);
    words.detail = told->detail;
    words.raw = told->raw;
    if (told->reason == GpuReason::RuntimeMissing) return GpuReason::NoDevice; // without a card nobody needs a runtime
    if (told->reason == GpuReason::NoDevice && !facts.environment.empty()) {
        words.detail = facts.environment.front();
        return GpuReason::HiddenByEnvironment;
    }
    return told->reason;
}

/// Discrete first, then most free memory (total where that is unknown).
auto preference(const Device& device) {
    return std::tuple(!device.integrated, device.freeBytes > 0 ? device.freeBytes : device.totalBytes);
}

} // namespace

std::string deviceId(const kernels::GpuDeviceState& device) {
    if (!device.properties.pciAddress.empty()) return device.properties.pciAddress;
    return fmt::format("{}:{}", device.api == kernels::GpuApi::Hip ? "hip" : "cuda", device.index);
}

std::string limitsOf(const Device& device) {
    if (device.faults.empty() || device.reason != GpuReason::Ok) return {};
    return fmt::format("its self-test found {}, so {}", describe(device.faults), consequenceOf(device.faults));
}

MemoryRoom roomOn(const Device* device, std::uint64_t freeBytes) {
    MemoryRoom room;
    if (device == nullptr || device->id == kCpuDevice) return room;
    room.gpu = device->integrated ? GpuKind::Integrated : GpuKind::Discrete;
    room.gpuTotal = device->totalBytes;
    room.gpuFree = freeBytes > 0 ? freeBytes : device->totalBytes;
    room.gaps = gapsOf(device->faults).value_or(GpuGaps{}); // a device without gaps that can be named is never opened
    return room;
}

Result<PlanWishes> wishesOf(const LoadRequest& request) {
    const auto kvType = kvTypeFromName(request.kvType);
    if (!kvType) return fail(ErrorCode::InvalidArgument, fmt::format("type of keys and values '{}'", request.kvType));
    return PlanWishes{.contextLength = request.contextLength, .kvType = *kvType, .gpuLayers = request.gpuLayers, .preferCpu = request.device == kCpuDevice};
}

void choose(DeviceList& list, std::string_view wanted) {
    if (list.devices.empty()) return;
    for (Device& device : list.devices)
        device.used = false;
    Device* chosen = &list.devices.front();
    if (wanted == kCpuDevice) {
        list.gpuReason = GpuReason::UsersChoice;
        list.gpuExplanation = explain(GpuReason::UsersChoice, {});
    } else if (!wanted.empty() && wanted != kAnyGpu) {
        const auto found = std::ranges::find(list.devices, wanted, &Device::id);
        if (found == list.devices.end()) {
            list.gpuReason = list.gpuReason == GpuReason::Ok ? GpuReason::NoDevice : list.gpuReason;
            list.gpuExplanation = fmt::format("The chosen GPU {} is not there; connect it or choose another one.", wanted);
        } else if (found->reason == GpuReason::Ok) {
            chosen = &*found;
        } else {
            list.gpuReason = found->reason;
            list.gpuExplanation = found->explanation;
        }
    } else {
        const Device* refused = nullptr;
        Device* best = nullptr;
        for (auto device = list.devices.begin() + 1; device != list.devices.end(); ++device) {
            if (device->reason == GpuReason::Ok) {
                if (best == nullptr || preference(*device) > preference(*best)) best = &*device;
            } else if (refused == nullptr || preference(*device) > preference(*refused)) {
                refused = &*device;
            }
        }
        if (best != nullptr) {
            chosen = best;
        } else if (refused != nullptr) {
            list.gpuReason = refused->reason;
            list.gpuExplanation = refused->explanation;
        }
    }
    chosen->used = true;
    if (chosen != &list.devices.front()) {
        list.gpuReason = GpuReason::Ok;
        list.gpuExplanation.clear();
    }
    for (Device& device : list.devices) {
        if (device.used) {
            device.explanation = device.id == kCpuDevice ? "in use" : fmt::format("in use, with the kernels for {}", device.codeObject);
            if (const std::string limits = limitsOf(device); !limits.empty()) device.explanation += "; " + limits;
        } else if (device.id == kCpuDevice) {
            device.explanation = "not used: a GPU is; it takes over when that fails";
        } else if (device.reason == GpuReason::Ok) {
            device.explanation = wanted == kCpuDevice ? explain(GpuReason::UsersChoice, {}) : fmt::format("Could be used; {} is, and the settings can change that.", chosen->name);
        }
    }
}

const Device* DeviceList::used() const {
    const auto found = std::ranges::find(devices, true, &Device::used);
    return found == devices.end() ? nullptr : &*found;
}

const Device* DeviceList::find(std::string_view id) const {
    const auto found = std::ranges::find(devices, id, &Device::id);
    return found == devices.end() ? nullptr : &*found;
}

std::string groupWithoutAccess(const std::string& file) {
    struct stat facts {};
    if (::stat(file.c_str(), &facts) != 0) return {};
    if (::faccessat(AT_FDCWD, file.c_str(), R_OK | W_OK, AT_EACCESS) == 0) return {};
    std::array<char, 4096> room{};
    group entry{};
    group* found = nullptr;
    if (::getgrgid_r(facts.st_gid, &entry, room.data(), room.size(), &found) == 0 && found != nullptr) return found->gr_name;
    return std::to_string(facts.st_gid);
}

SystemFacts gatherSystemFacts() {
    SystemFacts facts;
    CpuMonitor cpu;
    facts.cpuName = cpu.identity().name;
    facts.cpuPath = kernels::cpuPathName(kernels::bestCpuPath());
    facts.memoryBytes = cpu.sample().memoryTotal;
    const GpuReport report = GpuMonitor().sample();
    for (const GpuSample& card : report.cards)
        facts.cards.push_back({card.name, card.pciAddress, card.vramTotal.value_or(0)});
    facts.noCardReason = report.reason;
    if (std::string group = groupWithoutAccess(kKfd); !group.empty()) {
        facts.closedFile = kKfd;
        facts.closedGroup = std::move(group);
    }
    for (const char* variable : {"HEARTH_GPU", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "CUDA_VISIBLE_DEVICES"}) {
        if (const char* value = std::getenv(variable)) facts.environment.push_back(fmt::format("{}={}", variable, value));
    }
    facts.gpusOff = kernels::requestedGpuApis().empty();
    return facts;
}

std::string explain(GpuReason reason, const ReasonFacts& facts) {
    const std::string device = facts.device.empty() ? "the GPU" : facts.device;
    const std::string subject = facts.device.empty() ? "The GPU" : facts.device;
    const bool isCuda = facts.api == "CUDA";
    const std::string runtime = isCuda ? "NVIDIA's driver" : "AMD's HIP runtime";
    const std::string newer = isCuda ? "install a newer NVIDIA driver"
                                     : "install AMD's newer ROCm packages (Debian 12's own runtime ends at gfx1036: Radeon RX 7000 and 9000 need AMD's)";
    const std::string detail = facts.detail.empty() ? "" : fmt::format(" ({})", facts.detail);
    const std::string number = facts.raw == 0 ? "" : fmt::format(" (error {})", facts.raw);
    // No default: the compiler names a reason that has no words yet.
    switch (reason) {
    case GpuReason::Ok:
        return fmt::format("{} can be used.", subject);
    case GpuReason::ModuleMissing:
        return fmt::format("Hearth's GPU module {} could not be opened{}; install Hearth again, with all its files.", kernels::kGpuModuleFile, detail);
    case GpuReason::RuntimeMissing:
        return isCuda ? fmt::format("NVIDIA's driver library libcuda.so.1 is not installed{}; install the package nvidia-driver.", detail)
                      : fmt::format("AMD's HIP runtime (libamdhip64) is not installed{}; install the package libamdhip64-5, or for Radeon RX 7000 and 9000 AMD's own ROCm packages.", detail);
    case GpuReason::RuntimeTooOld:
        return fmt::format("{} is too old for {}{}; {}.", isCuda ? "NVIDIA's driver" : "AMD's HIP runtime", device, detail, newer);
    case GpuReason::NoPermission:
        return facts.file.empty() ? fmt::format("Your user may not use {}{}; add it to the groups render and video, then log in again.", device, number)
                                  : fmt::format("Your user may not open {}, which belongs to the group {}; run: sudo usermod -aG {} $USER, then log in again.", facts.file, facts.group, facts.group);
    case GpuReason::NoDevice:
        return facts.device.empty() ? "No GPU was found that Hearth could use."
                                    : fmt::format("{} does not show {}; {}.", runtime, device, newer);
    case GpuReason::FamilyNotBuiltIn:
        return fmt::format("This build of Hearth has no kernels for {} ({}); the processor is used, and a later version may have them.", device, facts.family.empty() ? "unknown family" : facts.family);
    case GpuReason::SelfTestFailed:
        return fmt::format("{} computes something else than the processor{}; update its driver, then try again.", subject, detail);
    case GpuReason::OutOfMemory:
        return fmt::format("The memory of {} is full{}; close programs that use it, lower the context length, or choose a smaller model.", device, detail);
    case GpuReason::DeviceLost:
        return fmt::format("{} stopped answering{}{}; start Hearth again to use it, and update its driver if that happens again.", subject, detail, number);
    case GpuReason::Hang:
        return fmt::format("{} did not finish its work in time{}; start Hearth again to use it, and update its driver if that happens again.", subject, detail);
    case GpuReason::ProbeCrashed:
        return fmt::format("The driver of {} crashed when Hearth tried it out{}; update the driver, then try again.", device, detail);
    case GpuReason::ProbeTimedOut:
        return fmt::format("The driver of {} did not answer when Hearth tried it out{}; restart the computer or update the driver, then try again.", device, detail);
    case GpuReason::CrashedLastTime:
        return fmt::format("Hearth ended unexpectedly last time while it used {}: most likely its driver crashed. It is left alone for now; choose Try the GPU again to use it.", device);
    case GpuReason::UsersChoice:
        return "The processor was chosen in the settings; choose the GPU there to use it.";
    case GpuReason::HiddenByEnvironment:
        return fmt::format("{} is hidden by the environment{}; start Hearth without that variable to use it.", subject, detail);
    case GpuReason::DriverError:
        return fmt::format("{} refused to work with {}{}{}; update the driver, then try again.", runtime, device, detail, number);
    case GpuReason::ModelNeedsMore:
        return fmt::format("Hearth's kernels for {} lack what this model needs{}; the processor is used, and a later version may have them.", device, detail);
    }
    return {};
}

DeviceList makeDeviceList(const SystemFacts& facts, const GpuProbe& probe, std::string_view wanted) {
    DeviceList list;
    for (const std::string& variable : facts.environment)
        list.environment += (list.environment.empty() ? "" : ", ") + variable;

    Device cpu;
    cpu.id = kCpuDevice;
    cpu.name = facts.cpuName;
    cpu.family = facts.cpuPath;
    cpu.totalBytes = facts.memoryBytes;
    list.devices.push_back(std::move(cpu));
    for (const ProbedDevice& probed : probe.devices)
        list.devices.push_back(gpuOf(probed));

    for (const SystemCard& card : facts.cards) {
        const auto shown = std::ranges::find_if(list.devices, [&](const Device& device) { return !card.pciAddress.empty() && device.id == card.pciAddress; });
        if (shown != list.devices.end()) {
            if (shown->name.empty()) shown->name = card.name;
            continue;
        }
        ReasonFacts words{.device = card.name, .family = {}, .api = "HIP", .file = facts.closedFile, .group = facts.closedGroup, .detail = {}};
        Device device;
        device.reason = hiddenReason(facts, probe, words);
        device.id = card.pciAddress.empty() ? fmt::format("card:{}", list.devices.size()) : card.pciAddress;
        device.name = card.name;
        device.totalBytes = card.totalBytes;
        device.explanation = explain(device.reason, words);
        list.devices.push_back(std::move(device));
    }
    if (list.devices.size() == 1) {
        ReasonFacts words{.device = {}, .family = {}, .api = {}, .file = {}, .group = {}, .detail = {}};
        list.gpuReason = absentReason(facts, probe, words);
        list.gpuExplanation = list.gpuReason == GpuReason::NoDevice && !facts.noCardReason.empty() ? facts.noCardReason : explain(list.gpuReason, words);
    }
    choose(list, wanted);
    return list;
}

} // namespace hearth::core
