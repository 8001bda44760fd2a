// SPDX-License-Identifier: Apache-2.0
//
// The loops of limit_loops.h over one Isa. Included by the translation unit of one instruction set; everything here is internal
// to it.
#pragma once

#include "kernels/cpu/simd/activation_panel.h"
#include "kernels/cpu/simd/limit_loops.h"

namespace hearth::kernels {

namespace {

constexpr int kLimitSums = 12; ///< independent, so that no product waits for another's sum

/// The compiler may neither drop v nor know it.
template <class V>
HEARTH_ALWAYS void unknown(V& v) {
    asm volatile("" : "+v"(v));
}

/// In as many places and as far ahead as products read their weights.
template <class Isa>
std::uint64_t readLoop(const void* data, std::int64_t bytes) {
    constexpr std::int64_t kVector = Isa::kLanes * 4;
    constexpr int kAtOnce = 2;
    const auto* first = static_cast<const std::uint8_t*>(data);
    const std::int64_t part = bytes / kReadStreams;
    typename Isa::Integers sums[kReadStreams][kAtOnce];
    for (auto& stream : sums) {
        for (auto& sum : stream) sum = Isa::noIntegers();
    }
    for (std::int64_t at = 0; at < part; at += kAtOnce * kVector) {
#pragma GCC unroll 4
        for (int s = 0; s < kReadStreams; ++s) {
            askAhead<kAtOnce * kVector>(first + s * part + at, first + (s + 1) * part);
#pragma GCC unroll 2
            for (int i = 0; i < kAtOnce; ++i) sums[s][i] = Isa::addIntegers(sums[s][i], first + s * part + at + i * kVector);
        }
    }
    std::uint64_t total = 0;
    for (auto& stream : sums) {
        for (auto& sum : stream) {
            std::uint64_t words[kVector / 8];
            std::memcpy(words, &sum, sizeof words);
            for (const std::uint64_t word : words) total += word;
        }
    }
    return total;
}

template <class Isa>
std::int64_t int8Loop(std::int64_t rounds) {
    typename Isa::Integers sums[kLimitSums];
    for (auto& sum : sums) sum = Isa::noIntegers();
    typename Isa::Integers u = Isa::noIntegers();
    typename Isa::Integers q = Isa::noIntegers();
    for (std::int64_t i = 0; i < rounds; ++i) {
        unknown(u);
        unknown(q);
#pragma GCC unroll 12
        for (auto& sum : sums) sum = Isa::dotIntegers(sum, u, q);
    }
    for (auto& sum : sums) unknown(sum);
    return rounds * kLimitSums * Isa::kLanes * 4 * 2;
}

template <class Isa>
std::int64_t f32Loop(std::int64_t rounds) {
    typename Isa::Vector sums[kLimitSums];
    for (auto& sum : sums) sum = Isa::zero();
    typename Isa::Vector a = Isa::zero();
    typename Isa::Vector b = Isa::zero();
    for (std::int64_t i = 0; i < rounds; ++i) {
        unknown(a);
        unknown(b);
#pragma GCC unroll 12
        for (auto& sum : sums) sum = Isa::multiplyAdd(a, b, sum);
    }
    for (auto& sum : sums) unknown(sum);
    return rounds * kLimitSums * Isa::kLanes * 2;
}

template <class Isa>
constexpr LimitLoops makeLimitLoops() {
    return {readLoop<Isa>, int8Loop<Isa>, f32Loop<Isa>, nullptr};
}

} // namespace

} // namespace hearth::kernels
