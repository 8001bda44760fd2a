// SPDX-License-Identifier: Apache-2.0
//
// StatusPanel and StatusStrip: what they write for measured values, and a dash, never a zero, for values nobody measured.
#include "ui/style/theme.h"
#include "ui/widgets/card.h"
#include "ui/widgets/gauge.h"
#include "ui/widgets/sparkline.h"
#include "ui/widgets/status_panel.h"
#include "ui/widgets/status_strip.h"
#include "ui/widgets/status_text.h"

#include <QPushButton>
#include <QSignalSpy>
#include <QTest>

#include <limits>

using namespace hearth;
using namespace hearth::ui;

namespace {

const QString kDash = QStringLiteral("\u2014");

Card* cardOf(const StatusPanel& panel, const char* name) { return panel.findChild<Card*>(QLatin1String(name)); }

ValueRow* rowOf(const Card* card, const char* name) {
    for (ValueRow* row : card->findChildren<ValueRow*>()) {
        if (row->name() == QLatin1String(name)) return row;
    }
    return nullptr;
}

QString valueOf(const Card* card, const char* name) {
    const ValueRow* row = rowOf(card, name);
    return row ? row->value() : QStringLiteral("no such row");
}

core::GpuSample fullGpu() {
    core::GpuSample gpu;
    gpu.name = "Radeon RX 7900 XT";
    gpu.pciAddress = "0000:03:00.0";
    gpu.load = 0.93f;
    gpu.vramTotal = 20'000'000'000;
    gpu.vramUsed = 6'900'000'000;
    gpu.vramOurs = 5'800'000'000;
    gpu.temperature = 64.2f;
    gpu.power = 213.6f;
    return gpu;
}

core::ModelInfo model() {
    core::ModelInfo info;
    info.architecture = "llama";
    info.quantization = "Q4_K_M";
    info.fileBytes = 4'700'000'000;
    info.kvBytes = 900'000'000;
    info.contextLength = 32'768;
    info.threads = 8;
    info.backend = "CPU";
    info.backendDetail = "AVX2";
    info.backendReason = "No GPU was found.";
    return info;
}

core::GenerationStats stats() {
    core::GenerationStats values;
    values.promptTokens = 1'000;
    values.cachedTokens = 76;
    values.promptSeconds = 0.4;
    values.generatedTokens = 714;
    values.generationSeconds = 10.0;
    values.firstTokenSeconds = 0.18;
    values.contextUsed = 1'204;
    values.contextLength = 32'768;
    return values;
}

} // namespace

class StatusPanelTest : public QObject {
    Q_OBJECT
private slots:
    void initTestCase() { Theme::instance().choose(ThemeChoice::Light); }

    void texts_data() {
        QTest::addColumn<QString>("found");
        QTest::addColumn<QString>("wanted");
        QTest::newRow("speed") << speedText(71.43) << "71.4";
        QTest::newRow("fast") << speedText(2310.4) << "2,310";
        QTest::newRow("unknown speed") << speedText(std::nullopt) << "";
        QTest::newRow("infinite speed") << speedText(std::numeric_limits<double>::infinity()) << "";
        QTest::newRow("share") << percentText(0.926f) << "93 %";
        QTest::newRow("no share") << percentText(std::nullopt) << "";
        QTest::newRow("measured zero") << percentText(0.0f) << "0 %";
        QTest::newRow("seconds") << secondsText(0.184) << "0.18 s";
        QTest::newRow("many seconds") << secondsText(12.34) << "12.3 s";
        QTest::newRow("no seconds") << secondsText(0.0) << "";
        QTest::newRow("memory") << shareText(6'900'000'000, 20'000'000'000) << "6.9 of 20.0 GB";
        QTest::newRow("small memory") << shareText(1'000'000, 512'000'000) << "1.0 of 512.0 MB";
        QTest::newRow("unknown memory") << shareText(5, 0) << "";
    }

