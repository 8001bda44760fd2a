// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_features.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <set>
#include <thread>
#include <utility>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define HEARTH_X86 1
#endif
#if defined(__linux__)
#include <sched.h>
#endif

namespace hearth::kernels {

namespace {

#ifdef HEARTH_X86

struct Registers {
    unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf = 0) {
    Registers r;
    if (leaf > __get_cpuid_max(leaf & 0x80000000u, nullptr)) return {};
    __cpuid_count(leaf, subleaf, r.a, r.b, r.c, r.d);
    return r;
}

constexpr bool bit(unsigned word, int index) {
    return (word >> index & 1u) != 0;
}

/// XCR0: which register files the operating system saves on a task switch.
std::uint64_t savedRegisterFiles() {
    unsigned low = 0;
    unsigned high = 0;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return static_cast<std::uint64_t>(high) << 32 | low;
}

struct Features {
    bool avx2 = false, avxVnni = false, avx512 = false, avx512Vnni = false, avx512Bf16 = false;
};

// Bits: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A, CPUID; volume 1, chapter 13, XCR0.
Features detect() {
    const Registers basic = cpuid(1);
    const Registers extended = cpuid(7, 0);
    const Registers more = cpuid(7, 1);
    Features f;
    if (!bit(basic.c, 27)) return f; // OSXSAVE
    const std::uint64_t saved = savedRegisterFiles();
    const bool ymm = (saved & 0x06) == 0x06;
    const bool zmm = (saved & 0xe6) == 0xe6;
    const bool fma = bit(basic.c, 12);
    const bool avx = bit(basic.c, 28);
    const bool f16c = bit(basic.c, 29);
    f.avx2 = ymm && avx && fma && f16c && bit(extended.b, 5);
    f.avxVnni = f.avx2 && bit(more.a, 4);
    f.avx512 =
        f.avx2 && zmm && bit(extended.b, 16) && bit(extended.b, 17) && bit(extended.b, 30) && bit(extended.b, 31);
    f.avx512Vnni = f.avx512 && bit(extended.c, 11);
    f.avx512Bf16 = f.avx512 && bit(more.a, 5);
    return f;
}

const Features& features() {
    static const Features kFeatures = detect();
    return kFeatures;
}

std::string brandString() {
    if (cpuid(0x80000000u).a < 0x80000004u) return {};
    std::array<char, 49> text{};
    for (unsigned i = 0; i < 3; ++i) {
        const Registers r = cpuid(0x80000002u + i);
        std::memcpy(text.data() + i * 16, &r.a, 4);
        std::memcpy(text.data() + i * 16 + 4, &r.b, 4);
        std::memcpy(text.data() + i * 16 + 8, &r.c, 4);
        std::memcpy(text.data() + i * 16 + 12, &r.d, 4);
    }
    return text.data();
}

#endif

void eraseAll(std::string& text, const std::string& what) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what)) text.erase(at, what.size());
}

int topologyValue(int cpu, const char* file) {
    std::ifstream in("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/" + file);
    int value = -1;
    in >> value;
    return in ? value : -1;
}

} // namespace

bool cpuPathSupported(CpuPath path) {
    if (path == CpuPath::Portable) return true;
#ifdef HEARTH_X86
    switch (path) {
    case CpuPath::Portable: return true;
    case CpuPath::Avx2: return features().avx2;
    case CpuPath::Avx2Vnni: return features().avxVnni;
    case CpuPath::Avx512: return features().avx512;
    case CpuPath::Avx512Vnni: return features().avx512Vnni;
    }
#endif
    return false;
}

bool cpuHasBf16Products() {
#ifdef HEARTH_X86
    return features().avx512Bf16;
#else
    return false;
#endif
}

CpuPath bestCpuPath() {
    for (const CpuPath path : {CpuPath::Avx512Vnni, CpuPath::Avx512, CpuPath::Avx2Vnni, CpuPath::Avx2}) {
        if (cpuPathSupported(path)) return path;
    }
    return CpuPath::Portable;
}

const char* cpuPathName(CpuPath path) {
    switch (path) {
    case CpuPath::Portable: return "portable";
    case CpuPath::Avx2: return "AVX2";
    case CpuPath::Avx2Vnni: return "AVX2 VNNI";
    case CpuPath::Avx512: return "AVX-512";
    case CpuPath::Avx512Vnni: return "AVX-512 VNNI";
    }
    return "portable";
}

std::string cpuModelName() {
    std::string name;
#ifdef HEARTH_X86
    name = brandString();
    // "Intel(R) Xeon(R) Gold 6430 CPU @ 2.10GHz": the marks and the nominal clock say nothing.
    for (const char* mark : {"(R)", "(r)", "(TM)", "(tm)", " CPU", " Processor"}) eraseAll(name, mark);
    if (const std::size_t clock = name.find(" @"); clock != std::string::npos) name.erase(clock);
    const auto doubled = [](char left, char right) { return left == ' ' && right == ' '; };
    name.erase(std::unique(name.begin(), name.end(), doubled), name.end());
    while (!name.empty() && name.front() == ' ') name.erase(name.begin());
    while (!name.empty() && name.back() == ' ') name.pop_back();
#endif
    return name.empty() ? "CPU" : name;
}

std::vector<int> firstOfEachCore(std::span<const CpuPlace> places) {
    std::set<std::pair<int, int>> seen;
    std::vector<int> cpus;
    for (const CpuPlace& place : places) {
        if (place.core < 0 || seen.emplace(place.package, place.core).second) cpus.push_back(place.cpu);
    }
    return cpus;
}

std::vector<int> physicalCores() {
    std::vector<CpuPlace> places;
#if defined(__linux__)
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
            if (CPU_ISSET(cpu, &allowed)) places.push_back({cpu, topologyValue(cpu, "physical_package_id"), topologyValue(cpu, "core_id")});
        }
    }
#endif
    return firstOfEachCore(places);
}

int physicalCoreCount() {
    const std::size_t cores = physicalCores().size();
    return cores > 0 ? static_cast<int>(cores) : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

} // namespace hearth::kernels
