// SPDX-License-Identifier: Apache-2.0
//
// ChatController against a scripted engine and a real database: order of saving and asking, branches, stopping, replies
// that outlive their window, a store that fails and recovers.
#include "core/engine/scripted_generator.h"
#include "ui/models/chat_controller.h"

#include <SQLiteCpp/Database.h>

#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <mutex>

using namespace hearth;
using namespace hearth::ui;
using namespace std::chrono_literals;

namespace {

/// The scripted generator, and a look at what it was asked. The mutex is the test's own: two threads touch the list.
class Recorder {
public:
    explicit Recorder(core::Script script)
        : m_script(std::move(script)) {}

    EngineFactory factory() {
        class Generator final : public core::TextGenerator {
        public:
            Generator(Recorder& recorder, core::Script script)
                : m_recorder(recorder)
                , m_inner(std::move(script)) {}
            core::Result<core::ModelInfo> load(const core::LoadRequest& request,
                                               const std::function<void(const core::LoadProgress&)>& progress,
                                               std::stop_token stop) override {
                return m_inner.load(request, progress, std::move(stop));
            }
            void unload() override { m_inner.unload(); }
            core::Result<core::GenerationResult> generate(const core::GenerationRequest& request,
                                                          const core::GenerationEvents& events,
                                                          std::stop_token stop) override {
                {
                    const std::lock_guard lock(m_recorder.m_mutex);
                    m_recorder.m_requests.push_back(request);
                }
                return m_inner.generate(request, events, std::move(stop));
            }

        private:
            Recorder& m_recorder;
            core::ScriptedGenerator m_inner;
        };
        return [this] { return std::make_unique<Generator>(*this, m_script); };
    }

    [[nodiscard]] std::vector<core::GenerationRequest> requests() {
        const std::lock_guard lock(m_mutex);
        return m_requests;
    }

private:
    core::Script m_script;
    std::mutex m_mutex;
    std::vector<core::GenerationRequest> m_requests;
};

core::Script script(std::vector<std::string> pieces = {"Hello", " there", "."},
                    std::chrono::milliseconds perPiece = 0ms) {
    core::Script made;
    made.pieces = std::move(pieces);
    made.perPiece = perPiece;
    made.model.name = "Scripted 1B";
    made.model.backend = "CPU";
    return made;
}

/// Everything of the window but the window.
struct House {
    explicit House(core::Script made = script(), std::filesystem::path path = {})
        : recorder(std::move(made))
        , store(std::move(path))
        , engine(recorder.factory())
        , settings(store)
        , chat(engine, store, settings) {
        engine.load({.path = "/models/scripted.gguf"});
    }
    ~House() {
        chat.beginShutdown();
        engine.shutdown();
        chat.finishShutdown();
        store.shutdown();
    }

    [[nodiscard]] const MessageItem& item(int row) { return chat.messages().items().at(std::size_t(row)); }
    [[nodiscard]] int rows() { return chat.messages().rowCount(); }
    [[nodiscard]] QStringList texts() {
        QStringList all;
        for (const MessageItem& message : chat.messages().items())
            all << message.text;
        return all;
    }
    [[nodiscard]] bool settled() {
        if (chat.isReplying()) return false;
        for (const MessageItem& message : chat.messages().items()) {
            if (!message.isStored() || message.state == core::MessageState::Generating) return false;
        }
        return true;
    }
    /// What the store holds of the current conversation.
    std::vector<core::MessageRow> stored() {
        std::optional<std::vector<core::MessageRow>> path;
        store.chats(
            &chat, [id = chat.current()](core::ChatStore& chats) { return chats.activePath(id); },
            [&](const core::Result<std::vector<core::MessageRow>>& rows) {
                path = rows ? *rows : std::vector<core::MessageRow>();
            });
        (void)QTest::qWaitFor([&] { return path.has_value(); });
        return path.value_or(std::vector<core::MessageRow>());
    }

