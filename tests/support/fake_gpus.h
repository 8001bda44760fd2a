// SPDX-License-Identifier: Apache-2.0
//
// FakeGpus: a GpuAccess with the devices that a test wants and back ends that fail when it wants.
#pragma once

#include "core/engine/gpu_access.h"
#include "tests/support/failing_backend.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hearth::test {

/// What the test says before and reads after; outlives the engine.
struct FakeGpuState {
    core::SystemFacts facts{.cpuName = "Test CPU", .cpuPath = "AVX2"};
    core::GpuProbe probe;                      ///< of the first list()
    FailurePlan plan;                          ///< of the next back end
    kernels::Status refusal;                   ///< not ok: open() gives no back end
    BackendLog log;
    int lists = 0;
    int opened = 0;
    int closed = 0;
    int triedAgain = 0;
    std::map<std::string, core::GpuReason> avoided;
};

inline core::ProbedDevice fakeGpu(std::string name = "Radeon RX 7900 XTX", std::string pci = "0000:03:00.0") {
    core::ProbedDevice device;
    device.state.properties = {.name = std::move(name), .arch = "gfx1100", .pciAddress = std::move(pci), .totalBytes = std::uint64_t{24} << 30};
    device.state.codeObject = "gfx1100";
    device.driverVersion = 60342131;
    return device;
}

class FakeGpus final : public core::GpuAccess {
public:
    explicit FakeGpus(FakeGpuState& state)
        : m_state(state) {}

    core::Result<core::DeviceList> list(std::string_view wanted, std::stop_token stop) override {
        ++m_state.lists;
        if (stop.stop_requested()) return core::fail(core::ErrorCode::Cancelled, "cancelled");
        core::GpuProbe probe = m_state.probe;
        for (core::ProbedDevice& device : probe.devices) {
            if (const auto found = m_state.avoided.find(core::deviceId(device.state)); found != m_state.avoided.end()) device.state.reason = found->second;
        }
        return core::makeDeviceList(m_state.facts, probe, wanted);
    }
    std::unique_ptr<kernels::Backend> open(const core::Device&, kernels::Status& status) override {
        status = m_state.refusal;
        if (!status.ok()) return nullptr;
        ++m_state.opened;
        return makeFailingBackend(m_state.plan, m_state.log);
    }
    void close() override { ++m_state.closed; }
    void avoid(const std::string& id, core::GpuReason reason) override { m_state.avoided[id] = reason; }
    void tryAgain() override {
        ++m_state.triedAgain;
        m_state.avoided.clear();
    }

private:
    FakeGpuState& m_state;
};

/// Options of an engine with these GPUs.
inline std::function<std::unique_ptr<core::GpuAccess>()> fakeGpus(FakeGpuState& state) {
    return [&state] { return std::make_unique<FakeGpus>(state); };
}

} // namespace hearth::test
