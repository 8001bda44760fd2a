// SPDX-License-Identifier: Apache-2.0
//
// Random weights of every format: random quants under scales that give the decoded values a wanted deviation.
// Thread: any.
#pragma once

#include "kernels/dtype.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace hearth::app::cli {

/// A stream of random bits, the same on every machine.
/// Source: splitmix64, Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
class RandomBits {
public:
    explicit RandomBits(std::uint64_t seed)
        : m_state(seed) {}

    std::uint64_t next() {
        m_state += 0x9E3779B97F4A7C15u;
        std::uint64_t z = m_state;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        return z ^ z >> 31;
    }
    /// 0 ... bound - 1
    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>((next() >> 32) * bound >> 32); }
    void fill(void* out, std::size_t bytes);

private:
    std::uint64_t m_state;
};

/// Fills `out`, whole blocks of `dtype` (not I32), with values of the given mean and standard deviation (within 3 % for a
/// megabyte). Formats with blocks take a mean of zero. The same seed gives the same bytes.
void fillRandomWeights(std::span<std::byte> out, kernels::DType dtype, float mean, float deviation, std::uint64_t seed);

} // namespace hearth::app::cli