    void texts() {
        QFETCH(QString, found);
        QFETCH(QString, wanted);
        QCOMPARE(found, wanted);
    }

    void speed_isADashUntilMeasured() {
        StatusPanel panel;
        const auto* big = cardOf(panel, "speed")->findChild<BigNumber*>();
        QCOMPARE(big->value(), kDash);
        QCOMPARE(valueOf(cardOf(panel, "speed"), "Prompt"), kDash);
        QCOMPARE(valueOf(cardOf(panel, "speed"), "First token"), kDash);
        panel.setStats(core::GenerationStats{}, true);
        QCOMPARE(big->value(), kDash);
        panel.setStats(stats(), false);
        QCOMPARE(big->value(), "71.4");
        QCOMPARE(big->accessibleName(), "71.4 tokens/s");
        QCOMPARE(valueOf(cardOf(panel, "speed"), "Prompt"), "2,310 tokens/s");
        QCOMPARE(valueOf(cardOf(panel, "speed"), "First token"), "0.18 s");
        panel.setIdle();
        QCOMPARE(big->value(), "71.4");
    }

    void speedLine_followsTheReplyAndEndsOnTheGround() {
        StatusPanel panel;
        const auto* line = cardOf(panel, "speed")->findChild<Sparkline*>();
        core::GenerationStats values = stats();
        for (int i = 1; i <= 4; ++i) {
            values.generatedTokens = 20 * i;
            values.generationSeconds = 0.5 * i;
            panel.setStats(values, true);
        }
        QCOMPARE(line->values(), (std::vector<double>{40, 40, 40, 40}));
        panel.setStats(values, false);
        panel.setIdle();
        QCOMPARE(line->values(), (std::vector<double>{40, 40, 40, 40, 0}));
        // The next reply counts from its own start.
        values.generatedTokens = 10;
        values.generationSeconds = 0.5;
        panel.setStats(values, true);
        QCOMPARE(line->values().back(), 20.0);
    }

    // --- devices and their reasons ------------------------------------------------------------------------------------------

    static core::DeviceList listOf(std::vector<core::Device> gpus, const char* wanted = "") {
        core::DeviceList list;
        core::Device cpu;
        cpu.id = core::kCpuDevice;
        list.devices = {cpu};
        list.devices.insert(list.devices.end(), gpus.begin(), gpus.end());
        core::choose(list, wanted);
        return list;
    }
    static core::Device radeon(core::GpuReason reason = core::GpuReason::Ok) {
        core::Device device;
        device.id = "0000:03:00.0";
        device.name = "Radeon RX 7900 XT";
        device.api = "HIP";
        device.family = "gfx1100";
        device.codeObject = "gfx1100";
        device.totalBytes = 20'000'000'000;
        device.reason = reason;
        device.explanation = core::explain(reason, {.device = device.name, .family = device.family, .api = "HIP", .file = "/dev/kfd", .group = "render", .detail = {}});
        return device;
    }
    static QString reasonOf(const Card* card) {
        const auto* label = card->findChild<MuteLabel*>(QStringLiteral("reason"));
        return label->isHidden() ? QString() : label->text();
    }
    static bool offersRetry(const Card* card) { return !card->findChild<QPushButton*>(QStringLiteral("retryGpu"))->isHidden(); }

