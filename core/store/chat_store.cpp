// SPDX-License-Identifier: Apache-2.0
#include "core/store/chat_store.h"

#include "core/base/log.h"
#include "core/store/case_fold.h"
#include "core/store/database.h"
#include "core/store/sqlite_error.h"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <type_traits>
#include <utility>

namespace hearth::core {

namespace {

using SQLite::Statement;
using SQLite::Transaction;
using SQLite::TransactionBehavior;

std::int64_t nowMs() {
    const auto sinceEpoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(sinceEpoch).count();
}

/// Now, or just after the newest conversation if that one is not older: two messages in one millisecond, or after the
/// clock was set back a little, still sort as they came. A clock that was a minute wrong is not carried on for ever.
std::int64_t nextUpdateMs(SQLite::Database& handle) {
    constexpr std::int64_t kTolerated = 60'000;
    const std::int64_t now = nowMs();
    const std::int64_t newest =
        handle.execAndGet("SELECT coalesce(max(updated_ms), 0) FROM conversation WHERE deleted_ms IS NULL").getInt64();
    return newest >= now && newest < now + kTolerated ? newest + 1 : now;
}

// --- statistics as JSON ---------------------------------------------------------------------------------------------

/// Calls visit(name, member) for every figure: the one list of names in the stored JSON.
template <class Stats, class Visit>
void forEachFigure(Stats& stats, Visit&& visit) {
    visit("promptTokens", stats.promptTokens);
    visit("cachedTokens", stats.cachedTokens);
    visit("generatedTokens", stats.generatedTokens);
    visit("promptSeconds", stats.promptSeconds);
    visit("generationSeconds", stats.generationSeconds);
    visit("firstTokenSeconds", stats.firstTokenSeconds);
    visit("contextUsed", stats.contextUsed);
    visit("contextLength", stats.contextLength);
    visit("droppedMessages", stats.droppedMessages);
    visit("thoughtSeconds", stats.thoughtSeconds);
    visit("seed", stats.seed);
    visit("backend", stats.backend);
    visit("finishReason", stats.finishReason);
}

std::string toJson(const ReplyStats& stats) {
    nlohmann::json json = nlohmann::json::object();
    forEachFigure(stats, [&](const char* name, const auto& value) { json[name] = value; });
    // Text that is not UTF-8 is mended, where the default would throw.
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Absent figures and those of another type keep their defaults; none when the text is not a JSON object.
std::optional<ReplyStats> statsFromJson(const std::string& text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    ReplyStats stats;
    forEachFigure(stats, [&](const char* name, auto& value) {
        const auto found = json.find(name);
        if (found == json.end()) return;
        using Value = std::remove_reference_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::string>) {
            if (found->is_string()) value = found->template get<std::string>();
        } else if constexpr (std::is_floating_point_v<Value>) {
            if (found->is_number()) value = found->template get<Value>();
        } else {
            if (found->is_number_integer() && std::in_range<Value>(found->template get<std::int64_t>())) {
                value = static_cast<Value>(found->template get<std::int64_t>());
            }
        }
    });
    return stats;
}

// --- rows -----------------------------------------------------------------------------------------------------------

constexpr const char* kConversationColumns = "id, title, created_ms, updated_ms, active_leaf, title_by_user";

ConversationRow readConversation(Statement& row) {
    ConversationRow conversation;
    conversation.id = row.getColumn(0).getInt64();
    conversation.title = row.getColumn(1).getString();
    conversation.createdMs = row.getColumn(2).getInt64();
    conversation.updatedMs = row.getColumn(3).getInt64();
    if (!row.getColumn(4).isNull()) conversation.activeLeaf = row.getColumn(4).getInt64();
    conversation.titleByUser = row.getColumn(5).getInt() != 0;
    return conversation;
}

/// Of message m, with its place among the children of its parent.
constexpr const char* kMessageColumns =
    "m.id, m.conversation_id, m.parent_id, m.role, m.state, m.created_ms, m.model, m.error_text, m.stats, m.text, "
    "(SELECT count(*) FROM message s WHERE s.conversation_id = m.conversation_id AND s.parent_id IS m.parent_id "
    "AND s.id < m.id), "
    "(SELECT count(*) FROM message s WHERE s.conversation_id = m.conversation_id AND s.parent_id IS m.parent_id)";

MessageRow readMessage(Statement& row) {
    MessageRow message;
    message.id = row.getColumn(0).getInt64();
    message.conversation = row.getColumn(1).getInt64();
    if (!row.getColumn(2).isNull()) message.parent = row.getColumn(2).getInt64();
    message.role = static_cast<StoredRole>(row.getColumn(3).getInt());       // range checked by the schema
    message.state = static_cast<MessageState>(row.getColumn(4).getInt());
    message.createdMs = row.getColumn(5).getInt64();
    message.model = row.getColumn(6).getString();
    message.errorText = row.getColumn(7).getString();
    if (!row.getColumn(8).isNull()) {
        message.stats = statsFromJson(row.getColumn(8).getString());
        if (!message.stats) spdlog::warn("message {}: statistics are not a JSON object, left out", message.id);
    }
    message.text = row.getColumn(9).getString();
    message.siblingIndex = row.getColumn(10).getInt();
    message.siblingCount = row.getColumn(11).getInt();
    return message;
}

MessageRow messageById(SQLite::Database& handle, MessageId id) {
    Statement select(handle, fmt::format("SELECT {} FROM message m WHERE m.id = ?", kMessageColumns));
    select.bind(1, id);
    select.executeStep();
    return readMessage(select);
}

std::unexpected<Error> noConversation(ConversationId id) {
    return fail(ErrorCode::InvalidArgument, fmt::format("conversation {} does not exist", id));
}

std::unexpected<Error> noMessage(MessageId id) {
    return fail(ErrorCode::InvalidArgument, fmt::format("message {} does not exist", id));
}

/// Runs an UPDATE whose only fault can be that its conversation does not exist.
Result<void> updateConversation(Statement& update, ConversationId id) {
    if (update.exec() == 0) return noConversation(id);
    return {};
}

} // namespace

ChatStore::ChatStore(Database& database)
    : m_database(database) {}

// --- conversations --------------------------------------------------------------------------------------------------

Result<std::vector<ConversationRow>> ChatStore::conversations(std::string_view titleFilter) const {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "list conversations", [&]() -> Result<std::vector<ConversationRow>> {
        Statement select(handle, fmt::format("SELECT {} FROM conversation WHERE deleted_ms IS NULL "
                                             "AND (?1 = '' OR instr(title_folded, ?1) > 0) "
                                             "ORDER BY updated_ms DESC, id DESC",
                                             kConversationColumns));
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
    return guarded(handle, "purge conversations", [&]() -> Result<int> {
        Statement purge(handle, "DELETE FROM conversation WHERE deleted_ms < ?");
        purge.bind(1, deletedBeforeMs);
        return purge.exec();
    });
}

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
    return guarded(handle, "add message", [&]() -> Result<MessageRow> {
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
    return guarded(handle, "finish reply", [&]() -> Result<void> {
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
    return guarded(handle, "change message", [&]() -> Result<void> {
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
    return guarded(handle, "mark interrupted replies", [&]() -> Result<int> {
        Statement update(handle, "UPDATE message SET state = 2 WHERE state = 1");
        return update.exec();
    });
}

} // namespace hearth::core
