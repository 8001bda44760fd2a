// SPDX-License-Identifier: Apache-2.0
//
// What the processor and the operating system offer: the path that kernels take, and the number of cores.
// A path names what its kernels may use; each includes the ones that cpuPathSupported() requires of it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hearth::kernels {

/// Slowest first.
enum class CpuPath : std::uint8_t {
    Portable,   ///< plain C++, f32 throughout: also the most exact
    Avx2,       ///< AVX2, FMA, F16C
    Avx2Vnni,   ///< Avx2 and AVX-VNNI (256-bit vpdpbusd, VEX encoded)
    Avx512,     ///< Avx2 and AVX-512 F, BW, DQ, VL
    Avx512Vnni, ///< Avx512 and AVX512_VNNI
};

/// The processor has it and the operating system saves its registers.
[[nodiscard]] bool cpuPathSupported(CpuPath path);
/// Beside AVX-512: products of bf16 numbers (AVX512_BF16).
[[nodiscard]] bool cpuHasBf16Products();
/// The fastest supported.
[[nodiscard]] CpuPath bestCpuPath();
/// For people: "AVX-512 VNNI".
[[nodiscard]] const char* cpuPathName(CpuPath path);

/// For people: "Intel Xeon Platinum 8480+"; "CPU" when the processor does not say.
[[nodiscard]] std::string cpuModelName();
/// Where a logical processor is; -1 = the system does not say.
struct CpuPlace {
    int cpu = 0;
    int package = -1;
    int core = -1;
};

/// The first logical processor of each physical core, in order; all whose core is not known. Two hyper-threads of a core share its
/// multipliers and its caches, so a second one adds nothing to kernels that wait for memory.
[[nodiscard]] std::vector<int> firstOfEachCore(std::span<const CpuPlace> places);
/// Those that this process may run on; empty when the system does not tell.
[[nodiscard]] std::vector<int> physicalCores();
/// Their number, at least 1.
[[nodiscard]] int physicalCoreCount();

} // namespace hearth::kernels
