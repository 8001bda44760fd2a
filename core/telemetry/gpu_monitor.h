// SPDX-License-Identifier: Apache-2.0
//
// GpuMonitor: every AMD card that the kernel's amdgpu driver shows under /sys/class/drm, without ROCm or a driver call.
// A missing sensor is an empty optional, never a zero. Thread: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hearth::core {

struct GpuSample {
    std::string name;                    ///< marketing name if known (product_name, amdgpu.ids), else "AMD GPU 0x744c"
    std::string pciAddress;              ///< "0000:03:00.0"
    std::optional<float> load;           ///< 0 to 1
    std::optional<std::uint64_t> vramTotal, vramUsed;
    std::optional<std::uint64_t> vramOurs; ///< this process, from /proc/self/fdinfo; none when unknown
    std::optional<float> temperature;    ///< degrees Celsius (edge)
    std::optional<float> power;          ///< watts
    std::optional<std::uint32_t> clockMhz;
};

struct GpuReport {
    std::vector<GpuSample> cards;
    std::string reason; ///< when there is none: "No AMD GPU found: ..." with the cause
};

class GpuMonitor {
public:
    explicit GpuMonitor(std::filesystem::path sysRoot = "/sys");
    [[nodiscard]] GpuReport sample();

private:
    std::filesystem::path m_sysRoot;
};

} // namespace hearth::core
