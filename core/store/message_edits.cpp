// SPDX-License-Identifier: Apache-2.0
//
// ChatStore: what takes messages away and brings them back, and drafts.
#include "core/store/chat_store.h"

#include "core/store/database.h"
#include "core/store/sqlite_error.h"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <utility>

namespace hearth::core {

using SQLite::Statement;
using SQLite::Transaction;
using SQLite::TransactionBehavior;

namespace {

/// All of a message and its descendants.
constexpr const char* kSubtree = "WITH RECURSIVE subtree (id) AS (VALUES (?1) UNION SELECT m.id FROM subtree JOIN message m "
                                 "ON m.parent_id = subtree.id AND m.conversation_id = (SELECT conversation_id FROM message WHERE id = ?1)) ";

std::optional<std::int64_t> optionalId(SQLite::Column column) {
    if (column.isNull()) return std::nullopt;
    return column.getInt64();
}

void bindOptional(Statement& statement, int index, const std::optional<std::int64_t>& value) {
    if (value) {
        statement.bind(index, *value);
    } else {
        statement.bind(index);
    }
}

void setLeaf(SQLite::Database& handle, ConversationId conversation, const std::optional<MessageId>& leaf) {
    Statement update(handle, "UPDATE conversation SET active_leaf = ?2 WHERE id = ?1");
    update.bind(1, conversation);
    bindOptional(update, 2, leaf);
    update.exec();
}

} // namespace

Result<RemovedMessages> ChatStore::removeMessage(MessageId id) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "remove message", [&]() -> Result<RemovedMessages> {
        Transaction transaction(handle, TransactionBehavior::IMMEDIATE);
        RemovedMessages removed;
        Statement owner(handle, "SELECT m.conversation_id, m.parent_id, c.active_leaf FROM message m "
                                "JOIN conversation c ON c.id = m.conversation_id WHERE m.id = ?");
        owner.bind(1, id);
        if (!owner.executeStep()) return fail(ErrorCode::InvalidArgument, fmt::format("message {} does not exist", id));
        removed.conversation = owner.getColumn(0).getInt64();
        const auto parent = optionalId(owner.getColumn(1));
        removed.activeLeaf = optionalId(owner.getColumn(2));

        Statement select(handle, std::string(kSubtree) + "SELECT m.id, m.parent_id, m.role, m.state, m.created_ms, m.model, m.error_text, "
                                                         "m.stats, m.text FROM message m WHERE m.id IN (SELECT id FROM subtree) ORDER BY m.id");
        select.bind(1, id);
        while (select.executeStep()) {
            RemovedMessages::Row row;
            row.id = select.getColumn(0).getInt64();
            row.parent = optionalId(select.getColumn(1));
            row.role = static_cast<StoredRole>(select.getColumn(2).getInt());
            row.state = static_cast<MessageState>(select.getColumn(3).getInt());
            row.createdMs = select.getColumn(4).getInt64();
            row.model = select.getColumn(5).getString();
            row.errorText = select.getColumn(6).getString();
            if (!select.getColumn(7).isNull()) row.statsJson = select.getColumn(7).getString();
            row.text = select.getColumn(8).getString();
            removed.rows.push_back(std::move(row));
        }
        const auto holdsLeaf = [&] {
            for (const auto& row : removed.rows) {
                if (removed.activeLeaf == row.id) return true;
            }
            return false;
        };
        if (holdsLeaf()) {
            // The path ends at the parent, or goes on through the nearest alternative.
            Statement sibling(handle, "SELECT s.id FROM message s WHERE s.conversation_id = ?1 AND s.parent_id IS ?2 AND s.id <> ?3 "
                                      "ORDER BY abs(s.id - ?3) LIMIT 1");
            sibling.bind(1, removed.conversation);
            bindOptional(sibling, 2, parent);
            sibling.bind(3, id);
            std::optional<MessageId> leaf = parent;
            if (sibling.executeStep()) {
                Statement youngest(handle, std::string(kSubtree) + "SELECT max(id) FROM subtree");
                youngest.bind(1, sibling.getColumn(0).getInt64());
                youngest.executeStep();
                leaf = youngest.getColumn(0).getInt64();
            }
            setLeaf(handle, removed.conversation, leaf);
        }
        Statement erase(handle, std::string(kSubtree) + "DELETE FROM message WHERE id IN (SELECT id FROM subtree)");
        erase.bind(1, id);
        erase.exec();
        transaction.commit();
        return removed;
    });
}

Result<void> ChatStore::restoreMessages(const RemovedMessages& removed) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "restore messages", [&]() -> Result<void> {
        Transaction transaction(handle, TransactionBehavior::IMMEDIATE);
        Statement insert(handle, "INSERT INTO message (id, conversation_id, parent_id, role, state, created_ms, model, error_text, stats, text) "
                                 "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        for (const auto& row : removed.rows) {
            insert.bind(1, row.id);
            insert.bind(2, removed.conversation);
            bindOptional(insert, 3, row.parent);
            insert.bind(4, static_cast<int>(row.role));
            // What was being written when it was removed has ended since.
            insert.bind(5, static_cast<int>(row.state == MessageState::Generating ? MessageState::Cancelled : row.state));
            insert.bind(6, row.createdMs);
            insert.bind(7, row.model);
            insert.bind(8, row.errorText);
            if (row.statsJson) {
                insert.bind(9, *row.statsJson);
            } else {
                insert.bind(9);
            }
            insert.bind(10, row.text);
            insert.exec();
            insert.reset();
        }
        setLeaf(handle, removed.conversation, removed.activeLeaf);
        transaction.commit();
        return {};
    });
}

Result<void> ChatStore::showLeaf(ConversationId conversation, std::optional<MessageId> leaf) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "show branch", [&]() -> Result<void> {
        if (leaf) {
            Statement owner(handle, "SELECT 1 FROM message WHERE id = ? AND conversation_id = ?");
            owner.bind(1, *leaf);
            owner.bind(2, conversation);
            if (!owner.executeStep()) return fail(ErrorCode::InvalidArgument, fmt::format("message {} is not of conversation {}", *leaf, conversation));
        }
        setLeaf(handle, conversation, leaf);
        return {};
    });
}

Result<std::string> ChatStore::draft(ConversationId conversation) const {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "read draft", [&]() -> Result<std::string> {
        Statement select(handle, "SELECT text FROM draft WHERE conversation_id = ?");
        select.bind(1, conversation);
        return select.executeStep() ? select.getColumn(0).getString() : std::string();
    });
}

Result<void> ChatStore::setDraft(ConversationId conversation, std::string text) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "save draft", [&]() -> Result<void> {
        Statement write(handle, text.empty() ? "DELETE FROM draft WHERE conversation_id = ?1"
                                             : "INSERT INTO draft (conversation_id, text) VALUES (?1, ?2) "
                                               "ON CONFLICT (conversation_id) DO UPDATE SET text = excluded.text");
        write.bind(1, conversation);
        if (!text.empty()) write.bind(2, text);
        write.exec();
        return {};
    });
}

} // namespace hearth::core
