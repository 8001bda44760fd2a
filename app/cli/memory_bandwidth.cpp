// SPDX-License-Identifier: Apache-2.0
#include "app/cli/memory_bandwidth.h"

#include "core/base/system_memory.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

namespace hearth::app::cli {

namespace {

constexpr int kPasses = 6;

std::size_t wordsPerThread(int threads, int megabytes) {
    std::uint64_t bytes = static_cast<std::uint64_t>(std::max(megabytes, 1)) << 20;
    if (const auto available = core::availableMemory()) {
        bytes = std::clamp<std::uint64_t>(*available / 4 / static_cast<std::uint64_t>(threads), std::uint64_t{1} << 20, bytes);
    }
    return bytes / sizeof(std::uint64_t);
}

/// Eight independent sums: enough loads in flight to be bound by memory, not by one addition's latency.
std::uint64_t sum(const std::uint64_t* data, std::size_t count) {
    std::uint64_t sums[8] = {};
    for (std::size_t i = 0; i + 8 <= count; i += 8) {
        for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] += data[i + lane];
    }
    std::uint64_t total = 0;
    for (const std::uint64_t value : sums) total += value;
    return total;
}

} // namespace

double measureReadBandwidth(int threads, int megabytesPerThread) {
    using Clock = std::chrono::steady_clock;
    threads = std::max(threads, 1);
    const std::size_t words = wordsPerThread(threads, megabytesPerThread);
    std::vector<Clock::time_point> starts(kPasses);
    std::vector<Clock::time_point> ends(kPasses);
    std::barrier gate(threads);
    volatile std::uint64_t sink = 0;
    const auto work = [&](int self) {
        // Each thread touches its own pages first, so that they lie in its own memory node.
        std::vector<std::uint64_t> buffer(words, static_cast<std::uint64_t>(self) + 1);
        for (std::size_t pass = 0; pass < kPasses; ++pass) {
            gate.arrive_and_wait();
            if (self == 0) starts[pass] = Clock::now();
            const std::uint64_t result = sum(buffer.data(), buffer.size());
            gate.arrive_and_wait();
            if (self == 0) {
                ends[pass] = Clock::now();
                sink = sink + result;
            }
        }
    };
    std::vector<std::jthread> pool;
    for (int self = 1; self < threads; ++self) pool.emplace_back(work, self);
    work(0);
    pool.clear();
    double best = 0.0;
    for (std::size_t pass = 0; pass < kPasses; ++pass) {
        const double seconds = std::chrono::duration<double>(ends[pass] - starts[pass]).count();
        best = std::max(best, static_cast<double>(words * sizeof(std::uint64_t)) * threads / seconds);
    }
    return best;
}

} // namespace hearth::app::cli
