// SPDX-License-Identifier: Apache-2.0
//
// GpuMonitor: every AMD card that the kernel's amdgpu driver shows under /sys/class/drm, without ROCm or a driver call.
// A missing sensor is an empty optional, never a zero. A card that sleeps (a laptop's second one) is not asked for what
// would wake it. Thread: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hearth::core {

struct GpuSample {
    std::string name;                    ///< marketing name if known (product_name, amdgpu.ids), else "AMD GPU 0x744c"
    std::string pciAddress;              ///< "0000:03:00.0"; empty when unknown
    std::optional<float> load;           ///< 0 to 1
    std::optional<std::uint64_t> vramTotal, vramUsed;
    std::optional<std::uint64_t> vramOurs; ///< this process, from /proc/self/fdinfo; none when unknown
    std::optional<float> temperature;    ///< degrees Celsius (edge)
    std::optional<float> power;          ///< watts
    std::optional<std::uint32_t> clockMhz;
    bool asleep = false;                 ///< switched off by power management until it is needed
};

struct GpuReport {
    std::vector<GpuSample> cards;
    std::string reason; ///< when there is none: "No AMD GPU found: ..." with the cause
};

class GpuMonitor {
public:
    /// Other places are for fixture trees. `idsFile` is libdrm's list of names; it need not exist.
    explicit GpuMonitor(std::filesystem::path sysRoot = "/sys", std::filesystem::path procRoot = "/proc",
                        std::filesystem::path idsFile = "/usr/share/libdrm/amdgpu.ids");
    [[nodiscard]] GpuReport sample();

private:
    [[nodiscard]] GpuSample sampleCard(const std::filesystem::path& device, std::string pciAddress);
    [[nodiscard]] std::string cardName(const std::filesystem::path& device);

    using DeviceAndRevision = std::pair<std::uint32_t, std::uint32_t>;

    std::filesystem::path m_sysRoot;
    std::filesystem::path m_procRoot;
    std::filesystem::path m_idsFile;
    std::optional<std::map<DeviceAndRevision, std::string>> m_names; ///< of m_idsFile, read when the first card is met
};

} // namespace hearth::core
