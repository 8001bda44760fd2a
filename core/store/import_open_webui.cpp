// SPDX-License-Identifier: Apache-2.0
//
// Open WebUI's export: an array of chats, each with "chat": {"history": {"messages": {id: ...}, "currentId"}}.
#include "core/store/archive_json.h"

#include <fmt/format.h>

namespace hearth::core {

namespace {

/// "content" is a text, or a list of parts of which those with a "text" are words.
std::string wordsOf(const Json& message, int& leftOut) {
    std::string words = textOf(message, "content");
    const Json* parts = partOf(message, "content");
    if (parts == nullptr || !parts->is_array()) return words;
    for (const Json& part : *parts) {
        const std::string text = textOf(part, "text");
        if (text.empty()) {
            ++leftOut;
            continue;
        }
        if (!words.empty()) words += "\n\n";
        words += text;
    }
    return words;
}

std::optional<ArchiveMessage> messageOf(const Json& source, int& leftOut) {
    const std::string role = textOf(source, "role");
    ArchiveMessage message;
    if (role == "assistant") {
        message.role = StoredRole::Assistant;
        message.model = textOf(source, "modelName");
        if (message.model.empty()) message.model = textOf(source, "model");
    } else if (role == "system") {
        message.role = StoredRole::System;
    } else if (role != "user") {
        ++leftOut;
        return std::nullopt;
    }
    message.text = wordsOf(source, leftOut);
    if (message.text.empty()) return std::nullopt;
    message.createdMs = timeOf(source, "timestamp", 0);
    return message;
}

Result<ArchiveConversation> conversationOf(const Json& source, int& leftOut) {
    const Json* chat = partOf(source, "chat");
    const Json* history = chat == nullptr ? nullptr : partOf(*chat, "history");
    const Json* messages = history == nullptr ? nullptr : partOf(*history, "messages");
    if (messages == nullptr || !messages->is_object()) return malformed("has no \"chat.history.messages\"");
    ArchiveConversation conversation;
    conversation.title = textOf(source, "title");
    if (conversation.title.empty()) conversation.title = textOf(*chat, "title");
    conversation.createdMs = timeOf(source, "created_at", timeOf(*chat, "timestamp", 0));
    conversation.updatedMs = timeOf(source, "updated_at", conversation.createdMs);
    conversation.archived = truthOf(source, "archived");
    conversation.pinned = truthOf(source, "pinned");
    std::vector<ForeignNode> nodes;
    for (const auto& [id, message] : messages->items()) {
        if (!message.is_object()) return malformed(fmt::format("message \"{}\" is no object", id));
        nodes.push_back({id, textOf(message, "parentId"), messageOf(message, leftOut)});
        if (auto& made = nodes.back().message; made && made->createdMs == 0) made->createdMs = conversation.createdMs;
    }
    if (const auto filled = fillTree(conversation, nodes, textOf(*history, "currentId")); !filled) return std::unexpected(filled.error());
    return conversation;
}

} // namespace

bool looksLikeOpenWebUi(const Json& file) { return file.is_array() && !file.empty() && partOf(file.front(), "chat") != nullptr; }

Result<ImportedFile> readOpenWebUi(const Json& file) {
    ImportedFile imported{ArchiveFormat::OpenWebUi, {}, 0};
    std::size_t number = 0;
    for (const Json& source : file) {
        ++number;
        auto conversation = conversationOf(source, imported.leftOut);
        if (!conversation) return malformed(fmt::format("chat {}: {}", number, conversation.error().message));
        if (!conversation->messages.empty()) imported.conversations.push_back(std::move(*conversation));
    }
    return imported;
}

} // namespace hearth::core
