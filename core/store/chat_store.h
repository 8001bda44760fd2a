// SPDX-License-Identifier: Apache-2.0
//
// ChatStore: conversations and their messages in SQLite. A conversation's messages form a tree: every message has a
// parent (the first has none), siblings are alternatives, `activeLeaf` names the path that is shown.
// Thread: one (the store thread). Every call is one transaction; a failure changes nothing.
#pragma once

#include "core/base/error.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

class Database;

using ConversationId = std::int64_t;
using FolderId = std::int64_t;
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
    bool pinned = false;
    bool archived = false;        ///< out of the list, still found by the search
    std::optional<FolderId> folder;
    std::optional<std::int64_t> deletedMs; ///< in the bin since then
};

/// Which conversations a list shows.
enum class ConversationView : std::uint8_t {
    List,    ///< neither archived nor in the bin
    Archive,
    Bin,
    Kept,    ///< all but those in the bin
    All,
};

struct FolderRow {
    FolderId id = 0;
    std::string name;
    bool collapsed = false; ///< only its caption is shown
};

/// What can be changed of many conversations at once; what is unset stays as it is.
struct ConversationChange {
    std::optional<bool> pinned;
    std::optional<bool> archived;
    std::optional<std::optional<FolderId>> folder; ///< none in it = out of any folder
    std::optional<bool> deleted;                   ///< into the bin, out of it
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

/// A message and all under it, as they were: what removeMessage took away and restoreMessages brings back.
struct RemovedMessages {
    struct Row {
        MessageId id = 0;
        std::optional<MessageId> parent;
        StoredRole role = StoredRole::User;
        MessageState state = MessageState::Complete;
        std::int64_t createdMs = 0;
        std::string model;
        std::string errorText;
        std::optional<std::string> statsJson; ///< as stored, also figures that this version does not know
        std::string text;
    };
    ConversationId conversation = 0;
    std::optional<MessageId> activeLeaf; ///< before
    std::vector<Row> rows;               ///< by id: parents first
};

class ChatStore {
public:
    /// `database` must outlive the store.
    explicit ChatStore(Database& database);

    // --- conversations ------------------------------------------------------------------------------------------
    /// Last updated first, of the bin last deleted first. `titleFilter`: case-insensitive part of the title (Unicode),
    /// empty = all.
    [[nodiscard]] Result<std::vector<ConversationRow>> conversations(std::string_view titleFilter = {},
                                                                     ConversationView view = ConversationView::List) const;
    [[nodiscard]] Result<ConversationRow> createConversation(std::string title);
    [[nodiscard]] Result<void> renameConversation(ConversationId id, std::string title, bool byUser);
    /// Hidden at once, kept in the bin; restoreConversation undoes it. purgeDeleted removes what is older for good.
    [[nodiscard]] Result<void> deleteConversation(ConversationId id);
    [[nodiscard]] Result<void> restoreConversation(ConversationId id);
    [[nodiscard]] Result<int> purgeDeleted(std::int64_t deletedBeforeMs);

    /// Empties the bin for good; returns how many conversations there were.
    [[nodiscard]] Result<int> emptyBin();
    /// Removes for good those of them that are in the bin; returns how many.
    [[nodiscard]] Result<int> purge(std::span<const ConversationId> ids);

    /// The same change for all of them, or for none when one does not exist. Returns them as they were before, which
    /// putBack undoes: pin, archive, folder and bin become again what these rows say.
    [[nodiscard]] Result<std::vector<ConversationRow>> change(std::span<const ConversationId> ids, const ConversationChange& change);
    [[nodiscard]] Result<void> putBack(std::span<const ConversationRow> before);

    // --- folders ------------------------------------------------------------------------------------------------
    /// By name, case-insensitive (Unicode).
    [[nodiscard]] Result<std::vector<FolderRow>> folders() const;
    /// The name without blanks at its ends; an empty one is InvalidArgument.
    [[nodiscard]] Result<FolderRow> createFolder(std::string name);
    [[nodiscard]] Result<void> renameFolder(FolderId id, std::string name);
    [[nodiscard]] Result<void> setFolderCollapsed(FolderId id, bool collapsed);
    /// Its conversations leave it and stay. Returns them as they were; restoreFolder puts folder and members back.
    [[nodiscard]] Result<std::vector<ConversationRow>> removeFolder(FolderId id);
    [[nodiscard]] Result<void> restoreFolder(const FolderRow& folder, std::span<const ConversationRow> members);

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
    /// Makes the path that ends at this message the active one, exactly; none = an empty path.
    [[nodiscard]] Result<void> showLeaf(ConversationId conversation, std::optional<MessageId> leaf);
    /// Takes a message and all under it away. Where the active path ran through it, that goes on through the nearest
    /// sibling, or ends at the parent.
    [[nodiscard]] Result<RemovedMessages> removeMessage(MessageId id);
    /// Undoes removeMessage; the active path becomes what it was.
    [[nodiscard]] Result<void> restoreMessages(const RemovedMessages& removed);

    // --- drafts -------------------------------------------------------------------------------------------------
    /// What is written and not sent in a conversation (0 = the new chat); empty = nothing.
    [[nodiscard]] Result<std::string> draft(ConversationId conversation) const;
    [[nodiscard]] Result<void> setDraft(ConversationId conversation, std::string text);

    /// Marks every Generating message Interrupted; called once at start. Returns how many.
    [[nodiscard]] Result<int> markInterrupted();

private:
    Database& m_database;
};

} // namespace hearth::core
