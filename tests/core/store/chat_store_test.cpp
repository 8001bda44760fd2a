// SPDX-License-Identifier: Apache-2.0
//
// ChatStore: conversations, the tree of messages, and what stays true under random use.
#include "core/store/chat_store.h"

#include "core/store/database.h"
#include "store_test_support.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <QTemporaryDir>

#include <algorithm>
#include <map>
#include <memory>
#include <random>

using namespace hearth::core;

namespace {

std::vector<std::string> titles(const std::vector<ConversationRow>& rows) {
    std::vector<std::string> out;
    for (const auto& row : rows) out.push_back(row.title);
    return out;
}

std::vector<std::string> texts(const std::vector<MessageRow>& rows) {
    std::vector<std::string> out;
    for (const auto& row : rows) out.push_back(row.text);
    return out;
}

using Strings = std::vector<std::string>;

} // namespace

class ChatStoreTest : public QObject {
    Q_OBJECT

private slots:
    void init() {
        auto opened = Database::openInMemory();
        QVERIFY(opened.has_value());
        m_database = std::move(*opened);
        m_store = std::make_unique<ChatStore>(*m_database);
    }

    void conversations_lastUpdatedComesFirst() {
        const auto first = m_store->createConversation("first");
        const auto second = m_store->createConversation("second");
        HEARTH_SUCCEEDS(first);
        HEARTH_SUCCEEDS(second);
        QCOMPARE(titles(*m_store->conversations()), (Strings{"second", "first"}));
        const auto message = add(first->id, {}, "hello");
        HEARTH_SUCCEEDS(message);
        const auto rows = m_store->conversations();
        HEARTH_SUCCEEDS(rows);
        QCOMPARE(titles(*rows), (Strings{"first", "second"}));
        QVERIFY(rows->front().updatedMs > first->updatedMs);
        QCOMPARE(rows->front().createdMs, first->createdMs);
        QCOMPARE(rows->front().activeLeaf, std::optional(message->id));
        QVERIFY(!rows->back().activeLeaf);
    }

    void conversations_wrongClockIsNotCarriedOn() {
        const auto late = m_store->createConversation("from the future");
        HEARTH_SUCCEEDS(late);
        const std::int64_t future = late->updatedMs + 3'600'000;
        m_database->handle().exec("UPDATE conversation SET updated_ms = " + std::to_string(future));
        const auto now = m_store->createConversation("now");
        HEARTH_SUCCEEDS(now);
        QVERIFY(now->updatedMs < future);
    }

    void conversations_titleFilterIgnoresCaseInAnyScript_data() {
        QTest::addColumn<QString>("title");
        QTest::addColumn<QString>("filter");
        QTest::addColumn<bool>("found");
        QTest::newRow("empty filter") << "Anything" << "" << true;
        QTest::newRow("ascii part") << "Cooking with rice" << "WITH R" << true;
        QTest::newRow("german sharp s") << "Große Straße" << "STRASSE" << true;
        QTest::newRow("umlaut") << "ÜBER DEN WOLKEN" << "über" << true;
        QTest::newRow("greek final sigma") << "ΟΔΥΣΣΕΥΣ" << "οδυσσευς" << true;
        QTest::newRow("cyrillic") << "Война и мир" << "ВОЙНА" << true;
        QTest::newRow("decomposed against composed") << QString::fromUtf8("Caf\xC3\xA9") << QString::fromUtf8("cafe\xCC\x81") << true;
        QTest::newRow("chinese") << "关于猫" << "猫" << true;
        QTest::newRow("absent") << "Cooking" << "baking" << false;
        QTest::newRow("per cent is no wildcard") << "Cooking" << "c%g" << false;
        QTest::newRow("quote") << "what's up" << "'" << true;
    }
    void conversations_titleFilterIgnoresCaseInAnyScript() {
        QFETCH(QString, title);
        QFETCH(QString, filter);
        QFETCH(bool, found);
        HEARTH_SUCCEEDS(m_store->createConversation(title.toStdString()));
        const auto rows = m_store->conversations(filter.toStdString());
        HEARTH_SUCCEEDS(rows);
        QCOMPARE(rows->size(), found ? 1u : 0u);
    }

