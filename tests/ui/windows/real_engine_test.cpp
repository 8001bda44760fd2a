// SPDX-License-Identifier: Apache-2.0
//
// The real window with the real engine and tiny generated models: the way of a first evening, from an empty window to
// the history of the day before.
#include "core/engine/engine.h"
#include "tests/support/fake_gpus.h"
#include "tests/support/tiny_model.h"
#include "tests/ui/windows/window_driver.h"
#include "ui/models/settings_model.h"
#include "ui/widgets/card.h"
#include "ui/widgets/chip.h"
#include "ui/widgets/notice_bar.h"

#include <QFileInfo>

using namespace hearth;
using namespace hearth::ui;

namespace {

/// Of a card of the status panel; nothing while there is no such card yet.
QString badge(WindowDriver& driver, const char* name) {
    const auto* card = driver.window().findChild<Card*>(QLatin1String(name));
    return card == nullptr ? QString("no such card") : card->badge();
}

EngineFactory realEngine() {
    return [] { return std::make_unique<core::Engine>(); };
}

} // namespace

class RealEngineTest : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void firstStartLoadsTheOnlyModel();
    void firstEvening();
    void vanishedModelIsExplained();
    void messageLongerThanTheContextIsExplained();
    void failingGpuIsExplainedAndTriedAgain();
    void settingsOfTheGpuReachTheEngine();
    void reasonsAreShownWithoutAModel();
    void chipTellsTheReason();
    void menuPlansBeforeLoading();

private:
    /// The action of the Model menu for this file, once the scan has found it.
    static QAction* menuAction(WindowDriver& driver, const QString& file);

    QTemporaryDir m_home;
    QString m_models;
};

void RealEngineTest::initTestCase() {
    qputenv("HOME", m_home.path().toUtf8());
    qputenv("XDG_DATA_HOME", m_home.filePath("data").toUtf8());
    m_models = LibraryClient::defaultFolder();
    QVERIFY(QDir().mkpath(m_models));
    test::TinyModelOptions options;
    options.name = "Tiny One";
    options.contextLength = 256;
    (void)test::writeTinyModel(m_models.toStdString(), options);
    options.name = "Tiny Two";
    options.seed = 2;
    options.architecture = "qwen2";
    (void)test::writeTinyModel(m_models.toStdString(), options);
}

QAction* RealEngineTest::menuAction(WindowDriver& driver, const QString& file) {
    QAction* found = nullptr;
    (void)QTest::qWaitFor([&] {
        for (QAction* action : driver.modelMenu().modelActions()) {
            if (QFileInfo(action->data().toString()).fileName() == file) found = action;
        }
        return found != nullptr;
    });
    return found;
}

void RealEngineTest::firstStartLoadsTheOnlyModel() {
    const QByteArray before = qgetenv("XDG_DATA_HOME");
    qputenv("XDG_DATA_HOME", m_home.filePath("one").toUtf8());
    const QString folder = LibraryClient::defaultFolder();
    QVERIFY(QDir().mkpath(folder));
    test::TinyModelOptions options;
    options.name = "Tiny Starter";
    (void)test::writeTinyModel(folder.toStdString(), options);
    {
        WindowDriver driver(realEngine());
        QTRY_VERIFY(driver.loadedPath().endsWith("Tiny-Starter.gguf"));
    }
    qputenv("XDG_DATA_HOME", before);
    // With two to choose from, the choice is the user's.
    WindowDriver driver(realEngine());
    QVERIFY(menuAction(driver, "Tiny-Two.gguf"));
    QVERIFY(driver.loadedPath().isEmpty());
}

