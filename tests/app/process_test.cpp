// SPDX-License-Identifier: Apache-2.0
//
// The program itself, as a child process: a second start hands over to the first, SIGTERM ends it in order, the version
// needs no display.
#include <QElapsedTimer>
#include <QFile>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

class ProcessTest : public QObject {
    Q_OBJECT
private slots:
    void version_needsNoDisplay();
    void secondStart_handsOverAndTermEndsInOrder();

private:
    static QProcessEnvironment environment(const QTemporaryDir& home);
};

QProcessEnvironment ProcessTest::environment(const QTemporaryDir& home) {
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    for (const char* name : {"HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"}) {
        environment.insert(name, home.path());
    }
    environment.insert("QT_QPA_PLATFORM", "offscreen");
    return environment;
}

void ProcessTest::version_needsNoDisplay() {
    QProcess process;
    QProcessEnvironment bare;
    bare.insert("QT_QPA_PLATFORM", "no such platform");
    process.setProcessEnvironment(bare);
    process.start(HEARTH_PROGRAM, {"--version"});
    QVERIFY(process.waitForFinished());
    QCOMPARE(process.exitCode(), 0);
    QVERIFY(process.readAllStandardOutput().startsWith("Hearth "));
}

void ProcessTest::secondStart_handsOverAndTermEndsInOrder() {
    const QTemporaryDir home;
    const QString data = home.filePath("data");
    QProcess first;
    first.setProcessEnvironment(environment(home));
    first.start(HEARTH_PROGRAM, {"--data-dir", data});
    QVERIFY(first.waitForStarted());
    QTRY_VERIFY_WITH_TIMEOUT(QFile::exists(data + "/hearth.db"), 20'000);

    QProcess second;
    second.setProcessEnvironment(environment(home));
    second.start(HEARTH_PROGRAM, {"--data-dir", data, "/nowhere/model.gguf"});
    QVERIFY(second.waitForFinished());
    QCOMPARE(second.exitCode(), 0);
    QCOMPARE(first.state(), QProcess::Running);

    first.terminate();
    QVERIFY(first.waitForFinished());
    QCOMPARE(first.exitStatus(), QProcess::NormalExit);
    QCOMPARE(first.exitCode(), 0);
    QFile log(data + "/hearth.log");
    QVERIFY(log.open(QFile::ReadOnly));
    const QByteArray lines = log.readAll();
    QVERIFY2(lines.contains("shut down in order"), lines.constData());
}

QTEST_GUILESS_MAIN(ProcessTest)
#include "process_test.moc"