    void renameConversation_usersTitleStays() {
        const auto row = m_store->createConversation("New chat");
        HEARTH_SUCCEEDS(row);
        HEARTH_SUCCEEDS(m_store->renameConversation(row->id, "Automatic", false));
        QCOMPARE(titles(*m_store->conversations("automatic")), (Strings{"Automatic"}));
        HEARTH_SUCCEEDS(m_store->renameConversation(row->id, "Mine", true));
        HEARTH_SUCCEEDS(m_store->renameConversation(row->id, "Automatic again", false));
        const auto rows = m_store->conversations("mine");
        HEARTH_SUCCEEDS(rows);
        QCOMPARE(titles(*rows), (Strings{"Mine"}));
        QVERIFY(rows->front().titleByUser);
        QCOMPARE(rows->front().updatedMs, row->updatedMs);
        HEARTH_SUCCEEDS(m_store->renameConversation(row->id, "Mine too", true));
        QCOMPARE(m_store->conversations("mine too")->size(), 1u);
    }

    void deleteConversation_canBeUndoneUntilPurged() {
        const auto keep = m_store->createConversation("keep");
        const auto gone = m_store->createConversation("gone");
        HEARTH_SUCCEEDS(keep);
        HEARTH_SUCCEEDS(gone);
        HEARTH_SUCCEEDS(add(gone->id, {}, "hello"));
        HEARTH_SUCCEEDS(m_store->deleteConversation(gone->id));
        QCOMPARE(titles(*m_store->conversations()), (Strings{"keep"}));
        HEARTH_SUCCEEDS(m_store->restoreConversation(gone->id));
        QCOMPARE(texts(*m_store->activePath(gone->id)), (Strings{"hello"}));
        QCOMPARE(m_store->conversations()->size(), 2u);

        HEARTH_SUCCEEDS(m_store->deleteConversation(gone->id));
        QCOMPARE(m_store->purgeDeleted(1).value(), 0);
        QCOMPARE(m_store->purgeDeleted(INT64_MAX).value(), 1);
        HEARTH_FAILS_WITH(m_store->restoreConversation(gone->id), "InvalidArgument");
        QCOMPARE(m_database->handle().execAndGet("SELECT count(*) FROM message").getInt(), 0);
        QCOMPARE(titles(*m_store->conversations()), (Strings{"keep"}));
    }

    void purgeDeleted_takesAChainDeeperThanSQLitesCascades() {
        const auto row = m_store->createConversation("deep");
        HEARTH_SUCCEEDS(row);
        std::optional<MessageId> parent;
        for (int i = 0; i < 1500; ++i) {
            const auto message = add(row->id, parent, std::to_string(i));
            HEARTH_SUCCEEDS(message);
            parent = message->id;
        }
        const auto path = m_store->activePath(row->id);
        HEARTH_SUCCEEDS(path);
        QCOMPARE(path->size(), 1500u);
        HEARTH_SUCCEEDS(m_store->activate(path->front().id));
        QCOMPARE(m_store->activePath(row->id)->size(), 1500u);
        HEARTH_SUCCEEDS(m_store->deleteConversation(row->id));
        QCOMPARE(m_store->purgeDeleted(INT64_MAX).value(), 1);
        QCOMPARE(m_database->handle().execAndGet("SELECT count(*) FROM message").getInt(), 0);
    }

