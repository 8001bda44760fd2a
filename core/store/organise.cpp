// SPDX-License-Identifier: Apache-2.0
//
// ChatStore's folders, and changes of many conversations at once.
#include "core/store/case_fold.h"
#include "core/store/chat_rows.h"
#include "core/store/chat_store.h"
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

std::unexpected<Error> noFolder(FolderId id) {
    return fail(ErrorCode::InvalidArgument, fmt::format("folder {} does not exist", id));
}

std::string trimmed(const std::string& text) {
    constexpr const char* kBlanks = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(kBlanks);
    return begin == std::string::npos ? std::string() : text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

Result<std::string> folderName(const std::string& name) {
    std::string clean = trimmed(name);
    if (clean.empty()) return fail(ErrorCode::InvalidArgument, "a folder needs a name");
    return clean;
}

void bindOptional(Statement& statement, int index, const std::optional<std::int64_t>& value) {
    value ? statement.bind(index, *value) : statement.bind(index);
}

/// Inside a transaction.
void writeBack(SQLite::Database& handle, const ConversationRow& row) {
    Statement update(handle, "UPDATE conversation SET pinned = ?2, archived = ?3, folder_id = ?4, deleted_ms = ?5 WHERE id = ?1");
    update.bind(1, row.id);
    update.bind(2, row.pinned ? 1 : 0);
    update.bind(3, row.archived ? 1 : 0);
    bindOptional(update, 4, row.folder);
    bindOptional(update, 5, row.deletedMs);
    update.exec(); // one that was purged meanwhile stays gone
}

std::vector<ConversationRow> inFolder(SQLite::Database& handle, FolderId id) {
    Statement select(handle, fmt::format("SELECT {} FROM conversation WHERE folder_id = ?", kConversationColumns));
    select.bind(1, id);
    std::vector<ConversationRow> rows;
    while (select.executeStep()) rows.push_back(readConversation(select));
    return rows;
}

} // namespace

Result<std::vector<ConversationRow>> ChatStore::change(std::span<const ConversationId> ids, const ConversationChange& change) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "change conversations", [&]() -> Result<std::vector<ConversationRow>> {
        Transaction transaction(handle, TransactionBehavior::IMMEDIATE);
        Statement select(handle, fmt::format("SELECT {} FROM conversation WHERE id = ?", kConversationColumns));
        std::vector<ConversationRow> before;
        const std::int64_t now = nowMs();
        for (const ConversationId id : ids) {
            select.reset();
            select.bind(1, id);
            if (!select.executeStep()) return noConversation(id);
            ConversationRow row = before.emplace_back(readConversation(select));
            if (change.pinned) row.pinned = *change.pinned;
            if (change.archived) row.archived = *change.archived;
            if (change.folder) row.folder = *change.folder;
            if (change.deleted) row.deletedMs = *change.deleted ? std::optional(row.deletedMs.value_or(now)) : std::nullopt;
            writeBack(handle, row);
        }
        transaction.commit();
        return before;
    });
}

Result<void> ChatStore::putBack(std::span<const ConversationRow> before) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "undo a change of conversations", [&]() -> Result<void> {
        Transaction transaction(handle, TransactionBehavior::IMMEDIATE);
        for (const ConversationRow& row : before) writeBack(handle, row);
        transaction.commit();
        return {};
    });
}

// --- folders --------------------------------------------------------------------------------------------------------

Result<std::vector<FolderRow>> ChatStore::folders() const {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "list folders", [&]() -> Result<std::vector<FolderRow>> {
        Statement select(handle, "SELECT id, name, collapsed FROM folder ORDER BY id");
        std::vector<std::pair<std::string, FolderRow>> byName;
        while (select.executeStep()) {
            FolderRow row{select.getColumn(0).getInt64(), select.getColumn(1).getString(), select.getColumn(2).getInt() != 0};
            byName.emplace_back(caseFolded(row.name), std::move(row));
        }
        std::ranges::stable_sort(byName, {}, &std::pair<std::string, FolderRow>::first);
        std::vector<FolderRow> rows;
        for (auto& [key, row] : byName) rows.push_back(std::move(row));
        return rows;
    });
}

Result<FolderRow> ChatStore::createFolder(std::string name) {
    auto clean = folderName(name);
    if (!clean) return std::unexpected(clean.error());
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "create folder", [&]() -> Result<FolderRow> {
        Statement insert(handle, "INSERT INTO folder (name) VALUES (?)");
        insert.bind(1, *clean);
        insert.exec();
        return FolderRow{handle.getLastInsertRowid(), *clean, false};
    });
}

Result<void> ChatStore::renameFolder(FolderId id, std::string name) {
    const auto clean = folderName(name);
    if (!clean) return std::unexpected(clean.error());
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "rename folder", [&]() -> Result<void> {
        Statement update(handle, "UPDATE folder SET name = ?2 WHERE id = ?1");
        update.bind(1, id);
        update.bind(2, *clean);
        if (update.exec() == 0) return noFolder(id);
        return {};
    });
}

Result<void> ChatStore::setFolderCollapsed(FolderId id, bool collapsed) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "fold a folder", [&]() -> Result<void> {
        Statement update(handle, "UPDATE folder SET collapsed = ?2 WHERE id = ?1");
        update.bind(1, id);
        update.bind(2, collapsed ? 1 : 0);
        if (update.exec() == 0) return noFolder(id);
        return {};
    });
}

Result<std::vector<ConversationRow>> ChatStore::removeFolder(FolderId id) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "remove folder", [&]() -> Result<std::vector<ConversationRow>> {
        Transaction transaction(handle, TransactionBehavior::IMMEDIATE);
        std::vector<ConversationRow> members = inFolder(handle, id);
        Statement remove(handle, "DELETE FROM folder WHERE id = ?"); // its conversations' folder_id becomes NULL
        remove.bind(1, id);
        if (remove.exec() == 0) return noFolder(id);
        transaction.commit();
        return members;
    });
}

Result<void> ChatStore::restoreFolder(const FolderRow& folder, std::span<const ConversationRow> members) {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "restore folder", [&]() -> Result<void> {
        Transaction transaction(handle, TransactionBehavior::IMMEDIATE);
        Statement insert(handle, "INSERT INTO folder (id, name, collapsed) VALUES (?, ?, ?)");
        insert.bind(1, folder.id);
        insert.bind(2, folder.name);
        insert.bind(3, folder.collapsed ? 1 : 0);
        insert.exec();
        Statement back(handle, "UPDATE conversation SET folder_id = ?2 WHERE id = ?1");
        for (const ConversationRow& row : members) {
            back.reset();
            back.bind(1, row.id);
            back.bind(2, folder.id);
            back.exec();
        }
        transaction.commit();
        return {};
    });
}

} // namespace hearth::core
