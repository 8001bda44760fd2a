// SPDX-License-Identifier: Apache-2.0
//
// CpuMonitor: load and memory of the machine and of this process, from /proc. No thread of its own: call sample().
// Thread: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

struct CpuSample {
    std::optional<float> load;          ///< 0 to 1 over all cores since the last sample; none at the first
    std::vector<float> coreLoads;       ///< the same of each logical core that was there at both samples
    std::optional<float> processLoad;   ///< 0 to 1 of the whole machine
    std::uint64_t memoryTotal = 0;      ///< bytes; 0 = unknown, as in the next two
    std::uint64_t memoryUsed = 0;       ///< MemTotal - MemAvailable
    std::uint64_t processMemory = 0;    ///< resident, with file mappings
};

struct CpuIdentity {
    std::string name = "Unknown processor"; ///< "Ryzen 7 5800X", cleaned of (R), (TM), "CPU @ ..."
    int physicalCores = 0;              ///< 0 = unknown
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

    struct Counters {
        std::optional<Ticks> all;
        std::map<int, Ticks> cores;     ///< by the kernel's number; one that is switched off is absent
        std::optional<std::uint64_t> process;
    };

    [[nodiscard]] Counters readCounters() const;
    [[nodiscard]] static std::optional<Ticks> parseTicks(std::string_view words);
    [[nodiscard]] static float loadBetween(const Ticks& before, const Ticks& after);

    std::filesystem::path m_procRoot;
    CpuIdentity m_identity;
    std::optional<Counters> m_last;
};

} // namespace hearth::core