    void reply_isAppendedAndFinishedWithItsFigures() {
        const auto row = m_store->createConversation("reply");
        HEARTH_SUCCEEDS(row);
        const auto question = add(row->id, {}, "Why?");
        HEARTH_SUCCEEDS(question);
        const auto reply = m_store->addMessage(row->id, question->id, StoredRole::Assistant, "", MessageState::Generating, "Tiny");
        HEARTH_SUCCEEDS(reply);
        HEARTH_SUCCEEDS(m_store->appendText(reply->id, "Be"));
        HEARTH_SUCCEEDS(m_store->appendText(reply->id, "cause."));
        HEARTH_SUCCEEDS(m_store->appendText(reply->id, std::string_view("\0after nul", 10)));
        ReplyStats stats;
        stats.promptTokens = 11;
        stats.cachedTokens = 5;
        stats.generatedTokens = 7;
        stats.promptSeconds = 0.5;
        stats.generationSeconds = 1.25;
        stats.firstTokenSeconds = 0.625;
        stats.contextUsed = 18;
        stats.contextLength = 2048;
        stats.droppedMessages = 2;
        stats.seed = INT64_MAX;
        stats.backend = "CPU \xFF"; // not UTF-8: mended, not thrown at
        stats.finishReason = "EndOfText";
        HEARTH_SUCCEEDS(m_store->finishReply(reply->id, MessageState::Complete, stats, {}));

        const auto path = m_store->activePath(row->id);
        HEARTH_SUCCEEDS(path);
        QCOMPARE(path->size(), 2u);
        const MessageRow& stored = path->back();
        QCOMPARE(stored.text, std::string("Because.") + std::string("\0after nul", 10));
        QCOMPARE(stored.model, std::string("Tiny"));
        QVERIFY(stored.state == MessageState::Complete);
        QVERIFY(stored.role == StoredRole::Assistant);
        QVERIFY(stored.stats.has_value());
        QCOMPARE(stored.stats->promptTokens, 11);
        QCOMPARE(stored.stats->cachedTokens, 5);
        QCOMPARE(stored.stats->generatedTokens, 7);
        QCOMPARE(stored.stats->promptSeconds, 0.5);
        QCOMPARE(stored.stats->generationSeconds, 1.25);
        QCOMPARE(stored.stats->firstTokenSeconds, 0.625);
        QCOMPARE(stored.stats->contextUsed, 18);
        QCOMPARE(stored.stats->contextLength, 2048);
        QCOMPARE(stored.stats->droppedMessages, 2);
        QCOMPARE(stored.stats->seed, INT64_MAX);
        QCOMPARE(stored.stats->backend, std::string("CPU \xEF\xBF\xBD"));
        QCOMPARE(stored.stats->finishReason, std::string("EndOfText"));
        QVERIFY(!path->front().stats);
        HEARTH_FAILS_WITH(m_store->appendText(reply->id, "late"), "InvalidArgument");
        HEARTH_FAILS_WITH(m_store->finishReply(reply->id, MessageState::Generating, {}, {}), "InvalidArgument");
    }

    void reply_failureKeepsTextAndReason() {
        const auto row = m_store->createConversation("reply");
        HEARTH_SUCCEEDS(row);
        const auto reply = m_store->addMessage(row->id, {}, StoredRole::Assistant, "half", MessageState::Generating);
        HEARTH_SUCCEEDS(reply);
        HEARTH_SUCCEEDS(m_store->finishReply(reply->id, MessageState::Failed, {}, "out of memory"));
        const auto path = m_store->activePath(row->id);
        HEARTH_SUCCEEDS(path);
        QCOMPARE(path->front().text, std::string("half"));
        QCOMPARE(path->front().errorText, std::string("out of memory"));
        QVERIFY(path->front().state == MessageState::Failed);
    }

