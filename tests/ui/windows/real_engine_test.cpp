// SPDX-License-Identifier: Apache-2.0
//
// The real window with the real engine and tiny generated models: the way of a first evening, from an empty window to
// the history of the day before.
#include "core/engine/engine.h"
#include "tests/support/fake_gpus.h"
#include "tests/support/tiny_model.h"
#include "tests/ui/windows/window_driver.h"

#include <QFileInfo>

using namespace hearth;
using namespace hearth::ui;

namespace {

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
    QVERIFY(driver.button("Try again"));
    driver.button("Try again")->click();
    driver.send("And now?"); // waits for the load
    QTRY_COMPARE(driver.texts().size(), 4);
    QTRY_VERIFY_WITH_TIMEOUT(driver.isIdle() && !driver.texts().value(3).isEmpty(), 30'000);
    driver.window().close();
    driver.application().shutdown();
    QCOMPARE(state.triedAgain, 1);
    QCOMPARE(state.opened, 2);
    QCOMPARE(state.log.alive, 0);
}

QTEST_MAIN(RealEngineTest)
#include "real_engine_test.moc"
