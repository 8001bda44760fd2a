// SPDX-License-Identifier: Apache-2.0
//
// What can be done to what was said: editing either side, beginning a reply, removing, taking back, drafts. A thousand
// random edits leave the tree sound and every path readable.
#include "core/engine/scripted_generator.h"
#include "core/store/database.h"
#include "ui/models/chat_controller.h"
#include "ui/models/token_counter.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <QRandomGenerator>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

using namespace hearth;
using namespace hearth::ui;

namespace {

/// Everything of the window but the window, over a file that the test can look into.
struct Desk {
    explicit Desk(const std::filesystem::path& path, core::Script script = defaultScript())
        : store(path)
        , engine([script] { return std::make_unique<core::ScriptedGenerator>(script); })
        , settings(store)
        , chat(engine, store, settings) {
        engine.load({.path = "/models/scripted.gguf"});
    }
    ~Desk() {
        chat.beginShutdown();
        engine.shutdown();
        chat.finishShutdown();
        store.shutdown();
    }
    static core::Script defaultScript() {
        core::Script script;
        script.pieces = {"an", "swer"};
        script.model.name = "Scripted 1B";
        return script;
    }

    [[nodiscard]] QStringList texts() {
        QStringList all;
        for (const MessageItem& message : chat.messages().items()) all << message.text;
        return all;
    }
    [[nodiscard]] const MessageItem& item(int row) { return chat.messages().items().at(std::size_t(row)); }
    [[nodiscard]] bool settled() {
        return !chat.isReplying() && std::ranges::all_of(chat.messages().items(), [](const MessageItem& message) {
            return message.isStored() && message.state != core::MessageState::Generating;
        });
    }
    /// Everything that was asked of the store has happened.
    void drain() {
        bool done = false;
        store.chats(
            &chat, [](core::ChatStore&) -> core::Result<void> { return {}; }, [&](const core::Result<void>&) { done = true; });
        QVERIFY(QTest::qWaitFor([&] { return done; }));
        QVERIFY(QTest::qWaitFor([&] { return settled(); }));
    }
    void say(const QString& text) {
        chat.send(text);
        QTRY_VERIFY(settled());
    }

    StoreClient store;
    EngineClient engine;
    SettingsModel settings;
    ChatController chat;
};

int count(SQLite::Database& database, const char* sql) {
    return database.execAndGet(sql).getInt();
}

} // namespace

class ChatEditsTest : public QObject {
    Q_OBJECT
private slots:
    void init() {
        m_folder = std::make_unique<QTemporaryDir>();
        m_path = m_folder->filePath("chats.db").toStdString();
    }

    void edit_ofAReplyIsASibling();
    void edit_unchangedReplyIsNothing();
    void prefill_goesOnFromTheText();
    void send_withABegunReply();
    void continue_ofAnEarlierReplyKeepsWhatFollows();
    void remove_takesTheRestAndUndoBringsItBack();
    void remove_showsTheNearestSibling();
    void remove_ofTheFirstEmptiesTheChat();
    void undo_walksBackOverEditsAndRegenerations();
    void undo_isOfTheShownConversation();
    void thought_isMeasuredAndKept();
    void draft_isKeptPerConversation();
    void draft_survivesWithoutAGoodbye();
    void draft_ofADeletedConversationGoesWithIt();
    void tokens_areOfDraftAndHistory();
    void randomEdits_keepTheTreeSound();

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_path;
};

void ChatEditsTest::edit_ofAReplyIsASibling() {
    Desk desk(m_path);
    desk.say("one");
    desk.say("two");
    QSignalSpy offered(&desk.chat, &ChatController::undoOffered);
    desk.chat.edit(1, "what I would have said");
    desk.drain();
    QCOMPARE(desk.texts(), QStringList({"one", "what I would have said"}));
    QCOMPARE(desk.item(1).siblingCount, 2);
    QCOMPARE(desk.item(1).siblingIndex, 1);
    QCOMPARE(desk.item(1).state, core::MessageState::Complete);
    QVERIFY(!desk.chat.isReplying()); // nobody is asked
    QCOMPARE(offered.size(), 1);
    desk.chat.showSibling(1, -1);
    desk.drain();
    QTRY_COMPARE(desk.texts(), QStringList({"one", "answer", "two", "answer"})); // nothing was overwritten
}