    void stats_strangeJsonIsNoFailure_data() {
        QTest::addColumn<QString>("json");
        QTest::addColumn<bool>("present");
        QTest::newRow("not json") << "{" << false;
        QTest::newRow("array") << "[1]" << false;
        QTest::newRow("empty object") << "{}" << true;
        QTest::newRow("wrong types") << R"({"promptTokens": "many", "backend": 3, "seed": 1.5, "promptSeconds": null})" << true;
        QTest::newRow("too large") << R"({"promptTokens": 5000000000})" << true;
    }
    void stats_strangeJsonIsNoFailure() {
        QFETCH(QString, json);
        QFETCH(bool, present);
        const auto row = m_store->createConversation("strange");
        HEARTH_SUCCEEDS(row);
        HEARTH_SUCCEEDS(add(row->id, {}, "hello"));
        SQLite::Statement update(m_database->handle(), "UPDATE message SET stats = ?");
        update.bind(1, json.toStdString());
        update.exec();
        const auto path = m_store->activePath(row->id);
        HEARTH_SUCCEEDS(path);
        QCOMPARE(path->front().stats.has_value(), present);
        if (present) QCOMPARE(path->front().stats->promptTokens, 0);
    }

    void tree_siblingsAreCountedAndActivated() {
        const auto row = m_store->createConversation("branches");
        HEARTH_SUCCEEDS(row);
        // q - a1 - f1 - g1          (the first answer, carried on)
        //   \ a2 \ f2               (f2: another question after a1)
        const auto q = add(row->id, {}, "q");
        const auto a1 = add(row->id, q->id, "a1");
        const auto f1 = add(row->id, a1->id, "f1");
        const auto g1 = add(row->id, f1->id, "g1");
        const auto a2 = add(row->id, q->id, "a2");
        HEARTH_SUCCEEDS(a2);
        QCOMPARE(a2->siblingIndex, 1);
        QCOMPARE(a2->siblingCount, 2);
        QCOMPARE(texts(*m_store->activePath(row->id)), (Strings{"q", "a2"}));

        QCOMPARE(m_store->sibling(a2->id, -1).value(), a1->id);
        QCOMPARE(m_store->sibling(a1->id, -1).value(), a1->id);
        QCOMPARE(m_store->sibling(a1->id, +1).value(), a2->id);
        QCOMPARE(m_store->sibling(a2->id, +5).value(), a2->id);
        QCOMPARE(m_store->sibling(q->id, +1).value(), q->id);

        HEARTH_SUCCEEDS(m_store->activate(a1->id));
        auto path = m_store->activePath(row->id);
        QCOMPARE(texts(*path), (Strings{"q", "a1", "f1", "g1"}));
        QCOMPARE((*path)[1].siblingIndex, 0);
        QCOMPARE((*path)[1].siblingCount, 2);
        QCOMPARE((*path)[1].parent, std::optional(q->id));
        QCOMPARE((*path)[2].siblingCount, 1);

        HEARTH_SUCCEEDS(add(row->id, a1->id, "f2"));
        HEARTH_SUCCEEDS(m_store->activate(a2->id));
        HEARTH_SUCCEEDS(m_store->activate(q->id)); // the youngest below q is f2
        QCOMPARE(texts(*m_store->activePath(row->id)), (Strings{"q", "a1", "f2"}));
        HEARTH_SUCCEEDS(m_store->activate(g1->id));
        QCOMPARE(texts(*m_store->activePath(row->id)), (Strings{"q", "a1", "f1", "g1"}));
    }

    void tree_rootsHaveSiblingsPerConversation() {
        const auto one = m_store->createConversation("one");
        const auto two = m_store->createConversation("two");
        const auto a = add(one->id, {}, "a");
        const auto other = add(two->id, {}, "other");
        const auto b = add(one->id, {}, "b");
        HEARTH_SUCCEEDS(b);
        QCOMPARE(b->siblingCount, 2);
        QCOMPARE(m_store->sibling(b->id, -1).value(), a->id);
        QCOMPARE(m_store->sibling(other->id, +1).value(), other->id);
        QCOMPARE(m_store->sibling(other->id, -1).value(), other->id);
    }

