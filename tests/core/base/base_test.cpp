// SPDX-License-Identifier: Apache-2.0
//
// UTF-8, units, and file mappings whose file changes under them.
#include "core/base/mapped_file.h"
#include "core/base/units.h"
#include "core/base/utf8.h"

#include <QTemporaryDir>
#include <QTest>

#include <filesystem>
#include <fstream>
#include <string>

using namespace hearth::core;

class BaseTest : public QObject {
    Q_OBJECT

private slots:
    void utf8_malformedIsRejected_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QByteArray>("sanitized");
        const QByteArray replacement = "\xEF\xBF\xBD";
        QTest::newRow("ascii") << QByteArray("abc") << QByteArray("abc");
        QTest::newRow("two to four bytes") << QByteArray("ä€😀") << QByteArray("ä€😀");
        QTest::newRow("overlong slash") << QByteArray("\xC0\xAF") << replacement + replacement;
        QTest::newRow("overlong three") << QByteArray("\xE0\x80\xAF") << replacement + replacement + replacement;
        QTest::newRow("surrogate") << QByteArray("\xED\xA0\x80") << replacement + replacement + replacement;
        QTest::newRow("beyond Unicode") << QByteArray("\xF4\x90\x80\x80") << replacement + replacement + replacement + replacement;
        QTest::newRow("cut short") << QByteArray("a\xE2\x82") << "a" + replacement + replacement;
        QTest::newRow("lone continuation") << QByteArray("\x80z") << replacement + "z";
    }
    void utf8_malformedIsRejected() {
        QFETCH(QByteArray, bytes);
        QFETCH(QByteArray, sanitized);
        QCOMPARE(QByteArray::fromStdString(utf8::sanitized(bytes.toStdString())), sanitized);
        QCOMPARE(utf8::isValid(bytes.toStdString()), bytes == sanitized);
    }

    void utf8_incompleteTailIsHeldBack_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<int>("tail");
        QTest::newRow("empty") << QByteArray() << 0;
        QTest::newRow("whole") << QByteArray("€") << 0;
        QTest::newRow("one of two") << QByteArray("a\xC3") << 1;
        QTest::newRow("two of three") << QByteArray("a\xE2\x82") << 2;
        QTest::newRow("three of four") << QByteArray("\xF0\x9F\x98") << 3;
        QTest::newRow("never valid") << QByteArray("\xFF") << 0;
        QTest::newRow("continuations alone") << QByteArray("\x80\x80\x80\x80") << 0;
    }
    void utf8_incompleteTailIsHeldBack() {
        QFETCH(QByteArray, bytes);
        QFETCH(int, tail);
        QCOMPARE(static_cast<int>(utf8::incompleteTail(bytes.toStdString())), tail);
    }

    void units_readAsPeopleExpect() {
        QCOMPARE(formatBytes(0), std::string("0 B"));
        QCOMPARE(formatBytes(999), std::string("999 B"));
        QCOMPARE(formatBytes(322'591'712), std::string("322.6 MB"));
        QCOMPARE(formatBytes(999'960), std::string("1.0 MB"));
        QCOMPARE(formatBytes(4'700'000'000), std::string("4.7 GB"));
        QCOMPARE(formatCount(7), std::string("7"));
        QCOMPARE(formatCount(1204), std::string("1,204"));
        QCOMPARE(formatCount(123'456'789), std::string("123,456,789"));
    }

    void mappedFile_wrongPathsAreNamed() {
        QTemporaryDir folder;
        const std::filesystem::path root = folder.path().toStdString();
        QCOMPARE(MappedFile::open(root / "absent").error().code, ErrorCode::FileNotFound);
        QCOMPARE(MappedFile::open(root).error().code, ErrorCode::IsDirectory);
        std::ofstream(root / "empty").close();
        QCOMPARE(MappedFile::open(root / "empty")->bytes().size(), std::size_t{0});
        QCOMPARE(MappedFile::open(root / "empty" / "below").error().code, ErrorCode::FileNotFound);
        QCOMPARE(MappedFile::open("/dev/null").error().code, ErrorCode::IoError);
    }

    void mappedFile_shrunkenFileIsReportedNotFatal() {
        QTemporaryDir folder;
        const std::filesystem::path path = std::filesystem::path(folder.path().toStdString()) / "model";
        std::ofstream(path) << std::string(3 * 4096, 'x');
        auto file = MappedFile::open(path);
        QVERIFY(file.has_value());
        QVERIFY(!file->changedOnDisk());
        QVERIFY(!file->damaged());
        std::filesystem::resize_file(path, 100);
        QVERIFY(file->changedOnDisk());
        // Without the guard this read ends the program with SIGBUS.
        const volatile std::byte* bytes = file->bytes().data();
        QCOMPARE(static_cast<int>(bytes[2 * 4096]), 0);
        QVERIFY(file->damaged());
    }

    void mappedFile_vanishedFileStaysReadable() {
        QTemporaryDir folder;
        const std::filesystem::path path = std::filesystem::path(folder.path().toStdString()) / "model";
        std::ofstream(path) << "hello";
        auto file = MappedFile::open(path);
        std::filesystem::remove(path);
        QVERIFY(!file->changedOnDisk());
        QCOMPARE(static_cast<char>(file->bytes()[1]), 'e');
    }
};

QTEST_GUILESS_MAIN(BaseTest)
#include "base_test.moc"
