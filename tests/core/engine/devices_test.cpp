// SPDX-License-Identifier: Apache-2.0
//
// The list of devices: what is chosen, and a reason with a remedy for everything else; the permission of a device file.
#include "core/engine/devices.h"
#include "tests/support/fake_gpus.h"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

using namespace hearth;
using namespace hearth::test;
using core::DeviceList;
using core::GpuReason;

namespace {

int number(GpuReason reason) { return static_cast<int>(reason); }

core::GpuProbe probeOf(std::initializer_list<core::ProbedDevice> devices) {
    core::GpuProbe probe;
    probe.runtimes.push_back({.api = kernels::GpuApi::Hip, .reason = GpuReason::Ok, .library = "libamdhip64.so.7", .detail = {}, .raw = 0, .driverVersion = 60342131});
    probe.devices = devices;
    return probe;
}

core::GpuProbe runtimeOnly(GpuReason reason, std::string detail = {}, int raw = 0) {
    core::GpuProbe probe;
    probe.runtimes.push_back({.api = kernels::GpuApi::Hip, .reason = reason, .library = {}, .detail = std::move(detail), .raw = raw});
    return probe;
}

core::SystemFacts oneCard() {
    core::SystemFacts facts{.cpuName = "Test CPU", .cpuPath = "AVX2"};
    facts.cards.push_back({"Radeon RX 7900 XTX", "0000:03:00.0", std::uint64_t{24} << 30});
    return facts;
}

} // namespace

class DevicesTest : public QObject {
    Q_OBJECT

private slots:
    void everyReason_hasASentenceThatNamesTheDevice() {
        std::set<std::string> sentences;
        for (const GpuReason reason : kernels::allGpuReasons()) {
            for (const char* api : {"HIP", "CUDA"}) {
                const std::string sentence = core::explain(reason, {.device = "Radeon X", .family = "gfx999", .api = api, .file = "/dev/kfd", .group = "render", .detail = "matmul", .raw = 7});
                QVERIFY2(sentence.size() > 20 && sentence.ends_with('.'), sentence.c_str());
                const bool general = reason == GpuReason::ModuleMissing || reason == GpuReason::RuntimeMissing || reason == GpuReason::NoPermission || reason == GpuReason::UsersChoice;
                QVERIFY2(general || sentence.find("Radeon X") != std::string::npos, sentence.c_str());
                if (reason != GpuReason::Ok) QVERIFY2(sentence.find(';') != std::string::npos || sentence.find(',') != std::string::npos, sentence.c_str()); // the remedy
                if (api == std::string("HIP")) QVERIFY2(sentences.insert(sentence).second, sentence.c_str());
            }
            const std::string nameless = core::explain(reason, {});
            QVERIFY2(!nameless.empty() && nameless.find("  ") == std::string::npos && nameless.find("()") == std::string::npos, nameless.c_str());
        }
    }

    void enumerators_haveTheirNames() {
        std::set<std::string_view> names;
        for (const GpuReason reason : kernels::allGpuReasons()) QVERIFY(!kernels::name(reason).empty() && names.insert(kernels::name(reason)).second);
        QCOMPARE(names.size(), static_cast<std::size_t>(GpuReason::ModelNeedsMore) + 1);
    }

    void choice_data() {
        QTest::addColumn<QString>("wanted");
        QTest::addColumn<QString>("used");
        QTest::addColumn<int>("reason");
        QTest::newRow("automatic: the discrete one") << "" << "0000:0a:00.0" << number(GpuReason::Ok);
        QTest::newRow("any GPU") << "gpu" << "0000:0a:00.0" << number(GpuReason::Ok);
        QTest::newRow("the integrated one by its id") << "0000:0c:00.0" << "0000:0c:00.0" << number(GpuReason::Ok);
        QTest::newRow("the processor") << "cpu" << "cpu" << number(GpuReason::UsersChoice);
        QTest::newRow("one that failed") << "0000:0b:00.0" << "cpu" << number(GpuReason::SelfTestFailed);
        QTest::newRow("one that is not there") << "0000:ff:00.0" << "cpu" << number(GpuReason::NoDevice);
    }
    void choice() {
        QFETCH(QString, wanted);
        QFETCH(QString, used);
        QFETCH(int, reason);
        core::ProbedDevice integrated = fakeGpu("Integrated", "0000:0c:00.0");
        integrated.state.properties.integrated = true;
        integrated.freeBytes = std::uint64_t{60} << 30; // all of the system's memory, and still slower
        core::ProbedDevice failed = fakeGpu("Failed", "0000:0b:00.0");
        failed.state.reason = GpuReason::SelfTestFailed;
        failed.detail = "rope";
        const DeviceList list = core::makeDeviceList({}, probeOf({integrated, failed, fakeGpu("Discrete", "0000:0a:00.0")}), wanted.toStdString());
        QCOMPARE(list.devices.size(), std::size_t{4});
        QVERIFY(list.used() != nullptr);
        QCOMPARE(list.used()->id, used.toStdString());
        QCOMPARE(number(list.gpuReason), reason);
        QCOMPARE(list.gpuExplanation.empty(), used != "cpu");
        QCOMPARE(std::ranges::count(list.devices, true, &core::Device::used), 1);
        for (const core::Device& device : list.devices) QVERIFY(!device.explanation.empty());
        QVERIFY(list.find("0000:0b:00.0")->explanation.find("rope") != std::string::npos);
    }

