// SPDX-License-Identifier: Apache-2.0
#include "core/store/chat_rows.h"

#include "core/base/log.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <type_traits>
#include <utility>

namespace hearth::core {

using SQLite::Statement;

std::int64_t nowMs() {
    const auto sinceEpoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(sinceEpoch).count();
}

std::int64_t nextUpdateMs(SQLite::Database& handle) {
    constexpr std::int64_t kTolerated = 60'000;
    const std::int64_t now = nowMs();
    const std::int64_t newest =
        handle.execAndGet("SELECT coalesce(max(updated_ms), 0) FROM conversation WHERE deleted_ms IS NULL").getInt64();
    return newest >= now && newest < now + kTolerated ? newest + 1 : now;
}

// --- statistics as JSON ---------------------------------------------------------------------------------------------

namespace {

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

} // namespace

std::string toJson(const ReplyStats& stats) {
    nlohmann::json json = nlohmann::json::object();
    forEachFigure(stats, [&](const char* name, const auto& value) { json[name] = value; });
    // Text that is not UTF-8 is mended, where the default would throw.
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

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

const char* const kConversationColumns =
    "id, title, created_ms, updated_ms, active_leaf, title_by_user, pinned, archived, folder_id, deleted_ms";

ConversationRow readConversation(Statement& row) {
    ConversationRow conversation;
    conversation.id = row.getColumn(0).getInt64();
    conversation.title = row.getColumn(1).getString();
    conversation.createdMs = row.getColumn(2).getInt64();
    conversation.updatedMs = row.getColumn(3).getInt64();
    if (!row.getColumn(4).isNull()) conversation.activeLeaf = row.getColumn(4).getInt64();
    conversation.titleByUser = row.getColumn(5).getInt() != 0;
    conversation.pinned = row.getColumn(6).getInt() != 0;
    conversation.archived = row.getColumn(7).getInt() != 0;
    if (!row.getColumn(8).isNull()) conversation.folder = row.getColumn(8).getInt64();
    if (!row.getColumn(9).isNull()) conversation.deletedMs = row.getColumn(9).getInt64();
    return conversation;
}

const char* const kMessageColumns =
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

std::unexpected<Error> noConversation(ConversationId id) {
    return fail(ErrorCode::InvalidArgument, fmt::format("conversation {} does not exist", id));
}

std::unexpected<Error> noMessage(MessageId id) {
    return fail(ErrorCode::InvalidArgument, fmt::format("message {} does not exist", id));
}

} // namespace hearth::core