void ChatEditsTest::edit_unchangedReplyIsNothing() {
    Desk desk(m_path);
    desk.say("one");
    desk.chat.edit(1, "answer");
    desk.drain();
    QCOMPARE(desk.item(1).siblingCount, 1);
}

void ChatEditsTest::prefill_goesOnFromTheText() {
    Desk desk(m_path);
    desk.say("one");
    desk.chat.prefill(1, "Well, ");
    desk.drain();
    QCOMPARE(desk.texts(), QStringList({"one", "Well, answer"}));
    QCOMPARE(desk.item(1).siblingCount, 2);
}

void ChatEditsTest::send_withABegunReply() {
    Desk desk(m_path);
    desk.chat.send("List three", "1. ");
    QCOMPARE(desk.texts().value(1), "1. "); // on the screen at once
    desk.drain();
    QCOMPARE(desk.texts(), QStringList({"List three", "1. answer"}));
    // It is what is stored, too.
    SQLite::Database database(m_path.string(), SQLite::OPEN_READONLY);
    QTRY_COMPARE(database.execAndGet("SELECT text FROM message WHERE role = 2").getString(), std::string("1. answer"));
}

void ChatEditsTest::continue_ofAnEarlierReplyKeepsWhatFollows() {
    Desk desk(m_path);
    desk.say("one");
    desk.say("two");
    desk.chat.continueReply(1);
    desk.drain();
    QCOMPARE(desk.texts(), QStringList({"one", "answeranswer"}));
    desk.chat.showSibling(1, -1);
    QTRY_COMPARE(desk.texts(), QStringList({"one", "answer", "two", "answer"}));
}

void ChatEditsTest::remove_takesTheRestAndUndoBringsItBack() {
    Desk desk(m_path);
    for (const char* text : {"one", "two", "three"}) desk.say(text);
    QSignalSpy offered(&desk.chat, &ChatController::undoOffered);
    const auto before = desk.texts();
    const auto id = desk.item(3).id;
    desk.chat.removeMessage(2);
    QTRY_COMPARE(desk.texts(), QStringList({"one", "answer"}));
    QTRY_COMPARE(offered.size(), 1);
    QVERIFY(offered[0][0].toString().contains('4'));
    desk.say("instead");
    desk.chat.undo();
    QTRY_COMPARE(desk.texts(), before);
    QCOMPARE(desk.item(3).id, id);
    QVERIFY(desk.item(3).stats.has_value()); // with its figures
    QCOMPARE(desk.item(2).siblingCount, 2);  // what was said meanwhile is there, too
    QVERIFY(!desk.chat.canUndo());
}

void ChatEditsTest::remove_showsTheNearestSibling() {
    Desk desk(m_path);
    desk.say("one");
    desk.chat.edit(1, "second");
    desk.drain();
    desk.chat.edit(1, "third");
    desk.drain();
    desk.chat.removeMessage(1);
    QTRY_COMPARE(desk.texts(), QStringList({"one", "second"}));
    QCOMPARE(desk.item(1).siblingCount, 2);
}

void ChatEditsTest::remove_ofTheFirstEmptiesTheChat() {
    Desk desk(m_path);
    desk.say("one");
    const auto id = desk.chat.current();
    desk.chat.removeMessage(0);
    QTRY_COMPARE(desk.chat.messages().rowCount(), 0);
    desk.say("anew"); // in the same conversation
    QCOMPARE(desk.chat.current(), id);
    QCOMPARE(desk.texts(), QStringList({"anew", "answer"}));
    desk.chat.undo();
    QTRY_COMPARE(desk.texts(), QStringList({"one", "answer"}));
    QCOMPARE(desk.item(0).siblingCount, 2);
}

void ChatEditsTest::undo_walksBackOverEditsAndRegenerations() {
    Desk desk(m_path);
    desk.say("one");
    desk.say("two");
    const auto first = desk.texts();
    desk.chat.regenerate(3);
    desk.drain();
    desk.chat.edit(0, "another");
    desk.drain();
    QCOMPARE(desk.texts(), QStringList({"another", "answer"}));
    desk.chat.undo();
    QTRY_COMPARE(desk.texts(), first);
    QCOMPARE(desk.item(3).siblingIndex, 1); // the regenerated one
    desk.chat.undo();
    QTRY_COMPARE(desk.item(3).siblingIndex, 0);
    QCOMPARE(desk.texts(), first);
    desk.chat.undo(); // nothing left: nothing happens
    desk.drain();
    QCOMPARE(desk.texts(), first);
}

