// SPDX-License-Identifier: Apache-2.0
//
// The real window, offscreen, with a scripted engine: what a person does, and what the person then sees.
#include "app/application.h"
#include "core/engine/scripted_generator.h"
#include "tests/ui/windows/window_driver.h"
#include "ui/models/message_roles.h"
#include "ui/style/theme.h"
#include "ui/widgets/message_view.h"
#include "ui/widgets/model_button.h"
#include "ui/windows/main_window.h"
#include "ui/windows/model_menu.h"

#include <QAction>
#include <QDropEvent>
#include <QLabel>
#include <QMenu>
#include <QMenuBar>
#include <QMimeData>
#include <QSignalSpy>
#include <QStatusBar>
#include <QTest>

using namespace hearth;
using namespace hearth::ui;
using namespace std::chrono_literals;

namespace {

core::Script script() {
    core::Script made;
    made.model.name = "Scripted 1B";
    made.model.quantization = "Q4_K_M";
    made.model.backend = "CPU";
    made.model.backendDetail = "AVX2";
    made.model.contextLength = 4096;
    return made;
}

core::Script slowScript() {
    core::Script made = script();
    made.pieces.assign(100'000, "word ");
    made.perPiece = 2ms;
    return made;
}

} // namespace

class MainWindowTest : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void typeAndSend_streamsAReply();
    void stop_endsTheReply_data();
    void stop_endsTheReply();
    void regenerate_makesASiblingAndArrowsGoBack();
    void editLast_asksAgain();
    void modelMenu_listsAndSwitches();
    void modelLoad_failureIsExplainedInPlace();
    void modelLoad_canBeCancelled();
    void drop_opensTheFile();
    void restart_findsHistoryAndModelAgain();
    void close_whileBusyEndsInOrder_data();
    void close_whileBusyEndsInOrder();
    void deleteChat_canBeUndone();
    void unusableDatabase_isSaidAndTheChatGoesOn();
    void narrowWindow_foldsTheColumns();
    void everyCommandHasAKey();
    void themes_switchLive();
};

void MainWindowTest::initTestCase() {
    // Nothing of the user's own may be found or changed.
    static const QTemporaryDir home;
    qputenv("HOME", home.path().toUtf8());
    qputenv("XDG_DATA_HOME", home.filePath("data").toUtf8());
}

void MainWindowTest::typeAndSend_streamsAReply() {
    WindowDriver driver(script());
    driver.openModel("a.gguf");
    driver.type("What is the capital of France?");
    driver.press(Qt::Key_Enter);
    QCOMPARE(driver.texts().value(0), "What is the capital of France?"); // on the screen at once
    QTRY_COMPARE(driver.texts().value(1), "Hello from the script.");
    QTRY_VERIFY(!driver.row(1, QuietLineRole).toString().isEmpty());
    QVERIFY(driver.row(1, QuietLineRole).toString().startsWith("Scripted 1B · CPU"));
    QTRY_COMPARE(driver.conversationTitles(), QStringList{"What is the capital of France?"});
    QVERIFY(driver.window().windowTitle().contains("capital"));
    QVERIFY(driver.composerText().isEmpty());
}

void MainWindowTest::stop_endsTheReply_data() {
    QTest::addColumn<bool>("withKey");
    QTest::newRow("Esc") << true;
    QTest::newRow("Chat, Stop") << false;
}

void MainWindowTest::stop_endsTheReply() {
    QFETCH(bool, withKey);
    WindowDriver driver(slowScript());
    driver.openModel("a.gguf");
    driver.send("go on for ever");
    QTRY_VERIFY(driver.texts().value(1).size() > 20);
    if (withKey) {
        driver.press(Qt::Key_Escape);
    } else {
        driver.action("&Stop")->trigger();
    }
    QTRY_COMPARE(driver.row(1, StateRole).toInt(), int(core::MessageState::Cancelled));
    QVERIFY(driver.texts().value(1).startsWith("word word"));
    QVERIFY(driver.action("&Continue reply")->isEnabled());
}

void MainWindowTest::regenerate_makesASiblingAndArrowsGoBack() {
    WindowDriver driver(script());
    driver.openModel("a.gguf");
    driver.send("question");
    QTRY_VERIFY(driver.isIdle() && driver.texts().size() == 2);
    QTRY_COMPARE(driver.row(1, StateRole).toInt(), int(core::MessageState::Complete));
    const auto first = driver.row(1, MessageIdRole).toLongLong();
    driver.action("&Regenerate reply")->trigger();
    QTRY_COMPARE(driver.row(1, SiblingCountRole).toInt(), 2);
    QTRY_VERIFY(driver.isIdle());
    QTRY_VERIFY(driver.row(1, MessageIdRole).toLongLong() > first);
    emit driver.view().siblingRequested(1, -1);
    QTRY_COMPARE(driver.row(1, MessageIdRole).toLongLong(), first);
}

