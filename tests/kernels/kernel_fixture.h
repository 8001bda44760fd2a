// SPDX-License-Identifier: Apache-2.0
//
// What the kernel tests share: the list of paths, back ends made once, repeatable random numbers, random weights of every format, and
// memory that ends where the address space does (a read past its end is a crash, not a lucky zero).
#pragma once

#include "kernels/cpu/cpu_backend.h"
#include "kernels/dtype.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

namespace hearth::kernels {

inline constexpr CpuPath kAllPaths[] = {CpuPath::Portable, CpuPath::Avx2, CpuPath::Avx2Vnni, CpuPath::Avx512,
                                        CpuPath::Avx512Vnni};

/// Three threads, so that work is shared out on any machine; null when the processor lacks the path.
CpuBackend* backendFor(CpuPath path);

/// `bytes` writable bytes directly before a page that may not be touched.
class GuardedBytes {
public:
    explicit GuardedBytes(std::size_t bytes);
    ~GuardedBytes();
    GuardedBytes(const GuardedBytes&) = delete;
    GuardedBytes& operator=(const GuardedBytes&) = delete;

    [[nodiscard]] std::byte* data() { return m_data; }

private:
    std::byte* m_pages = nullptr;
    std::size_t m_pageBytes = 0;
    std::byte* m_data = nullptr;
};

/// Normally distributed numbers from a seed.
class Numbers {
public:
    explicit Numbers(std::uint64_t seed)
        : m_engine(seed) {}
    float next(float deviation = 1.0f) { return std::normal_distribution<float>(0.0f, deviation)(m_engine); }
    std::vector<float> many(std::int64_t count, float deviation = 1.0f);
    std::uint32_t bits() { return static_cast<std::uint32_t>(m_engine()); }

private:
    std::mt19937_64 m_engine;
};

/// Fills `elements` values of a weight with random bits and sane scales (values of size 1 or so, some blocks of zero scale).
void fillWeight(std::byte* out, DType dtype, std::int64_t elements, Numbers& numbers);

} // namespace hearth::kernels
