// SPDX-License-Identifier: Apache-2.0
//
// ChatGPT's export: conversations.json is an array of conversations, each with a "mapping" from ids to the nodes of a tree.
#include "core/store/archive_json.h"

#include <fmt/format.h>

namespace hearth::core {

namespace {

/// The words of a message's "content"; parts that are no text (images, files) are counted in `leftOut`.
std::string wordsOf(const Json& content, int& leftOut) {
    const std::string type = textOf(content, "content_type");
    if (type == "code" || type == "execution_output") {
        const std::string text = textOf(content, "text");
        return text.empty() ? text : fmt::format("```{}\n{}\n```", textOf(content, "language"), text);
    }
    if (type != "text" && type != "multimodal_text") { // reasoning summaries, notes of the program to itself
        ++leftOut;
        return {};
    }
    std::string words;
    const Json* parts = partOf(content, "parts");
    if (parts == nullptr) return textOf(content, "text");
    for (const Json& part : *parts) {
        if (part.is_string()) {
            if (!words.empty()) words += "\n\n";
            words += part.get<std::string>();
        } else {
            ++leftOut;
        }
    }
    return words;
}

std::optional<ArchiveMessage> messageOf(const Json& node, int& leftOut) {
    const Json* source = partOf(node, "message");
    const Json* content = source == nullptr ? nullptr : partOf(*source, "content");
    if (content == nullptr) return std::nullopt; // the tree's root
    const Json* metadata = partOf(*source, "metadata");
    if (metadata != nullptr && truthOf(*metadata, "is_visually_hidden_from_conversation")) return std::nullopt;
    const Json* author = partOf(*source, "author");
    const std::string role = author == nullptr ? std::string() : textOf(*author, "role");
    ArchiveMessage message;
    if (role == "user") {
        message.role = StoredRole::User;
    } else if (role == "assistant") {
        message.role = StoredRole::Assistant;
    } else if (role == "system") {
        message.role = StoredRole::System;
    } else {
        ++leftOut; // a tool's
        return std::nullopt;
    }
    message.text = wordsOf(*content, leftOut);
    if (message.text.empty()) return std::nullopt;
    message.createdMs = timeOf(*source, "create_time", 0);
    if (message.role == StoredRole::Assistant && metadata != nullptr) message.model = textOf(*metadata, "model_slug");
    return message;
}

Result<ArchiveConversation> conversationOf(const Json& source, int& leftOut) {
    const Json* mapping = partOf(source, "mapping");
    if (mapping == nullptr || !mapping->is_object()) return malformed("has no \"mapping\"");
    ArchiveConversation conversation;
    conversation.title = textOf(source, "title");
    conversation.createdMs = timeOf(source, "create_time", 0);
    conversation.updatedMs = timeOf(source, "update_time", conversation.createdMs);
    conversation.archived = truthOf(source, "is_archived");
    std::vector<ForeignNode> nodes;
    for (const auto& [id, node] : mapping->items()) {
        if (!node.is_object()) return malformed(fmt::format("node \"{}\" is no object", id));
        nodes.push_back({id, textOf(node, "parent"), messageOf(node, leftOut)});
        if (auto& message = nodes.back().message; message && message->createdMs == 0) message->createdMs = conversation.createdMs;
    }
    if (const auto filled = fillTree(conversation, nodes, textOf(source, "current_node")); !filled) return std::unexpected(filled.error());
    return conversation;
}

} // namespace

bool looksLikeChatGpt(const Json& file) { return file.is_array() && !file.empty() && partOf(file.front(), "mapping") != nullptr; }

Result<ImportedFile> readChatGpt(const Json& file) {
    ImportedFile imported{ArchiveFormat::ChatGpt, {}, 0};
    std::size_t number = 0;
    for (const Json& source : file) {
        ++number;
        auto conversation = conversationOf(source, imported.leftOut);
        if (!conversation) return malformed(fmt::format("conversation {}: {}", number, conversation.error().message));
        if (!conversation->messages.empty()) imported.conversations.push_back(std::move(*conversation));
    }
    return imported;
}

} // namespace hearth::core