void MainWindowTest::editLast_asksAgain() {
    WindowDriver driver(script());
    driver.openModel("a.gguf");
    driver.send("first wording");
    QTRY_COMPARE(driver.row(1, StateRole).toInt(), int(core::MessageState::Complete));
    emit driver.view().editSubmitted(0, "better wording");
    QTRY_COMPARE(driver.texts(), QStringList({"better wording", "Hello from the script."}));
    QTRY_COMPARE(driver.row(0, SiblingCountRole).toInt(), 2);
}

void MainWindowTest::modelMenu_listsAndSwitches() {
    WindowDriver driver(script());
    driver.writeModelFolder({"broken.gguf"});
    QTRY_VERIFY(!driver.modelMenu().modelActions().empty());
    QAction* broken = driver.modelMenu().modelActions().front();
    QVERIFY(!broken->isEnabled());
    QVERIFY(broken->text().contains('\t')); // the reason, beside the name
    QVERIFY(broken->toolTip().contains("broken.gguf"));

    driver.openModel("a.gguf");
    emit driver.modelMenu().modelChosen("/models/b.gguf");
    QTRY_COMPARE(driver.loadedPath(), "/models/b.gguf");
    driver.send("who?");
    QTRY_COMPARE(driver.texts().value(1), "Hello from the script.");
}

void MainWindowTest::modelLoad_failureIsExplainedInPlace() {
    core::Script broken = script();
    broken.loadError = core::Error{core::ErrorCode::NotGguf, "magic 0x504b0304 at offset 0"};
    WindowDriver driver(broken);
    driver.window().openModel("/models/archive.zip");
    QTRY_VERIFY(driver.notice().contains("This is not a GGUF file"));
    QVERIFY(driver.notice().contains("archive.zip"));
    QVERIFY(driver.notice().contains("0x504b0304"));
    driver.type("hello");
    driver.press(Qt::Key_Enter);
    QCOMPARE(driver.composerText(), "hello"); // nobody to send it to, so it stays
}

void MainWindowTest::modelLoad_canBeCancelled() {
    core::Script slow = script();
    slow.loadTime = 600'000ms;
    WindowDriver driver(slow);
    driver.window().openModel("/models/huge.gguf");
    auto* button = driver.window().findChild<ModelButton*>("modelButton");
    QTRY_VERIFY(button->isLoading());
    emit button->cancelRequested();
    QTRY_VERIFY(!button->isLoading());
    QVERIFY(driver.notice().isEmpty()); // what the user asked for is no error
}

void MainWindowTest::drop_opensTheFile() {
    WindowDriver driver(script());
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile("/models/dropped.gguf")});
    QWidget* input = driver.input();
    QDragEnterEvent enter(QPoint(5, 5), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&driver.window(), &enter);
    QVERIFY(enter.isAccepted());
    QDropEvent drop(QPointF(5, 5), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(input->acceptDrops() ? input : &driver.window(), &drop);
    QTRY_COMPARE(driver.loadedPath(), "/models/dropped.gguf");
    QVERIFY(driver.composerText().isEmpty());
}

void MainWindowTest::restart_findsHistoryAndModelAgain() {
    const QTemporaryDir folder;
    const QString database = folder.filePath("hearth.db");
    {
        WindowDriver driver(script(), database);
        driver.openModel("remembered.gguf");
        driver.send("Remember this");
        QTRY_COMPARE(driver.row(1, StateRole).toInt(), int(core::MessageState::Complete));
        driver.window().close();
    }
    WindowDriver driver(script(), database);
    QTRY_COMPARE(driver.conversationTitles(), QStringList{"Remember this"});
    QTRY_COMPARE(driver.loadedPath(), "/models/remembered.gguf");
    driver.openConversation(0);
    QTRY_COMPARE(driver.texts(), QStringList({"Remember this", "Hello from the script."}));
}

void MainWindowTest::close_whileBusyEndsInOrder_data() {
    QTest::addColumn<bool>("loading");
    QTest::newRow("loading") << true;
    QTest::newRow("generating") << false;
}

