// SPDX-License-Identifier: Apache-2.0
//
// ThreadPool: every task exactly once, distinct workers at any time, nothing lost over many short runs, and sleep when idle.
#include "kernels/cpu/cpu_features.h"
#include "kernels/cpu/thread_pool.h"

#include <QTest>

#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

using namespace hearth::kernels;

namespace {

double processCpuSeconds() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

} // namespace

class ThreadPoolTest : public QObject {
    Q_OBJECT

private slots:
    void everyTaskRunsOnce_data() {
        QTest::addColumn<int>("threads");
        QTest::addColumn<int>("tasks");
        for (const int threads : {1, 2, 3, 8}) {
            for (const int tasks : {0, 1, 2, 7, 1000}) {
                QTest::addRow("%d threads, %d tasks", threads, tasks) << threads << tasks;
            }
        }
    }
    void everyTaskRunsOnce() {
        QFETCH(int, threads);
        QFETCH(int, tasks);
        ThreadPool pool(threads);
        QCOMPARE(pool.threads(), threads);
        const auto count = std::make_unique<std::atomic<int>[]>(static_cast<std::size_t>(tasks) + 1);
        const auto busy = std::make_unique<std::atomic<int>[]>(static_cast<std::size_t>(threads));
        std::atomic<int> clashes{0};
        pool.run(tasks, [&](int task, int worker) {
            if (worker < 0 || worker >= threads || busy[static_cast<std::size_t>(worker)].fetch_add(1) != 0)
                clashes.fetch_add(1);
            count[static_cast<std::size_t>(task)].fetch_add(1);
            busy[static_cast<std::size_t>(worker)].fetch_sub(1);
        });
        QCOMPARE(clashes.load(), 0);
        for (int task = 0; task < tasks; ++task) QCOMPARE(count[static_cast<std::size_t>(task)].load(), 1);
    }

    void manyShortRunsLoseNothing() {
        ThreadPool pool(4);
        std::int64_t total = 0;
        std::vector<std::int64_t> parts(16);
        for (int run = 0; run < 20000; ++run) {
            const int tasks = 1 + run % 16;
            // Plain stores: visible after run() or it is broken.
            pool.run(tasks, [&](int task, int) { parts[static_cast<std::size_t>(task)] = run + task; });
            for (int task = 0; task < tasks; ++task) {
                QCOMPARE(parts[static_cast<std::size_t>(task)], std::int64_t(run + task));
                total += parts[static_cast<std::size_t>(task)];
            }
        }
        QVERIFY(total > 0);
    }

    void runsAfterSleeping() {
        ThreadPool pool(3);
        for (int run = 0; run < 20; ++run) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            std::atomic<int> done{0};
            pool.run(50, [&](int, int) { done.fetch_add(1); });
            QCOMPARE(done.load(), 50);
        }
    }

    void oneProcessorOfEachCore() {
        // Two packages of two cores; hyper-threads as Linux numbers them on one machine (0 4 1 5) and on another (0 1 2 3); one unknown.
        const CpuPlace places[] = {{0, 0, 0}, {1, 0, 1}, {2, 1, 0}, {3, 1, 1}, {4, 0, 0}, {5, 0, 1}, {6, 1, 0}, {7, 1, 1}, {8, -1, -1}};
        QCOMPARE(firstOfEachCore(places), (std::vector<int>{0, 1, 2, 3, 8}));
        const CpuPlace neighbours[] = {{0, 0, 0}, {1, 0, 0}, {2, 0, 1}, {3, 0, 1}};
        QCOMPARE(firstOfEachCore(neighbours), (std::vector<int>{0, 2}));
        QVERIFY(firstOfEachCore({}).empty());
    }

#if defined(__linux__)
    void workersStayOnOneProcessorOfEachCore() {
        const std::vector<int> cores = physicalCores();
        if (cores.size() < 2) QSKIP("this machine lends one core: there is no worker to look at");
        const auto whereWorkersMayRun = [](int threads) {
            ThreadPool pool(threads);
            std::vector<int> cpus;
            std::atomic<int> arrived{0};
            pool.run(2, [&](int, int worker) {
                arrived.fetch_add(1);
                while (arrived.load() < 2) std::this_thread::yield(); // so that a worker takes one of the two
                cpu_set_t allowed;
                CPU_ZERO(&allowed);
                if (worker == 0 || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
                for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
                    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
                }
            });
            return cpus;
        };
        QCOMPARE(whereWorkersMayRun(static_cast<int>(cores.size())), cores);
        // More threads than cores have to share anyway: the system places them.
        QVERIFY(whereWorkersMayRun(static_cast<int>(cores.size()) + 1).size() >= cores.size());
    }
#endif

    void idleWorkersSleep() {
        ThreadPool pool(4);
        pool.run(4, [](int, int) {});
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        const double before = processCpuSeconds();
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        // Three spinning workers would burn up to 600 ms; a sleeping pool nothing.
        QVERIFY(processCpuSeconds() - before < 0.05);
    }
};

QTEST_GUILESS_MAIN(ThreadPoolTest)
#include "thread_pool_test.moc"