    void everyReason_isSaidAtItsCard_data() {
        QTest::addColumn<int>("reason");
        QTest::addColumn<QString>("said");
        QTest::addColumn<bool>("again");
        const auto row = [](const char* name, core::GpuReason reason, const char* said, bool again) { QTest::newRow(name) << int(reason) << said << again; };
        row("no permission", core::GpuReason::NoPermission, "usermod -aG render", false);
        row("no runtime", core::GpuReason::RuntimeMissing, "libamdhip64-5", false);
        row("old runtime", core::GpuReason::RuntimeTooOld, "too old", false);
        row("no kernels", core::GpuReason::FamilyNotBuiltIn, "no kernels", false);
        row("self-test", core::GpuReason::SelfTestFailed, "computes something else", true);
        row("crashed", core::GpuReason::CrashedLastTime, "choose Try the GPU again", true);
        row("probe crashed", core::GpuReason::ProbeCrashed, "crashed when Hearth tried it out", true);
        row("probe hung", core::GpuReason::ProbeTimedOut, "did not answer", true);
        row("lost", core::GpuReason::DeviceLost, "stopped answering", true);
        row("hang", core::GpuReason::Hang, "did not finish", true);
        row("driver error", core::GpuReason::DriverError, "refused to work", true);
        row("user's choice", core::GpuReason::UsersChoice, "was chosen in the settings", false);
        row("hidden", core::GpuReason::HiddenByEnvironment, "hidden by the environment", false);
    }
    void everyReason_isSaidAtItsCard() {
        QFETCH(int, reason);
        QFETCH(QString, said);
        QFETCH(bool, again);
        for (const bool sysfsFirst : {false, true}) {
            StatusPanel panel;
            if (sysfsFirst) panel.setGpu({{fullGpu()}, {}});
            panel.setDevices(listOf({radeon(static_cast<core::GpuReason>(reason))}));
            if (!sysfsFirst) panel.setGpu({{fullGpu()}, {}});
            const Card* card = cardOf(panel, "gpu0");
            QVERIFY(card != nullptr && cardOf(panel, "gpu1") == nullptr); // one card for one device
            QCOMPARE(card->badge(), "not used");
            QVERIFY2(reasonOf(card).contains(said), qPrintable(reasonOf(card)));
            QCOMPARE(offersRetry(card), again);
            QCOMPARE(valueOf(card, "Load"), "93 %");
        }
    }

    void retry_isAskedFor() {
        StatusPanel panel;
        const QSignalSpy asked(&panel, &StatusPanel::gpuRetryRequested);
        panel.setDevices(listOf({radeon(core::GpuReason::CrashedLastTime)}));
        cardOf(panel, "gpu0")->findChild<QPushButton*>(QStringLiteral("retryGpu"))->click();
        QCOMPARE(asked.size(), 1);
        // Also where no device could be listed at all.
        core::DeviceList none = listOf({});
        none.gpuReason = core::GpuReason::ProbeCrashed;
        none.gpuExplanation = "The driver crashed.";
        StatusPanel empty;
        empty.setDevices(none);
        const auto buttons = empty.findChildren<QPushButton*>(QStringLiteral("retryGpu"));
        QCOMPARE(std::count_if(buttons.begin(), buttons.end(), [](const QPushButton* button) { return !button->isHidden(); }), 1);
    }

    void deviceInUse_isMarked() {
        StatusPanel panel;
        core::Device other = radeon();
        other.id = "0000:0b:00.0";
        other.name = "Radeon VII";
        other.totalBytes /= 2;
        panel.setDevices(listOf({radeon(), other}));
        QCOMPARE(cardOf(panel, "gpu0")->badge(), "ready");
        QCOMPARE(cardOf(panel, "cpu")->badge(), "");
        core::ModelInfo info = model();
        info.backend = "GPU";
        info.device = "0000:03:00.0";
        info.layers = 32;
        info.gpuLayers = 24;
        info.kvType = "q8_0";
        panel.setModel(info);
        QCOMPARE(cardOf(panel, "gpu0")->badge(), "in use");
        QVERIFY(reasonOf(cardOf(panel, "gpu0")).isEmpty());
        QCOMPARE(cardOf(panel, "gpu1")->badge(), "not used");
        QVERIFY2(reasonOf(cardOf(panel, "gpu1")).contains("the settings can change that"), qPrintable(reasonOf(cardOf(panel, "gpu1"))));
        QCOMPARE(cardOf(panel, "cpu")->badge(), "in use"); // for eight layers
        QCOMPARE(valueOf(cardOf(panel, "model"), "Layers on GPU"), "24 of 32");
        QCOMPARE(valueOf(cardOf(panel, "model"), "Context memory"), "900.0 MB, q8_0");
        info.threads = 0;
        panel.setModel(info);
        QCOMPARE(cardOf(panel, "cpu")->badge(), "");
        // The GPU is ready, but this model did not fit.
        info = model();
        info.fallback = true;
        info.device = "cpu";
        info.gpuReason = core::GpuReason::OutOfMemory;
        info.backendReason = "Runs on the CPU. One layer alone needs more.";
        panel.setModel(info);
        QCOMPARE(cardOf(panel, "gpu0")->badge(), "not used");
        QVERIFY(reasonOf(cardOf(panel, "gpu0")).contains("One layer alone"));
        QVERIFY(offersRetry(cardOf(panel, "gpu0")));
    }

