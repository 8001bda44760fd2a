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

#include <cmath>
#include <fstream>
#include <limits>
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
            qInfo("%s: %lld ms", cpuPathName(path), static_cast<long long>(timer.elapsed()));
        }
    }

    void selfTest_namesTheWrongOperation_data() {
        QTest::addColumn<QString>("operation");
        QTest::addColumn<QString>("format");
        for (const char* name : {"add", "addBias", "scale", "softcap", "swiGlu", "geGlu", "rmsNorm", "layerNorm", "rope", "moeRoute", "moeCombine", "sample"})
            QTest::newRow(name) << name << "";
        for (const char* name : {"embed", "matmul", "matmulShared", "matmulExperts"}) {
            for (const char* format : {"F16", "Q3_K", "MXFP4"}) QTest::addRow("%s of %s", name, format) << name << format;
        }
        for (const char* format : {"f16", "q8_0"}) QTest::addRow("attention over %s", format) << "attention" << format;
    }
    void selfTest_namesTheWrongOperation() {
        QFETCH(QString, operation);
        QFETCH(QString, format);
        BackendLog log;
        const auto device = makeFailingBackend({.wrong = operation.toStdString(), .wrongFormat = format.toStdString()}, log);
        const auto judge = reference();
        const core::SelfTestResult result = core::selfTest(*device, *judge);
        QVERIFY(result.stopped.empty());
        QVERIFY(!result.passed());
        const auto found = std::ranges::find_if(result.faults, [&](const core::KernelFault& fault) { return fault.operation == operation.toStdString() && fault.format == format.toStdString(); });
        QVERIFY2(found != result.faults.end(), result.summary().c_str());
        QVERIFY(found->error > found->allowed && std::isfinite(found->error));
        // Nothing else is blamed, but for what is made of the same operation.
        for (const core::KernelFault& fault : result.faults) {
            const bool composed = (operation == "rope" && (fault.operation == "ropeAndAppend" || fault.operation.ends_with("ttention"))) || (operation == "attention" && fault.operation == "ropeAppendAttention") || (operation == "add" && (fault.operation == "matmulAdd" || fault.operation == "addRmsNorm")) ||
                                  (operation == "rmsNorm" && fault.operation == "addRmsNorm") || (operation == "swiGlu" && fault.operation == "gatedMatmul") ||
                                  (operation == "matmul" && fault.operation == "matmulAdd") || (operation == "matmulShared" && fault.operation == "gatedMatmul");
            QVERIFY2(fault.operation == operation.toStdString() || composed, result.summary().c_str());
            if (!format.isEmpty()) QCOMPARE(fault.format, format.toStdString());
        }
    }

    void selfTest_givesSignsOfLife() {
        BackendLog log;
        const auto device = makeFailingBackend({}, log);
        int signs = 0;
        int longest = 0; // operations without one
        int before = 0;
        QVERIFY(core::selfTest(*device, *reference(), [&] {
            ++signs;
            longest = std::max(longest, log.operations - before);
            before = log.operations;
        }).passed());
        QVERIFY(signs > 300);
        QVERIFY2(longest <= 6, qPrintable(QString::number(longest)));
    }

    void selfTest_saysWhatIsRefused() {
        BackendLog log;
        const auto device = makeFailingBackend({.operation = 3, .code = kernels::StatusCode::LaunchFailed, .once = true}, log);
        const core::SelfTestResult result = core::selfTest(*device, *reference());
        QCOMPARE(result.faults.size(), std::size_t{1});
        QVERIFY2(core::describe(result.faults.front()).find("refused") != std::string::npos, result.summary().c_str());
        QVERIFY(result.stopped.empty());
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
            const core::SelfTestResult result = core::selfTest(*device, *reference());
            QVERIFY(!result.passed() && !result.stopped.empty());
            QVERIFY2(result.outOfMemory, result.summary().c_str());
        }
        BackendLog log;
        const auto device = makeFailingBackend({.weight = 3}, log);
        QVERIFY(!core::selfTest(*device, *reference()).passed());
    }

    // --- what follows from a fault ----------------------------------------------------------------------------------------

    void faults_keepOnlyWhatDependsOnThem() {
        using core::gapsOf;
        using kernels::DType;
        const auto gaps = [](std::string operation, std::string format = {}) { return gapsOf(std::vector<core::KernelFault>{{std::move(operation), std::move(format), 0.4, 0.03}}); };
        QVERIFY(gapsOf({}) == core::GpuGaps{});
        for (const char* product : {"matmul", "matmulAdd", "matmulShared", "gatedMatmul"}) QVERIFY((gaps(product, "Q3_K") == core::GpuGaps{.products = core::typeBit(DType::Q3_K)}));
        QVERIFY((gaps("matmulExperts", "Q4_K") == core::GpuGaps{.expertProducts = core::typeBit(DType::Q4_K)}));
        QVERIFY((gaps("embed", "Q6_K") == core::GpuGaps{.lookups = core::typeBit(DType::Q6_K)}));
        QVERIFY((gaps("attention", "q8_0") == core::GpuGaps{.q8Cache = true}));
        QVERIFY((gaps("ropeAndAppend", "q8_0") == core::GpuGaps{.q8Cache = true}));
        QVERIFY((gaps("moeRoute") == core::GpuGaps{.mixtures = true}));
        QVERIFY((gaps("copyColumns") == core::GpuGaps{.specials = true}));
        QVERIFY((gaps("sample") == core::GpuGaps{.sampling = true}));
        // What every layer needs, and whatever is not known here.
        for (const char* all : {"rmsNorm", "addRmsNorm", "rope", "add", "zero", "something new"}) QVERIFY2(!gaps(all), all);
        QVERIFY(!gaps("attention", "f16"));
        QVERIFY(!gaps("matmul", "Q99"));
        const std::vector<core::KernelFault> two{{"matmul", "Q3_K", 0.42, 0.03}, {"sample", "", 1.0, 0.0}};
        QVERIFY((gapsOf(two) == core::GpuGaps{.products = core::typeBit(DType::Q3_K), .sampling = true}));
        QCOMPARE(core::describe(two), "matmul of Q3_K (off by 42 %, 3 % allowed), sample (off by 1e+02 %, 0 % allowed)");
        QCOMPARE(core::consequenceOf(two), "layers with Q3_K weights run on the processor and the processor samples");
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
        const std::vector<core::KernelFault> faults{{"matmul", "Q3_K", 0.42, 0.03}, {"rope", "", std::numeric_limits<double>::infinity(), 0.001}};
        store.save("c", {.reason = GpuReason::Ok, .faults = faults, .testMs = 812});
        const core::TextVerdictStore again(text);
        QCOMPARE(number(again.load("a")->reason), number(GpuReason::SelfTestFailed));
        QCOMPARE(again.load("a")->detail, "rope, \"quoted\"");
        QCOMPARE(number(again.load("b")->reason), number(GpuReason::Ok));
        QVERIFY(again.load("b")->faults.empty());
        QVERIFY(again.load("c")->faults == faults);
        QCOMPARE(again.load("c")->testMs, 812);
        store.clear();
        QVERIFY(!store.load("a") && !core::TextVerdictStore(text).load("a"));
    }

    void verdicts_brokenTextCountsAsNone() {
        for (const char* text : {"", "{", "[]", "3", R"({"a":3})", R"({"a":{"reason":"Rubbish"}})", R"({"a":{"reason":3}})"}) QVERIFY(!core::TextVerdictStore(text).load("a"));
        QVERIFY(core::TextVerdictStore(R"({"a":{"reason":"Ok","detail":3}})").load("a"));
        // Faults that cannot be read must not count as none.
        for (const char* faults : {"3", "[3]", R"([{"operation":"matmul"}])", R"([{"operation":1,"format":"","allowed":1}])"})
            QVERIFY2(!core::TextVerdictStore(std::string(R"({"a":{"reason":"Ok","faults":)") + faults + "}}").load("a"), faults);
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
