// SPDX-License-Identifier: Apache-2.0
//
// Exports and imports: ours without loss, others' as they are, broken ones with nothing half-imported.
#include "core/store/chat_archive.h"
#include "core/store/chat_store.h"
#include "core/store/database.h"
#include "core/store/search_index.h"
#include "store_test_support.h"

#include <SQLiteCpp/Database.h>

#include <QDataStream>
#include <QTemporaryDir>

#include <random>

using namespace hearth::core;

namespace {

std::filesystem::path exportFile(const char* name) { return std::filesystem::path(HEARTH_TEST_DATA) / "exports" / name; }

/// As GPT4All would write it; `version` 8 to 12.
QByteArray gpt4All(qint32 version, bool withCache = false) {
    QByteArray bytes;
    QDataStream out(&bytes, QIODevice::WriteOnly);
    out << quint32(0xF5D553CC) << version;
    out.setVersion(QDataStream::Qt_6_2);
    out << qint64(1700000000) << QString("id") << QString("Birds") << QString() << QString("model.gguf") << QStringList{"docs"};
    if (version < 11) out << withCache << qint32(1) << qint32(0) << QString("resp") << QString("name") << quint32(5);
    out << qint32(2);
    for (int i = 0; i < 2; ++i) {
        if (version < 12) out << qint32(0);
        out << QString(i == 0 ? "Prompt: " : "Response: ") << QString::fromUtf8(i == 0 ? "Which bird sings 🎵?" : "The nightingale.");
        if (version < 10) out << QString();
        out << QString() << (i == 1) << (i == 1) << false << false;
        if (version >= 11 && i == 1) out << false;
        out << qint64(1);
        for (int text = 0; text < 7; ++text) out << QString("source");
        out << qint32(1) << qint32(2) << qint32(3);
        if (version >= 10) out << qint64(0);
        if (version >= 12) {
            out << qint64(i);
            if (i == 1) out << QString("Think: ") << QString("hm ") << qint32(12) << qint64(0);
        }
    }
    return bytes;
}

} // namespace

class ArchiveTest : public QObject {
    Q_OBJECT

private slots:
    void init() {
        m_folder = std::make_unique<QTemporaryDir>();
        auto opened = Database::openInMemory();
        HEARTH_SUCCEEDS(opened);
        m_database = std::move(*opened);
    }