    Recorder recorder;
    StoreClient store;
    EngineClient engine;
    SettingsModel settings;
    ChatController chat;
};

} // namespace

class ChatControllerTest : public QObject {
    Q_OBJECT
private slots:
    void send_savesAsksAndShowsTheReply();
    void send_carriesSystemPromptAndHistory();
    void send_hostileTextSurvives_data();
    void send_hostileTextSurvives();
    void stop_keepsWhatThereWas();
    void stop_beforeTheEngineHasIt();
    void regenerate_makesASibling();
    void edit_makesASiblingAndAnswersIt();
    void openMessage_showsTheBranchItIsOn();
    void continueReply_goesOnFromItsText();
    void reply_goesOnInItsOwnConversation();
    void reply_failureIsShownAndKept();
    void reply_isStoredWhileItStreams();
    void shutdown_leavesTheReplyInterrupted();
    void remove_canBeUndone();
    void rename_staysByHand();
    void store_failureKeepsTheChatGoingAndRecovers();
    void prompt_alternates();
    void title_isTheFirstWords_data();
    void title_isTheFirstWords();
    void list_sectionsAndAges_data();
    void list_sectionsAndAges();
    void quietLine_saysWhoAndHowFast();
};

void ChatControllerTest::send_savesAsksAndShowsTheReply() {
    House house;
    QTRY_VERIFY(house.engine.model().has_value());
    QSignalSpy replying(&house.chat, &ChatController::replyingChanged);
    house.chat.send("What is the time?");
    QCOMPARE(house.rows(), 2); // at once, before anybody answered
    QVERIFY(house.chat.isReplying());
    QVERIFY(house.chat.current() < 0);
    QTRY_VERIFY(house.settled());
    QVERIFY(house.chat.current() > 0);
    QVERIFY(replying.size() >= 2);
    QCOMPARE(house.texts(), QStringList({"What is the time?", "Hello there."}));
    QCOMPARE(house.item(1).state, core::MessageState::Complete);
    QCOMPARE(house.item(1).model, "Scripted 1B");

    QTRY_COMPARE(house.stored().back().state, core::MessageState::Complete);
    const auto stored = house.stored();
    QCOMPARE(stored.size(), std::size_t(2));
    QCOMPARE(stored[0].text, std::string("What is the time?"));
    QCOMPARE(stored[1].text, std::string("Hello there."));
    QCOMPARE(stored[1].parent, std::optional(stored[0].id));
    QVERIFY(stored[1].stats.has_value());
    QCOMPARE(stored[1].stats->generatedTokens, 3);
    QTRY_COMPARE(house.chat.conversations().rowCount(), 1);
    QCOMPARE(house.chat.conversations().title(house.chat.current()), "What is the time?");
}

void ChatControllerTest::send_carriesSystemPromptAndHistory() {
    House house;
    house.settings.set("chat.systemPrompt", "Be brief.");
    house.settings.set("sampling.temperature", 0.25);
    house.chat.send("one");
    QTRY_VERIFY(house.settled());
    house.chat.send("two");
    QTRY_VERIFY(house.settled());
    const auto requests = house.recorder.requests();
    QCOMPARE(requests.size(), std::size_t(2));
    const auto& messages = requests[1].messages;
    QCOMPARE(messages.size(), std::size_t(4));
    QCOMPARE(messages[0].role, core::Role::System);
    QCOMPARE(messages[0].text, std::string("Be brief."));
    QCOMPARE(messages[2].role, core::Role::Assistant);
    QCOMPARE(messages[3].text, std::string("two"));
    QCOMPARE(requests[1].sampling.temperature, 0.25f);
}

void ChatControllerTest::send_hostileTextSurvives_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("kept");
    const QString big(1'000'000, u'ü');
    QTest::newRow("1 MB") << big << big;
    QTest::newRow("zero byte") << QString("a") + QChar(0) + "b" << QString("a") + QChar(0xFFFD) + "b";
    QTest::newRow("lone surrogate") << QString("a") + QChar(0xD83D) + "b" << QString("a?b");
    QTest::newRow("emoji and right to left")
        << QString::fromUtf8("👩‍👩‍👧 שלום") << QString::fromUtf8("👩‍👩‍👧 שלום");
}

