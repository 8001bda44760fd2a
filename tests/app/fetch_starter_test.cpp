// SPDX-License-Identifier: Apache-2.0
//
// packaging/fetch_starter_model, with a small file, file:// URLs and an npm client of our own, in a folder of our own.
// That a thing is resumed or not fetched again shows by what its source holds by then: something else, or nothing.
#include <QCryptographicHash>
#include <QDir>
#include <QFile>
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>

#include <memory>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace {

constexpr const char* kScript = HEARTH_SOURCE "/packaging/fetch_starter_model";
constexpr const char* kName = "starter.gguf";
constexpr int kHalf = 60'000;

QByteArray noise(int size, quint32 seed) {
    QByteArray bytes(size, Qt::Uninitialized);
    for (char& byte : bytes) {
        seed = seed * 1664525u + 1013904223u;
        byte = static_cast<char>(seed >> 24);
    }
    return bytes;
}

QByteArray sha256(const QByteArray& bytes) { return QCryptographicHash::hash(bytes, QCryptographicHash::Sha256).toHex(); }

/// Prints the URL or copies the tarball that the test has put beside it; keeps a log.
constexpr const char* kNpm = R"(#!/bin/bash
here=$(dirname "$0")/../registry
echo "$*" >>"$here/log"
case $1 in
    view) cat "$here/$2.url" ;;
    pack) cp "$here/$3.tgz" . ;;
    *) exit 1 ;;
esac
)";

} // namespace

class FetchStarterTest : public QObject {
    Q_OBJECT

private:
    const QByteArray m_file = noise(2 * kHalf, 1);
    std::unique_ptr<QTemporaryDir> m_root;

    [[nodiscard]] QString path(const QString& name) const { return m_root->filePath(name); }
    [[nodiscard]] QString work(const QString& name) const { return path(QStringLiteral("data/hearth/models/.fetch-%1/%2").arg(kName, name)); }
    [[nodiscard]] QString final() const { return path(QStringLiteral("data/hearth/models/") + kName); }
    [[nodiscard]] QByteArray part(int index) const { return m_file.mid((index - 1) * kHalf, kHalf); }

