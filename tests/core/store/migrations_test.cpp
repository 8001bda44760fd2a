// SPDX-License-Identifier: Apache-2.0
//
// Migrations: from the product's first schema to made-up later ones; the copy beside the file, the data, and steps that fail.
#include "core/store/migrations.h"

#include "core/store/chat_store.h"
#include "core/store/database.h"
#include "core/store/search_index.h"
#include "store_test_support.h"

#include <SQLiteCpp/Database.h>

#include <QCryptographicHash>
#include <QTemporaryDir>

#include <memory>
#include <vector>

using namespace hearth::core;

namespace {

constexpr std::string_view kAddNote = "ALTER TABLE conversation ADD COLUMN note TEXT NOT NULL DEFAULT ''; "
                                      "UPDATE conversation SET note = 'of ' || title;";

/// The product's schema 1 and then these.
std::vector<Migration> stepsWith(std::initializer_list<std::string_view> later) {
    std::vector<Migration> steps{schemaMigrations().front()};
    for (const std::string_view sql : later) steps.push_back({static_cast<int>(steps.size()) + 1, sql});
    return steps;
}

int userVersion(const std::filesystem::path& file) {
    SQLite::Database database(file.string(), SQLite::OPEN_READONLY);
    return database.execAndGet("PRAGMA user_version").getInt();
}

bool hasNote(const std::filesystem::path& file) {
    SQLite::Database database(file.string(), SQLite::OPEN_READONLY);
    return database.execAndGet("SELECT count(*) FROM pragma_table_info('conversation') WHERE name = 'note'").getInt() == 1;
}

} // namespace

class MigrationsTest : public QObject {
    Q_OBJECT

private slots:
    /// A database of schema 1 with a conversation of two messages.
    void init() {
        m_folder = std::make_unique<QTemporaryDir>();
        m_file = m_folder->filePath("chats.db").toStdString();
        const std::vector<Migration> first = stepsWith({});
        auto database = Database::open(m_file, first);
        HEARTH_SUCCEEDS(database);
        // By hand: the store speaks the newest schema only.
        (*database)->handle().exec("BEGIN; INSERT INTO conversation (id, title, title_folded, created_ms, updated_ms, active_leaf) "
                                   "VALUES (1, 'old', 'old', 5, 6, 2); "
                                   "INSERT INTO message (id, conversation_id, parent_id, role, state, created_ms, text) VALUES "
                                   "(1, 1, NULL, 1, 0, 5, 'kept?'), (2, 1, 1, 2, 0, 6, 'kept.'); COMMIT");
    }

    void schema_stepsAreNumberedAndNeverEdited() {
        // SHA-256 of every schema file. A new step adds a line; a line never changes, because files of that version exist.
        const std::vector<QByteArray> hashes{
            "13536af38e025f1e12c7528f5cabdc8efc4693c29ce6563d91f424402be335df",
            "d249454e71ceb799074c626fc61b8ed7d3a6ec96199046acbb6aa4a206298dc7",
            "7f0a2fe70d9acea92ef55cd931b135ad5d2a43903ed903232877538c4717995c",
            "a8a2de504cfc5bca10a40247ded2ef209e1b2d97350df2112ccfb068dae39bf0",
        };
        const auto steps = schemaMigrations();
        QCOMPARE(steps.size(), hashes.size());
        QCOMPARE(steps.back().version, Database::newestSchemaVersion());
        for (std::size_t i = 0; i < steps.size(); ++i) {
            QCOMPARE(steps[i].version, static_cast<int>(i) + 1);
            const QByteArray sql(steps[i].sql.data(), static_cast<qsizetype>(steps[i].sql.size()));
            QCOMPARE(QCryptographicHash::hash(sql, QCryptographicHash::Sha256).toHex(), hashes[i]);
        }
    }

    void migrate_freshFileNeedsNoCopy() {
        QCOMPARE(userVersion(m_file), 1);
        QVERIFY(!std::filesystem::exists(backup(1)));
    }

