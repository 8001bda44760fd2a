// SPDX-License-Identifier: Apache-2.0
//
// Conversations outside the database: what an export writes and an import reads, whatever the format. Places instead of
// ids, so that the same conversation is the same value in any database.
// Thread: the store thread where a database is involved, else any.
#pragma once

#include "core/base/error.h"
#include "core/store/chat_store.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

struct ArchiveMessage {
    std::optional<std::size_t> parent; ///< place of an earlier message; none = a root
    StoredRole role = StoredRole::User;
    MessageState state = MessageState::Complete; ///< never Generating
    std::int64_t createdMs = 0;
    std::string model;
    std::string errorText;
    std::string stats; ///< JSON object; empty = none
    std::string text;
};

struct ArchiveConversation {
    std::string title;
    bool titleByUser = false;
    bool pinned = false;
    bool archived = false;
    std::string folder; ///< name; empty = none
    std::int64_t createdMs = 0;
    std::int64_t updatedMs = 0;
    std::optional<std::size_t> activeLeaf;
    std::vector<ArchiveMessage> messages; ///< parents before their children
};

/// What files an import takes, before anything is parsed. Larger ones are refused: MalformedFile with both sizes.
inline constexpr std::uintmax_t kLargestImport = 512ULL << 20;

// --- between database and archive -----------------------------------------------------------------------------------

/// The whole tree of one conversation; a reply that is being written counts as interrupted.
[[nodiscard]] Result<ArchiveConversation> readConversationTree(Database& database, ConversationId id);
/// Adds all of them, or none; returns their ids, in the same order. Folders are found by name, or made.
[[nodiscard]] Result<std::vector<ConversationId>> addConversations(Database& database, std::span<const ArchiveConversation> conversations);

// --- formats --------------------------------------------------------------------------------------------------------

/// Hearth's own: one JSON object {"format": "hearth-conversations", "version": 1, "conversations": [...]}, lossless:
/// reading it and writing it again gives the same bytes. docs/schema.md describes it.
[[nodiscard]] std::string toJson(std::span<const ArchiveConversation> conversations);
/// The shown path as a readable letter: title, then each turn below the name of who wrote it.
[[nodiscard]] std::string toMarkdown(const ArchiveConversation& conversation);

enum class ArchiveFormat : std::uint8_t { Hearth, ChatGpt, OpenWebUi, LmStudio, Gpt4All };
[[nodiscard]] std::string_view name(ArchiveFormat format); ///< as people know it: "ChatGPT"

struct ImportedFile {
    ArchiveFormat format = ArchiveFormat::Hearth;
    std::vector<ArchiveConversation> conversations;
    int leftOut = 0; ///< messages of kinds that a chat here has no place for (tool calls, images alone)
};

/// Finds out which of the formats the file has and reads it. Errors: FileNotFound, PermissionDenied, IsDirectory, IoError,
/// MalformedFile (which place of which conversation is wrong, or that it is none of the formats).
[[nodiscard]] Result<ImportedFile> readArchive(const std::filesystem::path& file);

} // namespace hearth::core
