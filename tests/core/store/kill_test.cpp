// SPDX-License-Identifier: Apache-2.0
//
// kill -9 for real: a child process (this program with --write) sends messages and appends replies without end and says
// on its standard output what has been committed. The parent kills it at random moments, opens the database again and
// demands everything that was said.
#include "core/store/chat_store.h"
#include "core/store/database.h"
#include "store_test_support.h"

#include <SQLiteCpp/Database.h>

#include <QCoreApplication>
#include <QProcess>
#include <QTemporaryDir>
#include <QThread>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <random>
#include <unistd.h>

using namespace hearth::core;

namespace {

constexpr int kRounds = 20;
constexpr unsigned kSeed = 9;
constexpr int kChunksPerReply = 40;

std::string question(int turn) { return "question " + std::to_string(turn); }
std::string chunk(int number) { return "chunk " + std::to_string(number) + ";"; }

/// One line straight to the pipe: what stays in a buffer dies with the process.
void announce(const char* what, std::int64_t number) {
    char line[64];
    const int length = std::snprintf(line, sizeof line, "%s %lld\n", what, static_cast<long long>(number));
    if (::write(STDOUT_FILENO, line, static_cast<std::size_t>(length)) != length) ::_exit(3);
}

/// The child. Never returns but on an error: 10 turns on, it begins a new conversation.
int writeForEver(const char* path) {
    auto database = Database::open(path);
    if (!database) {
        std::fprintf(stderr, "%s\n", database.error().message.c_str());
        return 1;
    }
    ChatStore store(**database);
    for (;;) {
        const auto conversation = store.createConversation("killed");
        if (!conversation) return 2;
        announce("conversation", conversation->id);
        std::optional<MessageId> leaf;
        for (int turn = 0; turn < 10; ++turn) {
            const auto user = store.addMessage(conversation->id, leaf, StoredRole::User, question(turn), MessageState::Complete);
            if (!user) return 2;
            announce("user", turn);
            const auto reply = store.addMessage(conversation->id, user->id, StoredRole::Assistant, "", MessageState::Generating);
            if (!reply) return 2;
            announce("reply", turn);
            for (int i = 0; i < kChunksPerReply; ++i) {
                if (!store.appendText(reply->id, chunk(i))) return 2;
                announce("chunk", i);
            }
            if (!store.finishReply(reply->id, MessageState::Complete, ReplyStats{}, {})) return 2;
            announce("finished", turn);
            leaf = reply->id;
        }
    }
}

/// One conversation, as the child announced it.
struct Announced {
    ConversationId id = 0;
    int users = 0;
    int replies = 0;
    int finished = 0;
    int chunksOfLast = 0;
};

std::vector<Announced> parse(const QByteArray& output) {
    std::vector<Announced> all;
    for (const QByteArray& line : output.split('\n')) {
        const qsizetype space = line.indexOf(' ');
        if (space < 0) continue;
        const QByteArray what = line.left(space);
        if (what == "conversation") all.push_back({line.mid(space + 1).toLongLong()});
        if (what == "user") ++all.back().users;
        if (what == "reply") {
            ++all.back().replies;
            all.back().chunksOfLast = 0;
        }
        if (what == "chunk") ++all.back().chunksOfLast;
        if (what == "finished") ++all.back().finished;
    }
    return all;
}

/// How many whole chunks `text` consists of; -1 when it is anything else.
int chunksIn(const std::string& text) {
    std::string expected;
    int count = 0;
    while (expected.size() < text.size()) expected += chunk(count++);
    return expected == text ? count : -1;
}

/// Empty when all that was announced is there and nothing else than at most one further step, else what is wrong.
std::string missing(const std::vector<MessageRow>& path, const Announced& announced) {
    const int steps = static_cast<int>(path.size());
    const int said = announced.users + announced.replies;
    if (steps < said || steps > said + 1) return "messages: " + std::to_string(steps) + ", said " + std::to_string(said);
    for (int i = 0; i < steps; ++i) {
        const MessageRow& row = path[static_cast<std::size_t>(i)];
        const int turn = i / 2;
        if (i % 2 == 0) {
            if (row.role != StoredRole::User || row.text != question(turn)) return "question " + std::to_string(turn);
            continue;
        }
        const int chunks = chunksIn(row.text);
        if (chunks < 0) return "torn text in reply " + std::to_string(turn);
        if (turn < announced.finished && row.state != MessageState::Complete) return "finish of reply " + std::to_string(turn);
        const int least = turn < announced.finished ? kChunksPerReply : turn < announced.replies ? announced.chunksOfLast : 0;
        if (chunks < least || chunks > least + 1) {
            return "reply " + std::to_string(turn) + ": " + std::to_string(chunks) + " chunks, said " + std::to_string(least);
        }
    }
    return {};
}

} // namespace

class KillTest : public QObject {
    Q_OBJECT

private slots:
    void kill_everythingAnnouncedIsThere() {
        QTemporaryDir folder;
        const QString file = folder.filePath("chats.db");
        std::mt19937 random(kSeed);
        int interrupted = 0;
        for (int round = 0; round < kRounds; ++round) {
            QProcess child;
            child.start(QCoreApplication::applicationFilePath(), {"--write", file});
            QVERIFY(child.waitForStarted());
            QVERIFY2(child.waitForReadyRead(20'000), child.readAllStandardError().constData());
            QThread::usleep(random() % 80'000);
            QCOMPARE(::kill(static_cast<pid_t>(child.processId()), SIGKILL), 0);
            QVERIFY(child.waitForFinished(20'000));
            QCOMPARE(child.exitStatus(), QProcess::CrashExit);
            const auto announced = parse(child.readAllStandardOutput());
            QVERIFY(!announced.empty());

            auto database = Database::open(file.toStdString());
            HEARTH_SUCCEEDS(database);
            QCOMPARE((*database)->handle().execAndGet("PRAGMA integrity_check").getString(), std::string("ok"));
            ChatStore store(**database);

            // Whoever was being written is marked, and only that one.
            const auto last = store.conversations()->front();
            const auto before = store.activePath(last.id);
            HEARTH_SUCCEEDS(before);
            const bool generating = !before->empty() && before->back().state == MessageState::Generating;
            QCOMPARE(store.markInterrupted().value(), generating ? 1 : 0);
            if (generating) {
                ++interrupted;
                const auto after = store.activePath(last.id);
                QVERIFY(after->back().state == MessageState::Interrupted);
                QCOMPARE(after->back().text, before->back().text);
            }
            for (const Announced& conversation : announced) {
                const auto path = store.activePath(conversation.id);
                HEARTH_SUCCEEDS(path);
                QCOMPARE(missing(*path, conversation), std::string());
            }
        }
        // Else the moments were badly chosen and nothing was shown.
        QVERIFY2(interrupted >= kRounds / 2, qPrintable(QString::number(interrupted)));
    }
};

int main(int argc, char* argv[]) {
    if (argc == 3 && std::strcmp(argv[1], "--write") == 0) return writeForEver(argv[2]);
    QCoreApplication application(argc, argv);
    KillTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "kill_test.moc"
