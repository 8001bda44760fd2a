// SPDX-License-Identifier: Apache-2.0
//
// GPUs as people meet them, through hearth-cli: the HIP runtime and the GPU module are the tests' own (tests/support/fake_hip),
// everything between is the program's: opening by name, the probing child with its limits, what is remembered, the take-over
// in a reply, a crash of the driver and the start after it.
#include "tests/support/tiny_model.h"

#include <QDir>
#include <QElapsedTimer>
#include <QFile>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include <csignal>

using namespace hearth;

namespace {

struct Run {
    int status = -1;
    bool crashed = false;
    QString out;
    QString err;

    [[nodiscard]] QByteArray all() const { return QStringLiteral("status %1\n%2\n%3").arg(status).arg(out, err).toUtf8(); }
};

using Variables = QMap<QString, QString>;

} // namespace

class GpuProcessTest : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_folder;
    QString m_model;
    QString m_data; ///< a fresh one for each test

    void start(QProcess& process, const QStringList& arguments, const Variables& variables) const {
        auto environment = QProcessEnvironment::systemEnvironment();
        environment.insert("XDG_DATA_HOME", m_data);
        environment.insert("HEARTH_MODULE_DIR", FAKE_MODULE_DIR);
        environment.insert("LD_LIBRARY_PATH", FAKE_HIP_DIR);
        environment.insert("HEARTH_GPU", "hip"); // whatever else the machine has
        for (auto variable = variables.begin(); variable != variables.end(); ++variable) environment.insert(variable.key(), variable.value());
        process.setProcessEnvironment(environment);
        process.start(HEARTH_CLI, arguments);
    }

    [[nodiscard]] Run run(const QStringList& arguments, const Variables& variables = {}) const {
        QProcess process;
        start(process, arguments, variables);
        const bool ended = process.waitForFinished(60'000);
        Run run;
        run.crashed = ended && process.exitStatus() == QProcess::CrashExit;
        run.status = ended && !run.crashed ? process.exitCode() : -1;
        run.out = QString::fromUtf8(process.readAllStandardOutput());
        run.err = QString::fromUtf8(process.readAllStandardError());
        return run;
    }
    [[nodiscard]] Run chat(const Variables& variables = {}) const {
        return run({"chat", "-m", m_model, "-t", "1", "--temp", "0", "-n", "24", "tell me a story"}, variables);
    }
    [[nodiscard]] QStringList marks() const { return QDir(m_data + "/hearth").entryList({"gpu-in-use-*"}); }

private slots:
    void initTestCase() {
        QVERIFY(m_folder.isValid());
        m_model = QString::fromStdString(test::writeTinyModel(m_folder.path().toStdString(), {.name = "Small one"}).string());
    }
    void init() {
        static int number = 0;
        m_data = m_folder.filePath(QStringLiteral("data-%1").arg(++number));
    }

    // --- what is listed -----------------------------------------------------------------------------------------------------

    void devices_saysWhatIsUsedAndWhyNot_data() {
        QTest::addColumn<Variables>("variables");
        QTest::addColumn<QString>("used");
        QTest::addColumn<QString>("said");
        const auto hip = [](const char* words) { return Variables{{"FAKE_HIP", words}}; };
        QTest::newRow("one") << hip("") << "Fake RX 7900" << "0000:a0:00.0, gfx1100 through HIP, 25.8 GB of memory, 21.5 GB free";
        QTest::newRow("two: discrete first") << hip("devices=2") << "Fake RX 7900" << "Could be used; Fake RX 7900 is";
        QTest::newRow("one without kernels") << hip("devices=3") << "Fake RX 7900" << "no kernels for Fake RX 480 (gfx803)";
        QTest::newRow("none") << hip("devices=0") << "CPU" << "";
        QTest::newRow("old version") << hip("version=44000000") << "CPU" << "AMD's HIP runtime is too old";
        QTest::newRow("missing function") << Variables{{"LD_LIBRARY_PATH", FAKE_HIP_INCOMPLETE_DIR}} << "CPU" << "(hipModuleLaunchKernel)";
        QTest::newRow("refused") << hip("fail:hipInit=303") << "CPU" << "refused to work with the GPU (error 303)";
        QTest::newRow("no permission") << hip("fail:hipInit=800") << "CPU" << "groups render and video";
        QTest::newRow("crash at opening") << hip("crash-init") << "CPU" << "crashed when Hearth tried it out (signal 11)";
        QTest::newRow("end at opening") << hip("exit-init") << "CPU" << "crashed when Hearth tried it out (status 3)";
        QTest::newRow("hang at opening") << hip("hang-init") << "CPU" << "did not answer when Hearth tried it out (5000 ms)";
        QTest::newRow("chatter") << hip("chatter") << "Fake RX 7900" << "";
        QTest::newRow("one of two crashes") << hip("devices=2,crash-device=0") << "Fake iGPU" << "The driver of Fake RX 7900 crashed";
        QTest::newRow("the other of two crashes") << hip("devices=2,crash-device=1") << "Fake RX 7900" << "The driver of Fake iGPU crashed";
        QTest::newRow("one of two hangs") << hip("devices=2,hang-device=0") << "Fake iGPU" << "The driver of Fake RX 7900 did not answer";
        QTest::newRow("both crash") << hip("devices=1,crash-device=0") << "CPU" << "The driver of Fake RX 7900 crashed";
        QTest::newRow("properties are refused") << hip("fail:properties=1") << "CPU" << "(error 1)";
        QTest::newRow("wrong kernel") << Variables{{"FAKE_BACKEND_PROBE", "wrong=rope"}} << "CPU" << "computes something else than the processor (rope";
        QTest::newRow("lost in its test") << Variables{{"FAKE_BACKEND_PROBE", "lost=10"}} << "CPU" << "computes something else";
        QTest::newRow("crash in its test") << Variables{{"FAKE_BACKEND_PROBE", "crash=10"}} << "CPU" << "crashed when Hearth tried it out (signal 11)";
        QTest::newRow("hang in its test") << Variables{{"FAKE_BACKEND_PROBE", "hang=10"}} << "CPU" << "did not answer";
        QTest::newRow("no back end") << Variables{{"FAKE_BACKEND_PROBE", "refuse"}} << "CPU" << "(useDevice)";
        QTest::newRow("switched off") << Variables{{"HEARTH_GPU", "off"}} << "CPU" << "HEARTH_GPU=off";
        QTest::newRow("shown variables") << Variables{{"HIP_VISIBLE_DEVICES", "0"}} << "Fake RX 7900" << "environment: HEARTH_GPU=hip, HIP_VISIBLE_DEVICES=0";
        QTest::newRow("no module") << Variables{{"HEARTH_MODULE_DIR", "/nowhere"}} << "CPU" << "hearth_hip.so could not be opened";
    }
    void devices_saysWhatIsUsedAndWhyNot() {
        QFETCH(Variables, variables);
        QFETCH(QString, used);
        QFETCH(QString, said);
        const Run listed = run({"devices"}, variables);
        QVERIFY2(listed.status == 0, listed.all());
        const QString inUse = used == "CPU" ? QStringLiteral("in use\n     ") : used + "  in use\n";
        QVERIFY2(listed.out.contains(inUse) && (used == "CPU" || listed.out.contains("not used: a GPU is")), listed.all());
        QVERIFY2(listed.out.contains(said), listed.all());
        QCOMPARE(listed.out.count("in use"), 1);
        QVERIFY2(listed.err.isEmpty(), listed.all());
        QVERIFY(marks().isEmpty());
    }

    void aFileThatIsNoModule_isSaid() {
        const QString folder = m_folder.filePath("strange");
        QVERIFY(QDir().mkpath(folder));
        QFile file(folder + "/hearth_hip.so");
        QVERIFY(file.open(QIODevice::WriteOnly) && file.write("no library") > 0);
        file.close();
        const Run listed = run({"devices"}, {{"HEARTH_MODULE_DIR", folder}});
        QVERIFY2(listed.status == 0 && listed.out.contains("hearth_hip.so could not be opened ("), listed.all());
        QVERIFY2(chat({{"HEARTH_MODULE_DIR", folder}}).status == 0, "a broken module must not keep anybody from chatting");
    }

    void theProbe_hasAnEnd() {
        QElapsedTimer timer;
        timer.start();
        QVERIFY(run({"devices"}, {{"FAKE_HIP", "hang-init"}}).status == 0);
        QVERIFY2(timer.elapsed() > 4500 && timer.elapsed() < 8000, qPrintable(QString::number(timer.elapsed())));
        timer.restart();
        QVERIFY(run({"devices"}, {{"FAKE_HIP", "hang-init"}}).status == 0); // remembered
        QVERIFY2(timer.elapsed() < 1500, qPrintable(QString::number(timer.elapsed())));
    }

    // --- what is remembered --------------------------------------------------------------------------------------------------

    void verdicts_areRememberedForADeviceAndDriver() {
        QVERIFY(run({"devices"}).out.contains("Fake RX 7900  in use"));
        const Variables nowWrong{{"FAKE_BACKEND_PROBE", "wrong=rope"}};
        QVERIFY(run({"devices"}, nowWrong).out.contains("Fake RX 7900  in use")); // not tested again
        Variables newDriver = nowWrong;
        newDriver["FAKE_HIP"] = "version=70012345";
        QVERIFY(run({"devices"}, newDriver).out.contains("computes something else"));
        newDriver["FAKE_BACKEND_PROBE"] = "";
        QVERIFY(run({"devices"}, newDriver).out.contains("computes something else")); // remembered as well
        QVERIFY(run({"devices", "--try-again"}, newDriver).out.contains("Fake RX 7900  in use"));
        QVERIFY(run({"devices"}).out.contains("Fake RX 7900  in use"));
    }

    void otherKernels_areJudgedAnew() {
        QVERIFY(run({"devices"}).out.contains("Fake RX 7900  in use"));
        Variables other{{"FAKE_BACKEND_PROBE", "wrong=rope"}, {"FAKE_CODE", "x"}};
        QVERIFY(run({"devices"}, other).out.contains("computes something else"));
        QVERIFY(run({"devices"}).out.contains("Fake RX 7900  in use")); // those of before are still known
    }

    void aWrongFormat_onlyKeepsWhatNeedsIt() {
        const Run cpu = chat({{"HEARTH_GPU", "off"}});
        // The model's weights are F16: nothing of it needs this one.
        Run listed = run({"devices"}, {{"FAKE_BACKEND_PROBE", "wrong=matmul:Q3_K"}});
        const QString limits = "its self-test found matmul of Q3_K (off by ";
        QVERIFY2(listed.out.contains("Fake RX 7900  in use") && listed.out.contains(limits) && listed.out.contains("so layers with Q3_K weights run on the processor ("), listed.all());
        listed = run({"devices"}); // remembered, with by how much
        QVERIFY2(listed.out.contains("Fake RX 7900  in use") && listed.out.contains(limits), listed.all());
        const Run gpu = chat({{"FAKE_BACKEND", "lost=30"}});
        QCOMPARE(gpu.out, cpu.out);
        QVERIFY2(gpu.err.contains("stopped answering"), gpu.all()); // it was used
        QVERIFY(run({"devices", "--try-again"}).out.contains("its self-test found nothing wrong ("));
        // This one every layer needs: the device is of no use for this model, and is for others.
        QVERIFY(run({"devices", "--try-again"}, {{"FAKE_BACKEND_PROBE", "wrong=matmul:F16"}}).out.contains("layers with F16 weights run on the processor"));
        const Run kept = chat({{"FAKE_BACKEND", "lost=0"}});
        QVERIFY2(kept.status == 0 && kept.err.contains("Fake RX 7900 computes something else than the processor (matmul of F16 (off by ") && !kept.err.contains("stopped answering"), kept.all());
        QCOMPARE(kept.out, cpu.out);
        QVERIFY(marks().isEmpty());
    }

    void aSecondDevice_isTestedWhenItComes() {
        QVERIFY(run({"devices"}).out.contains("Fake RX 7900  in use"));
        const Run two = run({"devices"}, {{"FAKE_HIP", "devices=2"}, {"FAKE_BACKEND_PROBE", "wrong=rope"}});
        QVERIFY2(two.out.contains("Fake iGPU computes something else"), two.all());
    }

    void aCrashAtOpening_isRemembered_untilItIsTriedAgain() {
        QVERIFY(run({"devices"}, {{"FAKE_HIP", "crash-init"}}).out.contains("signal 11"));
        QVERIFY(run({"devices"}).out.contains("signal 11")); // nothing was opened
        QVERIFY(run({"devices", "--try-again"}).out.contains("Fake RX 7900  in use"));
        QVERIFY(run({"devices"}).out.contains("Fake RX 7900  in use"));
    }

    // --- chatting -----------------------------------------------------------------------------------------------------------

    void aReply_isTheSameEverywhere() {
        const Run cpu = chat({{"HEARTH_GPU", "off"}});
        QVERIFY2(cpu.status == 0 && cpu.err.isEmpty() && cpu.out.size() > 20, cpu.all());
        const Run gpu = chat();
        QVERIFY2(gpu.status == 0 && gpu.err.isEmpty(), gpu.all());
        QCOMPARE(gpu.out, cpu.out);
        QVERIFY(marks().isEmpty());
        for (const char* failure : {"lost=100", "memory=100", "lost=0"}) {
            const Run taken = chat({{"FAKE_BACKEND", failure}});
            QVERIFY2(taken.status == 0, taken.all());
            QCOMPARE(taken.out, cpu.out);
            QVERIFY2(taken.err.contains("Fake RX 7900") && taken.err.contains("The processor carries the reply on."), taken.all());
            QVERIFY(marks().isEmpty());
        }
        const Run refused = chat({{"FAKE_BACKEND", "refuse"}});
        QVERIFY2(refused.status == 0 && refused.err.contains("Runs on the CPU. Fake RX 7900 stopped answering (useDevice)"), refused.all());
        QCOMPARE(refused.out, cpu.out);
    }

    void aCrashOfTheDriver_leavesTheGpuAloneAtTheNextStart() {
        const Run cpu = chat({{"HEARTH_GPU", "off"}});
        const Run crashed = chat({{"FAKE_BACKEND", "crash=100"}});
        QVERIFY2(crashed.crashed, crashed.all());
        QCOMPARE(marks().size(), 1);
        for (int start = 0; start < 2; ++start) { // until the user wants it otherwise
            const Run next = chat();
            QVERIFY2(next.status == 0 && next.err.contains("Hearth ended unexpectedly last time while it used Fake RX 7900"), next.all());
            QCOMPARE(next.out, cpu.out);
        }
        const Run listed = run({"devices"}, {{"FAKE_HIP", "devices=2"}});
        QVERIFY2(listed.out.contains("Fake iGPU  in use") && listed.out.contains("Try the GPU again"), listed.all()); // the other one is not to blame
        const Run newDriver = run({"devices"}, {{"FAKE_HIP", "version=70012345"}});
        QVERIFY2(newDriver.out.contains("Fake RX 7900  in use"), newDriver.all());
        QVERIFY(run({"devices", "--try-again"}).out.contains("Fake RX 7900  in use"));
        const Run again = chat();
        QVERIFY2(again.status == 0 && again.err.isEmpty(), again.all());
        QVERIFY(marks().isEmpty());
    }

    void aCrashWhileOpening_leavesAllGpusAlone() {
        QVERIFY(run({"devices"}).out.contains("Fake RX 7900  in use")); // the child had no trouble
        QVERIFY(chat({{"FAKE_HIP", "crash-init"}}).crashed);             // here it has
        QCOMPARE(marks().size(), 1);
        const Run next = chat();
        QVERIFY2(next.status == 0 && next.err.contains("Hearth ended unexpectedly"), next.all());
        QVERIFY(run({"devices", "--try-again"}).out.contains("Fake RX 7900  in use"));
    }

    void endingTheProgram_isNoCrash_data() {
        QTest::addColumn<int>("signal");
        QTest::newRow("SIGTERM") << SIGTERM;
        QTest::newRow("SIGHUP") << SIGHUP;
        QTest::newRow("Ctrl+C twice") << SIGINT;
    }
    void endingTheProgram_isNoCrash() {
        QFETCH(int, signal);
        QProcess process;
        start(process, {"chat", "-m", m_model, "-t", "1", "-n", "24", "hello"}, {{"FAKE_BACKEND", "hang=100"}});
        QVERIFY(process.waitForStarted());
        QTRY_COMPARE_WITH_TIMEOUT(marks().size(), 1, 20'000);
        QTest::qWait(300); // into the reply
        ::kill(static_cast<pid_t>(process.processId()), signal);
        if (signal == SIGINT) {
            QTest::qWait(100);
            ::kill(static_cast<pid_t>(process.processId()), signal);
        }
        QVERIFY(process.waitForFinished(5000));
        QVERIFY(marks().isEmpty());
    }
};

QTEST_GUILESS_MAIN(GpuProcessTest)
#include "gpu_process_test.moc"
