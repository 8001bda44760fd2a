// SPDX-License-Identifier: Apache-2.0
//
// SystemGpus: the GPUs of this machine through the GPU module. Nothing of a driver is opened in this process before a child
// process has opened it without harm, and a device only works here after its self-test; both verdicts are remembered. While a
// device is in use a marker lies in the data folder, so that the next start knows of a crash.
// Thread: the engine's.
#pragma once

#include "core/engine/gpu_access.h"
#include "core/engine/gpu_marker.h"
#include "core/engine/gpu_probe.h"
#include "core/engine/gpu_verdicts.h"
#include "kernels/backend_loader.h"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace hearth::core {

struct SystemGpuOptions {
    ProbeCommand probe;                     ///< probeCommand("probe-gpu")
    std::filesystem::path dataFolder;       ///< for the marker; empty = none
    std::unique_ptr<VerdictStore> verdicts; ///< null = nothing is remembered
    std::function<SystemFacts()> facts = gatherSystemFacts;
};

class SystemGpus final : public GpuAccess {
public:
    explicit SystemGpus(SystemGpuOptions options);
    ~SystemGpus() override;

    [[nodiscard]] Result<DeviceList> list(std::string_view wanted, std::stop_token stop) override;
    [[nodiscard]] std::unique_ptr<kernels::Backend> open(const Device& device, kernels::Status& status) override;
    [[nodiscard]] std::uint64_t freeMemory(const Device& device) override;
    void close() override;
    void avoid(const std::string& id, GpuReason reason) override;
    void tryAgain() override;

private:
    /// What is known of the devices now: from this process when that is safe, else from a child.
    [[nodiscard]] Result<GpuProbe> look(std::stop_token stop);
    /// Devices as this process sees them with the remembered verdicts; nothing when one has none yet.
    [[nodiscard]] std::optional<GpuProbe> lookHere();
    void remember(const GpuProbe& probe);
    void applyFailures(GpuProbe& probe) const;
    [[nodiscard]] std::string verdictKey(const ProbedDevice& device) const;

    SystemGpuOptions m_options;
    kernels::BackendLoader m_loader;
    GpuMarker m_marker;
    std::string m_driverStack;                  ///< kernel, drivers and libraries: what an opening verdict holds for
    std::map<std::string, GpuReason> m_avoided; ///< by id, in this process
    GpuProbe m_lastLook;
    bool m_inUse = false;                       ///< a device is open: the mark of use is its, and nothing is looked at
};

/// SystemGpus as hearth-cli uses it: verdicts in a file of the data folder, probing by "probe-gpu".
[[nodiscard]] std::unique_ptr<GpuAccess> makeSystemGpus(const std::filesystem::path& dataFolder);

} // namespace hearth::core