    void arguments_thatNameNothingAreRefused() {
        const auto one = m_store->createConversation("one");
        const auto two = m_store->createConversation("two");
        const auto message = add(one->id, {}, "in one");
        HEARTH_SUCCEEDS(message);
        HEARTH_FAILS_WITH(add(99, {}, "x"), "InvalidArgument");
        HEARTH_FAILS_WITH(add(one->id, 99, "x"), "InvalidArgument");
        HEARTH_FAILS_WITH(add(two->id, message->id, "x"), "InvalidArgument");
        HEARTH_FAILS_WITH(m_store->activePath(99), "InvalidArgument");
        HEARTH_FAILS_WITH(m_store->activate(99), "InvalidArgument");
        HEARTH_FAILS_WITH(m_store->sibling(99, 1), "InvalidArgument");
        HEARTH_FAILS_WITH(m_store->setText(99, "x"), "InvalidArgument");
        HEARTH_FAILS_WITH(m_store->appendText(message->id, "x"), "InvalidArgument");
        HEARTH_FAILS_WITH(m_store->finishReply(99, MessageState::Complete, {}, {}), "InvalidArgument");
        HEARTH_FAILS_WITH(m_store->renameConversation(99, "x", true), "InvalidArgument");
        HEARTH_FAILS_WITH(m_store->deleteConversation(99), "InvalidArgument");
        HEARTH_FAILS_WITH(m_store->restoreConversation(99), "InvalidArgument");
        QCOMPARE(m_database->handle().execAndGet("SELECT count(*) FROM message").getInt(), 1);
        QVERIFY(m_store->activePath(two->id)->empty());
    }

    void schema_refusesWhatWouldBreakTheTree_data() {
        QTest::addColumn<QString>("sql");
        QTest::newRow("parent of another conversation") << "UPDATE message SET parent_id = 1 WHERE id = 3";
        QTest::newRow("ring") << "UPDATE message SET parent_id = 2 WHERE id = 1";
        QTest::newRow("own parent") << "UPDATE message SET parent_id = 2 WHERE id = 2";
        QTest::newRow("leaf of another conversation") << "UPDATE conversation SET active_leaf = 3 WHERE id = 1";
        QTest::newRow("parent that has children deleted") << "DELETE FROM message WHERE id = 1";
        QTest::newRow("unknown role") << "UPDATE message SET role = 3";
        QTest::newRow("unknown state") << "UPDATE message SET state = 9";
    }
    void schema_refusesWhatWouldBreakTheTree() {
        QFETCH(QString, sql);
        const auto one = m_store->createConversation("one");
        const auto two = m_store->createConversation("two");
        const auto first = add(one->id, {}, "1");
        HEARTH_SUCCEEDS(add(one->id, first->id, "2"));
        HEARTH_SUCCEEDS(add(two->id, {}, "3"));
        QVERIFY_EXCEPTION_THROWN(m_database->handle().exec(sql.toStdString()), SQLite::Exception);
    }

    void markInterrupted_takesEveryReplyInTheMaking() {
        const auto row = m_store->createConversation("killed");
        HEARTH_SUCCEEDS(row);
        HEARTH_SUCCEEDS(m_store->addMessage(row->id, {}, StoredRole::Assistant, "one", MessageState::Generating));
        HEARTH_SUCCEEDS(m_store->addMessage(row->id, {}, StoredRole::Assistant, "two", MessageState::Generating));
        HEARTH_SUCCEEDS(add(row->id, {}, "done"));
        QCOMPARE(m_store->markInterrupted().value(), 2);
        QCOMPARE(m_store->markInterrupted().value(), 0);
        const auto path = m_store->activePath(row->id);
        QVERIFY(path->front().state == MessageState::Complete);
        HEARTH_SUCCEEDS(m_store->activate(1));
        QVERIFY(m_store->activePath(row->id)->front().state == MessageState::Interrupted);
    }

    void randomUse_keepsEveryPathSound();

private:
    Result<MessageRow> add(ConversationId conversation, std::optional<MessageId> parent, const std::string& text) {
        return m_store->addMessage(conversation, parent, StoredRole::User, text, MessageState::Complete);
    }

    std::unique_ptr<Database> m_database;
    std::unique_ptr<ChatStore> m_store;
};