void MainWindowTest::close_whileBusyEndsInOrder() {
    QFETCH(bool, loading);
    const QTemporaryDir folder;
    const QString database = folder.filePath("hearth.db");
    {
        core::Script busy = slowScript();
        if (loading) busy.loadTime = 600'000ms; // the test would time out if it were waited for
        WindowDriver driver(busy, database);
        auto* button = driver.window().findChild<ModelButton*>("modelButton");
        driver.window().openModel("/models/a.gguf");
        QTRY_VERIFY(loading ? button->isLoading() : !driver.loadedPath().isEmpty());
        driver.send("keep me"); // while it loads, the message waits for it
        if (!loading) QTRY_VERIFY(driver.texts().value(1).size() > 20);
        QTRY_VERIFY(driver.row(0, MessageIdRole).toLongLong() > 0);
        driver.window().close();
    }
    WindowDriver driver(script(), database);
    QTRY_COMPARE(driver.conversationTitles(), QStringList{"keep me"});
    driver.openConversation(0);
    QTRY_COMPARE(driver.texts().size(), 2);
    QCOMPARE(driver.row(1, StateRole).toInt(), int(core::MessageState::Interrupted));
    if (!loading) QVERIFY(driver.texts().value(1).size() > 20);
}

void MainWindowTest::deleteChat_canBeUndone() {
    WindowDriver driver(script());
    driver.openModel("a.gguf");
    driver.send("short lived");
    QTRY_COMPARE(driver.row(1, StateRole).toInt(), int(core::MessageState::Complete));
    QTRY_COMPARE(driver.conversationTitles().size(), 1);
    driver.action("&Delete chat")->trigger();
    QTRY_VERIFY(driver.conversationTitles().isEmpty());
    QVERIFY(driver.texts().isEmpty());
    QTRY_VERIFY(driver.button("Undo"));
    QTest::mouseClick(driver.button("Undo"), Qt::LeftButton);
    QTRY_COMPARE(driver.conversationTitles(), QStringList{"short lived"});
    QTRY_COMPARE(driver.texts().size(), 2);
}

void MainWindowTest::unusableDatabase_isSaidAndTheChatGoesOn() {
    const QTemporaryDir folder;
    WindowDriver driver(script(), folder.path()); // a folder where the file should be
    QTRY_VERIFY(!driver.notice().isEmpty());
    driver.openModel("a.gguf");
    driver.send("anyway");
    QTRY_COMPARE(driver.texts().value(1), "Hello from the script.");
}

void MainWindowTest::narrowWindow_foldsTheColumns() {
    WindowDriver driver(script());
    auto* sidebar = driver.window().findChild<QWidget*>("sidebar");
    auto* status = driver.window().findChild<QWidget*>("statusPanel");
    driver.window().resize(1300, 800);
    QTRY_VERIFY(sidebar->isVisible() && status->isVisible());
    driver.window().resize(900, 800);
    QTRY_VERIFY(sidebar->isVisible() && !status->isVisible());
    QVERIFY(driver.window().statusBar()->isVisible());
    driver.window().resize(600, 800);
    QTRY_VERIFY(!sidebar->isVisible() && !status->isVisible());
    driver.action("Con&versations")->trigger(); // asked for all the same
    QVERIFY(sidebar->isVisible());
    driver.window().resize(1300, 800);
    QTRY_VERIFY(sidebar->isVisible() && status->isVisible());
    QVERIFY(!driver.window().statusBar()->isVisible());
    driver.action("&Status panel")->trigger();
    QVERIFY(!status->isVisible());
    QVERIFY(!driver.window().statusBar()->isVisible());
}

void MainWindowTest::everyCommandHasAKey() {
    WindowDriver driver(script());
    QStringList keys;
    int commands = 0;
    for (const QAction* top : driver.window().menuBar()->actions()) {
        for (const QAction* action : top->menu()->actions()) {
            if (action->isSeparator() || action->text().startsWith("No models") || action->text().startsWith("Looking"))
                continue;
            QVERIFY2(!action->shortcut().isEmpty(), qPrintable(action->text()));
            ++commands;
            if (action->menu() == nullptr && top->text() != "&Model") keys << action->shortcut().toString();
        }
    }
    QVERIFY(commands >= 20);
    QCOMPARE(QSet<QString>(keys.begin(), keys.end()).size(), keys.size());
}

void MainWindowTest::themes_switchLive() {
    WindowDriver driver(script());
    driver.action("&Dark theme")->trigger();
    QVERIFY(Theme::current().dark);
    QCOMPARE(driver.window().grab().toImage().pixelColor(driver.window().width() / 2, 60), Theme::current().page);
    driver.action("&Light theme")->trigger();
    QVERIFY(!Theme::current().dark);
    QCOMPARE(driver.window().grab().toImage().pixelColor(driver.window().width() / 2, 90), Theme::current().page);
}

QTEST_MAIN(MainWindowTest)
#include "main_window_test.moc"