void ChatControllerTest::send_hostileTextSurvives() {
    QFETCH(QString, text);
    QFETCH(QString, kept);
    House house;
    house.chat.send(text);
    QTRY_VERIFY(house.settled());
    QCOMPARE(QString::fromStdString(house.stored().front().text), kept);
}

void ChatControllerTest::stop_keepsWhatThereWas() {
    House house(script(std::vector<std::string>(100'000, "x "), 1ms));
    house.chat.send("go");
    QTRY_VERIFY(house.texts().back().size() > 10);
    house.chat.stop();
    QTRY_VERIFY(house.settled());
    QCOMPARE(house.item(1).state, core::MessageState::Cancelled);
    QVERIFY(notice(house.item(1)).contains("Stopped"));
    const QString shown = house.texts().back();
    QTRY_COMPARE(house.stored().back().state, core::MessageState::Cancelled);
    QCOMPARE(QString::fromStdString(house.stored().back().text), shown);
}

void ChatControllerTest::stop_beforeTheEngineHasIt() {
    House house;
    house.chat.send("go");
    house.chat.stop(); // the store has not even answered
    QTRY_VERIFY(house.settled());
    QCOMPARE(house.item(1).state, core::MessageState::Cancelled);
    QVERIFY(house.recorder.requests().empty());
    QTRY_COMPARE(house.stored().back().state, core::MessageState::Cancelled);
}

void ChatControllerTest::regenerate_makesASibling() {
    House house;
    house.chat.send("question");
    QTRY_VERIFY(house.settled());
    const auto first = house.item(1).id;
    house.chat.regenerate(1);
    QTRY_VERIFY(house.settled());
    QCOMPARE(house.rows(), 2);
    QVERIFY(house.item(1).id != first);
    QCOMPARE(house.item(1).siblingIndex, 1);
    QCOMPARE(house.item(1).siblingCount, 2);
    QTRY_COMPARE(house.stored().back().state, core::MessageState::Complete);

    house.chat.showSibling(1, -1);
    QTRY_COMPARE(house.item(1).id, first);
    QCOMPARE(house.item(1).siblingIndex, 0);
    QCOMPARE(house.item(1).siblingCount, 2);
}

void ChatControllerTest::edit_makesASiblingAndAnswersIt() {
    House house;
    house.chat.send("first question");
    QTRY_VERIFY(house.settled());
    house.chat.send("second");
    QTRY_VERIFY(house.settled());
    house.chat.edit(0, "better question");
    QTRY_VERIFY(house.settled());
    QCOMPARE(house.texts(), QStringList({"better question", "Hello there."}));
    QCOMPARE(house.item(0).siblingIndex, 1);
    house.chat.showSibling(0, -1);
    QTRY_COMPARE(house.rows(), 4);
    QCOMPARE(house.texts().at(2), "second");
}

void ChatControllerTest::openMessage_showsTheBranchItIsOn() {
    House house;
    QSignalSpy shown(&house.chat, &ChatController::messageShown);
    house.chat.send("first");
    QTRY_VERIFY(house.settled());
    house.chat.send("second");
    QTRY_VERIFY(house.settled());
    const auto id = house.chat.current();
    const auto second = house.item(2).id;
    house.chat.edit(0, "another");
    QTRY_VERIFY(house.settled());
    const auto another = house.item(0).id;
    QCOMPARE(house.rows(), 2);

    house.chat.openMessage(id, another); // on the shown path: at once
    QCOMPARE(shown.size(), 1);
    house.chat.openMessage(id, second); // on the other branch
    QTRY_COMPARE(shown.size(), 2);
    QCOMPARE(shown[1][0].toLongLong(), second);
    QCOMPARE(house.texts(), QStringList({"first", "Hello there.", "second", "Hello there."}));

    house.chat.newChat();
    house.chat.openMessage(id, another); // from another conversation
    QTRY_COMPARE(shown.size(), 3);
    QCOMPARE(house.chat.current(), id);
    QCOMPARE(house.texts(), QStringList({"another", "Hello there."}));
}

void ChatControllerTest::continueReply_goesOnFromItsText() {
    House house(script({"a", "b", "c", "d", "e", "f"}, 30ms));
    house.chat.send("go");
    QTRY_VERIFY(house.texts().back().size() >= 2);
    house.chat.stop();
    QTRY_VERIFY(house.settled());
    const QString half = house.texts().back();
    house.chat.continueReply(1);
    QVERIFY(house.chat.isReplying());
    QTRY_VERIFY(house.settled());
    QCOMPARE(house.rows(), 2);
    QCOMPARE(house.texts().back(), half + "abcdef");
    const auto requests = house.recorder.requests();
    QVERIFY(requests.back().continueLast);
    QCOMPARE(requests.back().messages.back().text, half.toStdString());
    QTRY_COMPARE(house.stored().back().state, core::MessageState::Complete);
    QCOMPARE(QString::fromStdString(house.stored().back().text), half + "abcdef");
}

void ChatControllerTest::reply_goesOnInItsOwnConversation() {
    House house(script(std::vector<std::string>(60, "w "), 5ms));
    house.chat.send("first chat");
    QTRY_VERIFY(house.chat.current() > 0);
    const auto first = house.chat.current();
    QTRY_VERIFY(!house.texts().back().isEmpty());
    house.chat.newChat();
    QCOMPARE(house.rows(), 0);
    QVERIFY(!house.chat.isReplying());
    house.chat.send("second chat"); // waits for the engine
    QVERIFY(house.chat.statusText().contains("Waiting"));
    house.chat.open(first);
    QTRY_COMPARE(house.chat.current(), first);
    QVERIFY(house.chat.isReplying());
    QTRY_VERIFY(house.settled());
    QCOMPARE(house.texts().back().size(), 120);
    QTRY_COMPARE(house.stored().back().text.size(), std::size_t(120));

    QTRY_COMPARE(house.chat.conversations().rowCount(), 2);
    const auto second = house.chat.conversations().index(0).data(ConversationIdRole).toLongLong();
    QVERIFY(second != first);
    house.chat.open(second);
    QTRY_COMPARE(house.chat.current(), second);
    QTRY_VERIFY(house.settled());
    QCOMPARE(house.texts().back().size(), 120);
}

void ChatControllerTest::reply_failureIsShownAndKept() {
    core::Script broken = script();
    broken.generateError = core::Error{core::ErrorCode::ContextTooSmall, "9000 of 2048"};
    broken.errorAfterPieces = 1;
    House house(broken);
    house.chat.send("go");
    QTRY_VERIFY(house.settled());
    QCOMPARE(house.item(1).state, core::MessageState::Failed);
    QVERIFY(notice(house.item(1)).contains("longer than the model's context"));
    QCOMPARE(house.item(1).text, "Hello");
    QTRY_COMPARE(house.stored().back().state, core::MessageState::Failed);
    QVERIFY(!house.stored().back().errorText.empty());
}

void ChatControllerTest::reply_isStoredWhileItStreams() {
    House house(script(std::vector<std::string>(100'000, "x "), 2ms));
    house.chat.send("go");
    QTRY_VERIFY(house.texts().back().size() > 10);
    QTRY_VERIFY(house.stored().back().text.size() > 10); // long before the end
    QCOMPARE(house.stored().back().state, core::MessageState::Generating);
}

void ChatControllerTest::shutdown_leavesTheReplyInterrupted() {
    const QTemporaryDir folder;
    const std::filesystem::path path = folder.filePath("hearth.db").toStdString();
    QString shown;
    core::ConversationId id = 0;
    {
        House house(script(std::vector<std::string>(100'000, "x "), 1ms), path);
        connect(&house.chat, &ChatController::replyingChanged, this, [&] {
            if (!house.chat.isReplying()) shown = house.texts().back(); // the very last word on the screen
        });
        house.chat.send("go");
        QTRY_VERIFY(house.texts().back().size() > 10);
        id = house.chat.current();
    }
    House again(script(), path);
    again.chat.open(id);
    QTRY_COMPARE(again.rows(), 2);
    QCOMPARE(again.item(1).state, core::MessageState::Interrupted);
    QVERIFY(!shown.isEmpty());
    QCOMPARE(again.item(1).text, shown);
}

void ChatControllerTest::remove_canBeUndone() {
    House house;
    house.chat.send("keep me");
    QTRY_VERIFY(house.settled());
    const auto id = house.chat.current();
    QSignalSpy deleted(&house.chat, &ChatController::conversationDeleted);
    QTRY_COMPARE(house.chat.conversations().rowCount(), 1);
    house.chat.remove(id);
    QTRY_COMPARE(deleted.size(), 1);
    QCOMPARE(deleted.front().at(1).toString(), "keep me");
    QCOMPARE(house.chat.current(), core::ConversationId(0));
    QTRY_COMPARE(house.chat.conversations().rowCount(), 0);
    house.chat.restore(id);
    QTRY_COMPARE(house.chat.current(), id);
    QCOMPARE(house.texts(), QStringList({"keep me", "Hello there."}));
    QTRY_COMPARE(house.chat.conversations().rowCount(), 1);
}

void ChatControllerTest::rename_staysByHand() {
    House house;
    house.chat.send("words");
    QTRY_VERIFY(house.settled());
    house.chat.rename(house.chat.current(), "  My \n title ");
    QTRY_COMPARE(house.chat.conversations().title(house.chat.current()), "My title");
}

void ChatControllerTest::store_failureKeepsTheChatGoingAndRecovers() {
    const QTemporaryDir folder;
    const QString path = folder.filePath("hearth.db");
    House house(script(), path.toStdString());
    QSignalSpy failed(&house.chat, &ChatController::savingFailed);
    QSignalSpy recovered(&house.chat, &ChatController::savingRecovered);
    house.chat.send("saved");
    QTRY_VERIFY(house.settled());

    // Makes every new message fail, as a full disk would.
    SQLite::Database other(path.toStdString(), SQLite::OPEN_READWRITE, 5000);
    other.exec("CREATE TRIGGER refuse BEFORE INSERT ON message BEGIN SELECT RAISE(ABORT, 'no room'); END");
    house.chat.send("not saved");
    QTRY_COMPARE(failed.size(), 1);
    QTRY_VERIFY(!house.chat.isReplying());
    QCOMPARE(house.texts(), QStringList({"saved", "Hello there.", "not saved", "Hello there."}));
    QVERIFY(!house.item(2).isStored());
    const auto id = house.chat.current();
    house.chat.newChat();
    house.chat.open(id);
    QCOMPARE(house.rows(), 4); // nothing lost from the screen

    other.exec("DROP TRIGGER refuse");
    QTRY_VERIFY_WITH_TIMEOUT(house.settled(), 10'000);
    QCOMPARE(recovered.size(), 1);
    const auto stored = house.stored();
    QCOMPARE(stored.size(), std::size_t(4));
    QCOMPARE(stored[2].text, std::string("not saved"));
    QCOMPARE(stored[3].text, std::string("Hello there."));
    QCOMPARE(stored[3].state, core::MessageState::Complete);
}

void ChatControllerTest::prompt_alternates() {
    using core::MessageState;
    const auto item = [](core::StoredRole role, const char* text, MessageState state = MessageState::Complete) {
        MessageItem made;
        made.role = role;
        made.text = text;
        made.state = state;
        return made;
    };
    constexpr auto kUser = core::StoredRole::User;
    constexpr auto kReply = core::StoredRole::Assistant;
    const std::vector<MessageItem> items{item(kUser, "one"),      item(kReply, "1"),
                                         item(kUser, "stopped"),  item(kReply, "", MessageState::Cancelled),
                                         item(kUser, "two"),      item(kReply, "2"),
                                         item(kUser, "too long"), item(kReply, "", MessageState::Failed),
                                         item(kUser, "three"),    item(kReply, "", MessageState::Generating)};
    const auto messages = promptMessages(items, items.size() - 1, "  ");
    QStringList shown;
    for (const core::ChatMessage& message : messages)
        shown << QString::fromStdString(message.text);
    QCOMPARE(shown, QStringList({"one", "1", "stopped\n\ntwo", "2", "three"}));
    QCOMPARE(messages.back().role, core::Role::User);
}

void ChatControllerTest::title_isTheFirstWords_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("title");
    QTest::newRow("short") << "Hi"
                           << "Hi";
    QTest::newRow("lines") << "\n  Two\n\nlines "
                           << "Two lines";
    QTest::newRow("long") << "Show me a binary search in C++ that returns where to insert"
                          << "Show me a binary search in C++ that…";
    QTest::newRow("no spaces") << QString(100, u'x') << QString(40, u'x') + u'…';
    QTest::newRow("blank") << "   "
                           << "New chat";
}

void ChatControllerTest::title_isTheFirstWords() {
    QFETCH(QString, text);
    QFETCH(QString, title);
    QCOMPARE(titleFrom(text), title);
}

void ChatControllerTest::list_sectionsAndAges_data() {
    QTest::addColumn<QString>("when");
    QTest::addColumn<QString>("section");
    QTest::addColumn<QString>("age");
    QTest::newRow("now") << "2026-03-10T12:00:00"
                         << "TODAY"
                         << "now";
    QTest::newRow("minutes") << "2026-03-10T11:40:30"
                             << "TODAY"
                             << "19 min";
    QTest::newRow("hours") << "2026-03-10T00:30:00"
                           << "TODAY"
                           << "11 h";
    QTest::newRow("late yesterday") << "2026-03-09T23:00:00"
                                    << "YESTERDAY"
                                    << "1 d";
    QTest::newRow("week") << "2026-03-04T12:00:00"
                          << "LAST 7 DAYS"
                          << "6 d";
    QTest::newRow("month") << "2026-02-20T12:00:00"
                           << "LAST 30 DAYS"
                           << "18 d";
    QTest::newRow("older") << "2025-10-05T12:00:00"
                           << "OCTOBER 2025"
                           << "5 mo";
    QTest::newRow("clock set back") << "2026-03-10T13:00:00"
                                    << "TODAY"
                                    << "now";
}

void ChatControllerTest::list_sectionsAndAges() {
    QFETCH(QString, when);
    QFETCH(QString, section);
    QFETCH(QString, age);
    const auto now = QDateTime::fromString("2026-03-10T12:00:20", Qt::ISODate);
    const auto then = QDateTime::fromString(when, Qt::ISODate);
    QCOMPARE(ConversationListModel::section(then, now), section);
    QCOMPARE(ConversationListModel::age(then, now), age);
}

void ChatControllerTest::quietLine_saysWhoAndHowFast() {
    MessageItem item;
    item.role = core::StoredRole::Assistant;
    item.model = "TinyLlama";
    core::ReplyStats stats;
    stats.backend = "CPU";
    stats.generatedTokens = 1212;
    stats.generationSeconds = 60.6;
    stats.firstTokenSeconds = 0.41;
    item.stats = stats;
    QCOMPARE(quietLine(item), QString::fromUtf8("TinyLlama · CPU · 20.0 tokens/s · first token 0.41 s · 1,212 tokens"));
    item.state = core::MessageState::Generating;
    QCOMPARE(quietLine(item), QString());
}

QTEST_GUILESS_MAIN(ChatControllerTest)
#include "chat_controller_test.moc"
