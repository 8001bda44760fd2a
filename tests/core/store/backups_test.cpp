// SPDX-License-Identifier: Apache-2.0
//
// Backups: made beside an open database, rotated, restored; a bad one changes nothing.
#include "core/store/backups.h"
#include "core/store/chat_store.h"
#include "core/store/database.h"
#include "store_test_support.h"

#include <SQLiteCpp/Database.h>

#include <QTemporaryDir>

#include <memory>

using namespace hearth::core;
namespace fs = std::filesystem;

class BackupsTest : public QObject {
    Q_OBJECT

private slots:
    void init() {
        m_folder = std::make_unique<QTemporaryDir>();
        m_file = m_folder->filePath("chats.db").toStdString();
        add("first");
    }

    void backup_isMadeBesideAnOpenDatabase() {
        auto database = Database::open(m_file);
        HEARTH_SUCCEEDS(database);
        ChatStore store(**database);
        HEARTH_SUCCEEDS(store.createConversation("in the journal only"));
        const auto made = makeBackup(m_file);
        HEARTH_SUCCEEDS(made);
        QCOMPARE(fs::status(made->file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
        QCOMPARE(titles(made->file), (QStringList{"in the journal only", "first"}));
        QCOMPARE(backupsOf(m_file).size(), 1u);
        QCOMPARE(backupsOf(m_file).front().bytes, made->bytes);
        HEARTH_SUCCEEDS(store.createConversation("still open"));
    }

    void backups_theNewestAreKept() {
        const fs::path others = m_file.parent_path() / "backups" / "chats-notes.db";
        std::vector<fs::path> made;
        for (int i = 0; i < 5; ++i) {
            const auto backup = makeBackup(m_file, 3);
            HEARTH_SUCCEEDS(backup);
            made.push_back(backup->file);
            QFile(QString::fromStdString(others.string())).open(QIODevice::WriteOnly); // not ours: never touched
        }
        std::vector<fs::path> kept;
        for (const Backup& backup : backupsOf(m_file)) kept.push_back(backup.file);
        QCOMPARE(kept, (std::vector{made[4], made[3], made[2]}));
        QVERIFY(fs::exists(others));
        QVERIFY(!fs::exists(made[0]));
    }

    void restore_bringsBackAndKeepsWhatWas() {
        const auto made = makeBackup(m_file);
        HEARTH_SUCCEEDS(made);
        add("later");
        HEARTH_SUCCEEDS(restoreBackup(m_file, made->file));
        QCOMPARE(titles(m_file), QStringList{"first"});
        // What was there before is a backup itself: restoring can be undone.
        const auto backups = backupsOf(m_file);
        QCOMPARE(backups.size(), 2u);
        HEARTH_SUCCEEDS(restoreBackup(m_file, backups.front().file));
        QCOMPARE(titles(m_file), (QStringList{"later", "first"}));
    }

    void restore_badBackupChangesNothing_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("code");
        QTest::newRow("no database") << QByteArray(5000, 'x') << "DatabaseCorrupt";
        QTest::newRow("cut") << QByteArray() << "DatabaseCorrupt";
        QTest::newRow("another program's") << QByteArray("other") << "MalformedFile";
    }
    void restore_badBackupChangesNothing() {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, code);
        const auto made = makeBackup(m_file);
        HEARTH_SUCCEEDS(made);
        const fs::path bad = m_folder->filePath("bad.db").toStdString();
        if (bytes == "other") {
            SQLite::Database(bad.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE t (x)");
        } else {
            QFile file(QString::fromStdString(bad.string()));
            QVERIFY(file.open(QIODevice::WriteOnly));
            file.write(bytes.isEmpty() ? bytesOf(made->file).left(20'000) : bytes);
        }
        const QByteArray before = bytesOf(m_file);
        const QByteArray badBefore = bytesOf(bad);
        HEARTH_FAILS_WITH(restoreBackup(m_file, bad), code.toStdString());
        QCOMPARE(bytesOf(m_file), before);
        QCOMPARE(bytesOf(bad), badBefore);
        QCOMPARE(backupsOf(m_file).size(), 1u);
        // No leavings either.
        for (const auto& entry : fs::directory_iterator(m_file.parent_path())) {
            const QString name = QString::fromStdString(entry.path().filename().string());
            QVERIFY2(!name.contains("probe") && !name.contains("restored"), qPrintable(name));
        }
        HEARTH_FAILS_WITH(restoreBackup(m_file, m_folder->filePath("absent").toStdString()), "FileNotFound");
    }

    void backup_thatCannotBeWrittenLeavesTheOldOnes() {
        HEARTH_SUCCEEDS(makeBackup(m_file, 1));
        const fs::path folder = m_file.parent_path() / "backups";
        const auto before = backupsOf(m_file);
        HEARTH_FAILS_WITH(makeBackup(m_folder->filePath("absent.db").toStdString(), 1), "IoError");
        QCOMPARE(backupsOf(m_file).size(), before.size());
        for (const auto& entry : fs::directory_iterator(folder)) QVERIFY(entry.path().extension() != ".part");
    }

private:
    void add(const char* title) const {
        auto database = Database::open(m_file);
        HEARTH_SUCCEEDS(database);
        HEARTH_SUCCEEDS(ChatStore(**database).createConversation(title));
    }

    static QStringList titles(const fs::path& file) {
        QStringList all;
        auto database = Database::open(file);
        if (!succeeded(database)) return all;
        const auto rows = ChatStore(**database).conversations();
        if (!succeeded(rows)) return all;
        for (const ConversationRow& row : *rows) all << QString::fromStdString(row.title);
        return all;
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    fs::path m_file;
};

QTEST_GUILESS_MAIN(BackupsTest)
#include "backups_test.moc"
