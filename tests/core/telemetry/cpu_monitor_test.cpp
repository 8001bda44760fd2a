// SPDX-License-Identifier: Apache-2.0
//
// CpuMonitor against made-up machines, the cleaning of processors' names, and this machine as it is.
#include "core/telemetry/cpu_monitor.h"

#include "core/telemetry/cpu_name.h"
#include "fixture_tree.h"

#include <QElapsedTimer>
#include <QTest>

#include <memory>
#include <unistd.h>

using namespace hearth::core;

class CpuMonitorTest : public QObject {
    Q_OBJECT

private slots:
    void init() {
        m_tree = std::make_unique<FixtureTree>();
        m_tree->write("proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel\t\t: 33\n"
                                      "model name\t: AMD Ryzen 7 5800X 8-Core Processor\n\nprocessor\t: 1\n");
        m_tree->write("proc/stat", "cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 50 0 50 350 50 0 0 0 0 0\n"
                                   "cpu1 50 0 50 350 50 0 0 0 0 0\nintr 5 0 0\nctxt 7\n");
        m_tree->write("proc/meminfo", "MemTotal:       32768000 kB\nMemFree:         1000000 kB\nMemAvailable:   20480000 kB\n");
        m_tree->write("proc/self/stat", "42 (hea) rth (x)) S 1 42 42 0 -1 4194304 9 0 0 0 10 20 0 0 20 0 1 0 5 6 7\n");
        m_tree->write("proc/self/statm", "90000 1234 800 5 0 900 0\n");
        for (int cpu = 0; cpu < 4; ++cpu) {
            m_tree->write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list",
                          cpu % 2 == 0 ? "0,2\n" : "1,3\n");
        }
        m_tree->write("sys/devices/system/cpu/cpufreq/boost", "1\n");
    }

    void cleanCpuName_data() {
        QTest::addColumn<QString>("raw");
        QTest::addColumn<QString>("clean");
        QTest::newRow("ryzen") << "AMD Ryzen 7 5800X 8-Core Processor" << "Ryzen 7 5800X";
        QTest::newRow("ryzen padded") << "AMD Ryzen 9 7950X 16-Core Processor            " << "Ryzen 9 7950X";
        QTest::newRow("ryzen with graphics") << "AMD Ryzen 7 7840HS w/ Radeon 780M Graphics" << "Ryzen 7 7840HS";
        QTest::newRow("ryzen with old graphics") << "AMD Ryzen 5 3400G with Radeon Vega Graphics" << "Ryzen 5 3400G";
        QTest::newRow("threadripper") << "AMD Ryzen Threadripper PRO 5975WX 32-Cores" << "Ryzen Threadripper PRO 5975WX";
        QTest::newRow("epyc") << "AMD EPYC 7763 64-Core Processor" << "EPYC 7763";
        QTest::newRow("fx") << "AMD FX(tm)-8350 Eight-Core Processor" << "AMD FX-8350";
        QTest::newRow("xeon of a cloud") << "Intel(R) Xeon(R) Processor" << "Intel Xeon Processor";
        QTest::newRow("xeon with clock") << "Intel(R) Xeon(R) Processor @ 2.20GHz" << "Intel Xeon Processor";
        QTest::newRow("xeon numbered") << "Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz" << "Intel Xeon E5-2690 v4";
        QTest::newRow("core") << "Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz" << "Intel Core i7-9750H";
        QTest::newRow("generation") << "12th Gen Intel(R) Core(TM) i5-12400F" << "Intel Core i5-12400F";
        QTest::newRow("ultra") << "Intel(R) Core(TM) Ultra 7 155H" << "Intel Core Ultra 7 155H";
        QTest::newRow("qemu") << "QEMU Virtual CPU version 2.5+" << "QEMU Virtual CPU version 2.5+";
        QTest::newRow("clock only") << "@ 3.0GHz" << "Unknown processor";
        QTest::newRow("empty") << "" << "Unknown processor";
    }
    void cleanCpuName() {
        QFETCH(QString, raw);
        QFETCH(QString, clean);
        QCOMPARE(QString::fromStdString(hearth::core::cleanCpuName(raw.toStdString())), clean);
    }

    void identity_nameAndCores() {
        const CpuMonitor monitor(m_tree->proc(), m_tree->sys());
        QCOMPARE(monitor.identity().name, std::string("Ryzen 7 5800X"));
        QCOMPARE(monitor.identity().logicalCores, 2);
        QCOMPARE(monitor.identity().physicalCores, 2);
    }

    void identity_otherArchitecturesAndNone() {
        m_tree->write("proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 108.00\n\nHardware\t: BCM2835\nModel\t\t: Raspberry Pi 5\n");
        QCOMPARE(CpuMonitor(m_tree->proc(), m_tree->sys()).identity().name, std::string("BCM2835"));
        m_tree->remove("proc");
        m_tree->remove("sys");
        CpuMonitor monitor(m_tree->proc(), m_tree->sys());
        QCOMPARE(monitor.identity().name, std::string("Unknown processor"));
        QCOMPARE(monitor.identity().logicalCores, 0);
        const CpuSample sample = monitor.sample();
        QVERIFY(!sample.load && !sample.processLoad && sample.coreLoads.empty());
        QCOMPARE(sample.memoryTotal, 0u);
    }

    void sample_loadIsSinceTheLastSample() {
        CpuMonitor monitor(m_tree->proc(), m_tree->sys());
        const CpuSample first = monitor.sample();
        QVERIFY(!first.load && !first.processLoad && first.coreLoads.empty());
        QCOMPARE(first.memoryTotal, std::uint64_t{32'768'000} * 1024);
        QCOMPARE(first.memoryUsed, std::uint64_t{12'288'000} * 1024);
        QCOMPARE(first.processMemory, std::uint64_t{1234} * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));

        // 200 ticks: 80 busy, 120 idle or waiting; 50 of them ours. Core 0 worked, core 1 slept.
        m_tree->write("proc/stat", "cpu  160 0 120 800 120 0 0 0 90 0\ncpu0 110 0 70 360 60 0 0 0 0 0\n"
                                   "cpu1 50 0 50 440 60 0 0 0 0 0\n");
        m_tree->write("proc/self/stat", "42 (hea) rth (x)) S 1 42 42 0 -1 4194304 9 0 0 0 50 30 0 0 20 0 1 0 5 6 7\n");
        const CpuSample second = monitor.sample();
        QCOMPARE(second.load, std::optional(0.4f));
        QCOMPARE(second.processLoad, std::optional(0.25f));
        QCOMPARE(second.coreLoads, (std::vector<float>{0.8f, 0.0f}));
    }

    void sample_withinOneTickIsNotZero() {
        CpuMonitor monitor(m_tree->proc(), m_tree->sys());
        (void)monitor.sample();
        QVERIFY(!monitor.sample().load);
        m_tree->write("proc/stat", "cpu  200 0 100 700 100 0 0 0 50 0\n");
        QCOMPARE(monitor.sample().load, std::optional(1.0f));
    }

    void sample_coreThatWasSwitchedOffIsLeftOut() {
        CpuMonitor monitor(m_tree->proc(), m_tree->sys());
        (void)monitor.sample();
        m_tree->write("proc/stat", "cpu  110 0 100 790 100 0 0 0 50 0\ncpu1 60 0 50 440 50 0 0 0 0 0\n");
        QCOMPARE(monitor.sample().coreLoads, (std::vector<float>{0.1f}));
    }

    void sample_garbageIsAbsent_data() {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QByteArray>("text");
        QTest::newRow("stat empty") << "proc/stat" << QByteArray();
        QTest::newRow("stat word") << "proc/stat" << QByteArray("cpu  1 2 three 4 5\n");
        QTest::newRow("stat short") << "proc/stat" << QByteArray("cpu  1 2\ncpu0\n");
        QTest::newRow("stat overflow") << "proc/stat" << QByteArray("cpu  18446744073709551615 1 1 1 1 1 1 1\n");
        QTest::newRow("stat negative") << "proc/stat" << QByteArray("cpu  -1 1 1 1 1 1 1 1\n");
        QTest::newRow("stat went back") << "proc/stat" << QByteArray("cpu  1 0 1 7 1 0 0 0\n");
        QTest::newRow("stat binary") << "proc/stat" << QByteArray(5000, '\xFF');
    }
    void sample_garbageIsAbsent() {
        QFETCH(QString, file);
        QFETCH(QByteArray, text);
        CpuMonitor monitor(m_tree->proc(), m_tree->sys());
        (void)monitor.sample();
        m_tree->write(file.toStdString(), text.toStdString());
        const CpuSample sample = monitor.sample();
        QVERIFY(!sample.load && !sample.processLoad && sample.coreLoads.empty());
    }

    void sample_processThatCannotBeReadIsAbsent_data() {
        QTest::addColumn<QByteArray>("stat");
        QTest::newRow("empty") << QByteArray();
        QTest::newRow("no parentheses") << QByteArray("42 hearth S 1 2 3");
        QTest::newRow("short") << QByteArray("42 (hearth) S 1 42");
        QTest::newRow("words") << QByteArray("42 (hearth) S 1 42 42 0 -1 4194304 9 0 0 0 ten twenty 0 0");
    }
    void sample_processThatCannotBeReadIsAbsent() {
        QFETCH(QByteArray, stat);
        m_tree->write("proc/self/stat", stat.toStdString());
        m_tree->write("proc/self/statm", "x");
        m_tree->write("proc/meminfo", "MemTotal: lots kB\nMemAvailable: 5 kB\n");
        CpuMonitor monitor(m_tree->proc(), m_tree->sys());
        (void)monitor.sample();
        m_tree->write("proc/stat", "cpu  160 0 120 800 120 0 0 0 90 0\n");
        const CpuSample sample = monitor.sample();
        QVERIFY(sample.load.has_value());
        QVERIFY(!sample.processLoad);
        QCOMPARE(sample.processMemory, 0u);
        QCOMPARE(sample.memoryTotal, 0u);
        QCOMPARE(sample.memoryUsed, 0u);
    }

    void sample_thisMachine() {
        CpuMonitor monitor;
        QVERIFY(monitor.identity().logicalCores >= 1);
        QVERIFY(monitor.identity().physicalCores >= 1);
        QVERIFY(monitor.identity().physicalCores <= monitor.identity().logicalCores);
        (void)monitor.sample();
        QElapsedTimer timer;
        timer.start();
        volatile unsigned work = 0;
        while (timer.elapsed() < 200) work = work + 1;
        const CpuSample sample = monitor.sample();
        QVERIFY(sample.load && *sample.load > 0.0f && *sample.load <= 1.0f);
        QVERIFY(sample.processLoad && *sample.processLoad > 0.0f && *sample.processLoad <= 1.0f);
        QVERIFY(sample.memoryTotal > sample.memoryUsed && sample.memoryUsed > 0);
        QVERIFY(sample.processMemory > 1'000'000 && sample.processMemory < sample.memoryTotal);
    }

private:
    std::unique_ptr<FixtureTree> m_tree;
};

QTEST_GUILESS_MAIN(CpuMonitorTest)
#include "cpu_monitor_test.moc"