    void migrate_keepsDataAndMakesACopy() {
        auto database = Database::open(m_file, stepsWith({kAddNote}));
        HEARTH_SUCCEEDS(database);
        QCOMPARE((*database)->schemaVersion(), 2);
        QCOMPARE((*database)->handle().execAndGet("SELECT note FROM conversation").getString(), std::string("of old"));
        QCOMPARE((*database)->handle().execAndGet("PRAGMA foreign_keys").getInt(), 1);
        expectData(**database);
        database->reset();
        QCOMPARE(userVersion(m_file), 2);

        QCOMPARE(userVersion(backup(2)), 1);
        QVERIFY(!hasNote(backup(2)));
        QCOMPARE(std::filesystem::status(backup(2)).permissions(),
                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        // The copy is a database in its own right: the old program opens it.
        auto old = Database::open(backup(2), stepsWith({}));
        HEARTH_SUCCEEDS(old);
        expectData(**old);
    }

    void migrate_secondOpenDoesNothing() {
        HEARTH_SUCCEEDS(Database::open(m_file, stepsWith({kAddNote})));
        std::filesystem::remove(backup(2));
        HEARTH_SUCCEEDS(Database::open(m_file, stepsWith({kAddNote})));
        QVERIFY(!std::filesystem::exists(backup(2)));
    }

    void migrate_failingStepLeavesNoTrace_data() {
        QTest::addColumn<QString>("bad");
        QTest::newRow("syntax") << "ALTER TABLE conversation ADD COLUMN x; SELEKT 1;";
        QTest::newRow("unknown table") << "DELETE FROM message WHERE parent_id IS NOT NULL; INSERT INTO nowhere VALUES (1);";
        QTest::newRow("constraint") << "UPDATE message SET text = 'lost'; UPDATE message SET state = 77;";
        QTest::newRow("dangling reference") << "DELETE FROM message WHERE parent_id IS NULL;";
    }
    void migrate_failingStepLeavesNoTrace() {
        QFETCH(QString, bad);
        const std::string sql = bad.toStdString();
        const auto opened = Database::open(m_file, stepsWith({kAddNote, sql}));
        QVERIFY(!opened.has_value());
        QVERIFY(opened.error().code == ErrorCode::Internal || opened.error().code == ErrorCode::InvalidArgument);
        // Step 2 was good and stays; step 3 never happened; the copy is of before both.
        QCOMPARE(userVersion(m_file), 2);
        QVERIFY(hasNote(m_file));
        QCOMPARE(userVersion(backup(3)), 1);
        auto again = Database::open(m_file, stepsWith({kAddNote}));
        HEARTH_SUCCEEDS(again);
        expectData(**again);
        QCOMPARE((*again)->handle().execAndGet("SELECT count(*) FROM pragma_table_info('conversation') WHERE name = 'x'").getInt(), 0);
    }

    void migrate_withoutACopyNothingIsMigrated() {
        const std::filesystem::path inTheWay = backup(2).string() + ".part";
        std::filesystem::create_directories(inTheWay / "full");
        QVERIFY(!Database::open(m_file, stepsWith({kAddNote})).has_value());
        QCOMPARE(userVersion(m_file), 1);
        QVERIFY(!hasNote(m_file));
        std::filesystem::remove_all(inTheWay);
        HEARTH_SUCCEEDS(Database::open(m_file, stepsWith({kAddNote})));
    }

    void migrate_keepsTheNewestCopiesOnly() {
        constexpr std::string_view kNothing = "SELECT 1;";
        HEARTH_SUCCEEDS(Database::open(m_file, stepsWith({kAddNote})));
        HEARTH_SUCCEEDS(Database::open(m_file, stepsWith({kAddNote, kNothing})));
        HEARTH_SUCCEEDS(Database::open(m_file, stepsWith({kAddNote, kNothing, kNothing})));
        HEARTH_SUCCEEDS(Database::open(m_file, stepsWith({kAddNote, kNothing, kNothing, kNothing})));
        QVERIFY(!std::filesystem::exists(backup(2)));
        for (int version = 3; version <= 5; ++version) QVERIFY(std::filesystem::exists(backup(version)));
    }

    void migrate_aStrangersFileIsNoCopy() {
        const std::filesystem::path mine = m_file.string() + ".before-vacation.backup";
        QFile(QString::fromStdString(mine.string())).open(QIODevice::WriteOnly);
        migrate_keepsTheNewestCopiesOnly();
        QVERIFY(std::filesystem::exists(mine));
    }

    void open_laterVersionIsRefusedAndLeftAlone() {
        HEARTH_SUCCEEDS(Database::open(m_file, stepsWith({kAddNote})));
        const QByteArray before = bytesOf(m_file);
        const auto opened = Database::open(m_file, stepsWith({}));
        HEARTH_FAILS_WITH(opened, "DatabaseTooNew");
        QVERIFY2(opened.error().message.find("version 2") != std::string::npos, opened.error().message.c_str());
        QCOMPARE(bytesOf(m_file), before);
    }

    void product_stepsBringAnOldFileToToday() {
        auto database = Database::open(m_file);
        HEARTH_SUCCEEDS(database);
        expectData(**database);
        SearchIndex index(**database);
        const auto rebuilt = index.rebuildIfOutdated();
        HEARTH_SUCCEEDS(rebuilt);
        QVERIFY(*rebuilt);
        const auto hits = index.search("kept");
        HEARTH_SUCCEEDS(hits);
        QCOMPARE(hits->size(), 2u);
        const auto rows = ChatStore(**database).conversations();
        HEARTH_SUCCEEDS(rows);
        QCOMPARE(rows->size(), 1u);
        QVERIFY(!rows->front().pinned && !rows->front().archived && !rows->front().folder);
    }

private:
    std::filesystem::path backup(int version) const {
        return m_file.string() + ".before-v" + std::to_string(version) + ".backup";
    }

    static void expectData(Database& database) {
        QCOMPARE(database.handle().execAndGet("SELECT group_concat(title) FROM conversation").getString(), std::string("old"));
        QCOMPARE(database.handle().execAndGet("SELECT group_concat(text, ' ') FROM (SELECT text FROM message ORDER BY id)").getString(),
                 std::string("kept? kept."));
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_file;
};

QTEST_GUILESS_MAIN(MigrationsTest)
#include "migrations_test.moc"