void RealEngineTest::firstEvening() {
    const QString database = m_home.filePath("evening.db");
    {
        WindowDriver driver(realEngine(), database);
        QAction* one = menuAction(driver, "Tiny-One.gguf");
        QVERIFY(one && one->isEnabled());
        QVERIFY2(one->text().startsWith("Tiny One\tF16"), qPrintable(one->text()));
        one->trigger();
        QTRY_VERIFY(driver.loadedPath().endsWith("Tiny-One.gguf"));

        driver.send("Hello there");
        QTRY_VERIFY(!driver.texts().value(1).isEmpty()); // streams
        driver.press(Qt::Key_Escape);
        QTRY_VERIFY(driver.isIdle());
        const auto state = driver.row(1, StateRole).toInt();
        QVERIFY(state == int(core::MessageState::Cancelled) ||
                state == int(core::MessageState::Complete)); // it is quick

        QAction* two = menuAction(driver, "Tiny-Two.gguf");
        QVERIFY(two && two->isEnabled());
        two->trigger();
        QTRY_VERIFY(driver.loadedPath().endsWith("Tiny-Two.gguf"));
        driver.send("And who are you?");
        QTRY_COMPARE(driver.texts().size(), 4);
        QTRY_VERIFY_WITH_TIMEOUT(driver.isIdle() && !driver.texts().value(3).isEmpty(), 30'000);
        QVERIFY2(driver.row(3, QuietLineRole).toString().startsWith("Tiny Two · CPU"),
                 qPrintable(driver.row(3, QuietLineRole).toString()));
        driver.window().close();
    }
    WindowDriver driver(realEngine(), database);
    QTRY_VERIFY(driver.loadedPath().endsWith("Tiny-Two.gguf")); // by itself
    QTRY_COMPARE(driver.conversationTitles(), QStringList{"Hello there"});
    driver.openConversation(0);
    QTRY_COMPARE(driver.texts().size(), 4);
    QCOMPARE(driver.texts().at(2), "And who are you?");
    QVERIFY(!driver.texts().at(3).isEmpty());
}

void RealEngineTest::vanishedModelIsExplained() {
    WindowDriver driver(realEngine());
    driver.window().openModel(m_home.filePath("gone.gguf"));
    QTRY_VERIFY(driver.notice().contains("gone.gguf"));
    QVERIFY(driver.notice().contains("not there"));
    driver.window().openModel(m_models);
    QTRY_VERIFY(driver.notice().contains("folder"));
}

void RealEngineTest::messageLongerThanTheContextIsExplained() {
    WindowDriver driver(realEngine(), {}, m_models + "/Tiny-One.gguf");
    QTRY_VERIFY(!driver.loadedPath().isEmpty());
    driver.window().findChild<Composer*>("composer")->setText(QString("many words ").repeated(2000));
    driver.press(Qt::Key_Enter);
    QTRY_COMPARE(driver.row(1, StateRole).toInt(), int(core::MessageState::Failed));
    QVERIFY(driver.row(1, NoticeRole).toString().contains("longer than the model's context"));
    driver.send("short"); // and the chat goes on
    QTRY_COMPARE(driver.texts().size(), 4);
    QTRY_VERIFY_WITH_TIMEOUT(!driver.texts().value(3).isEmpty(), 30'000);
}

void RealEngineTest::failingGpuIsExplainedAndTriedAgain() {
    test::FakeGpuState state;
    state.probe.devices.push_back(test::fakeGpu());
    state.plan.operation = 60; // in the reply
    const auto factory = [&state] { return std::make_unique<core::Engine>(core::EngineOptions{.gpus = test::fakeGpus(state)}); };
    WindowDriver driver(factory, {}, m_models + "/Tiny-Two.gguf");
    QTRY_VERIFY(!driver.loadedPath().isEmpty());
    driver.send("Hello there");
    QTRY_VERIFY2(driver.notice().contains("Radeon RX 7900 XTX stopped answering"), qPrintable(driver.notice()));
    QTRY_VERIFY_WITH_TIMEOUT(driver.isIdle() && !driver.texts().value(1).isEmpty(), 30'000);
    QCOMPARE(driver.row(1, StateRole).toInt(), int(core::MessageState::Complete)); // the reply did not break off
    QVERIFY2(driver.row(1, QuietLineRole).toString().startsWith("Tiny Two · CPU"), qPrintable(driver.row(1, QuietLineRole).toString()));
    QVERIFY(driver.button("Try the GPU again"));
    driver.button("Try the GPU again")->click();
    driver.send("And now?"); // waits for the load
    QTRY_COMPARE(driver.texts().size(), 4);
    QTRY_VERIFY_WITH_TIMEOUT(driver.isIdle() && !driver.texts().value(3).isEmpty(), 30'000);
    driver.window().close();
    driver.application().shutdown();
    QCOMPARE(state.triedAgain, 1);
    QCOMPARE(state.opened, 2);
    QCOMPARE(state.log.alive, 0);
}

void RealEngineTest::settingsOfTheGpuReachTheEngine() {
    test::FakeGpuState state;
    core::ProbedDevice second = test::fakeGpu("Radeon VII", "0000:0b:00.0");
    second.state.properties.totalBytes /= 2;
    state.probe.devices = {test::fakeGpu(), second};
    const auto factory = [&state] { return std::make_unique<core::Engine>(core::EngineOptions{.gpus = test::fakeGpus(state)}); };
    const auto modelCard = [](WindowDriver& driver, const char* row) {
        for (const ValueRow* one : driver.window().findChild<QWidget*>("model")->findChildren<ValueRow*>()) {
            if (one->name() == QLatin1String(row)) return one->isHidden() ? QString() : one->value();
        }
        return QString("no such row");
    };
    const QString database = m_home.filePath("gpu.db");
    {
        WindowDriver driver(factory, database, m_models + "/Tiny-Two.gguf");
        QTRY_COMPARE(modelCard(driver, "Layers on GPU"), "2 of 2");
        QTRY_COMPARE(badge(driver, "gpu0"), "in use");
        SettingsModel& settings = driver.application().settings();
        settings.set(QStringLiteral("engine.gpuLayers"), 1);
        QTRY_VERIFY(driver.button("Load again")); // it says that a load is needed
        settings.set(QStringLiteral("engine.device"), QStringLiteral("0000:0b:00.0"));
        driver.button("Load again")->click();
        QTRY_COMPARE(modelCard(driver, "Layers on GPU"), "1 of 2");
        QTRY_COMPARE(badge(driver, "gpu1"), "in use");
        QCOMPARE(badge(driver, "gpu0"), "not used");
        QCOMPARE(badge(driver, "cpu"), "in use"); // for the other layer
        driver.window().close();
    }
    WindowDriver driver(factory, database); // both are remembered
    QTRY_COMPARE(modelCard(driver, "Layers on GPU"), "1 of 2");
    QTRY_COMPARE(badge(driver, "gpu1"), "in use");
    driver.application().settings().set(QStringLiteral("engine.device"), QStringLiteral("cpu"));
    QTRY_VERIFY(driver.button("Load again"));
    driver.button("Load again")->click();
    QTRY_VERIFY(modelCard(driver, "Runs on").startsWith("CPU"));
    QCOMPARE(modelCard(driver, "Layers on GPU"), "");
    QCOMPARE(badge(driver, "cpu"), "in use");
    QCOMPARE(driver.notice(), ""); // that was the user's wish
    emit driver.window().findChild<Chip*>("backendChip")->clicked();
    QVERIFY2(driver.notice().contains("was chosen in Settings"), qPrintable(driver.notice()));
    QVERIFY(driver.button("Open settings"));
}

void RealEngineTest::reasonsAreShownWithoutAModel() {
    test::FakeGpuState state;
    state.facts.cards = {{"Radeon RX 7900 XTX", "0000:03:00.0", std::uint64_t{24} << 30}};
    state.facts.closedFile = "/dev/kfd";
    state.facts.closedGroup = "render";
    state.facts.environment = {"HIP_VISIBLE_DEVICES=0"};
    state.probe.runtimes.push_back({.api = kernels::GpuApi::Hip, .reason = core::GpuReason::NoDevice, .library = {}, .detail = {}});
    WindowDriver driver([&state] { return std::make_unique<core::Engine>(core::EngineOptions{.gpus = test::fakeGpus(state)}); });
    QTRY_VERIFY(driver.window().findChild<Card*>("gpu0"));
    const auto* card = driver.window().findChild<Card*>("gpu0");
    QCOMPARE(card->badge(), "not used");
    QVERIFY(card->findChild<MuteLabel*>("reason")->text().contains("sudo usermod -aG render $USER"));
    QVERIFY(driver.window().findChild<MuteLabel*>("environment")->text().contains("HIP_VISIBLE_DEVICES=0"));
    QVERIFY(!driver.button("Try the GPU again")); // the group must come first

    // After a crash the offer stands in the panel, and works without a model.
    state.facts = {};
    state.probe = {};
    state.probe.devices.push_back(test::fakeGpu());
    state.avoided["0000:03:00.0"] = core::GpuReason::CrashedLastTime;
    driver.action("&Unload model")->setEnabled(true);
    driver.action("&Unload model")->trigger(); // any command that looks again
    QTRY_VERIFY(driver.button("Try the GPU again"));
    QVERIFY(driver.window().findChild<Card*>("gpu0")->findChild<MuteLabel*>("reason")->text().contains("ended unexpectedly last time"));
    driver.button("Try the GPU again")->click();
    QTRY_COMPARE(badge(driver, "gpu0"), "ready");
    QCOMPARE(state.triedAgain, 1);
    QVERIFY(!driver.button("Try the GPU again"));
}

void RealEngineTest::chipTellsTheReason() {
    test::FakeGpuState state;
    state.probe.devices.push_back(test::fakeGpu());
    state.probe.devices.front().state.reason = core::GpuReason::CrashedLastTime;
    WindowDriver driver([&state] { return std::make_unique<core::Engine>(core::EngineOptions{.gpus = test::fakeGpus(state)}); }, {}, m_models + "/Tiny-Two.gguf");
    QTRY_VERIFY2(driver.notice().contains("left alone after a crash"), qPrintable(driver.notice())); // by itself at the load
    QVERIFY(driver.button("Try the GPU again"));
    auto* chip = driver.window().findChild<Chip*>("backendChip");
    QVERIFY(chip->toolTip().contains("ended unexpectedly last time"));
    auto* bar = driver.window().findChild<NoticeBar*>("notice");
    bar->dismiss();
    QVERIFY(driver.notice().isEmpty());
    QTest::mouseClick(chip, Qt::LeftButton);
    QVERIFY(driver.notice().contains("left alone after a crash"));
    bar->dismiss();
    QTest::keyClick(chip, Qt::Key_Space);
    QVERIFY(driver.notice().contains("left alone after a crash"));
    state.probe.devices.front().state.reason = core::GpuReason::Ok; // what tryAgain() does to the real ones
    for (QPushButton* button : bar->findChildren<QPushButton*>()) {
        if (button->text() == "Try the GPU again") button->click();
    }
    QTRY_COMPARE(badge(driver, "gpu0"), "in use");
    QCOMPARE(state.triedAgain, 1);
    QTest::mouseClick(chip, Qt::LeftButton);
    QVERIFY2(driver.notice().contains("2 of 2 layers run on the Radeon RX 7900 XTX"), qPrintable(driver.notice()));
}

void RealEngineTest::menuPlansBeforeLoading() {
    test::FakeGpuState state;
    state.probe.devices.push_back(test::fakeGpu());
    WindowDriver driver([&state] { return std::make_unique<core::Engine>(core::EngineOptions{.gpus = test::fakeGpus(state)}); });
    QTRY_COMPARE(badge(driver, "gpu0"), "ready");
    QAction* one = menuAction(driver, "Tiny-One.gguf");
    QVERIFY(one);
    emit driver.modelMenu().aboutToShow();
    QVERIFY2(one->toolTip().contains("Fits the GPU"), qPrintable(one->toolTip()));
    QVERIFY(driver.loadedPath().isEmpty());
    driver.application().settings().set(QStringLiteral("engine.gpuLayers"), 1);
    emit driver.modelMenu().aboutToShow();
    QVERIFY2(one->toolTip().contains("1 of 2 layers on the GPU, as chosen"), qPrintable(one->toolTip()));
}

QTEST_MAIN(RealEngineTest)
#include "real_engine_test.moc"
