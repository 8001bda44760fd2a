// SPDX-License-Identifier: Apache-2.0
//
// ChatStore: conversations and their messages in SQLite. A conversation's messages form a tree: every message has a
// parent (the first has none), siblings are alternatives, `activeLeaf` names the path that is shown.
// Thread: one (the store thread). Every call is one transaction; a failure changes nothing.
#pragma once

#include "core/base/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

class Database;

using ConversationId = std::int64_t;
using MessageId = std::int64_t;

enum class StoredRole : std::uint8_t { System = 0, User = 1, Assistant = 2 };

enum class MessageState : std::uint8_t {
    Complete = 0,
    Generating = 1,   ///< being written now; found at start it becomes Interrupted
    Interrupted = 2,  ///< the program ended in mid-reply
    Cancelled = 3,    ///< the user pressed Stop
    Failed = 4,       ///< error in errorText
};

/// Of one reply; stored as JSON in the row so that new figures need no migration.
struct ReplyStats {
    std::int32_t promptTokens = 0;
    std::int32_t cachedTokens = 0;
    std::int32_t generatedTokens = 0;
    double promptSeconds = 0.0;
    double generationSeconds = 0.0;
    double firstTokenSeconds = 0.0;
    std::int32_t contextUsed = 0;
    std::int32_t contextLength = 0;
    std::int32_t droppedMessages = 0;
    double thoughtSeconds = 0.0; ///< from <think> to </think>
    std::int64_t seed = 0;
    std::string backend;
    std::string finishReason;
};

struct ConversationRow {
    ConversationId id = 0;
    std::string title;
    std::int64_t createdMs = 0;   ///< Unix time in ms
    std::int64_t updatedMs = 0;
    std::optional<MessageId> activeLeaf;
    bool titleByUser = false;     ///< renamed by hand: automatic titles keep off
};

struct MessageRow {
    MessageId id = 0;
    ConversationId conversation = 0;
    std::optional<MessageId> parent;
    StoredRole role = StoredRole::User;
    MessageState state = MessageState::Complete;
    std::string text;
    std::string model;            ///< display name of the model that wrote it; empty for a user's
    std::string errorText;
    std::optional<ReplyStats> stats;
    std::int64_t createdMs = 0;
    std::int32_t siblingIndex = 0;///< 0-based place among the children of its parent
    std::int32_t siblingCount = 1;
};

class ChatStore {
public:
    /// `database` must outlive the store.
    explicit ChatStore(Database& database);

    // --- conversations ------------------------------------------------------------------------------------------
    /// Not deleted ones, last updated first. `titleFilter`: case-insensitive part of the title (Unicode), empty = all.
    [[nodiscard]] Result<std::vector<ConversationRow>> conversations(std::string_view titleFilter = {}) const;
    [[nodiscard]] Result<ConversationRow> createConversation(std::string title);
    [[nodiscard]] Result<void> renameConversation(ConversationId id, std::string title, bool byUser);
    /// Hidden at once, kept in the bin; restoreConversation undoes it. purgeDeleted removes what is older for good.
    [[nodiscard]] Result<void> deleteConversation(ConversationId id);
    [[nodiscard]] Result<void> restoreConversation(ConversationId id);
    [[nodiscard]] Result<int> purgeDeleted(std::int64_t deletedBeforeMs);

    // --- messages -----------------------------------------------------------------------------------------------
    /// The shown path, root to active leaf.
    [[nodiscard]] Result<std::vector<MessageRow>> activePath(ConversationId id) const;
    /// Adds a message under `parent` (none = a root) and makes it the active leaf.
    [[nodiscard]] Result<MessageRow> addMessage(ConversationId conversation, std::optional<MessageId> parent, StoredRole role,
                                                std::string text, MessageState state, std::string model = {});
    /// Appends to a reply that is being generated.
    [[nodiscard]] Result<void> appendText(MessageId id, std::string_view text);
    [[nodiscard]] Result<void> finishReply(MessageId id, MessageState state, const std::optional<ReplyStats>& stats, std::string errorText);
    [[nodiscard]] Result<void> setText(MessageId id, std::string text);
    /// Makes the path that runs through this message (and its most recent descendants) the active one.
    [[nodiscard]] Result<void> activate(MessageId id);
    /// The sibling `step` places on (-1, +1); the same id at an end.
    [[nodiscard]] Result<MessageId> sibling(MessageId id, int step) const;
    /// Marks every Generating message Interrupted; called once at start. Returns how many.
    [[nodiscard]] Result<int> markInterrupted();

private:
    Database& m_database;
};

} // namespace hearth::core