    void mostFreeMemory_decidesBetweenEquals() {
        core::ProbedDevice full = fakeGpu("Full", "0000:01:00.0");
        full.state.properties.totalBytes = std::uint64_t{48} << 30;
        full.freeBytes = std::uint64_t{2} << 30;
        core::ProbedDevice free = fakeGpu("Free", "0000:02:00.0");
        free.freeBytes = std::uint64_t{20} << 30;
        QCOMPARE(core::makeDeviceList({}, probeOf({full, free}), "").used()->name, "Free");
        QCOMPARE(core::makeDeviceList({}, probeOf({free, full}), "").used()->name, "Free");
        full.freeBytes = free.freeBytes = 0; // unknown: the larger one
        QCOMPARE(core::makeDeviceList({}, probeOf({full, free}), "").used()->name, "Full");
    }

    void aDeviceWithoutAnAddress_hasItsNumberForAnId() {
        core::ProbedDevice device = fakeGpu("Nameless place", "");
        device.state.index = 2;
        QCOMPARE(core::makeDeviceList({}, probeOf({device}), "").used()->id, "hip:2");
    }

    void aCardThatNoRuntimeShows_hasTheReason_data() {
        QTest::addColumn<int>("kind");
        QTest::addColumn<int>("reason");
        QTest::addColumn<QString>("said");
        QTest::newRow("no module") << 0 << number(GpuReason::ModuleMissing) << "hearth_hip.so";
        QTest::newRow("no runtime") << 1 << number(GpuReason::RuntimeMissing) << "libamdhip64-5";
        QTest::newRow("runtime too old") << 2 << number(GpuReason::RuntimeTooOld) << "gfx1036";
        QTest::newRow("no permission") << 3 << number(GpuReason::NoPermission) << "sudo usermod -aG render";
        QTest::newRow("not shown") << 4 << number(GpuReason::NoDevice) << "gfx1036";
        QTest::newRow("hidden") << 5 << number(GpuReason::HiddenByEnvironment) << "HIP_VISIBLE_DEVICES=7";
        QTest::newRow("off") << 6 << number(GpuReason::HiddenByEnvironment) << "HEARTH_GPU=off";
        QTest::newRow("driver error") << 7 << number(GpuReason::DriverError) << "error 303";
        QTest::newRow("probe crashed") << 8 << number(GpuReason::ProbeCrashed) << "signal 11";
        QTest::newRow("probe timed out") << 9 << number(GpuReason::ProbeTimedOut) << "5000 ms";
        QTest::newRow("crashed last time") << 10 << number(GpuReason::CrashedLastTime) << "choose Try the GPU again";
        QTest::newRow("only CUDA is wanted") << 11 << number(GpuReason::HiddenByEnvironment) << "HEARTH_GPU=cuda";
    }
    void aCardThatNoRuntimeShows_hasTheReason() {
        QFETCH(int, kind);
        QFETCH(int, reason);
        QFETCH(QString, said);
        core::SystemFacts facts = oneCard();
        core::GpuProbe probe = runtimeOnly(GpuReason::NoDevice, {}, 100);
        if (kind == 0) probe = {.reason = GpuReason::ModuleMissing, .detail = {}, .runtimes = {}, .devices = {}};
        if (kind == 1) probe = runtimeOnly(GpuReason::RuntimeMissing);
        if (kind == 2) probe = runtimeOnly(GpuReason::RuntimeTooOld, "hipGraphLaunch");
        if (kind == 3) {
            facts.closedFile = "/dev/kfd";
            facts.closedGroup = "render";
        }
        if (kind == 5) facts.environment = {"CUDA_VISIBLE_DEVICES=1", "HIP_VISIBLE_DEVICES=7"};
        if (kind == 6) {
            facts.gpusOff = true;
            probe = {};
        }
        if (kind == 7) probe = runtimeOnly(GpuReason::DriverError, {}, 303);
        if (kind == 8) probe = {.reason = GpuReason::ProbeCrashed, .detail = "signal 11", .runtimes = {}, .devices = {}};
        if (kind == 9) probe = {.reason = GpuReason::ProbeTimedOut, .detail = "5000 ms", .runtimes = {}, .devices = {}};
        if (kind == 10) probe = {.reason = GpuReason::CrashedLastTime, .detail = {}, .runtimes = {}, .devices = {}};
        if (kind == 11) probe = {};
        for (const char* wanted : {"", "0000:03:00.0"}) {
            const DeviceList list = core::makeDeviceList(facts, probe, wanted);
            QCOMPARE(list.devices.size(), std::size_t{2});
            QCOMPARE(list.used()->id, "cpu");
            QCOMPARE(number(list.devices[1].reason), reason);
            QVERIFY2(list.devices[1].explanation.find(said.toStdString()) != std::string::npos, list.devices[1].explanation.c_str());
            QCOMPARE(number(list.gpuReason), reason);
            QCOMPARE(list.gpuExplanation, list.devices[1].explanation);
        }
    }

