// SPDX-License-Identifier: Apache-2.0
//
// The messages; the conversations are in conversations.cpp.
#include "core/store/chat_store.h"

#include "core/store/chat_rows.h"
#include "core/store/database.h"
#include "core/store/sqlite_error.h"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hearth::core {

namespace {

using SQLite::Statement;
using SQLite::Transaction;
using SQLite::TransactionBehavior;

MessageRow messageById(SQLite::Database& handle, MessageId id) {
    Statement select(handle, fmt::format("SELECT {} FROM message m WHERE m.id = ?", kMessageColumns));
    select.bind(1, id);
    select.executeStep();
    return readMessage(select);
}

} // namespace

ChatStore::ChatStore(Database& database)
    : m_database(database) {}

// --- messages -------------------------------------------------------------------------------------------------------

Result<std::vector<MessageRow>> ChatStore::activePath(ConversationId id) const {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "read conversation", [&]() -> Result<std::vector<MessageRow>> {
        Statement exists(handle, "SELECT 1 FROM conversation WHERE id = ?");
        exists.bind(1, id);
        if (!exists.executeStep()) return noConversation(id);
        // A parent is older than its children (the schema holds that), so the path in order of ids is root to leaf.
        Statement select(handle, fmt::format("WITH RECURSIVE path (id) AS ("
                                             "SELECT active_leaf FROM conversation WHERE id = ? "
                                             "UNION SELECT m.parent_id FROM path JOIN message m ON m.id = path.id) "
                                             "SELECT {} FROM path JOIN message m ON m.id = path.id ORDER BY m.id",
                                             kMessageColumns));
        select.bind(1, id);
        std::vector<MessageRow> rows;
        while (select.executeStep()) rows.push_back(readMessage(select));
        return rows;
    });
}

Result<MessageRow> ChatStore::addMessage(ConversationId conversation, std::optional<MessageId> parent, StoredRole role,
                                         std::string text, MessageState state, std::string model) {
    SQLite::Database& handle = m_database.handle();
    return guardedWithIndex(handle, "add message", [&]() -> Result<MessageRow> {
        Transaction transaction(handle, TransactionBehavior::IMMEDIATE);
        if (parent) {
            Statement owner(handle, "SELECT conversation_id FROM message WHERE id = ?");
            owner.bind(1, *parent);
            if (!owner.executeStep()) return noMessage(*parent);
            if (const auto found = owner.getColumn(0).getInt64(); found != conversation) {
                return fail(ErrorCode::InvalidArgument, fmt::format("message {} is of conversation {}, not {}", *parent,
                                                                    found, conversation));
            }
        }
        const std::int64_t updatedMs = nextUpdateMs(handle);
        Statement bump(handle, "UPDATE conversation SET updated_ms = ?2 WHERE id = ?1");
        bump.bind(1, conversation);
        bump.bind(2, updatedMs);
        if (bump.exec() == 0) return noConversation(conversation);

        Statement insert(handle, "INSERT INTO message (conversation_id, parent_id, role, state, created_ms, model, text) "
                                 "VALUES (?, ?, ?, ?, ?, ?, ?)");
        insert.bind(1, conversation);
        if (parent) insert.bind(2, *parent);
        insert.bind(3, static_cast<int>(role));
        insert.bind(4, static_cast<int>(state));
        insert.bind(5, updatedMs);
        insert.bind(6, model);
        insert.bind(7, text);
        insert.exec();
        const MessageId id = handle.getLastInsertRowid();

        Statement leaf(handle, "UPDATE conversation SET active_leaf = ?2 WHERE id = ?1");
        leaf.bind(1, conversation);
        leaf.bind(2, id);
        leaf.exec();
        MessageRow row = messageById(handle, id);
        transaction.commit();
        return row;
    });
}

Result<void> ChatStore::appendText(MessageId id, std::string_view text) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "append to reply", [&]() -> Result<void> {
        Statement update(handle, "UPDATE message SET text = text || ?2 WHERE id = ?1 AND state = ?3");
        update.bind(1, id);
        update.bind(2, std::string(text));
        update.bind(3, static_cast<int>(MessageState::Generating));
        if (update.exec() == 0) {
            return fail(ErrorCode::InvalidArgument, fmt::format("message {} is not being generated", id));
        }
        return {};
    });
}

Result<void> ChatStore::finishReply(MessageId id, MessageState state, const std::optional<ReplyStats>& stats,
                                    std::string errorText) {
    if (state == MessageState::Generating) {
        return fail(ErrorCode::InvalidArgument, fmt::format("message {}: Generating is no final state", id));
    }
    SQLite::Database& handle = m_database.handle();
    return guardedWithIndex(handle, "finish reply", [&]() -> Result<void> {
        Statement update(handle, "UPDATE message SET state = ?2, stats = ?3, error_text = ?4 WHERE id = ?1");
        update.bind(1, id);
        update.bind(2, static_cast<int>(state));
        if (stats) update.bind(3, toJson(*stats));
        update.bind(4, errorText);
        if (update.exec() == 0) return noMessage(id);
        return {};
    });
}

Result<void> ChatStore::setText(MessageId id, std::string text) {
    SQLite::Database& handle = m_database.handle();
    return guardedWithIndex(handle, "change message", [&]() -> Result<void> {
        Statement update(handle, "UPDATE message SET text = ?2 WHERE id = ?1");
        update.bind(1, id);
        update.bind(2, text);
        if (update.exec() == 0) return noMessage(id);
        return {};
    });
}

Result<void> ChatStore::activate(MessageId id) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "show branch", [&]() -> Result<void> {
        // Children are younger than their parents, so the youngest of the subtree is a leaf: where work last went on.
        Statement update(handle, "WITH RECURSIVE subtree (id) AS ("
                                 "VALUES (?1) UNION SELECT m.id FROM subtree JOIN message m ON m.parent_id = subtree.id "
                                 "AND m.conversation_id = (SELECT conversation_id FROM message WHERE id = ?1)) "
                                 "UPDATE conversation SET active_leaf = (SELECT max(id) FROM subtree) "
                                 "WHERE id = (SELECT conversation_id FROM message WHERE id = ?1)");
        update.bind(1, id);
        if (update.exec() == 0) return noMessage(id);
        return {};
    });
}

Result<MessageId> ChatStore::sibling(MessageId id, int step) const {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "find sibling", [&]() -> Result<MessageId> {
        Statement select(handle, "SELECT s.id FROM message m JOIN message s ON s.conversation_id = m.conversation_id "
                                 "AND s.parent_id IS m.parent_id WHERE m.id = ? ORDER BY s.id");
        select.bind(1, id);
        std::vector<MessageId> siblings;
        while (select.executeStep()) siblings.push_back(select.getColumn(0).getInt64());
        const auto at = std::ranges::find(siblings, id);
        if (at == siblings.end()) return noMessage(id);
        const std::int64_t last = static_cast<std::int64_t>(siblings.size()) - 1;
        const std::int64_t wanted = (at - siblings.begin()) + std::int64_t{step};
        return siblings[static_cast<std::size_t>(std::clamp<std::int64_t>(wanted, 0, last))];
    });
}

Result<int> ChatStore::markInterrupted() {
    SQLite::Database& handle = m_database.handle();
    return guardedWithIndex(handle, "mark interrupted replies", [&]() -> Result<int> {
        Statement update(handle, "UPDATE message SET state = 2 WHERE state = 1");
        return update.exec();
    });
}

} // namespace hearth::core
