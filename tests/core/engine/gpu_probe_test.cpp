// SPDX-License-Identifier: Apache-2.0
//
// The pieces of the probe: the self-test against right and wrong back ends, the child's limits, verdicts, the mark of use.
// The whole of it, with a HIP runtime of the tests: tests/app/gpu_process_test.cpp.
#include "core/base/log.h"
#include "core/engine/gpu_marker.h"
#include "core/engine/gpu_probe.h"
#include "core/engine/gpu_self_test.h"
#include "core/engine/gpu_verdicts.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/failing_backend.h"

#include <QElapsedTimer>
#include <QTemporaryDir>
#include <QTest>

#include <fstream>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

using namespace hearth;
using namespace hearth::test;
using kernels::GpuReason;
using kernels::CpuBackend;

namespace {

int number(GpuReason reason) { return static_cast<int>(reason); }

std::unique_ptr<CpuBackend> reference() { return CpuBackend::create({.threads = 1, .forcedPath = kernels::CpuPath::Portable}); }

core::ProbeCommand shell(const std::string& script, int limitMs = 5000) { return {.arguments = {"/bin/sh", "-c", script}, .limitMs = limitMs}; }

} // namespace

class GpuProbeTest : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_folder;

private slots:
    void initTestCase() { spdlog::set_level(spdlog::level::off); }

    // --- self-test --------------------------------------------------------------------------------------------------------

    void selfTest_passesTheFastPathsOfThisProcessor() {
        for (const kernels::CpuPath path : {kernels::CpuPath::Portable, kernels::CpuPath::Avx2, kernels::CpuPath::Avx512Vnni}) {
            const auto device = CpuBackend::create({.threads = 1, .forcedPath = path}); // 8-bit activations, like a GPU
            if (!device) continue;
            const auto judge = reference();
            QElapsedTimer timer;
            timer.start();
            const core::SelfTestResult result = core::selfTest(*device, *judge);
            QVERIFY2(result.passed(), result.summary().c_str());
            QVERIFY2(timer.elapsed() < 3000, qPrintable(QString::number(timer.elapsed())));
        }
    }

    void selfTest_namesTheWrongOperation_data() {
        QTest::addColumn<QString>("operation");
        QTest::addColumn<QString>("named");
        for (const char* name : {"add", "addBias", "scale", "softcap", "swiGlu", "geGlu", "rmsNorm", "layerNorm", "rope", "attention", "moeRoute", "matmulExperts", "moeCombine", "sample"})
            QTest::newRow(name) << name << name;
        QTest::newRow("embed") << "embed" << "embed Q4_K";
        QTest::newRow("matmul") << "matmul" << "matmul Q4_K";
        QTest::newRow("matmulShared") << "matmulShared" << "gatedMatmul Q4_K";
    }
    void selfTest_namesTheWrongOperation() {
        QFETCH(QString, operation);
        QFETCH(QString, named);
        BackendLog log;
        const auto device = makeFailingBackend({.wrong = operation.toStdString()}, log);
        const auto judge = reference();
        const core::SelfTestResult result = core::selfTest(*device, *judge);
        QVERIFY2(std::ranges::find(result.failed, named.toStdString()) != result.failed.end(), result.summary().c_str());
        QVERIFY(result.stopped.empty());
        QVERIFY(!result.passed());
    }

    void selfTest_endsWhereTheDeviceIsLost() {
        BackendLog log;
        const auto device = makeFailingBackend({.operation = 20}, log);
        const auto judge = reference();
        const core::SelfTestResult result = core::selfTest(*device, *judge);
        QVERIFY(!result.passed());
        QVERIFY(!result.stopped.empty());
        QVERIFY(log.operations < 30);
    }

    void selfTest_withoutMemoryIsNotPassed() {
        for (const int at : {0, 5, 40}) {
            BackendLog log;
            const auto device = makeFailingBackend({.allocation = at}, log);
            QVERIFY(!core::selfTest(*device, *reference()).passed());
        }
        BackendLog log;
        const auto device = makeFailingBackend({.weight = 3}, log);
        QVERIFY(!core::selfTest(*device, *reference()).passed());
    }

    // --- the child --------------------------------------------------------------------------------------------------------

    void child_endings_data() {
        QTest::addColumn<QString>("script");
        QTest::addColumn<int>("reason");
        QTest::addColumn<QString>("detail");
        QTest::newRow("silent end") << "exit 0" << number(GpuReason::ProbeCrashed) << "status 0";
        QTest::newRow("error status") << "exit 7" << number(GpuReason::ProbeCrashed) << "status 7";
        QTest::newRow("signal") << "kill -SEGV $$" << number(GpuReason::ProbeCrashed) << "signal 11";
        QTest::newRow("hang") << "sleep 30" << number(GpuReason::ProbeTimedOut) << "300 ms";
        QTest::newRow("closed output, then hang") << "exec >/dev/null; sleep 30" << number(GpuReason::ProbeCrashed) << "signal 9";
        QTest::newRow("chatter only") << "while :; do echo driver; sleep 0.01; done" << number(GpuReason::ProbeTimedOut) << "300 ms";
        QTest::newRow("half an answer") << "echo 'hearth-probe result {\"reason\":'" << number(GpuReason::ProbeCrashed) << "status 0";
        QTest::newRow("an answer of another shape") << "echo 'hearth-probe result {\"reason\":3}'" << number(GpuReason::ProbeCrashed) << "status 0";
        QTest::newRow("no answer at all but a number") << "echo 'hearth-probe result 3'; echo 'hearth-probe stage 4'" << number(GpuReason::ProbeCrashed) << "status 0";
    }
    void child_endings() {
        QFETCH(QString, script);
        QFETCH(int, reason);
        QFETCH(QString, detail);
        const auto probe = core::probeInChild(shell(script.toStdString(), 300));
        QVERIFY(probe);
        QCOMPARE(number(probe->reason), reason);
        QCOMPARE(probe->detail, detail.toStdString());
    }

    void aProgramThatIsNotThere_isNoCrashOfOurs() {
        const auto probe = core::probeInChild({.arguments = {"/no/such/program"}});
        QVERIFY(probe);
        QCOMPARE(number(probe->reason), number(GpuReason::ProbeCrashed));
    }

    void stop_endsTheLookAtOnce() {
        std::stop_source stop;
        std::jthread later([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
            stop.request_stop();
        });
        QElapsedTimer timer;
        timer.start();
        const auto probe = core::probeInChild(shell("sleep 30"), stop.get_token());
        QVERIFY(!probe);
        QCOMPARE(static_cast<int>(probe.error().code), static_cast<int>(core::ErrorCode::Cancelled));
        QVERIFY2(timer.elapsed() < 1000, qPrintable(QString::number(timer.elapsed())));
    }

    // --- verdicts ---------------------------------------------------------------------------------------------------------

    void verdicts_areKeptAsText() {
        std::string text;
        core::TextVerdictStore store({}, [&](const std::string& changed) { text = changed; });
        QVERIFY(!store.load("a"));
        store.save("a", {GpuReason::SelfTestFailed, "rope, \"quoted\""});
        store.save("b", {});
        const core::TextVerdictStore again(text);
        QCOMPARE(number(again.load("a")->reason), number(GpuReason::SelfTestFailed));
        QCOMPARE(again.load("a")->detail, "rope, \"quoted\"");
        QCOMPARE(number(again.load("b")->reason), number(GpuReason::Ok));
        store.clear();
        QVERIFY(!store.load("a") && !core::TextVerdictStore(text).load("a"));
    }

    void verdicts_brokenTextCountsAsNone() {
        for (const char* text : {"", "{", "[]", "3", R"({"a":3})", R"({"a":{"reason":"Rubbish"}})", R"({"a":{"reason":3}})"}) QVERIFY(!core::TextVerdictStore(text).load("a"));
        QVERIFY(core::TextVerdictStore(R"({"a":{"reason":"Ok","detail":3}})").load("a"));
    }

    void verdicts_ofAFile() {
        const std::filesystem::path file = m_folder.filePath("below/verdicts.json").toStdString();
        core::openVerdictFile(file)->save("a", {GpuReason::ProbeCrashed, "signal 11"});
        QCOMPARE(core::openVerdictFile(file)->load("a")->detail, "signal 11");
        std::ofstream(m_folder.filePath("a-file").toStdString()) << "x";
        const auto nowhere = core::openVerdictFile(m_folder.filePath("a-file/verdicts.json").toStdString());
        nowhere->save("a", {}); // cannot be written: kept in memory
        QVERIFY(nowhere->load("a"));
    }

    // --- the mark of use ----------------------------------------------------------------------------------------------------

    void mark_ofADeadProcessIsACrash() {
        const std::filesystem::path folder = m_folder.filePath("marks").toStdString();
        core::GpuMarker marker(folder);
        QVERIFY(marker.crashes().empty());
        marker.set("0000:03:00.0", 7);
        QVERIFY(marker.crashes().empty()); // we live
        QCOMPARE(core::GpuMarker(folder).crashes().size(), std::size_t{0});
        marker.remove();
        QVERIFY(std::filesystem::is_empty(folder));

        const pid_t child = ::fork();
        if (child == 0) {
            core::GpuMarker theirs(folder);
            theirs.set("0000:04:00.0", 8);
            ::_exit(0); // no destructor, like a crash
        }
        int status = 0;
        QCOMPARE(::waitpid(child, &status, 0), child);
        const auto crashes = marker.crashes();
        QCOMPARE(crashes.size(), std::size_t{1});
        QCOMPARE(crashes.front().device, "0000:04:00.0");
        QCOMPARE(crashes.front().driverVersion, 8);
        marker.forgetCrashes();
        QVERIFY(marker.crashes().empty());
    }

    void mark_withTheNumberOfALaterProcessIsACrashToo() {
        const std::filesystem::path folder = m_folder.filePath("reused").toStdString();
        {
            core::GpuMarker marker(folder);
            marker.set("id", 1);
            std::filesystem::copy_file(folder / ("gpu-in-use-" + std::to_string(::getpid())), folder / "gpu-in-use-copy");
        }
        std::ifstream in(folder / "gpu-in-use-copy");
        std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        const std::size_t at = text.find("\"start\":\"") + 9;
        text[at] = text[at] == '9' ? '8' : '9'; // the same number, another start
        std::ofstream(folder / "gpu-in-use-copy") << text;
        QCOMPARE(core::GpuMarker(folder).crashes().size(), std::size_t{1});
        std::ofstream(folder / "gpu-in-use-copy") << "{";
        QCOMPARE(core::GpuMarker(folder).crashes().size(), std::size_t{1}); // cut off while it was written
    }

    void mark_isRemovedFromASignalHandler() {
        const std::filesystem::path folder = m_folder.filePath("signal").toStdString();
        core::GpuMarker marker(folder);
        core::GpuMarker::removeNow(); // nothing there: nothing done
        marker.set("id", 1);
        QVERIFY(!std::filesystem::is_empty(folder));
        core::GpuMarker::removeNow();
        QVERIFY(std::filesystem::is_empty(folder));
    }
};

QTEST_GUILESS_MAIN(GpuProbeTest)
#include "gpu_probe_test.moc"
