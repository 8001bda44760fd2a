// SPDX-License-Identifier: Apache-2.0
//
// Database: files that are damaged, foreign, forbidden, locked, or on a full disk. Each gives its code, and nothing is lost.
#include "core/store/database.h"

#include "core/store/chat_store.h"
#include "store_test_support.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Transaction.h>

#include <QTemporaryDir>

#include <csignal>
#include <functional>
#include <memory>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace hearth::core;
namespace fs = std::filesystem;

namespace {

constexpr uid_t kNobody = 65534;

/// Runs `body` in a child process and returns its exit status, or -1 when it ended otherwise.
int inChild(const std::function<int()>& body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body());
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// The code that opening gives to someone whom file modes bind: root goes on as nobody.
std::string codeAsOrdinaryUser(const fs::path& file) {
    const int code = inChild([&] {
        if (::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) return 200;
        const auto opened = Database::open(file);
        return opened ? 201 : static_cast<int>(opened.error().code);
    });
    if (code == 201) return "no error";
    if (code < 0 || code >= 200) return "child failed";
    return std::string(name(static_cast<ErrorCode>(code)));
}

/// A database with `messages` messages of about 1 kB each.
void fill(const fs::path& file, int messages) {
    auto database = Database::open(file);
    HEARTH_SUCCEEDS(database);
    ChatStore store(**database);
    const auto conversation = store.createConversation("filled");
    HEARTH_SUCCEEDS(conversation);
    std::optional<MessageId> parent;
    for (int i = 0; i < messages; ++i) {
        const auto row = store.addMessage(conversation->id, parent, StoredRole::User, std::string(1000, 'x'), MessageState::Complete);
        HEARTH_SUCCEEDS(row);
        parent = row->id;
    }
}

std::vector<std::string> filesIn(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
    return names;
}

/// Adds messages until one is refused; how many were acknowledged, and the code of the refusal.
std::pair<int, std::string> addUntilRefused(ChatStore& store, ConversationId conversation, int limit) {
    std::optional<MessageId> parent;
    for (int i = 0; i < limit; ++i) {
        const auto row = store.addMessage(conversation, parent, StoredRole::User, std::string(3000, 'm'), MessageState::Complete);
        if (!row) return {i, codeOf(row)};
        parent = row->id;
    }
    return {limit, "no error"};
}

} // namespace