namespace {

/// What the store should hold, kept in plain memory by the simplest means.
struct Expected {
    struct Message {
        ConversationId conversation = 0;
        std::optional<MessageId> parent;
        std::string text;
        bool generating = false;
    };
    std::map<MessageId, Message> messages;
    std::map<ConversationId, std::optional<MessageId>> leaves;
    std::map<ConversationId, bool> deleted;

    std::vector<MessageId> siblings(MessageId id) const {
        std::vector<MessageId> out;
        const Message& own = messages.at(id);
        for (const auto& [other, message] : messages) {
            if (message.conversation == own.conversation && message.parent == own.parent) out.push_back(other);
        }
        return out;
    }

    std::vector<MessageId> path(std::optional<MessageId> leaf) const {
        std::vector<MessageId> out;
        for (; leaf; leaf = messages.at(*leaf).parent) out.insert(out.begin(), *leaf);
        return out;
    }

    MessageId youngestBelow(MessageId id) const {
        for (auto it = messages.rbegin(); it != messages.rend(); ++it) {
            if (it->second.conversation != messages.at(id).conversation) continue;
            const auto line = path(it->first);
            if (std::ranges::find(line, id) != line.end()) return it->first;
        }
        return id;
    }
};

/// Empty when the store's view of the conversation equals the expected one, else what differs.
std::string difference(const ChatStore& store, const Expected& expected, ConversationId id) {
    const auto path = store.activePath(id);
    if (!path) return path.error().message;
    const auto leaf = expected.leaves.at(id);
    const auto wanted = expected.path(leaf);
    if (path->size() != wanted.size()) return "path length";
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const MessageRow& row = (*path)[i];
        const Expected::Message& message = expected.messages.at(wanted[i]);
        const auto siblings = expected.siblings(wanted[i]);
        const auto place = std::ranges::find(siblings, wanted[i]) - siblings.begin();
        if (row.id != wanted[i] || row.parent != message.parent || row.conversation != id) return "path order";
        if (row.text != message.text) return "text of " + std::to_string(row.id);
        if ((row.state == MessageState::Generating) != message.generating) return "state of " + std::to_string(row.id);
        if (row.siblingCount != std::ssize(siblings) || row.siblingIndex != place) return "place of " + std::to_string(row.id);
    }
    for (const auto& [other, message] : expected.messages) {
        if (leaf && message.parent == leaf) return "active leaf has children";
    }
    return {};
}

} // namespace