    void aCardThatTheRuntimeShows_isListedOnce() {
        const DeviceList list = core::makeDeviceList(oneCard(), probeOf({fakeGpu()}), "");
        QCOMPARE(list.devices.size(), std::size_t{2});
        QCOMPARE(list.used()->name, "Radeon RX 7900 XTX");
    }

    void withoutACard_theRuntimeThatRefusesSaysMore() {
        core::GpuProbe probe = runtimeOnly(GpuReason::RuntimeMissing);
        probe.runtimes.push_back({.api = kernels::GpuApi::Cuda, .reason = GpuReason::DriverError, .library = {}, .detail = {}, .raw = 803});
        const DeviceList list = core::makeDeviceList({.noCardReason = "No AMD GPU found."}, probe, "");
        QCOMPARE(number(list.gpuReason), number(GpuReason::DriverError));
        QVERIFY2(list.gpuExplanation.find("NVIDIA") != std::string::npos && list.gpuExplanation.find("803") != std::string::npos, list.gpuExplanation.c_str());
        QCOMPARE(core::makeDeviceList({.noCardReason = "No AMD GPU found."}, runtimeOnly(GpuReason::RuntimeMissing), "").gpuExplanation, "No AMD GPU found.");
    }

    void variables_areShown() {
        core::SystemFacts facts;
        facts.environment = {"HIP_VISIBLE_DEVICES=0", "HEARTH_GPU=hip"};
        QCOMPARE(core::makeDeviceList(facts, probeOf({fakeGpu()}), "").environment, "HIP_VISIBLE_DEVICES=0, HEARTH_GPU=hip");
        qputenv("HIP_VISIBLE_DEVICES", "3");
        QVERIFY(std::ranges::count(core::gatherSystemFacts().environment, "HIP_VISIBLE_DEVICES=3") == 1);
        qunsetenv("HIP_VISIBLE_DEVICES");
        qputenv("HEARTH_GPU", "off");
        QVERIFY(core::gatherSystemFacts().gpusOff);
        qunsetenv("HEARTH_GPU");
        QVERIFY(!core::gatherSystemFacts().gpusOff);
    }

    void aClosedFile_namesItsGroup() {
        QTemporaryDir folder;
        QVERIFY(folder.isValid());
        QVERIFY(::chmod(folder.path().toUtf8().constData(), 0755) == 0);
        const std::string file = folder.filePath("kfd").toStdString();
        std::ofstream(file) << "x";
        QCOMPARE(core::groupWithoutAccess(file), "");
        QCOMPARE(core::groupWithoutAccess(folder.filePath("nothing").toStdString()), "");
        QVERIFY(::chmod(file.c_str(), 0) == 0);
        const bool root = ::geteuid() == 0;
        if (root) QVERIFY(::seteuid(65534) == 0); // root may open everything
        const std::string group = core::groupWithoutAccess(file);
        if (root) QVERIFY(::seteuid(0) == 0);
        QVERIFY2(!group.empty(), "the file is closed, and no group was named");
        if (root) QCOMPARE(group, "root");
    }
};

QTEST_GUILESS_MAIN(DevicesTest)
#include "devices_test.moc"
