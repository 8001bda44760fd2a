// SPDX-License-Identifier: Apache-2.0
//
// ThreadPool: every task exactly once, distinct workers at any time, nothing lost over many short runs, and sleep when idle.
#include "kernels/cpu/thread_pool.h"

#include <QTest>

#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <thread>
#include <vector>

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