    void whatADeviceIsKeptFrom_isSaid() {
        StatusPanel panel;
        core::Device limited = radeon();
        limited.faults = {{"matmul", "Q3_K", 0.42, 0.03}};
        panel.setDevices(listOf({limited}));
        QCOMPARE(reasonOf(cardOf(panel, "gpu0")), "Its self-test found matmul of Q3_K (off by 42 %, 3 % allowed), so layers with Q3_K weights run on the processor.");
        QVERIFY(!offersRetry(cardOf(panel, "gpu0")));
    }

    void aDeviceWithoutSensors_hasItsCard() {
        StatusPanel panel;
        core::Device nvidia = radeon();
        nvidia.id = "0000:41:00.0";
        nvidia.name = "NVIDIA H100";
        nvidia.api = "CUDA";
        panel.setDevices(listOf({nvidia}));
        panel.setGpu({{}, "No AMD GPU found: the system has no graphics card."});
        const Card* card = cardOf(panel, "gpu0");
        QCOMPARE(card->title(), "NVIDIA H100");
        QCOMPARE(valueOf(card, "Memory"), "20.0 GB");
        QVERIFY(rowOf(card, "Load")->isHidden());
        for (const Card* other : panel.findChildren<Card*>()) QVERIFY(other->title() != u"No AMD GPU found" || other->isHidden());
    }

    void environment_isShown() {
        StatusPanel panel;
        const auto* label = panel.findChild<MuteLabel*>(QStringLiteral("environment"));
        core::DeviceList list = listOf({radeon()});
        panel.setDevices(list);
        QVERIFY(label->isHidden());
        list.environment = "HIP_VISIBLE_DEVICES=0";
        panel.setDevices(list);
        QVERIFY(!label->isHidden() && label->text().contains("HIP_VISIBLE_DEVICES=0"));
    }

    void gpus_noneShowsTheReason() {
        StatusPanel panel;
        panel.show();
        panel.setGpu({{}, "No AMD GPU found: the amdgpu driver is not loaded."});
        const auto cards = panel.findChildren<Card*>();
        const auto none = std::find_if(cards.begin(), cards.end(), [](const Card* card) { return card->title() == u"No AMD GPU found"; });
        QVERIFY(none != cards.end() && (*none)->isVisible());
        QCOMPARE((*none)->findChild<MuteLabel*>()->text(), "The amdgpu driver is not loaded.");
        panel.setGpu({{fullGpu()}, {}});
        QVERIFY(!(*none)->isVisible());
    }

