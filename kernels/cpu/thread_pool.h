// SPDX-License-Identifier: Apache-2.0
//
// ThreadPool: the worker threads of the CPU back end. run() hands out tasks by number, one at a time, so that uneven tasks even out.
// A worker that finds nothing to do spins for some tens of microseconds (the next operation of a forward pass usually comes within that),
// then sleeps in the kernel: an idle program uses no processor time.
// Workers stay on the first logical processor of each physical core, whichever, as long as there are no more threads than cores: two on
// one core would halve each other. Tasks are handed out one by one, so slower cores (of another kind, or busy with other programs) take fewer.
// Claiming is one compare-and-swap on {generation, tasks left}: a worker that wakes late cannot touch a job that is over, so run()
// waits for tasks, never for threads.
// Thread: run() from one thread at a time, the owner's; it works too.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace hearth::kernels {

/// A borrowed callable void(int task, int worker). Does not own: valid only during the call it is passed to.
class TaskRef {
public:
    template <typename Function>
    requires(!std::is_same_v<std::remove_cvref_t<Function>, TaskRef>)
        TaskRef(const Function& function) // NOLINT(google-explicit-constructor): made to be passed a lambda
        : m_object(&function)
        , m_call([](const void* object, int task, int worker) {
            (*static_cast<const Function*>(object))(task, worker);
        }) {}

    void operator()(int task, int worker) const { m_call(m_object, task, worker); }

private:
    const void* m_object;
    void (*m_call)(const void*, int, int);
};

class ThreadPool {
public:
    /// `threads` >= 1 counts the caller of run(). When the system refuses threads there are fewer; see threads().
    explicit ThreadPool(int threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    /// Calls body(task, worker) once for each task in [0, tasks); returns when all are done. `worker` is in [0, threads()) and no two
    /// calls that overlap in time have the same. body must not throw and must not call run().
    void run(int tasks, TaskRef body);

    [[nodiscard]] int threads() const { return static_cast<int>(m_workers.size()) + 1; }

private:
    bool claimAndRun(int worker);
    void finishTask(std::uint32_t tasks);
    void workerLoop(int worker);
    /// Binds the calling worker to the first logical processors of the cores. A wish: where it is refused, the system chooses.
    void keepToCores() const;

    static constexpr std::uint64_t kTasksLeft = 0xffffffffu;

    // Written by run() before m_state is published; read by whoever has claimed a task of that generation.
    const TaskRef* m_body = nullptr;
    std::uint32_t m_tasks = 0;

    alignas(64) std::atomic<std::uint64_t> m_state{0};   ///< generation << 32 | tasks not yet claimed
    alignas(64) std::atomic<std::uint32_t> m_done{0};    ///< tasks finished of this generation
    alignas(64) std::atomic<std::uint32_t> m_wakeups{0}; ///< what sleeping workers wait on
    std::atomic<bool> m_quit{false};
    std::vector<int> m_cpus; ///< where workers may run; empty = anywhere
    std::vector<std::thread> m_workers;
};

} // namespace hearth::kernels
