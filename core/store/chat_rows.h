// SPDX-License-Identifier: Apache-2.0
//
// Rows of the database as the values of chat_store.h, and back. Private to core/store. Inside guarded(): everything here
// throws what SQLite throws. Thread: the database's.
#pragma once

#include "core/base/error.h"
#include "core/store/chat_store.h"

#include <cstdint>
#include <optional>
#include <string>

namespace SQLite {
class Database;
class Statement;
}

namespace hearth::core {

/// Unix time in ms.
[[nodiscard]] std::int64_t nowMs();
/// Now, or just after the newest conversation if that one is not older: two messages in one millisecond, or after the
/// clock was set back a little, still sort as they came. A clock that was a minute wrong is not carried on for ever.
[[nodiscard]] std::int64_t nextUpdateMs(SQLite::Database& handle);

[[nodiscard]] std::string toJson(const ReplyStats& stats);
/// Absent figures and those of another type keep their defaults; none when the text is not a JSON object.
[[nodiscard]] std::optional<ReplyStats> statsFromJson(const std::string& text);

/// Columns of table conversation, as readConversation expects them.
extern const char* const kConversationColumns;
[[nodiscard]] ConversationRow readConversation(SQLite::Statement& row);

/// Columns of message m, with its place among the children of its parent.
extern const char* const kMessageColumns;
[[nodiscard]] MessageRow readMessage(SQLite::Statement& row);

[[nodiscard]] std::unexpected<Error> noConversation(ConversationId id);
[[nodiscard]] std::unexpected<Error> noMessage(MessageId id);

} // namespace hearth::core