void ChatEditsTest::undo_isOfTheShownConversation() {
    Desk desk(m_path);
    desk.say("one");
    desk.chat.edit(1, "edited");
    desk.drain();
    QVERIFY(desk.chat.canUndo());
    desk.chat.newChat();
    QVERIFY(!desk.chat.canUndo());
    desk.say("other");
    desk.chat.undo();
    desk.drain();
    QCOMPARE(desk.texts(), QStringList({"other", "answer"}));
}

void ChatEditsTest::thought_isMeasuredAndKept() {
    core::Script script = Desk::defaultScript();
    script.pieces = {"<think>\n", "hm", "</think>\n\n", "yes"};
    script.perPiece = std::chrono::milliseconds(30);
    core::ConversationId id = 0;
    {
        Desk desk(m_path, script);
        desk.say("one");
        id = desk.chat.current();
        QVERIFY(desk.item(1).stats->thoughtSeconds > 0.02);
        QVERIFY(desk.chat.messages().index(1, 0).data(ThoughtMsRole).toInt() > 20);
        desk.drain();
    }
    Desk again(m_path);
    again.chat.open(id);
    QTRY_COMPARE(again.chat.messages().rowCount(), 2);
    QVERIFY(again.chat.messages().index(1, 0).data(ThoughtMsRole).toInt() > 20);
    QCOMPARE(withoutThought(again.item(1).text), "yes");
}

void ChatEditsTest::draft_isKeptPerConversation() {
    Desk desk(m_path);
    QSignalSpy loaded(&desk.chat, &ChatController::draftLoaded);
    desk.say("one");
    const auto first = desk.chat.current();
    desk.chat.setDraft("of the first");
    desk.chat.newChat();
    QTRY_VERIFY(!loaded.isEmpty());
    QCOMPARE(loaded.back()[0].toString(), QString());
    desk.chat.setDraft("of the new one");
    desk.chat.open(first);
    QTRY_COMPARE(loaded.back()[0].toString(), "of the first");
    desk.chat.newChat();
    QTRY_COMPARE(loaded.back()[0].toString(), "of the new one");
    desk.chat.setDraft(""); // the composer empties itself
    desk.say("of the new one");
    desk.chat.open(first);
    QTRY_COMPARE(loaded.back()[0].toString(), "of the first");
    desk.chat.newChat();
    desk.drain();
    QTest::qWait(50);
    QCOMPARE(loaded.back()[0].toString(), QString());
}

void ChatEditsTest::draft_survivesWithoutAGoodbye() {
    Desk desk(m_path);
    desk.say("one");
    desk.chat.setDraft("half a tho");
    desk.chat.setDraft("half a thought");
    // No shutdown: another reader sees what a killed program would have left.
    SQLite::Database database(m_path.string(), SQLite::OPEN_READONLY);
    QTRY_COMPARE_WITH_TIMEOUT(database.execAndGet("SELECT coalesce((SELECT text FROM draft), '')").getString(), std::string("half a thought"), 2000);
}

void ChatEditsTest::draft_ofADeletedConversationGoesWithIt() {
    Desk desk(m_path);
    desk.say("one");
    desk.chat.setDraft("x");
    const auto id = desk.chat.current();
    desk.chat.newChat();
    desk.drain();
    desk.chat.remove(id);
    bool purged = false;
    desk.store.chats(
        &desk.chat, [](core::ChatStore& chats) { return chats.purgeDeleted(std::numeric_limits<std::int64_t>::max()); },
        [&](const core::Result<int>& result) { purged = result && *result == 1; });
    QTRY_VERIFY(purged);
    SQLite::Database database(m_path.string(), SQLite::OPEN_READONLY);
    QCOMPARE(count(database, "SELECT count(*) FROM draft"), 0);
}

void ChatEditsTest::tokens_areOfDraftAndHistory() {
    Desk desk(m_path);
    QSignalSpy loaded(&desk.engine, &EngineClient::modelLoaded);
    TokenCounter counter(desk.engine);
    QSignalSpy counted(&counter, &TokenCounter::counted);
    QTRY_VERIFY(desk.engine.model().has_value());
    const auto last = [&] { return counted.isEmpty() ? -2 : counted.back()[0].toInt(); };
    counter.setHistory(100);
    counter.setDraft("12345678"); // the scripted engine: 4 for the message, 2 for its bytes
    QTRY_COMPARE(last(), 106);
    counter.setDraft("123456789");
    counter.setDraft("1234567890123");
    QTRY_COMPARE(last(), 108);
    counter.countHistory({{core::Role::User, "1234"}, {core::Role::Assistant, "12345678"}});
    QTRY_COMPARE(last(), 11 + 8);
    counter.setDraft({});
    QCOMPARE(last(), -1);
}