class DatabaseTest : public QObject {
    Q_OBJECT

private slots:
    void init() {
        m_folder = std::make_unique<QTemporaryDir>();
        m_path = m_folder->path().toStdString();
        fs::permissions(m_path, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
    }

    void open_makesFolderAndFileForTheUserAlone() {
        const fs::path file = m_path / "a" / "b" / "chats.db";
        auto database = Database::open(file);
        HEARTH_SUCCEEDS(database);
        QCOMPARE((*database)->schemaVersion(), Database::newestSchemaVersion());
        QCOMPARE(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
        QCOMPARE(fs::status(file.parent_path()).permissions(), fs::perms::owner_all);
        QCOMPARE((*database)->handle().execAndGet("PRAGMA journal_mode").getString(), std::string("wal"));
        QCOMPARE((*database)->handle().execAndGet("PRAGMA synchronous").getInt(), 2);
        QCOMPARE((*database)->handle().execAndGet("PRAGMA foreign_keys").getInt(), 1);
    }

    void open_oddNamesAreNames_data() {
        QTest::addColumn<QString>("name");
        QTest::newRow("uri") << "file:chats.db?mode=ro";
        QTest::newRow("spaces and quotes") << "my 'chats'.db";
        QTest::newRow("unicode") << "история.db";
        QTest::newRow("memory") << ":memory:";
    }
    void open_oddNamesAreNames() {
        QFETCH(QString, name);
        const fs::path before = fs::current_path();
        fs::current_path(m_path);
        const auto opened = Database::open(name.toStdString());
        fs::current_path(before);
        HEARTH_SUCCEEDS(opened);
        QVERIFY(fs::exists(m_path / name.toStdString()));
    }

    void openInMemory_worksWithoutAFile() {
        auto database = Database::openInMemory();
        HEARTH_SUCCEEDS(database);
        QCOMPARE((*database)->schemaVersion(), Database::newestSchemaVersion());
        ChatStore store(**database);
        HEARTH_SUCCEEDS(store.createConversation("not kept"));
    }

    void open_damagedFileIsMovedAside_data() {
        QTest::addColumn<int>("keep");        // bytes kept, -1 = all
        QTest::addColumn<int>("overwriteAt"); // -1 = nowhere
        QTest::addColumn<QByteArray>("with");
        QTest::newRow("ten bytes left") << 10 << -1 << QByteArray();
        QTest::newRow("one hundred bytes left") << 100 << -1 << QByteArray();
        QTest::newRow("one page left") << 4096 << -1 << QByteArray();
        QTest::newRow("half a page missing") << 4096 * 8 + 2048 << -1 << QByteArray();
        QTest::newRow("a text file") << 0 << 0 << QByteArray("Dear diary, this is not a database at all.\n").repeated(20);
        QTest::newRow("first page garbage") << -1 << 0 << QByteArray(4096, '\x5A');
        QTest::newRow("page size zero") << -1 << 16 << QByteArray(2, '\0');
        QTest::newRow("schema page garbage") << -1 << 100 << QByteArray(3000, '\xEE');
        QTest::newRow("inner page garbage") << -1 << 4096 * 7 << QByteArray(4096 * 3, '\xA5');
        QTest::newRow("cell offsets garbage") << -1 << 4096 * 7 + 8 << QByteArray(40, '\xFF');
    }
    void open_damagedFileIsMovedAside() {
        QFETCH(int, keep);
        QFETCH(int, overwriteAt);
        QFETCH(QByteArray, with);
        const fs::path file = m_path / "chats.db";
        fill(file, 60);
        if (keep >= 0) fs::resize_file(file, static_cast<std::uintmax_t>(keep));
        if (overwriteAt >= 0) {
            QFile damaged(QString::fromStdString(file.string()));
            QVERIFY(damaged.open(QIODevice::ReadWrite));
            QVERIFY(damaged.seek(overwriteAt));
            QCOMPARE(damaged.write(with), with.size());
        }
        const QByteArray before = bytesOf(file);

        const auto opened = Database::open(file);
        HEARTH_FAILS_WITH(opened, "DatabaseCorrupt");
        QVERIFY(!fs::exists(file));
        const std::string& message = opened.error().message;
        const auto at = message.find("moved to ");
        QVERIFY2(at != std::string::npos, message.c_str());
        const fs::path aside = message.substr(at + 9);
        QVERIFY(aside.string().starts_with(file.string() + ".corrupt-"));
        QCOMPARE(bytesOf(aside), before);

        auto fresh = Database::open(file);
        HEARTH_SUCCEEDS(fresh);
        ChatStore store(**fresh);
        QVERIFY(store.conversations()->empty());
        QVERIFY(fs::exists(aside));
    }

    void open_journalOfADamagedFileGoesWithIt() {
        const fs::path file = m_path / "chats.db";
        // A copy taken while the writer lives has its journal beside it.
        fill(m_path / "living.db", 5);
        auto living = Database::open(m_path / "living.db");
        HEARTH_SUCCEEDS(living);
        ChatStore store(**living);
        HEARTH_SUCCEEDS(store.createConversation("in the journal"));
        fs::copy_file(m_path / "living.db", file);
        fs::copy_file(m_path / "living.db-wal", file.string() + "-wal");
        const QByteArray journal = bytesOf(file.string() + "-wal");
        QVERIFY(!journal.isEmpty());
        QFile damaged(QString::fromStdString(file.string()));
        QVERIFY(damaged.open(QIODevice::ReadWrite));
        QVERIFY(damaged.seek(4096 * 2));
        damaged.write(QByteArray(4096 * 4, '\xA5'));
        damaged.close();

        HEARTH_FAILS_WITH(Database::open(file), "DatabaseCorrupt");
        QVERIFY(!fs::exists(file.string() + "-wal"));
        QVERIFY(!fs::exists(file.string() + "-shm"));
        int journals = 0;
        for (const std::string& name : filesIn(m_path)) {
            if (!name.starts_with("chats.db.corrupt-") || !name.ends_with("-wal")) continue;
            ++journals;
            QCOMPARE(bytesOf(m_path / name), journal);
        }
        QCOMPARE(journals, 1);
    }

    void open_twoDamagedFilesInOneSecondAreBothKept() {
        const fs::path file = m_path / "chats.db";
        for (int i = 0; i < 3; ++i) {
            QFile text(QString::fromStdString(file.string()));
            QVERIFY(text.open(QIODevice::WriteOnly));
            text.write(QByteArray(2000, static_cast<char>('a' + i)));
            text.close();
            HEARTH_FAILS_WITH(Database::open(file), "DatabaseCorrupt");
        }
        QCOMPARE(filesIn(m_path).size(), 3u);
    }

    void open_emptyFileIsAFreshDatabase() {
        QVERIFY(QFile(QString::fromStdString((m_path / "chats.db").string())).open(QIODevice::WriteOnly));
        HEARTH_SUCCEEDS(Database::open(m_path / "chats.db"));
    }

    void open_anotherProgramsDatabaseIsLeftAlone_data() {
        QTest::addColumn<QString>("sql");
        QTest::newRow("tables") << "CREATE TABLE bookmark (url TEXT)";
        QTest::newRow("application id") << "PRAGMA application_id = 7; PRAGMA user_version = 1; CREATE TABLE t (x)";
        QTest::newRow("version without our mark") << "PRAGMA user_version = 1; CREATE TABLE conversation (id)";
    }
    void open_anotherProgramsDatabaseIsLeftAlone() {
        QFETCH(QString, sql);
        const fs::path file = m_path / "places.sqlite";
        { SQLite::Database(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(sql.toStdString()); }
        const QByteArray before = bytesOf(file);
        HEARTH_FAILS_WITH(Database::open(file), "MalformedFile");
        QCOMPARE(bytesOf(file), before);
        QCOMPARE(filesIn(m_path).size(), 1u);
    }

    void open_whereNothingCanBe_data() {
        QTest::addColumn<QString>("path");
        QTest::addColumn<QString>("code");
        QTest::newRow("a folder") << "." << "IsDirectory";
        QTest::newRow("below a file") << "plain/chats.db" << "IoError";
        QTest::newRow("in proc") << "/proc/nonexistent/chats.db" << "IoError";
        QTest::newRow("a device") << "/dev/null" << "IoError";
    }
    void open_whereNothingCanBe() {
        QFETCH(QString, path);
        QFETCH(QString, code);
        QVERIFY(QFile(QString::fromStdString((m_path / "plain").string())).open(QIODevice::WriteOnly));
        QCOMPARE(codeOf(Database::open(m_path / path.toStdString())), code.toStdString());
    }

    void open_forbiddenToTheUser_data() {
        QTest::addColumn<bool>("exists");
        QTest::addColumn<int>("fileMode");
        QTest::addColumn<int>("folderMode");
        QTest::addColumn<QString>("code");
        QTest::newRow("allowed") << true << 0666 << 0777 << "no error";
        QTest::newRow("read-only file") << true << 0444 << 0777 << "DatabaseReadOnly";
        QTest::newRow("read-only folder") << true << 0666 << 0555 << "DatabaseReadOnly";
        QTest::newRow("unreadable file") << true << 0000 << 0777 << "PermissionDenied";
        QTest::newRow("read-only folder without a file") << false << 0 << 0555 << "PermissionDenied";
        QTest::newRow("closed folder") << true << 0666 << 0000 << "PermissionDenied";
    }
    void open_forbiddenToTheUser() {
        QFETCH(bool, exists);
        QFETCH(int, fileMode);
        QFETCH(int, folderMode);
        QFETCH(QString, code);
        const fs::path folder = m_path / "data";
        const fs::path file = folder / "chats.db";
        fs::create_directory(folder);
        if (exists) fill(file, 3);
        const QByteArray before = bytesOf(file);
        if (exists) QCOMPARE(::chmod(file.c_str(), static_cast<mode_t>(fileMode)), 0);
        QCOMPARE(::chmod(folder.c_str(), static_cast<mode_t>(folderMode)), 0);
        const std::string found = codeAsOrdinaryUser(file);
        QCOMPARE(::chmod(folder.c_str(), 0755), 0); // or the folder could not be removed
        QCOMPARE(found, code.toStdString());
        if (exists) {
            QCOMPARE(::chmod(file.c_str(), 0644), 0);
            QCOMPARE(bytesOf(file), before);
        }
    }

    void write_readOnlyDatabaseSaysSo() {
        fill(m_path / "chats.db", 1);
        auto database = Database::open(m_path / "chats.db");
        HEARTH_SUCCEEDS(database);
        ChatStore store(**database);
        (*database)->handle().exec("PRAGMA query_only = ON");
        HEARTH_FAILS_WITH(store.createConversation("x"), "DatabaseReadOnly");
        HEARTH_FAILS_WITH(store.setText(1, "x"), "DatabaseReadOnly");
        QCOMPARE(store.activePath(1)->front().text, std::string(1000, 'x'));
    }

    void write_lockedDatabaseSaysSo() {
        const fs::path file = m_path / "chats.db";
        fill(file, 1);
        auto database = Database::open(file);
        HEARTH_SUCCEEDS(database);
        (*database)->handle().setBusyTimeout(20);
        ChatStore store(**database);
        SQLite::Database other(file.string(), SQLite::OPEN_READWRITE);
        {
            const SQLite::Transaction lock(other, SQLite::TransactionBehavior::IMMEDIATE);
            HEARTH_FAILS_WITH(store.createConversation("x"), "DatabaseBusy");
            HEARTH_SUCCEEDS(store.conversations()); // reading goes on
        }
        HEARTH_SUCCEEDS(store.createConversation("x"));
    }

    void open_databaseHeldByAnotherSaysSo() {
        const fs::path file = m_path / "chats.db";
        fill(file, 1);
        SQLite::Database other(file.string(), SQLite::OPEN_READWRITE);
        other.exec("PRAGMA locking_mode = EXCLUSIVE; UPDATE conversation SET title = 'held'");
        HEARTH_FAILS_WITH(Database::open(file), "DatabaseBusy");
        QVERIFY(fs::exists(file));
    }

    void open_codeOfOthersIsRefused_data() {
        QTest::addColumn<QString>("code");
        QTest::newRow("trigger") << "CREATE TRIGGER spy AFTER INSERT ON message BEGIN DELETE FROM message; END";
        QTest::newRow("view") << "CREATE VIEW spy AS SELECT writefile('x', 'y')";
        QTest::newRow("changed trigger of ours") << "DROP TRIGGER message_search_insert; CREATE TRIGGER message_search_insert "
                                                    "AFTER INSERT ON message BEGIN DELETE FROM message; END";
    }
    void open_codeOfOthersIsRefused() {
        QFETCH(QString, code);
        const fs::path file = m_path / "chats.db";
        fill(file, 2);
        SQLite::Database(file.string(), SQLite::OPEN_READWRITE).exec(code.toStdString());
        HEARTH_FAILS_WITH(Database::open(file), "MalformedFile");
        QVERIFY(fs::exists(file)); // left alone, not set aside
    }

    void write_fullDatabaseLosesNothing() {
        const fs::path file = m_path / "chats.db";
        fill(file, 5);
        int acknowledged = 0;
        {
            auto database = Database::open(file);
            HEARTH_SUCCEEDS(database);
            SQLite::Database& handle = (*database)->handle();
            ChatStore store(**database);
            const auto conversation = store.createConversation("full");
            HEARTH_SUCCEEDS(conversation);
            const auto reply = store.addMessage(conversation->id, {}, StoredRole::Assistant, "start ", MessageState::Generating);
            HEARTH_SUCCEEDS(reply);
            const int pages = handle.execAndGet("PRAGMA page_count").getInt();
            handle.exec("PRAGMA max_page_count = " + std::to_string(pages + 20));
            std::string code;
            std::tie(acknowledged, code) = addUntilRefused(store, 1, 1000);
            QCOMPARE(code, std::string("DiskFull"));
            QVERIFY(acknowledged > 5);
            HEARTH_FAILS_WITH(store.appendText(reply->id, std::string(20'000, 'a')), "DiskFull");
            QCOMPARE(store.activePath(conversation->id)->front().text, std::string("start "));
            QCOMPARE(store.activePath(1)->size(), static_cast<std::size_t>(acknowledged));

            handle.exec("PRAGMA max_page_count = 1000000"); // room again: the same connection goes on
            HEARTH_SUCCEEDS(store.appendText(reply->id, std::string(20'000, 'a')));
        }
        auto database = Database::open(file);
        HEARTH_SUCCEEDS(database);
        const ChatStore store(**database);
        QCOMPARE(store.activePath(1)->size(), static_cast<std::size_t>(acknowledged));
        QCOMPARE(store.activePath(2)->front().text.size(), 20'006u);
    }

    void write_refusedByTheSystemLosesNothing() {
        // A limit on the size of files is a full disk that needs no rights to make: write() fails for real.
        const fs::path file = m_path / "chats.db";
        fill(file, 1);
        int ends[2] = {};
        QCOMPARE(::pipe(ends), 0);
        const int status = inChild([&] {
            std::signal(SIGXFSZ, SIG_IGN);
            const rlimit limit{600'000, 600'000};
            if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 200;
            auto database = Database::open(file);
            if (!database) return 201;
            ChatStore store(**database);
            const auto [acknowledged, code] = addUntilRefused(store, 1, 5000);
            if (::write(ends[1], &acknowledged, sizeof acknowledged) != sizeof acknowledged) return 202;
            return code == "DiskFull" ? 0 : 1;
        });
        QCOMPARE(status, 0);
        int acknowledged = 0;
        QCOMPARE(::read(ends[0], &acknowledged, sizeof acknowledged), static_cast<ssize_t>(sizeof acknowledged));
        ::close(ends[0]);
        ::close(ends[1]);
        QVERIFY(acknowledged > 10);
        auto database = Database::open(file);
        HEARTH_SUCCEEDS(database);
        const ChatStore store(**database);
        QCOMPARE(store.activePath(1)->size(), static_cast<std::size_t>(acknowledged));
        QCOMPARE((*database)->handle().execAndGet("PRAGMA integrity_check").getString(), std::string("ok"));
    }

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    fs::path m_path;
};

QTEST_GUILESS_MAIN(DatabaseTest)
#include "database_test.moc"
