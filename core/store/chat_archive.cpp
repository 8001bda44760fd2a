// SPDX-License-Identifier: Apache-2.0
//
// Between the database and the archive.
#include "core/store/chat_archive.h"

#include "core/store/case_fold.h"
#include "core/store/chat_rows.h"
#include "core/store/database.h"
#include "core/store/sqlite_error.h"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_map>

namespace hearth::core {

namespace {

using SQLite::Statement;
using SQLite::Transaction;
using SQLite::TransactionBehavior;

/// Inside a transaction.
FolderId folderNamed(SQLite::Database& handle, const std::string& name, std::map<std::string, FolderId>& known) {
    const auto found = known.find(name);
    if (found != known.end()) return found->second;
    Statement select(handle, "SELECT id FROM folder WHERE name = ?");
    select.bind(1, name);
    if (select.executeStep()) return known[name] = select.getColumn(0).getInt64();
    Statement insert(handle, "INSERT INTO folder (name) VALUES (?)");
    insert.bind(1, name);
    insert.exec();
    return known[name] = handle.getLastInsertRowid();
}

/// Inside a transaction. Nothing when every place fits; else what does not.
std::string objection(const ArchiveConversation& conversation) {
    for (std::size_t i = 0; i < conversation.messages.size(); ++i) {
        const ArchiveMessage& message = conversation.messages[i];
        if (message.parent && *message.parent >= i) return fmt::format("message {} comes before its parent {}", i, *message.parent);
        if (message.state == MessageState::Generating) return fmt::format("message {} is still being written", i);
    }
    if (conversation.activeLeaf && *conversation.activeLeaf >= conversation.messages.size()) {
        return fmt::format("the last shown message is {} of {}", *conversation.activeLeaf, conversation.messages.size());
    }
    return {};
}

ConversationId addOne(SQLite::Database& handle, const ArchiveConversation& conversation, std::map<std::string, FolderId>& folders) {
    Statement insert(handle, "INSERT INTO conversation (title, title_folded, title_by_user, created_ms, updated_ms, pinned, archived, "
                             "folder_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    insert.bind(1, conversation.title);
    insert.bind(2, caseFolded(conversation.title));
    insert.bind(3, conversation.titleByUser ? 1 : 0);
    insert.bind(4, conversation.createdMs);
    insert.bind(5, conversation.updatedMs);
    insert.bind(6, conversation.pinned ? 1 : 0);
    insert.bind(7, conversation.archived ? 1 : 0);
    if (!conversation.folder.empty()) insert.bind(8, folderNamed(handle, conversation.folder, folders));
    insert.exec();
    const ConversationId id = handle.getLastInsertRowid();

    Statement add(handle, "INSERT INTO message (conversation_id, parent_id, role, state, created_ms, model, error_text, stats, text) "
                          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    std::vector<MessageId> ids;
    ids.reserve(conversation.messages.size());
    for (const ArchiveMessage& message : conversation.messages) {
        add.reset();
        add.clearBindings();
        add.bind(1, id);
        if (message.parent) add.bind(2, ids[*message.parent]);
        add.bind(3, static_cast<int>(message.role));
        add.bind(4, static_cast<int>(message.state));
        add.bind(5, message.createdMs);
        add.bind(6, message.model);
        add.bind(7, message.errorText);
        if (!message.stats.empty()) add.bind(8, message.stats);
        add.bind(9, message.text);
        add.exec();
        ids.push_back(handle.getLastInsertRowid());
    }
    if (conversation.activeLeaf) {
        Statement leaf(handle, "UPDATE conversation SET active_leaf = ?2 WHERE id = ?1");
        leaf.bind(1, id);
        leaf.bind(2, ids[*conversation.activeLeaf]);
        leaf.exec();
    }
    return id;
}

} // namespace

Result<ArchiveConversation> readConversationTree(Database& database, ConversationId id) {
    SQLite::Database& handle = database.handle();
    return guarded(handle, "export conversation", [&]() -> Result<ArchiveConversation> {
        Statement select(handle, "SELECT c.title, c.title_by_user, c.pinned, c.archived, coalesce(f.name, ''), c.created_ms, c.updated_ms, "
                                 "c.active_leaf FROM conversation c LEFT JOIN folder f ON f.id = c.folder_id WHERE c.id = ?");
        select.bind(1, id);
        if (!select.executeStep()) return noConversation(id);
        ArchiveConversation conversation;
        conversation.title = select.getColumn(0).getString();
        conversation.titleByUser = select.getColumn(1).getInt() != 0;
        conversation.pinned = select.getColumn(2).getInt() != 0;
        conversation.archived = select.getColumn(3).getInt() != 0;
        conversation.folder = select.getColumn(4).getString();
        conversation.createdMs = select.getColumn(5).getInt64();
        conversation.updatedMs = select.getColumn(6).getInt64();
        const MessageId leaf = select.getColumn(7).getInt64(); // NULL reads as 0, which is no id

        Statement rows(handle, "SELECT id, parent_id, role, state, created_ms, model, error_text, stats, text FROM message "
                               "WHERE conversation_id = ? ORDER BY id");
        rows.bind(1, id);
        std::unordered_map<MessageId, std::size_t> places;
        while (rows.executeStep()) {
            const MessageId own = rows.getColumn(0).getInt64();
            ArchiveMessage& message = conversation.messages.emplace_back();
            if (!rows.getColumn(1).isNull()) message.parent = places.at(rows.getColumn(1).getInt64()); // older, by the schema
            message.role = static_cast<StoredRole>(rows.getColumn(2).getInt());
            message.state = static_cast<MessageState>(rows.getColumn(3).getInt());
            if (message.state == MessageState::Generating) message.state = MessageState::Interrupted;
            message.createdMs = rows.getColumn(4).getInt64();
            message.model = rows.getColumn(5).getString();
            message.errorText = rows.getColumn(6).getString();
            if (!rows.getColumn(7).isNull()) message.stats = rows.getColumn(7).getString();
            message.text = rows.getColumn(8).getString();
            places[own] = conversation.messages.size() - 1;
            if (own == leaf) conversation.activeLeaf = conversation.messages.size() - 1;
        }
        return conversation;
    });
}

Result<std::vector<ConversationId>> addConversations(Database& database, std::span<const ArchiveConversation> conversations) {
    for (const ArchiveConversation& conversation : conversations) {
        if (const std::string wrong = objection(conversation); !wrong.empty()) {
            return fail(ErrorCode::InvalidArgument, fmt::format("conversation \"{}\": {}", conversation.title, wrong));
        }
    }
    SQLite::Database& handle = database.handle();
    return guardedWithIndex(handle, "import conversations", [&]() -> Result<std::vector<ConversationId>> {
        Transaction transaction(handle, TransactionBehavior::IMMEDIATE);
        std::map<std::string, FolderId> folders;
        std::vector<ConversationId> ids(conversations.size());
        // Oldest first, whatever the file's order: a search lists what came last first.
        std::vector<std::size_t> order(conversations.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::ranges::stable_sort(order, {}, [&](std::size_t at) { return conversations[at].updatedMs; });
        for (const std::size_t at : order) ids[at] = addOne(handle, conversations[at], folders);
        transaction.commit();
        return ids;
    });
}

} // namespace hearth::core