void ChatStoreTest::randomUse_keepsEveryPathSound() {
    QTemporaryDir folder;
    const std::filesystem::path file = folder.filePath("chats.db").toStdString();
    std::mt19937 random(20240917);
    const auto below = [&](std::size_t limit) { return random() % limit; };
    Expected expected;
    const auto anyMessage = [&] { return std::next(expected.messages.begin(), static_cast<std::ptrdiff_t>(below(expected.messages.size())))->first; };
    const auto anyConversation = [&] { return std::next(expected.leaves.begin(), static_cast<std::ptrdiff_t>(below(expected.leaves.size())))->first; };

    for (int step = 0; step < 1000; ++step) {
        if (step % 200 == 0) { // what is on the disk is what counts
            m_store.reset();
            m_database.reset();
            auto opened = Database::open(file);
            HEARTH_SUCCEEDS(opened);
            m_database = std::move(*opened);
            m_database->handle().exec("PRAGMA synchronous = OFF"); // logic is tested here, not power cuts
            m_store = std::make_unique<ChatStore>(*m_database);
        }
        const std::size_t choice = expected.leaves.size() < 3 ? 0 : below(100);
        if (choice < 3) {
            const auto row = m_store->createConversation("conversation " + std::to_string(step));
            HEARTH_SUCCEEDS(row);
            expected.leaves[row->id] = std::nullopt;
            expected.deleted[row->id] = false;
        } else if (choice < 55 || expected.messages.empty()) {
            const ConversationId conversation = anyConversation();
            std::optional<MessageId> parent = expected.leaves[conversation];
            if (below(3) == 0 && !expected.messages.empty()) parent = anyMessage(); // a branch, or a mistake
            if (below(20) == 0) parent.reset();
            const bool generating = below(2) == 0;
            const std::string text = "message " + std::to_string(step);
            const auto row = m_store->addMessage(conversation, parent, StoredRole::Assistant, text,
                                                 generating ? MessageState::Generating : MessageState::Complete);
            const bool mistake = parent && expected.messages.at(*parent).conversation != conversation;
            QCOMPARE(row.has_value(), !mistake);
            if (mistake) continue;
            expected.messages[row->id] = {conversation, parent, text, generating};
            expected.leaves[conversation] = row->id;
        } else if (choice < 70) {
            const MessageId id = anyMessage();
            HEARTH_SUCCEEDS(m_store->activate(id));
            expected.leaves[expected.messages[id].conversation] = expected.youngestBelow(id);
            const auto path = m_store->activePath(expected.messages[id].conversation);
            HEARTH_SUCCEEDS(path);
            QVERIFY(std::ranges::find(*path, id, &MessageRow::id) != path->end());
        } else if (choice < 78) {
            const MessageId id = anyMessage();
            const auto siblings = expected.siblings(id);
            const int wanted = static_cast<int>(below(5)) - 2;
            const auto place = std::ranges::find(siblings, id) - siblings.begin();
            const auto at = std::clamp<std::ptrdiff_t>(place + wanted, 0, std::ssize(siblings) - 1);
            QCOMPARE(m_store->sibling(id, wanted).value(), siblings[static_cast<std::size_t>(at)]);
        } else if (choice < 88) {
            const MessageId id = anyMessage();
            const bool appended = m_store->appendText(id, "+").has_value();
            QCOMPARE(appended, expected.messages[id].generating);
            if (appended) expected.messages[id].text += "+";
        } else if (choice < 92) {
            const MessageId id = anyMessage();
            HEARTH_SUCCEEDS(m_store->finishReply(id, MessageState::Cancelled, {}, {}));
            expected.messages[id].generating = false;
        } else if (choice < 95) {
            const MessageId id = anyMessage();
            HEARTH_SUCCEEDS(m_store->setText(id, "edited"));
            expected.messages[id].text = "edited";
        } else if (choice < 98) {
            const ConversationId id = anyConversation();
            bool& deleted = expected.deleted[id];
            HEARTH_SUCCEEDS(deleted ? m_store->restoreConversation(id) : m_store->deleteConversation(id));
            deleted = !deleted;
        } else if (choice == 98) {
            const auto wanted = std::ranges::count_if(expected.messages, [](const auto& entry) { return entry.second.generating; });
            QCOMPARE(m_store->markInterrupted().value(), static_cast<int>(wanted));
            for (auto& [id, message] : expected.messages) message.generating = false;
        } else {
            const auto purged = std::erase_if(expected.leaves, [&](const auto& entry) { return expected.deleted[entry.first]; });
            QCOMPARE(m_store->purgeDeleted(INT64_MAX).value(), static_cast<int>(purged));
            std::erase_if(expected.deleted, [](const auto& entry) { return entry.second; });
            std::erase_if(expected.messages, [&](const auto& entry) { return !expected.leaves.contains(entry.second.conversation); });
        }
        if (step % 10 != 0 && step < 950) continue; // comparing all after each step would take most of the time
        for (const auto& [id, leaf] : expected.leaves) QCOMPARE(difference(*m_store, expected, id), std::string());
    }
    QVERIFY(expected.messages.size() > 100);
    QCOMPARE(m_database->handle().execAndGet("SELECT count(*) FROM message").getInt(), static_cast<int>(expected.messages.size()));
    QCOMPARE(m_database->handle().execAndGet("PRAGMA integrity_check").getString(), std::string("ok"));
}

QTEST_GUILESS_MAIN(ChatStoreTest)
#include "chat_store_test.moc"