    void gpus_oneWithEverySensor() {
        StatusPanel panel;
        panel.show();
        panel.setGpu({{fullGpu()}, {}});
        const Card* card = cardOf(panel, "gpu0");
        QVERIFY(card);
        QCOMPARE(card->title(), "Radeon RX 7900 XT");
        QCOMPARE(card->findChild<MuteLabel*>()->text(), "0000:03:00.0");
        QCOMPARE(valueOf(card, "Load"), "93 %");
        QCOMPARE(valueOf(card, "Memory"), "6.9 of 20.0 GB · ours 5.8");
        QCOMPARE(valueOf(card, "Temperature"), "64 °C");
        QCOMPARE(valueOf(card, "Power"), "214 W");
        QVERIFY(!rowOf(card, "Temperature")->isHidden());
        QVERIFY(rowOf(card, "Clock")->isHidden());
        const auto gauges = card->findChildren<Gauge*>();
        QCOMPARE(gauges.size(), 2);
        QVERIFY(qAbs(gauges[1]->ours() - 0.29) < 1e-6);
        QVERIFY(qAbs(gauges[1]->others() - 0.055) < 1e-6);
    }

    void gpus_missingSensorsAreDashes() {
        StatusPanel panel;
        panel.show();
        core::GpuSample bare;
        bare.name = "AMD GPU 0x744c";
        panel.setGpu({{bare}, {}});
        const Card* card = cardOf(panel, "gpu0");
        QCOMPARE(valueOf(card, "Load"), kDash);
        QCOMPARE(valueOf(card, "Memory"), kDash);
        QCOMPARE(rowOf(card, "Load")->accessibleName(), "Load: unknown");
        for (const char* sensor : {"Clock", "Temperature", "Power"}) QVERIFY2(rowOf(card, sensor)->isHidden(), sensor);
        for (const ValueRow* row : card->findChildren<ValueRow*>()) QVERIFY2(!row->value().contains(u'0'), qPrintable(row->accessibleName()));
        // A sensor that was there and went keeps its row, with a dash.
        panel.setGpu({{fullGpu()}, {}});
        panel.setGpu({{bare}, {}});
        QVERIFY(!rowOf(card, "Power")->isHidden());
        QCOMPARE(valueOf(card, "Power"), kDash);
    }

    void gpus_oursUnknownLeavesItOut() {
        StatusPanel panel;
        core::GpuSample gpu = fullGpu();
        gpu.vramOurs.reset();
        panel.setGpu({{gpu}, {}});
        QCOMPARE(valueOf(cardOf(panel, "gpu0"), "Memory"), "6.9 of 20.0 GB");
        QCOMPARE(cardOf(panel, "gpu0")->findChildren<Gauge*>()[1]->ours(), 0.0);
    }

    void gpus_twoAndBackToOne() {
        StatusPanel panel;
        core::GpuSample second = fullGpu();
        second.name = "Radeon Graphics";
        second.asleep = true;
        panel.setGpu({{fullGpu(), second}, {}});
        QCOMPARE(cardOf(panel, "gpu1")->title(), "Radeon Graphics");
        QCOMPARE(cardOf(panel, "gpu1")->findChild<MuteLabel*>()->text(), "0000:03:00.0 · asleep");
        panel.setGpu({{fullGpu()}, {}});
        QVERIFY(!cardOf(panel, "gpu1"));
        QCOMPARE(cardOf(panel, "gpu0")->title(), "Radeon RX 7900 XT");
    }

    void cpu_writesWhatIsKnown() {
        StatusPanel panel;
        core::CpuIdentity identity;
        identity.name = "Ryzen 7 5800X";
        identity.physicalCores = 8;
        identity.logicalCores = 16;
        panel.setCpu(identity, core::CpuSample{});
        const Card* card = cardOf(panel, "cpu");
        QCOMPARE(card->title(), "Ryzen 7 5800X");
        QCOMPARE(card->findChild<MuteLabel*>()->text(), "8 cores · 16 threads");
        QCOMPARE(valueOf(card, "Load"), kDash);
        QCOMPARE(valueOf(card, "Memory"), kDash);
        QVERIFY(card->findChild<Sparkline*>()->values().empty());

        core::CpuSample sample;
        sample.load = 0.11f;
        sample.memoryTotal = 32'000'000'000;
        sample.memoryUsed = 9'200'000'000;
        sample.processMemory = 600'000'000;
        panel.setCpu(identity, sample);
        QCOMPARE(valueOf(card, "Load"), "11 %");
        QCOMPARE(valueOf(card, "Memory"), "9.2 of 32.0 GB · ours 0.6");
        QCOMPARE(card->findChild<Sparkline*>()->values().size(), 1u);
        panel.setModel(model());
        QCOMPARE(card->findChild<MuteLabel*>()->text(), "AVX2 · 8 threads");
    }

