// SPDX-License-Identifier: Apache-2.0
#include "core/engine/system_gpus.h"

#include "core/base/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <sys/stat.h>
#include <sys/utsname.h>

namespace hearth::core {

namespace {

std::string firstLine(const char* file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

/// Changes when the kernel, a driver or any library is installed: known without opening a driver.
std::string driverStack() {
    utsname system{};
    ::uname(&system);
    struct stat libraries {};
    const bool known = ::stat("/etc/ld.so.cache", &libraries) == 0;
    const char* path = std::getenv("LD_LIBRARY_PATH");
    return fmt::format("{}|{}|{}|{}|{}|{}", HEARTH_VERSION, system.release, firstLine("/sys/module/amdgpu/srcversion"),
                       firstLine("/sys/module/nvidia/version"), known ? libraries.st_mtime : 0, path == nullptr ? "" : path);
}

kernels::GpuApi apiOf(const Device& device) {
    return device.api == "HIP" ? kernels::GpuApi::Hip : kernels::GpuApi::Cuda;
}

} // namespace

SystemGpus::SystemGpus(SystemGpuOptions options)
    : m_options(std::move(options))
    , m_marker(m_options.dataFolder)
    , m_driverStack(driverStack()) {
    if (!m_options.verdicts) m_options.verdicts = std::make_unique<TextVerdictStore>();
}

SystemGpus::~SystemGpus() = default;

std::string SystemGpus::verdictKey(const ProbedDevice& device) const {
    return fmt::format("device|{}|{}|{}|{}|{:016x}", deviceId(device.state), device.state.properties.arch, device.driverVersion, device.state.codeObject,
                       device.state.codeHash);
}

Result<DeviceList> SystemGpus::list(std::string_view wanted, std::stop_token stop) {
    const SystemFacts facts = m_options.facts();
    GpuProbe probe;
    if (wanted == kCpuDevice && !m_inUse) {
        probe.reason = GpuReason::UsersChoice; // no driver is opened for what nobody wants
    } else if (!facts.gpusOff) {
        if (!m_inUse) {
            auto looked = look(std::move(stop));
            if (!looked) return std::unexpected(looked.error());
            m_lastLook = std::move(*looked);
        }
        probe = m_lastLook;
        applyFailures(probe);
    }
    return makeDeviceList(facts, probe, wanted);
}

Result<GpuProbe> SystemGpus::look(std::stop_token stop) {
    if (!m_loader.hasModule()) return GpuProbe{.reason = GpuReason::ModuleMissing, .detail = {}, .runtimes = {}, .devices = {}};
    const auto crashes = m_marker.crashes();
    if (std::ranges::any_of(crashes, [](const CrashMark& mark) { return mark.device.empty(); })) {
        return GpuProbe{.reason = GpuReason::CrashedLastTime, .detail = {}, .runtimes = {}, .devices = {}};
    }
    if (const auto verdict = m_options.verdicts->load("open|" + m_driverStack)) {
        if (verdict->reason != GpuReason::Ok) return GpuProbe{.reason = verdict->reason, .detail = verdict->detail, .runtimes = {}, .devices = {}};
        if (auto here = lookHere()) return std::move(*here);
    }
    auto probe = probeInChild(m_options.probe, std::move(stop));
    if (!probe) return probe;
    spdlog::info("probed the GPUs: {}, {} found", kernels::name(probe->reason), probe->devices.size());
    for (const ProbedDevice& device : probe->devices) {
        if (device.testMs > 0) spdlog::info("self-test of {}: {} in {} ms{}{}", device.state.properties.name, kernels::name(device.state.reason), device.testMs, device.detail.empty() ? "" : "; ", device.detail);
    }
    remember(*probe);
    return probe;
}

void SystemGpus::remember(const GpuProbe& probe) {
    // That there is none costs nothing to find out again, and may change with a cable.
    const bool telling = !probe.devices.empty() || probe.reason == GpuReason::ProbeCrashed || probe.reason == GpuReason::ProbeTimedOut;
    if (!telling) return;
    m_options.verdicts->save("open|" + m_driverStack, {probe.reason, probe.detail});
    for (const ProbedDevice& device : probe.devices) {
        // A full memory or a lack of kernels is not the device's lasting fault.
        const GpuReason reason = device.state.reason;
        if (reason == GpuReason::Ok || reason == GpuReason::SelfTestFailed || reason == GpuReason::ProbeCrashed || reason == GpuReason::ProbeTimedOut) {
            m_options.verdicts->save(verdictKey(device), {reason, device.detail, device.faults, device.testMs});
        }
    }
}

std::optional<GpuProbe> SystemGpus::lookHere() {
    m_marker.set({}, 0);
    GpuProbe probe;
    const auto apis = kernels::requestedGpuApis();
    kernels::GpuInventory inventory = m_loader.list(apis);
    probe.reason = m_loader.module().reason;
    probe.detail = m_loader.module().detail;
    probe.runtimes = inventory.runtimes;
    bool complete = true;
    for (kernels::GpuDeviceState& state : inventory.devices) {
        ProbedDevice device{.state = std::move(state)};
        const auto runtime = std::ranges::find(probe.runtimes, device.state.api, &kernels::GpuRuntimeState::api);
        if (runtime != probe.runtimes.end()) device.driverVersion = runtime->driverVersion;
        if (device.state.reason == GpuReason::Ok) {
            const auto verdict = m_options.verdicts->load(verdictKey(device));
            complete = complete && verdict.has_value();
            device.state.reason = verdict ? verdict->reason : GpuReason::ProbeCrashed;
            if (verdict) {
                device.detail = verdict->detail;
                device.faults = verdict->faults;
                device.testMs = verdict->testMs;
            }
        }
        probe.devices.push_back(std::move(device));
    }
    // Only a choice between several needs to know what is free: asking makes a context on each.
    const auto usable = [](const ProbedDevice& device) { return device.state.reason == GpuReason::Ok; };
    if (complete && std::ranges::count_if(probe.devices, usable) > 1) {
        for (ProbedDevice& device : probe.devices) {
            if (usable(device)) device.freeBytes = m_loader.freeMemory(device.state.api, device.state.index);
        }
    }
    m_marker.remove();
    if (!complete) return {};
    return probe;
}

void SystemGpus::applyFailures(GpuProbe& probe) const {
    const auto crashes = m_marker.crashes();
    for (ProbedDevice& device : probe.devices) {
        const std::string id = deviceId(device.state);
        // Another driver gets another chance.
        const auto crashed = [&](const CrashMark& mark) { return mark.device == id && mark.driverVersion == device.driverVersion; };
        if (device.state.reason != GpuReason::Ok) continue;
        if (std::ranges::any_of(crashes, crashed)) device.state.reason = GpuReason::CrashedLastTime;
        if (const auto found = m_avoided.find(id); found != m_avoided.end()) device.state.reason = found->second;
    }
}

std::unique_ptr<kernels::Backend> SystemGpus::open(const Device& device, kernels::Status& status) {
    m_marker.set(device.id, device.driverVersion);
    // The runtimes number their devices when they are listed.
    auto backend = m_loader.create(apiOf(device), device.index, status);
    if (!backend) m_marker.remove();
    m_inUse = backend != nullptr;
    return backend;
}

std::uint64_t SystemGpus::freeMemory(const Device& device) {
    return m_loader.freeMemory(apiOf(device), device.index);
}

void SystemGpus::close() {
    m_inUse = false;
    m_marker.remove();
}

void SystemGpus::avoid(const std::string& id, GpuReason reason) {
    m_avoided[id] = reason;
}

void SystemGpus::tryAgain() {
    m_avoided.clear();
    m_marker.forgetCrashes();
    m_options.verdicts->clear();
}

std::unique_ptr<GpuAccess> makeSystemGpus(const std::filesystem::path& dataFolder) {
    SystemGpuOptions options{.probe = probeCommand("probe-gpu"), .dataFolder = dataFolder, .verdicts = openVerdictFile(dataFolder / "gpu-verdicts.json")};
    return std::make_unique<SystemGpus>(std::move(options));
}

} // namespace hearth::core
