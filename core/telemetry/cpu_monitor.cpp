// SPDX-License-Identifier: Apache-2.0
#include "core/telemetry/cpu_monitor.h"

#include "core/telemetry/cpu_name.h"
#include "core/telemetry/kernel_file.h"

#include <algorithm>
#include <array>
#include <set>
#include <unistd.h>

namespace hearth::core {

namespace {

/// "key : value" as /proc/cpuinfo writes it; empty when the line is of another key.
std::string_view valueOf(std::string_view line, std::string_view key) {
    if (!line.starts_with(key)) return {};
    line = trimmed(line.substr(key.size()));
    return line.starts_with(':') ? trimmed(line.substr(1)) : std::string_view();
}

/// x86 says "model name"; other architectures name the board at most.
std::string modelName(std::string_view cpuinfo) {
    for (const std::string_view key : {"model name", "cpu model", "Hardware", "Model"}) {
        for (std::string_view rest = cpuinfo; !rest.empty();) {
            const std::string_view value = valueOf(takeLine(rest), key);
            if (!value.empty()) return cleanCpuName(value);
        }
    }
    return cleanCpuName({});
}

int countPhysicalCores(const std::filesystem::path& sysRoot) {
    std::set<std::string> cores;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(sysRoot / "devices/system/cpu", error)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with("cpu") || !parseWhole<int>(std::string_view(name).substr(3))) continue;
        // Threads of one core list the same siblings.
        if (const auto siblings = readKernelFile(entry.path() / "topology/thread_siblings_list")) cores.emplace(trimmed(*siblings));
    }
    return static_cast<int>(cores.size());
}

/// "MemTotal:   16384 kB" in bytes; 0 when the line is of another key or no number.
std::uint64_t memoryLine(std::string_view line, std::string_view key) {
    if (!line.starts_with(key)) return 0;
    line.remove_prefix(key.size());
    const auto kibibytes = parseWhole<std::uint64_t>(takeWord(line));
    return kibibytes && *kibibytes < UINT64_MAX / 1024 ? *kibibytes * 1024 : 0;
}

} // namespace

CpuMonitor::CpuMonitor(std::filesystem::path procRoot, std::filesystem::path sysRoot)
    : m_procRoot(std::move(procRoot)) {
    if (const auto cpuinfo = readKernelFile(m_procRoot / "cpuinfo")) m_identity.name = modelName(*cpuinfo);
    m_identity.logicalCores = static_cast<int>(readCounters().cores.size());
    m_identity.physicalCores = countPhysicalCores(sysRoot);
    if (m_identity.physicalCores == 0) m_identity.physicalCores = m_identity.logicalCores;
}

std::optional<CpuMonitor::Ticks> CpuMonitor::parseTicks(std::string_view words) {
    // user nice system idle iowait irq softirq steal; guest time, which follows, is within user (man 5 proc).
    std::array<std::uint64_t, 8> values{};
    std::size_t count = 0;
    for (std::string_view word = takeWord(words); !word.empty() && count < values.size(); word = takeWord(words)) {
        const auto value = parseWhole<std::uint64_t>(word);
        if (!value || *value > (UINT64_MAX >> 8)) return std::nullopt;
        values[count++] = *value;
    }
    if (count < 4) return std::nullopt;
    Ticks ticks;
    for (const std::uint64_t value : values) ticks.total += value;
    ticks.busy = ticks.total - values[3] - values[4];
    return ticks;
}

CpuMonitor::Counters CpuMonitor::readCounters() const {
    Counters counters;
    const auto machine = readKernelFile(m_procRoot / "stat");
    for (std::string_view rest = machine ? std::string_view(*machine) : std::string_view(); !rest.empty();) {
        std::string_view line = takeLine(rest);
        if (!line.starts_with("cpu")) break; // they come first, and the lines after them are long
        const std::string_view number = takeWord(line).substr(3);
        const auto ticks = parseTicks(line);
        if (number.empty()) counters.all = ticks;
        if (const auto index = parseWhole<int>(number); index && ticks) counters.cores[*index] = *ticks;
    }
    if (const auto process = readKernelFile(m_procRoot / "self/stat")) {
        // The name in parentheses may hold anything, also parentheses; state and 10 more fields stand before utime.
        std::string_view rest = *process;
        rest.remove_prefix(std::min(rest.rfind(')'), rest.size()));
        for (int field = 0; field < 12; ++field) (void)takeWord(rest);
        const auto user = parseWhole<std::uint64_t>(takeWord(rest));
        const auto system = parseWhole<std::uint64_t>(takeWord(rest));
        if (user && system) counters.process = *user + *system;
    }
    return counters;
}

float CpuMonitor::loadBetween(const Ticks& before, const Ticks& after) {
    if (after.total <= before.total) return 0.0f; // no tick went by: nothing ran there
    const std::uint64_t busy = after.busy > before.busy ? after.busy - before.busy : 0;
    return std::min(1.0f, static_cast<float>(busy) / static_cast<float>(after.total - before.total));
}

CpuSample CpuMonitor::sample() {
    CpuSample sample;
    Counters now = readCounters();
    const bool comparable = m_last && m_last->all && now.all && now.all->total > m_last->all->total;
    if (comparable) {
        sample.load = loadBetween(*m_last->all, *now.all);
        for (const auto& [index, ticks] : now.cores) {
            const auto before = m_last->cores.find(index);
            if (before != m_last->cores.end()) sample.coreLoads.push_back(loadBetween(before->second, ticks));
        }
        if (m_last->process && now.process && *now.process >= *m_last->process) {
            const auto spent = static_cast<float>(*now.process - *m_last->process);
            sample.processLoad = std::min(1.0f, spent / static_cast<float>(now.all->total - m_last->all->total));
        }
    }
    m_last = std::move(now);

    std::uint64_t available = 0;
    const auto meminfo = readKernelFile(m_procRoot / "meminfo");
    for (std::string_view rest = meminfo ? std::string_view(*meminfo) : std::string_view(); !rest.empty();) {
        const std::string_view line = takeLine(rest);
        sample.memoryTotal = std::max(sample.memoryTotal, memoryLine(line, "MemTotal:"));
        available = std::max(available, memoryLine(line, "MemAvailable:"));
    }
    if (available > 0 && available < sample.memoryTotal) sample.memoryUsed = sample.memoryTotal - available;

    if (const auto statm = readKernelFile(m_procRoot / "self/statm")) {
        std::string_view rest = *statm;
        (void)takeWord(rest); // all that is mapped, resident or not
        const auto pages = parseWhole<std::uint64_t>(takeWord(rest));
        const auto pageBytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        if (pages && *pages < UINT64_MAX / pageBytes) sample.processMemory = *pages * pageBytes;
    }
    return sample;
}

} // namespace hearth::core
