// SPDX-License-Identifier: Apache-2.0
//
// CpuMonitor: load and memory of the machine and of this process, from /proc. No thread of its own: call sample().
// Thread: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hearth::core {

struct CpuSample {
    std::optional<float> load;          ///< 0 to 1 over all cores since the last sample; none at the first
    std::vector<float> coreLoads;
    std::optional<float> processLoad;   ///< 0 to 1 of the whole machine
    std::uint64_t memoryTotal = 0;      ///< bytes
    std::uint64_t memoryUsed = 0;       ///< MemTotal - MemAvailable
    std::uint64_t processMemory = 0;    ///< resident, with file mappings
};

struct CpuIdentity {
    std::string name;                   ///< "Ryzen 7 5800X", cleaned of (R), (TM), "CPU @ ..."
    int physicalCores = 0;
    int logicalCores = 0;
};

class CpuMonitor {
public:
    /// `procRoot`, `sysRoot`: "/proc", "/sys", or a fixture tree.
    explicit CpuMonitor(std::filesystem::path procRoot = "/proc", std::filesystem::path sysRoot = "/sys");

    [[nodiscard]] const CpuIdentity& identity() const { return m_identity; }
    [[nodiscard]] CpuSample sample();

private:
    struct Ticks {
        std::uint64_t busy = 0;
        std::uint64_t total = 0;
    };

    std::filesystem::path m_procRoot;
    CpuIdentity m_identity;
    std::vector<Ticks> m_last;          ///< [0] = all cores
    std::uint64_t m_lastProcess = 0;
};

} // namespace hearth::core
