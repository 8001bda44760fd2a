// SPDX-License-Identifier: Apache-2.0
//
// ChatStore's conversations; folders and changes of many at once are in organise.cpp.
#include "core/store/case_fold.h"
#include "core/store/chat_rows.h"
#include "core/store/chat_store.h"
#include "core/store/database.h"
#include "core/store/sqlite_error.h"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <utility>

namespace hearth::core {

namespace {

using SQLite::Statement;
using SQLite::Transaction;
using SQLite::TransactionBehavior;

/// Runs an UPDATE whose only fault can be that its conversation does not exist.
Result<void> updateConversation(Statement& update, ConversationId id) {
    if (update.exec() == 0) return noConversation(id);
    return {};
}

const char* condition(ConversationView view) {
    switch (view) {
    case ConversationView::Archive: return "deleted_ms IS NULL AND archived";
    case ConversationView::Bin: return "deleted_ms IS NOT NULL";
    case ConversationView::Kept: return "deleted_ms IS NULL";
    case ConversationView::All: return "1";
    case ConversationView::List: break;
    }
    return "deleted_ms IS NULL AND NOT archived";
}

} // namespace

// --- conversations --------------------------------------------------------------------------------------------------

Result<std::vector<ConversationRow>> ChatStore::conversations(std::string_view titleFilter, ConversationView view) const {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "list conversations", [&]() -> Result<std::vector<ConversationRow>> {
        Statement select(handle, fmt::format("SELECT {} FROM conversation WHERE {} "
                                             "AND (?1 = '' OR instr(title_folded, ?1) > 0) "
                                             "ORDER BY deleted_ms DESC, updated_ms DESC, id DESC",
                                             kConversationColumns, condition(view)));
        select.bind(1, caseFolded(titleFilter));
        std::vector<ConversationRow> rows;
        while (select.executeStep()) rows.push_back(readConversation(select));
        return rows;
    });
}

Result<ConversationRow> ChatStore::createConversation(std::string title) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "create conversation", [&]() -> Result<ConversationRow> {
        Transaction transaction(handle, TransactionBehavior::IMMEDIATE);
        ConversationRow row;
        row.title = std::move(title);
        row.updatedMs = nextUpdateMs(handle);
        row.createdMs = row.updatedMs;
        Statement insert(handle, "INSERT INTO conversation (title, title_folded, created_ms, updated_ms) VALUES (?, ?, ?, ?)");
        insert.bind(1, row.title);
        insert.bind(2, caseFolded(row.title));
        insert.bind(3, row.createdMs);
        insert.bind(4, row.updatedMs);
        insert.exec();
        row.id = handle.getLastInsertRowid();
        transaction.commit();
        return row;
    });
}

Result<void> ChatStore::renameConversation(ConversationId id, std::string title, bool byUser) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "rename conversation", [&]() -> Result<void> {
        // An automatic title that comes after the user's own changes nothing, and that is no failure.
        Statement update(handle, "UPDATE conversation SET "
                                 "title = CASE WHEN ?4 OR NOT title_by_user THEN ?2 ELSE title END, "
                                 "title_folded = CASE WHEN ?4 OR NOT title_by_user THEN ?3 ELSE title_folded END, "
                                 "title_by_user = title_by_user OR ?4 WHERE id = ?1");
        update.bind(1, id);
        update.bind(2, title);
        update.bind(3, caseFolded(title));
        update.bind(4, byUser ? 1 : 0);
        return updateConversation(update, id);
    });
}

Result<void> ChatStore::deleteConversation(ConversationId id) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "delete conversation", [&]() -> Result<void> {
        Statement update(handle, "UPDATE conversation SET deleted_ms = coalesce(deleted_ms, ?2) WHERE id = ?1");
        update.bind(1, id);
        update.bind(2, nowMs());
        return updateConversation(update, id);
    });
}

Result<void> ChatStore::restoreConversation(ConversationId id) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "restore conversation", [&]() -> Result<void> {
        Statement update(handle, "UPDATE conversation SET deleted_ms = NULL WHERE id = ?");
        update.bind(1, id);
        return updateConversation(update, id);
    });
}

Result<int> ChatStore::purgeDeleted(std::int64_t deletedBeforeMs) {
    SQLite::Database& handle = m_database.handle();
    return guardedWithIndex(handle, "purge conversations", [&]() -> Result<int> {
        Statement purge(handle, "DELETE FROM conversation WHERE deleted_ms < ?");
        purge.bind(1, deletedBeforeMs);
        return purge.exec();
    });
}

Result<int> ChatStore::emptyBin() {
    SQLite::Database& handle = m_database.handle();
    return guardedWithIndex(handle, "empty the bin", [&]() -> Result<int> {
        return handle.exec("DELETE FROM conversation WHERE deleted_ms IS NOT NULL");
    });
}

Result<int> ChatStore::purge(std::span<const ConversationId> ids) {
    SQLite::Database& handle = m_database.handle();
    return guardedWithIndex(handle, "purge conversations", [&]() -> Result<int> {
        Transaction transaction(handle, TransactionBehavior::IMMEDIATE);
        Statement purge(handle, "DELETE FROM conversation WHERE id = ? AND deleted_ms IS NOT NULL");
        int purged = 0;
        for (const ConversationId id : ids) {
            purge.reset();
            purge.bind(1, id);
            purged += purge.exec();
        }
        transaction.commit();
        return purged;
    });
}

} // namespace hearth::core
