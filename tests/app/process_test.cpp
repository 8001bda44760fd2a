// SPDX-License-Identifier: Apache-2.0
//
// The program itself, as a child process: a second start hands over to the first, SIGTERM ends it in order, the version
// needs no display.
#include "tests/support/tiny_model.h"

#include <QDir>
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
    void probe_needsNoDisplay();
    void gpu_isUsedAndItsVerdictIsKept();

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

void ProcessTest::probe_needsNoDisplay() {
    QProcess process;
    QProcessEnvironment bare;
    bare.insert("QT_QPA_PLATFORM", "no such platform");
    bare.insert("HEARTH_GPU", "hip");
    bare.insert("HEARTH_MODULE_DIR", FAKE_MODULE_DIR);
    bare.insert("LD_LIBRARY_PATH", FAKE_HIP_DIR);
    process.setProcessEnvironment(bare);
    process.start(HEARTH_PROGRAM, {"--probe-gpu", "--skip", "0000:a0:00.0"});
    QVERIFY(process.waitForFinished());
    QCOMPARE(process.exitCode(), 0);
    const QByteArray out = process.readAllStandardOutput();
    QVERIFY2(out.contains("hearth-probe result ") && out.contains("gfx1100"), out.constData());
    QVERIFY2(!out.contains(R"(stage {"id")"), out.constData()); // skipped
}

void ProcessTest::gpu_isUsedAndItsVerdictIsKept() {
    const QTemporaryDir home;
    const QString data = home.filePath("data");
    const std::filesystem::path model = hearth::test::writeTinyModel(home.path().toStdString());
    const auto start = [&](const QString& probeFailure) { // the new lines of the log
        QFile log(data + "/hearth.log");
        const qint64 before = log.size();
        QProcess process;
        QProcessEnvironment variables = environment(home);
        variables.insert("HEARTH_GPU", "hip");
        variables.insert("HEARTH_MODULE_DIR", FAKE_MODULE_DIR);
        variables.insert("LD_LIBRARY_PATH", FAKE_HIP_DIR);
        variables.insert("FAKE_BACKEND_PROBE", probeFailure);
        process.setProcessEnvironment(variables);
        process.start(HEARTH_PROGRAM, {"--data-dir", data, QString::fromStdString(model.string())});
        QByteArray lines;
        const bool loaded = QTest::qWaitFor([&] {
            if (!log.isOpen() && !log.open(QFile::ReadOnly)) return false;
            log.seek(before);
            lines = log.readAll();
            return lines.contains("loaded Tiny");
        }, 20'000);
        const bool marked = !QDir(data).entryList({"gpu-in-use-*"}).isEmpty();
        process.terminate();
        const bool ended = process.waitForFinished() && process.exitCode() == 0;
        if (!loaded || !ended || marked != lines.contains(": GPU gfx1100")) lines.prepend("NOT AS EXPECTED: ");
        return lines;
    };
    const QByteArray first = start({});
    QVERIFY2(first.contains("probed the GPUs") && first.contains(": GPU gfx1100") && !first.contains("NOT AS EXPECTED"), first.constData());
    QVERIFY(QDir(data).entryList({"gpu-in-use-*"}).isEmpty());
    const QByteArray second = start("wrong=rope"); // would fail, but is not tested again
    QVERIFY2(!second.contains("probed the GPUs") && second.contains(": GPU gfx1100") && !second.contains("NOT AS EXPECTED"), second.constData());
}

QTEST_GUILESS_MAIN(ProcessTest)
#include "process_test.moc"
