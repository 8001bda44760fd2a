// SPDX-License-Identifier: Apache-2.0
//
// Arguments, folders, and the rule of one window per data folder.
#include "app/command_line.h"
#include "app/data_folders.h"
#include "app/single_instance.h"

#include <QDir>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QThread>

using namespace hearth::app;

class AppTest : public QObject {
    Q_OBJECT
private slots:
    void initTestCase();
    void commandLine_data();
    void commandLine();
    void dataFolders_followXdg();
    void singleInstance_secondHandsOver();
    void singleInstance_deadSocketIsReplaced();
    void singleInstance_otherDataIsAnotherInstance();
};

void AppTest::initTestCase() {
    static const QTemporaryDir runtime;
    qputenv("XDG_RUNTIME_DIR", runtime.path().toUtf8());
}

void AppTest::commandLine_data() {
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<int>("action");
    QTest::addColumn<QString>("model");
    QTest::addColumn<QString>("dataDir");
    const int open = int(CommandLine::Action::OpenWindow);
    const int print = int(CommandLine::Action::PrintAndExit);
    const int refuse = int(CommandLine::Action::Refuse);
    QTest::newRow("nothing") << QStringList{} << open << ""
                             << "";
    QTest::newRow("model") << QStringList{"--model", "/m/a.gguf"} << open << "/m/a.gguf"
                           << "";
    QTest::newRow("model=") << QStringList{"--model=/m/a b.gguf"} << open << "/m/a b.gguf"
                            << "";
    QTest::newRow("bare file") << QStringList{"/m/a.gguf"} << open << "/m/a.gguf"
                               << "";
    QTest::newRow("relative") << QStringList{"a.gguf"} << open << QDir::currentPath() + "/a.gguf"
                              << "";
    QTest::newRow("data folder") << QStringList{"--data-dir", "/d/x/../y"} << open << ""
                                 << "/d/y";
    QTest::newRow("version") << QStringList{"--version"} << print << ""
                             << "";
    QTest::newRow("help") << QStringList{"-h"} << print << ""
                          << "";
    QTest::newRow("unknown") << QStringList{"--what"} << refuse << ""
                             << "";
    QTest::newRow("no value") << QStringList{"--model"} << refuse << ""
                              << "";
}

void AppTest::commandLine() {
    QFETCH(QStringList, arguments);
    QFETCH(int, action);
    const CommandLine line = parseCommandLine(QStringList("hearth") + arguments);
    QCOMPARE(int(line.action), action);
    QTEST(line.modelPath, "model");
    QTEST(line.dataDir, "dataDir");
    QCOMPARE(line.message.isEmpty(), line.action == CommandLine::Action::OpenWindow);
}

void AppTest::dataFolders_followXdg() {
    qputenv("XDG_DATA_HOME", "/x/data");
    qputenv("XDG_STATE_HOME", "relative/is/ignored");
    const DataFolders own = dataFolders({});
    QCOMPARE(own.database, "/x/data/hearth/hearth.db");
    QCOMPARE(own.log, QDir::homePath() + "/.local/state/hearth/hearth.log");
    const DataFolders given = dataFolders("/given");
    QCOMPARE(given.database, "/given/hearth.db");
    QCOMPARE(given.log, "/given/hearth.log");
    QVERIFY(given.identity != own.identity);
}

void AppTest::singleInstance_secondHandsOver() {
    SingleInstance first("/data/one");
    QCOMPARE(first.claim({}), SingleInstance::Role::First);
    QSignalSpy started(&first, &SingleInstance::secondStarted);
    SingleInstance::Role role = SingleInstance::Role::Alone;
    // Another process in real life; here another thread, because each waits for the other.
    const std::unique_ptr<QThread> other(QThread::create([&role] {
        SingleInstance second("/data/one");
        role = second.claim(QString::fromUtf8("/models/ä ö.gguf"));
    }));
    other->start();
    QTRY_COMPARE(started.size(), 1);
    QVERIFY(other->wait());
    QCOMPARE(role, SingleInstance::Role::Second);
    QCOMPARE(started.front().front().toString(), QString::fromUtf8("/models/ä ö.gguf"));
}

void AppTest::singleInstance_deadSocketIsReplaced() {
    const QDir folder(qEnvironmentVariable("XDG_RUNTIME_DIR"));
    QString socket;
    {
        SingleInstance killed("/data/dead");
        QCOMPARE(killed.claim({}), SingleInstance::Role::First);
        socket = folder.entryList(QDir::System).value(0);
        QVERIFY(!socket.isEmpty());
        QVERIFY(QFile::rename(folder.filePath(socket), folder.filePath("kept"))); // a killed process does not tidy up
    }
    QVERIFY(QFile::rename(folder.filePath("kept"), folder.filePath(socket)));
    SingleInstance next("/data/dead");
    QCOMPARE(next.claim({}), SingleInstance::Role::First);
}

void AppTest::singleInstance_otherDataIsAnotherInstance() {
    SingleInstance first("/data/one");
    SingleInstance second("/data/two");
    QCOMPARE(first.claim({}), SingleInstance::Role::First);
    QCOMPARE(second.claim({}), SingleInstance::Role::First);
}

QTEST_GUILESS_MAIN(AppTest)
#include "app_test.moc"