    void json_exportImportExportIsTheSame() {
        ChatStore store(*m_database);
        fillAtRandom(store);
        const std::string first = exported(*m_database);
        QVERIFY(first.size() > 10'000);
        const auto read = readArchive(write("a.json", QByteArray::fromStdString(first)));
        HEARTH_SUCCEEDS(read);
        QCOMPARE(read->format, ArchiveFormat::Hearth);
        auto other = Database::openInMemory();
        HEARTH_SUCCEEDS(other);
        ChatStore shifted(**other);
        HEARTH_SUCCEEDS(shifted.createConversation("so that ids differ"));
        (*other)->handle().exec("DELETE FROM conversation");
        HEARTH_SUCCEEDS(addConversations(**other, read->conversations));
        QCOMPARE(QByteArray::fromStdString(exported(**other)), QByteArray::fromStdString(first));
        // And what came in is found.
        SearchIndex index(**other);
        QVERIFY(!index.search("text")->empty());
        (*other)->handle().exec("INSERT INTO message_search (message_search, rank) VALUES ('integrity-check', 1)");
    }

    void chatGpt_keepsBranchesAndLeavesOutTools() {
        const auto read = readArchive(exportFile("chatgpt.json"));
        HEARTH_SUCCEEDS(read);
        QCOMPARE(read->format, ArchiveFormat::ChatGpt);
        QCOMPARE(read->leftOut, 2); // the picture, the tool's words
        const ArchiveConversation& chat = read->conversations.at(0);
        QCOMPARE(chat.title, std::string("Capital"));
        QCOMPARE(chat.createdMs, 1700000000500);
        QCOMPARE(texts(chat), (QStringList{"Capital of France?", "Lyon?", "Paris.", "```python\nprint(1)\n```"}));
        QCOMPARE(chat.messages[3].parent, std::optional<std::size_t>(2)); // past the tool
        QCOMPARE(chat.activeLeaf, std::optional<std::size_t>(1));
        QCOMPARE(chat.messages[1].model, std::string("gpt-4o"));
        QCOMPARE(shown(*read), (QStringList{"Capital of France?", "Lyon?"}));
    }

    void openWebUi_keepsBranchesAndFlags() {
        const auto read = readArchive(exportFile("open-webui.json"));
        HEARTH_SUCCEEDS(read);
        QCOMPARE(read->format, ArchiveFormat::OpenWebUi);
        const ArchiveConversation& chat = read->conversations.at(0);
        QVERIFY(chat.pinned && chat.archived);
        QCOMPARE(chat.createdMs, 1710000000000);
        QCOMPARE(texts(chat), (QStringList{"Green or black?", "Green.", "Black."}));
        QCOMPARE(chat.messages[1].model, std::string("Llama 3"));
        QCOMPARE(chat.messages[2].parent, std::optional<std::size_t>(0));
        QCOMPARE(shown(*read), (QStringList{"Green or black?", "Black."}));
    }

    void lmStudio_versionsBecomeBranches() {
        const auto read = readArchive(exportFile("lm-studio.conversation.json"));
        HEARTH_SUCCEEDS(read);
        QCOMPARE(read->format, ArchiveFormat::LmStudio);
        const ArchiveConversation& chat = read->conversations.at(0);
        QCOMPARE(chat.createdMs, 1720000000000);
        QCOMPARE(texts(chat), (QStringList{"Name a ship.", "Vasa.", "<think>hm</think>Fram.", "Another."}));
        QCOMPARE(chat.messages[3].parent, std::optional<std::size_t>(2));
        QCOMPARE(shown(*read), (QStringList{"Name a ship.", "<think>hm</think>Fram.", "Another."}));
    }

    void gpt4All_eachVersion_data() {
        QTest::addColumn<int>("version");
        for (int version = 8; version <= 12; ++version) QTest::addRow("%d", version) << version;
    }
    void gpt4All_eachVersion() {
        QFETCH(int, version);
        const auto read = readArchive(write("gpt4all-x.chat", gpt4All(version)));
        HEARTH_SUCCEEDS(read);
        QCOMPARE(read->format, ArchiveFormat::Gpt4All);
        const ArchiveConversation& chat = read->conversations.at(0);
        QCOMPARE(chat.title, std::string("Birds"));
        QCOMPARE(chat.createdMs, 1700000000000);
        QCOMPARE(texts(chat), (QStringList{"Which bird sings 🎵?", version == 12 ? "<think>hm </think>The nightingale." : "The nightingale."}));
        QCOMPARE(chat.messages[1].state, MessageState::Cancelled);
        QCOMPARE(chat.messages[1].model, std::string("model.gguf"));
    }

    void broken_isRefusedWithItsPlace_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("words");
        QTest::newRow("empty") << QByteArray() << "byte";
        QTest::newRow("no JSON") << QByteArray("{\"a\": ") << "byte";
        QTest::newRow("other JSON") << QByteArray("{\"a\": 1}") << "none of the exports";
        QTest::newRow("empty array") << QByteArray("[]") << "none of the exports";
        QTest::newRow("deep") << QByteArray(100'000, '[') << "nests deeper";
        QTest::newRow("ours, later") << QByteArray("{\"format\": \"hearth-conversations\", \"version\": 2}") << "version 2";
        QTest::newRow("ours, parent after child")
            << QByteArray("{\"format\": \"hearth-conversations\", \"version\": 1, \"conversations\": [{\"title\": \"t\", \"messages\": [{\"parent\": 0, \"role\": \"user\", \"state\": \"complete\", \"text\": \"x\"}]}]}")
            << "conversation 1: message 0 \"parent\"";
        QTest::newRow("ours, negative parent")
            << QByteArray("{\"format\": \"hearth-conversations\", \"version\": 1, \"conversations\": [{\"title\": \"t\", \"messages\": [{\"parent\": -1, \"role\": \"user\", \"state\": \"complete\", \"text\": \"x\"}]}]}")
            << "\"parent\"";
        QTest::newRow("ours, unknown role")
            << QByteArray("{\"format\": \"hearth-conversations\", \"version\": 1, \"conversations\": [{\"title\": \"t\", \"messages\": [{\"role\": \"boss\", \"state\": \"complete\", \"text\": \"x\"}]}]}")
            << "role";
        QTest::newRow("ours, second is wrong")
            << QByteArray("{\"format\": \"hearth-conversations\", \"version\": 1, \"conversations\": [{\"title\": \"t\", \"messages\": []}, 7]}") << "conversation 2";
        QTest::newRow("ring") << QByteArray("[{\"mapping\": {\"a\": {\"parent\": \"b\"}, \"b\": {\"parent\": \"a\"}}}]") << "ring";
        QTest::newRow("mapping of numbers") << QByteArray("[{\"mapping\": {\"a\": 1}}]") << "\"a\"";
        QTest::newRow("second has no mapping") << QByteArray("[{\"mapping\": {}}, {\"x\": 1}]") << "conversation 2";
        QTest::newRow("chat without history") << QByteArray("[{\"chat\": {}}]") << "history";
        QTest::newRow("turn without versions") << QByteArray("{\"messages\": [{\"versions\": []}, {}]}") << "turn 1";
        QTest::newRow("gpt4all, version") << QByteArray::fromHex("F5D553CC00000007") << "format 7";
        QTest::newRow("gpt4all, cut") << gpt4All(12).left(150) << "byte";
        QTest::newRow("gpt4all, cache") << gpt4All(8, true) << "Save Chat Context";
    }
    void broken_isRefusedWithItsPlace() {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, words);
        const auto read = readArchive(write("broken", bytes));
        HEARTH_FAILS_WITH(read, "MalformedFile");
        QVERIFY2(QString::fromStdString(read.error().message).contains(words), read.error().message.c_str());
    }

    void files_thatAreNone() {
        HEARTH_FAILS_WITH(readArchive(m_folder->filePath("absent").toStdString()), "FileNotFound");
        HEARTH_FAILS_WITH(readArchive(m_folder->path().toStdString()), "IsDirectory");
        HEARTH_FAILS_WITH(readArchive("/dev/zero"), "IoError");
        QFile big(m_folder->filePath("big"));
        QVERIFY(big.open(QIODevice::WriteOnly) && big.resize(qint64(kLargestImport) + 1)); // a hole: takes no room
        HEARTH_FAILS_WITH(readArchive(m_folder->filePath("big").toStdString()), "MalformedFile");
    }

    /// Whatever bytes are turned: an answer, and never a crash.
    void mutated_filesAreSurvived() {
        std::mt19937 random(3);
        const std::vector<QByteArray> seeds{bytesOf(exportFile("chatgpt.json")), bytesOf(exportFile("open-webui.json")), bytesOf(exportFile("lm-studio.conversation.json")), gpt4All(8), gpt4All(12)};
        int read = 0;
        for (int i = 0; i < 3'000; ++i) {
            QByteArray bytes = seeds[random() % seeds.size()];
            for (int n = 1 + int(random() % 4); n > 0; --n) bytes[int(random() % std::size_t(bytes.size()))] = char(random());
            if (random() % 4 == 0) bytes.truncate(int(random() % std::size_t(bytes.size())));
            const auto result = readArchive(write("mutated", bytes));
            if (!result) continue;
            ++read;
            HEARTH_SUCCEEDS(addConversations(*m_database, result->conversations)); // what is read is sound
        }
        QVERIFY(read > 300);
        QCOMPARE(m_database->handle().execAndGet("SELECT count(*) FROM pragma_foreign_key_check").getInt(), 0);
    }

    void add_allOrNothing() {
        std::vector<ArchiveConversation> two(2);
        two[0].title = "good";
        two[1].title = "bad";
        two[1].messages.resize(1);
        two[1].messages[0].parent = 5;
        HEARTH_FAILS_WITH(addConversations(*m_database, two), "InvalidArgument");
        QVERIFY(ChatStore(*m_database).conversations()->empty());
    }

    void markdown_isTheShownPath() {
        const auto read = readArchive(exportFile("chatgpt.json"));
        HEARTH_SUCCEEDS(read);
        QCOMPARE(QString::fromStdString(toMarkdown(read->conversations.front())),
                 "# Capital\n\n## You\n\nCapital of France?\n\n## gpt-4o\n\nLyon?\n");
    }

private:
    static QStringList texts(const ArchiveConversation& conversation) {
        QStringList all;
        for (const ArchiveMessage& message : conversation.messages) all << QString::fromStdString(message.text);
        return all;
    }

    /// What the window would show of the first of them after the import.
    QStringList shown(const ImportedFile& file) {
        const auto ids = addConversations(*m_database, file.conversations);
        QStringList all;
        if (!succeeded(ids)) return all;
        const auto path = ChatStore(*m_database).activePath(ids->front());
        if (!succeeded(path)) return all;
        for (const MessageRow& row : *path) all << QString::fromStdString(row.text);
        return all;
    }

    std::filesystem::path write(const QString& name, const QByteArray& bytes) const {
        QFile file(m_folder->filePath(name));
        if (!file.open(QIODevice::WriteOnly)) return {};
        file.write(bytes);
        return file.fileName().toStdString();
    }

    static std::string exported(Database& database) {
        std::vector<ArchiveConversation> all;
        for (const ConversationRow& row : ChatStore(database).conversations({}, ConversationView::All).value_or(std::vector<ConversationRow>{})) {
            auto conversation = readConversationTree(database, row.id);
            if (succeeded(conversation)) all.push_back(std::move(*conversation));
        }
        return toJson(all);
    }

    /// Trees with branches, every state, statistics, folders, hostile characters.
    static void fillAtRandom(ChatStore& store) {
        std::mt19937 random(9);
        const auto folder = store.createFolder("Wörk \"&\"");
        HEARTH_SUCCEEDS(folder);
        for (int c = 0; c < 20; ++c) {
            const auto conversation = store.createConversation("chat \\ \"" + std::to_string(c) + "\" 日本\t\x7F");
            HEARTH_SUCCEEDS(conversation);
            std::vector<MessageId> ids;
            for (int m = 0; m < int(random() % 30); ++m) {
                const bool root = ids.empty() || random() % 10 == 0;
                const auto state = MessageState(random() % 5);
                const auto row = store.addMessage(conversation->id, root ? std::nullopt : std::optional(ids[random() % ids.size()]), StoredRole(random() % 3),
                                                  "text " + std::to_string(random()) + " \n</think> \xF0\x9F\x8E\xB5 \"q\"", state, random() % 2 == 0 ? "model" : "");
                HEARTH_SUCCEEDS(row);
                ids.push_back(row->id);
                if (random() % 3 != 0) continue;
                ReplyStats stats;
                stats.generatedTokens = int(random() % 1000);
                stats.generationSeconds = double(random()) / 1e9;
                stats.backend = "CPU";
                HEARTH_SUCCEEDS(store.finishReply(row->id, MessageState::Failed, stats, "why \"it\" failed"));
            }
            if (!ids.empty() && random() % 2 == 0) HEARTH_SUCCEEDS(store.activate(ids[random() % ids.size()]));
            ConversationChange change;
            if (random() % 3 == 0) change.folder = std::optional(folder->id);
            change.pinned = random() % 2 == 0;
            change.archived = random() % 2 == 0;
            HEARTH_SUCCEEDS(store.change(std::vector{conversation->id}, change));
            if (random() % 2 == 0) HEARTH_SUCCEEDS(store.renameConversation(conversation->id, "by hand", true));
        }
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<Database> m_database;
};

QTEST_GUILESS_MAIN(ArchiveTest)
#include "archive_test.moc"