    static QByteArray read(const QString& name) {
        QFile file(name);
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    }
    static void write(const QString& name, const QByteArray& bytes) {
        QDir().mkpath(QFileInfo(name).path());
        QFile file(name);
        if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size()) qFatal("the test's folder cannot be written");
    }
    void writeProgram(const QString& name, const QByteArray& text) const {
        write(path("bin/" + name), text);
        QFile(path("bin/" + name)).setPermissions(QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner);
    }

    /// package/model.part, as npm makes its tarballs.
    [[nodiscard]] QByteArray tarball(const QByteArray& model) const {
        write(path("pack/package/model.part"), model);
        QProcess tar;
        tar.start("tar", {"-C", path("pack"), "-czf", path("pack/made.tgz"), "package"});
        if (!tar.waitForFinished() || tar.exitCode() != 0) qFatal("tar failed");
        return read(path("pack/made.tgz"));
    }
    /// A package of the registry, to be downloaded (`url`) or packed.
    void publish(int index, const QByteArray& model, bool url = true) const {
        const QString package = path(QStringLiteral("registry/part-%1@1.0").arg(index));
        write(package + ".tgz", tarball(model));
        write(package + ".url", ("file://" + package + (url ? ".tgz" : ".nowhere") + "\n").toUtf8());
    }

    void writeConf(const QString& url, const QByteArray& hash = {}) const {
        QByteArray conf = "# A comment.\nname=" + QByteArray(kName) + "\nbytes=" + QByteArray::number(m_file.size()) + "\nsha256=" + (hash.isEmpty() ? sha256(m_file) : hash) + "\n";
        if (!url.isEmpty()) conf += "url=" + url.toUtf8() + "\n";
        for (int i = 1; i <= 2; ++i) {
            conf += "part=part-" + QByteArray::number(i) + "@1.0 " + QByteArray::number(kHalf) + " " + sha256(part(i)) + "\n";
        }
        write(path("starter.conf"), conf);
    }
    [[nodiscard]] QString source(const QByteArray& bytes) const {
        write(path("source.gguf"), bytes);
        return "file://" + path("source.gguf");
    }
    [[nodiscard]] QString nowhere() const { return "file://" + path("nowhere.gguf"); }

    struct Run {
        int status = -1;
        QString text;
    };
    [[nodiscard]] Run fetch(const QString& searchPath = {}) const {
        QProcess process;
        auto environment = QProcessEnvironment::systemEnvironment();
        environment.insert("XDG_DATA_HOME", path("data"));
        environment.insert("PATH", searchPath.isEmpty() ? path("bin") + ":" + environment.value("PATH") : searchPath);
        process.setProcessEnvironment(environment);
        process.setProcessChannelMode(QProcess::MergedChannels);
        process.start(QStandardPaths::findExecutable("bash"), {kScript, path("starter.conf")});
        if (!process.waitForFinished(60'000) || process.exitStatus() != QProcess::NormalExit) return {};
        return {process.exitCode(), QString::fromUtf8(process.readAll())};
    }
    [[nodiscard]] QString npmLog() const { return QString::fromUtf8(read(path("registry/log"))); }

private slots:
    void initTestCase() {
        for (const char* tool : {"bash", "curl", "tar", "sha256sum", "flock"}) {
            if (QStandardPaths::findExecutable(tool).isEmpty()) QSKIP(qPrintable(QStringLiteral("%1 is not installed").arg(tool)));
        }
    }
    void init() {
        m_root = std::make_unique<QTemporaryDir>();
        QVERIFY(m_root->isValid());
        writeProgram("npm", kNpm);
        QDir().mkpath(path("registry"));
    }

    void url_isFetched() {
        writeConf(source(m_file));
        const Run first = fetch();
        QVERIFY2(first.status == 0, qPrintable(first.text));
        QCOMPARE(read(final()), m_file);
        QVERIFY(first.text.contains(final()));
        QVERIFY(npmLog().isEmpty());
        QCOMPARE(QDir(path("data/hearth/models")).entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot), QStringList{kName});
        // There already: nothing to do, and nothing said.
        QFile::remove(path("source.gguf"));
        const Run second = fetch();
        QCOMPARE(second.status, 0);
        QVERIFY2(second.text.isEmpty(), qPrintable(second.text));
    }

    void url_fails_thePackagesAreJoined_data() {
        QTest::addColumn<QString>("url");
        QTest::newRow("no such file") << "nowhere";
        QTest::newRow("none given") << "";
        QTest::newRow("another file") << "other";
        QTest::newRow("a longer file") << "longer";
        QTest::newRow("a shorter file") << "shorter";
    }
    void url_fails_thePackagesAreJoined() {
        QFETCH(QString, url);
        const QByteArray bytes = url == "other" ? noise(2 * kHalf, 9) : url == "longer" ? m_file + "x" : m_file.left(kHalf);
        writeConf(url.isEmpty() ? QString() : url == "nowhere" ? nowhere() : source(bytes));
        publish(1, part(1));
        publish(2, part(2));
        const Run run = fetch();
        QVERIFY2(run.status == 0, qPrintable(run.text));
        QCOMPARE(read(final()), m_file);
        QCOMPARE(npmLog(), QString("view part-1@1.0 dist.tarball\nview part-2@1.0 dist.tarball\n"));
        QVERIFY(!QFile::exists(work("")));
    }

    void wrongHash_isRefused() {
        writeConf(source(noise(2 * kHalf, 9)));
        const Run run = fetch();
        QCOMPARE(run.status, 1);
        QVERIFY2(run.text.contains("SHA-256 differs"), qPrintable(run.text));
        QVERIFY(!QFile::exists(final()));
        QVERIFY(!QFile::exists(work("whole.part")));
    }

    void aLongerFile_isCutOff() {
        writeConf(source(m_file + noise(10'000'000, 3)));
        const Run run = fetch();
        QCOMPARE(run.status, 1);
        QVERIFY(!QFile::exists(final()));
        QVERIFY(QFileInfo(work("whole.part")).size() <= m_file.size() + 1024);
        // Nor is it cut off for ever.
        writeConf(source(m_file));
        QCOMPARE(fetch().status, 0);
        QCOMPARE(read(final()), m_file);
    }

    void noSource_isSaidAndNothingIsLeftUnderTheName() {
        writeConf(nowhere());
        const Run run = fetch();
        QCOMPARE(run.status, 1);
        QVERIFY2(run.text.contains("No source"), qPrintable(run.text));
        QVERIFY(!QFile::exists(final()));
        QCOMPARE(npmLog(), QString("view part-1@1.0 dist.tarball\n"));
    }

    void halfFile_isResumed() {
        write(work("whole.part"), m_file.left(kHalf));
        writeConf(source(noise(kHalf, 9) + m_file.mid(kHalf))); // right only from the middle on
        const Run run = fetch();
        QVERIFY2(run.status == 0, qPrintable(run.text));
        QCOMPARE(read(final()), m_file);
    }

    void brokenDownload_isKeptForTheNextTime() {
        write(work("whole.part"), m_file.left(kHalf));
        writeConf(nowhere());
        QCOMPARE(fetch().status, 1);
        QCOMPARE(read(work("whole.part")), m_file.left(kHalf));
        QVERIFY(!QFile::exists(final()));
    }

    void wholeFile_isNotFetchedAgain() {
        write(work("whole.part"), m_file);
        writeConf(nowhere());
        const Run run = fetch();
        QVERIFY2(run.status == 0, qPrintable(run.text));
        QCOMPARE(read(final()), m_file);
    }

    void wrongWholeFile_isNotResumedForEver() {
        write(work("whole.part"), noise(2 * kHalf, 9));
        writeConf(source(m_file));
        QCOMPARE(fetch().status, 0);
        QCOMPARE(read(final()), m_file);
    }

    void wrongFinalFile_isReplaced() {
        write(final(), "GGUF, but broken");
        writeConf(source(m_file));
        QCOMPARE(fetch().status, 0);
        QCOMPARE(read(final()), m_file);
    }

    /// What curl answers where the server knows no ranges (33), resumes wrongly (36), or has nothing after the end (416).
    void unresumable_isFetchedFromItsBeginning_data() {
        QTest::addColumn<QByteArray>("refusal");
        QTest::newRow("no ranges") << QByteArray("exit 33");
        QTest::newRow("bad resume") << QByteArray("exit 36");
        QTest::newRow("nothing after it") << QByteArray("printf 416; exit 22");
    }
    void unresumable_isFetchedFromItsBeginning() {
        QFETCH(QByteArray, refusal);
        const QByteArray real = QStandardPaths::findExecutable("curl").toUtf8();
        writeProgram("curl", "#!/bin/bash\n[ -s '" + work("whole.part").toUtf8() + "' ] && { " + refusal + "; }\nexec " + real + " \"$@\"\n");
        write(work("whole.part"), noise(kHalf, 9));
        writeConf(source(m_file));
        const Run run = fetch();
        QVERIFY2(run.status == 0, qPrintable(run.text));
        QCOMPARE(read(final()), m_file);
    }

    // --- the packages -------------------------------------------------------------------------------------------------

    void verifiedPart_isNotFetchedAgain() {
        write(work("part1"), part(1));
        publish(2, part(2)); // and the first is nowhere
        writeConf(nowhere());
        const Run run = fetch();
        QVERIFY2(run.status == 0, qPrintable(run.text));
        QCOMPARE(read(final()), m_file);
        QCOMPARE(npmLog(), QString("view part-2@1.0 dist.tarball\n"));
    }

    void parts_areKeptUntilAllAreThere() {
        publish(1, part(1));
        writeConf(nowhere());
        QCOMPARE(fetch().status, 1);
        QCOMPARE(read(work("part1")), part(1));
        QVERIFY(!QFile::exists(final()));
        QFile::remove(path("registry/part-1@1.0.tgz"));
        publish(2, part(2));
        QCOMPARE(fetch().status, 0);
        QCOMPARE(read(final()), m_file);
    }

    void wrongPart_isThrownAway_data() {
        QTest::addColumn<QByteArray>("model");
        QTest::newRow("other bytes") << noise(kHalf, 9);
        QTest::newRow("shorter") << part(2).left(kHalf - 1);
        QTest::newRow("empty") << QByteArray();
    }
    void wrongPart_isThrownAway() {
        QFETCH(QByteArray, model);
        publish(1, part(1));
        publish(2, model);
        writeConf(nowhere());
        const Run run = fetch();
        QCOMPARE(run.status, 1);
        QVERIFY2(run.text.contains("part-2@1.0 is not what was promised"), qPrintable(run.text));
        QVERIFY(!QFile::exists(final()));
        QCOMPARE(QDir(work("")).entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot), QStringList{"part1"});
        publish(2, part(2));
        QCOMPARE(fetch().status, 0);
        QCOMPARE(read(final()), m_file);
    }

    void noTarball_isRefused() {
        publish(1, part(1));
        publish(2, part(2));
        write(path("registry/part-2@1.0.tgz"), noise(5000, 4));
        writeConf(nowhere());
        QCOMPARE(fetch().status, 1);
        QVERIFY(!QFile::exists(final()));
        QVERIFY(!QFile::exists(work("part2.tgz")));
    }

    void rightPartsOfAnotherWhole_areRefused() {
        writeConf(nowhere(), sha256("another file"));
        publish(1, part(1));
        publish(2, part(2));
        const Run run = fetch();
        QCOMPARE(run.status, 1);
        QVERIFY2(run.text.contains("do not make the file"), qPrintable(run.text));
        QVERIFY(!QFile::exists(final()));
        QVERIFY(!QFile::exists(work("")));
    }

    void tarball_isResumed() {
        publish(1, part(1));
        publish(2, part(2));
        const QString file = path("registry/part-2@1.0.tgz");
        const QByteArray whole = read(file);
        write(work("part2.tgz"), whole.left(whole.size() / 2));
        write(file, QByteArray(whole.size() / 2, '\0') + whole.mid(whole.size() / 2));
        writeConf(nowhere());
        const Run run = fetch();
        QVERIFY2(run.status == 0, qPrintable(run.text));
        QCOMPARE(read(final()), m_file);
    }

    void wholeTarball_isNotFetchedAgain() {
        publish(1, part(1));
        write(work("part2.tgz"), tarball(part(2)));
        writeConf(nowhere());
        QCOMPARE(fetch().status, 0);
        QCOMPARE(read(final()), m_file);
        QCOMPARE(npmLog(), QString("view part-1@1.0 dist.tarball\n"));
    }

    void npm_packsWhatCurlCannotFetch() {
        publish(1, part(1));
        publish(2, part(2), false);
        writeConf(nowhere());
        const Run run = fetch();
        QVERIFY2(run.status == 0, qPrintable(run.text));
        QCOMPARE(read(final()), m_file);
        QVERIFY(npmLog().endsWith("pack --silent part-2@1.0\n"));
    }

    void brokenTarball_isKeptWhenNpmCannotPackEither() {
        const QByteArray begun = tarball(part(1)).left(1000);
        write(work("part1.tgz"), begun);
        publish(1, part(1), false);
        QFile::remove(path("registry/part-1@1.0.tgz"));
        writeConf(nowhere());
        QCOMPARE(fetch().status, 1);
        QCOMPARE(read(work("part1.tgz")), begun);
    }

    // --- the surroundings -----------------------------------------------------------------------------------------------

    void withoutNpm_theUrlStillWorksAndItsLackIsNoCrash() {
        // All that the script needs, and neither npm nor apt-get.
        QVERIFY(QDir().mkpath(path("few")));
        for (const char* tool : {"bash", "cat", "curl", "cut", "df", "dirname", "flock", "head", "mkdir", "mv", "rm", "sed", "sha256sum", "stat", "tail", "tar", "gzip"}) {
            QVERIFY(QFile::link(QStandardPaths::findExecutable(tool), path(QStringLiteral("few/") + tool)));
        }
        writeConf(nowhere());
        const Run none = fetch(path("few"));
        QCOMPARE(none.status, 1);
        QVERIFY2(none.text.contains("No source"), qPrintable(none.text));
        writeConf(source(m_file));
        const Run run = fetch(path("few"));
        QVERIFY2(run.status == 0, qPrintable(run.text));
        QCOMPARE(read(final()), m_file);
    }

    void fullDisk_isSaidBefore() {
        writeProgram("df", "#!/bin/bash\necho Avail\necho 150000\n");
        writeConf(source(m_file));
        const Run run = fetch();
        QCOMPARE(run.status, 1);
        QVERIFY2(run.text.contains("Not enough room"), qPrintable(run.text));
        QVERIFY(!QFile::exists(final()));
    }

    void folderThatCannotBeMade_isSaid() {
        write(path("data"), "a file where the folder should be");
        writeConf(source(m_file));
        const Run run = fetch();
        QCOMPARE(run.status, 1);
        QVERIFY2(run.text.contains("cannot be written"), qPrintable(run.text));
    }

    void twoAtOnce_doNotMix() {
        QDir().mkpath(path("data/hearth/models"));
        const int folder = ::open(path("data/hearth/models").toUtf8().constData(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        QVERIFY(folder >= 0);
        QCOMPARE(::flock(folder, LOCK_EX), 0);
        writeConf(source(m_file));
        const Run run = fetch();
        ::close(folder);
        QCOMPARE(run.status, 1);
        QVERIFY2(run.text.contains("already"), qPrintable(run.text));
        QVERIFY(!QFile::exists(final()));
        QCOMPARE(fetch().status, 0);
    }

    void brokenConf_isSaid_data() {
        QTest::addColumn<QByteArray>("conf");
        QTest::newRow("missing") << QByteArray();
        QTest::newRow("no name") << QByteArray("bytes=5\nsha256=00\n");
        QTest::newRow("a name that climbs") << QByteArray("name=../../x.gguf\nbytes=5\nsha256=00\n");
        QTest::newRow("no size") << QByteArray("name=x.gguf\nsha256=00\n");
        QTest::newRow("a size that is none") << QByteArray("name=x.gguf\nbytes=5 MB\nsha256=00\n");
        QTest::newRow("no hash") << QByteArray("name=x.gguf\nbytes=5\n");
    }
    void brokenConf_isSaid() {
        QFETCH(QByteArray, conf);
        if (!conf.isEmpty()) write(path("starter.conf"), conf);
        const Run run = fetch();
        QCOMPARE(run.status, 1);
        QVERIFY2(run.text.contains("starter.conf"), qPrintable(run.text));
        QVERIFY(!QFile::exists(path("data")));
    }

    void conf_ofTheRepositoryIsSound() {
        const QByteArray conf = read(HEARTH_SOURCE "/packaging/starter_model.conf");
        QVERIFY(conf.contains("\nname=") && conf.contains("\nurl=https://"));
        qint64 sum = 0;
        qint64 whole = 0;
        for (const QByteArray& line : conf.split('\n')) {
            if (line.startsWith("part=")) sum += line.split(' ').value(1).toLongLong();
            if (line.startsWith("bytes=")) whole = line.mid(6).toLongLong();
        }
        QVERIFY(whole > 0);
        QCOMPARE(sum, whole);
    }
};

QTEST_GUILESS_MAIN(FetchStarterTest)
#include "fetch_starter_test.moc"
