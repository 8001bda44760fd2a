// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/thread_pool.h"

#include "kernels/cpu/cpu_features.h"

#include <chrono>
#include <system_error>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

namespace hearth::kernels {

namespace {

constexpr auto kSpinTime = std::chrono::microseconds(40);

void pauseProcessor() {
#if defined(__x86_64__) || defined(__i386__)
    _mm_pause();
#else
    std::this_thread::yield();
#endif
}

/// True as soon as `ready()` is; false when it was not for kSpinTime.
template <typename Ready>
bool spinUntil(const Ready& ready) {
    const auto end = std::chrono::steady_clock::now() + kSpinTime;
    do {
        for (int i = 0; i < 64; ++i) {
            if (ready()) return true;
            pauseProcessor();
        }
    } while (std::chrono::steady_clock::now() < end);
    return ready();
}

} // namespace

ThreadPool::ThreadPool(int threads)
    : m_cpus(physicalCores()) {
    if (static_cast<std::size_t>(threads) > m_cpus.size()) m_cpus.clear();
    m_workers.reserve(threads > 1 ? static_cast<std::size_t>(threads - 1) : 0);
    for (int worker = 1; worker < threads; ++worker) {
        try {
            m_workers.emplace_back([this, worker] { workerLoop(worker); });
        } catch (const std::system_error&) {
            break; // fewer threads still compute everything
        }
    }
}

ThreadPool::~ThreadPool() {
    m_quit.store(true);
    m_wakeups.fetch_add(1);
    m_wakeups.notify_all();
    for (std::thread& worker : m_workers) worker.join();
}

void ThreadPool::run(int tasks, TaskRef body) {
    if (tasks <= 0) return;
    if (tasks == 1 || m_workers.empty()) {
        for (int task = 0; task < tasks; ++task) body(task, 0);
        return;
    }
    m_body = &body;
    m_tasks = static_cast<std::uint32_t>(tasks);
    m_done.store(0);
    const std::uint64_t generation = (m_state.load() >> 32) + 1;
    m_state.store(generation << 32 | m_tasks);
    m_wakeups.fetch_add(1);
    m_wakeups.notify_all();

    while (claimAndRun(0)) {
    }

    const auto finished = [this] { return m_done.load() == m_tasks; };
    if (spinUntil(finished)) return;
    for (std::uint32_t done = m_done.load(); done != m_tasks; done = m_done.load()) m_done.wait(done);
}

bool ThreadPool::claimAndRun(int worker) {
    std::uint64_t state = m_state.load();
    do {
        if ((state & kTasksLeft) == 0) return false;
    } while (!m_state.compare_exchange_weak(state, state - 1));
    // Claimed: until this task is reported done, run() does not return, so the job stays as it is.
    const std::uint32_t tasks = m_tasks;
    (*m_body)(static_cast<int>(tasks - (state & kTasksLeft)), worker);
    finishTask(tasks);
    return true;
}

void ThreadPool::finishTask(std::uint32_t tasks) {
    if (m_done.fetch_add(1) + 1 == tasks) m_done.notify_all();
}

void ThreadPool::keepToCores() const {
#if defined(__linux__)
    if (m_cpus.empty()) return;
    cpu_set_t wanted;
    CPU_ZERO(&wanted);
    for (const int cpu : m_cpus) CPU_SET(cpu, &wanted);
    static_cast<void>(sched_setaffinity(0, sizeof wanted, &wanted)); // of this thread alone
#endif
}

void ThreadPool::workerLoop(int worker) {
    keepToCores();
    const auto workOrQuit = [this] { return (m_state.load() & kTasksLeft) != 0 || m_quit.load(); };
    while (!m_quit.load()) {
        const std::uint32_t wakeups = m_wakeups.load();
        if (claimAndRun(worker)) continue;
        if (spinUntil(workOrQuit)) continue;
        m_wakeups.wait(wakeups); // returns at once if run() has counted up since
    }
}

} // namespace hearth::kernels
