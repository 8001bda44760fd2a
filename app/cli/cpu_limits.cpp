// SPDX-License-Identifier: Apache-2.0
#include "app/cli/cpu_limits.h"

#include "core/base/system_memory.h"
#include "kernels/cpu/simd/matmul_simd.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <thread>
#include <vector>

namespace hearth::app::cli {

namespace {

using Clock = std::chrono::steady_clock;
using kernels::LimitLoops;

constexpr int kPasses = 6;
constexpr std::align_val_t kAlignment{4096};
constexpr std::uint64_t kWholeBytes = 4096; ///< of a buffer, which the loops want
constexpr std::int64_t kRounds = 100'000;   ///< of a pass of products: a millisecond

/// `body(thread, pass)` on all threads at once, pass after pass; the seconds of the fastest pass.
double fastestPass(int threads, const auto& body) {
    std::vector<Clock::time_point> starts(kPasses);
    std::vector<Clock::time_point> ends(kPasses);
    std::barrier gate(threads);
    const auto work = [&](int self) {
        for (std::size_t pass = 0; pass < kPasses; ++pass) {
            gate.arrive_and_wait();
            if (self == 0) starts[pass] = Clock::now();
            body(self);
            gate.arrive_and_wait();
            if (self == 0) ends[pass] = Clock::now();
        }
    };
    std::vector<std::jthread> pool;
    for (int self = 1; self < threads; ++self) pool.emplace_back(work, self);
    work(0);
    pool.clear();
    Clock::duration best = Clock::duration::max();
    for (std::size_t pass = 0; pass < kPasses; ++pass) best = std::min(best, ends[pass] - starts[pass]);
    return std::chrono::duration<double>(best).count();
}

std::uint64_t bytesPerThread(int threads, int megabytes) {
    std::uint64_t bytes = static_cast<std::uint64_t>(std::max(megabytes, 1)) << 20;
    if (const auto available = core::availableMemory()) {
        bytes = std::clamp<std::uint64_t>(*available / 4 / static_cast<std::uint64_t>(threads), std::uint64_t{1} << 20, bytes);
    }
    return bytes / kWholeBytes * kWholeBytes;
}

/// For processors without loops of their own.
std::uint64_t readPlainly(const void* data, std::int64_t bytes) {
    const auto* words = static_cast<const std::uint64_t*>(data);
    std::uint64_t sums[8] = {};
    for (std::int64_t i = 0; i < bytes / 8; i += 8) {
        for (std::int64_t lane = 0; lane < 8; ++lane) sums[lane] += words[i + lane];
    }
    std::uint64_t total = 0;
    for (const std::uint64_t sum : sums) total += sum;
    return total;
}

double operationsPerSecond(int threads, std::int64_t (*loop)(std::int64_t)) {
    if (loop == nullptr) return 0.0;
    std::vector<std::int64_t> operations(static_cast<std::size_t>(threads));
    const double seconds = fastestPass(threads, [&](int self) { operations[static_cast<std::size_t>(self)] = loop(kRounds); });
    return static_cast<double>(operations[0]) * threads / seconds;
}

} // namespace

void CpuMeter::FreeAligned::operator()(std::byte* memory) const {
    ::operator delete(memory, kAlignment);
}

CpuMeter::CpuMeter(int threads, int megabytesPerThread)
    : m_threads(std::max(threads, 1))
    , m_bytes(bytesPerThread(m_threads, megabytesPerThread)) {
    for (int i = 0; i < m_threads; ++i) {
        m_buffers.emplace_back(static_cast<std::byte*>(::operator new(m_bytes, kAlignment, std::nothrow)));
        if (m_buffers.back() != nullptr) continue;
        m_buffers.clear();
        return;
    }
    // Each thread touches its own pages, so that they lie in its own memory node.
    std::vector<std::jthread> pool;
    for (const auto& buffer : m_buffers) pool.emplace_back([&] { std::memset(buffer.get(), 1, m_bytes); });
}

double CpuMeter::readBandwidth() {
    if (m_buffers.empty()) return 0.0;
    const LimitLoops* loops = kernels::limitLoops(kernels::bestCpuPath());
    const auto read = loops != nullptr ? loops->read : readPlainly;
    std::vector<std::uint64_t> sums(m_buffers.size());
    const double seconds = fastestPass(m_threads, [&](int self) {
        const auto i = static_cast<std::size_t>(self);
        sums[i] += read(m_buffers[i].get(), static_cast<std::int64_t>(m_bytes));
    });
    volatile std::uint64_t sink = sums[0]; // the reading may not be left out
    static_cast<void>(sink);
    return static_cast<double>(m_bytes) * m_threads / seconds;
}

CpuLimits CpuMeter::measure() {
    CpuLimits limits{.readBytes = readBandwidth()};
    const LimitLoops* loops = kernels::limitLoops(kernels::bestCpuPath());
    if (loops == nullptr) return limits;
    limits.int8 = operationsPerSecond(m_threads, loops->int8);
    limits.bf16 = operationsPerSecond(m_threads, loops->bf16);
    limits.f32 = operationsPerSecond(m_threads, loops->f32);
    return limits;
}

} // namespace hearth::app::cli