void ChatEditsTest::randomEdits_keepTheTreeSound() {
    core::Script script = Desk::defaultScript();
    script.pieces = {"a"};
    QRandomGenerator random(6);
    Desk desk(m_path, script);
    desk.say("root");
    std::map<core::MessageId, std::string> known; // text of every message ever seen complete: it may never change
    for (int round = 0; round < 1000; ++round) {
        const int rows = desk.chat.messages().rowCount();
        const int row = rows == 0 ? 0 : random.bounded(rows);
        const QString text = QStringLiteral("t%1").arg(round);
        switch (rows == 0 ? 0 : random.bounded(9)) {
        case 0:
        case 1:
            desk.chat.send(text, random.bounded(4) == 0 ? QStringLiteral("b%1 ").arg(round) : QString());
            break;
        case 2:
            desk.chat.edit(row, text);
            break;
        case 3:
            desk.chat.regenerate(row);
            break;
        case 4:
            desk.chat.prefill(row, text);
            break;
        case 5:
            desk.chat.showSibling(row, random.bounded(2) == 0 ? -1 : 1);
            break;
        case 6:
            if (random.bounded(3) == 0) desk.chat.removeMessage(row);
            break;
        case 7:
            desk.chat.undo();
            break;
        case 8:
            desk.chat.regenerate(row);
            desk.chat.stop(); // in the middle of it
            break;
        }
        desk.drain();
        desk.drain(); // what the first one's answers asked for
        for (const MessageItem& item : desk.chat.messages().items()) {
            const auto [known_, fresh] = known.emplace(item.id, item.text.toStdString());
            QVERIFY2(fresh || known_->second == item.text.toStdString(), "a message was overwritten");
        }
    }
    desk.chat.beginShutdown();
    desk.engine.shutdown();
    desk.chat.finishShutdown();
    desk.store.shutdown();

    auto database = core::Database::open(m_path);
    QVERIFY(database.has_value());
    SQLite::Database& handle = (*database)->handle();
    QVERIFY(count(handle, "SELECT count(*) FROM message") > 300);
    QCOMPARE(handle.execAndGet("PRAGMA integrity_check").getString(), std::string("ok"));
    QCOMPARE(count(handle, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    QCOMPARE(count(handle, "SELECT count(*) FROM message m LEFT JOIN message p ON p.id = m.parent_id WHERE m.parent_id IS NOT NULL AND "
                           "(p.id IS NULL OR p.conversation_id <> m.conversation_id OR p.id >= m.id)"), 0);
    QCOMPARE(count(handle, "SELECT count(*) FROM message WHERE state = 1"), 0);
    // Every leaf's path can be shown, and so exported: it ends at the leaf, goes from parent to child, has its text.
    core::ChatStore chats(**database);
    std::vector<core::MessageId> leaves;
    SQLite::Statement select(handle, "SELECT id FROM message m WHERE NOT EXISTS (SELECT 1 FROM message c WHERE c.parent_id = m.id)");
    while (select.executeStep()) leaves.push_back(select.getColumn(0).getInt64());
    QVERIFY(leaves.size() > 50);
    const auto conversation = core::ConversationId(handle.execAndGet("SELECT id FROM conversation").getInt64());
    for (const core::MessageId leaf : leaves) {
        QVERIFY(chats.showLeaf(conversation, leaf));
        const auto path = chats.activePath(conversation);
        QVERIFY(path && !path->empty());
        QCOMPARE(path->back().id, leaf);
        for (std::size_t i = 0; i < path->size(); ++i) {
            QVERIFY(i == 0 ? !(*path)[0].parent : (*path)[i].parent == (*path)[i - 1].id);
            if (const auto text = known.find((*path)[i].id); text != known.end()) QCOMPARE((*path)[i].text, text->second);
        }
    }
}

QTEST_GUILESS_MAIN(ChatEditsTest)
#include "chat_edits_test.moc"