    void model_showsAndForgets() {
        StatusPanel panel;
        panel.show();
        const Card* card = cardOf(panel, "model");
        QVERIFY(!rowOf(card, "Architecture")->isVisible());
        panel.setModel(model());
        QVERIFY(rowOf(card, "Architecture")->isVisible());
        QCOMPARE(valueOf(card, "Architecture"), "llama");
        QCOMPARE(valueOf(card, "Quantisation"), "Q4_K_M");
        QCOMPARE(valueOf(card, "Weights"), "4.7 GB");
        QCOMPARE(valueOf(card, "Context"), "0 of 32,768");
        QCOMPARE(valueOf(card, "Context memory"), "900.0 MB");
        QCOMPARE(valueOf(card, "Runs on"), "CPU · AVX2");
        panel.setStats(stats(), true);
        QCOMPARE(valueOf(card, "Context"), "1,204 of 32,768");
        QVERIFY(qAbs(card->findChild<Gauge*>()->ours() - 1204.0 / 32768.0) < 1e-9);
        panel.setModel(std::nullopt);
        QVERIFY(!rowOf(card, "Architecture")->isVisible());
    }

    void everythingIsNamed() {
        StatusPanel panel;
        panel.setGpu({{fullGpu()}, {}});
        panel.setModel(model());
        panel.setCpu({}, {});
        for (const auto* row : panel.findChildren<ValueRow*>()) QVERIFY(!row->accessibleName().isEmpty());
        for (const auto* gauge : panel.findChildren<Gauge*>()) QVERIFY(!gauge->accessibleName().isEmpty());
        for (const auto* line : panel.findChildren<Sparkline*>()) QVERIFY(!line->accessibleName().isEmpty());
        for (const auto* card : panel.findChildren<Card*>()) QVERIFY(!card->accessibleName().isEmpty());
    }

    void lowWindowScrolls() {
        StatusPanel panel;
        panel.resize(284, 300);
        panel.show();
        panel.setGpu({{fullGpu(), fullGpu()}, {}});
        panel.setModel(model());
        QCoreApplication::processEvents();
        QVERIFY(panel.widget()->height() > panel.viewport()->height());
        QCOMPARE(panel.widget()->width(), panel.viewport()->width());
    }

    void gauge_cutsNonsense() {
        Gauge gauge;
        gauge.setShares(0.8, 0.9);
        QVERIFY(qAbs(gauge.others() - 0.2) < 1e-12);
        gauge.setShares(std::numeric_limits<double>::quiet_NaN(), -1.0);
        QCOMPARE(gauge.ours(), 0.0);
        QCOMPARE(gauge.others(), 0.0);
    }

    void strip_saysWhatIsKnown() {
        StatusStrip strip;
        QCOMPARE(strip.text(), "");
        core::CpuSample sample;
        sample.load = 0.93f;
        sample.memoryTotal = 8'000'000'000;
        sample.memoryUsed = 1'200'000'000;
        strip.setCpu({}, sample);
        QCOMPARE(strip.text(), "CPU 93 % · 1.2 of 8.0 GB");
        strip.setStats(stats(), true);
        QCOMPARE(strip.text(), "71.4 tokens/s · CPU 93 % · 1.2 of 8.0 GB");
        QCOMPARE(strip.accessibleName(), strip.text());
    }
};

QTEST_MAIN(StatusPanelTest)
#include "status_panel_test.moc"
