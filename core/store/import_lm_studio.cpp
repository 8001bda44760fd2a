// SPDX-License-Identifier: Apache-2.0
//
// LM Studio's *.conversation.json: one conversation, a list of turns; each turn has "versions" (alternatives), of which the
// following turns belong to the one that is "currentlySelected".
#include "core/store/archive_json.h"

#include <fmt/format.h>

namespace hearth::core {

namespace {

/// The words of a list of content parts.
std::string wordsOf(const Json* content, int& leftOut) {
    std::string words;
    if (content == nullptr || !content->is_array()) return words;
    for (const Json& part : *content) {
        const std::string type = textOf(part, "type");
        if (type == "text") {
            words += textOf(part, "text");
        } else {
            ++leftOut; // files, tool calls
        }
    }
    return words;
}

/// Of one alternative: a user's has its content at once, a reply's comes in steps.
std::optional<ArchiveMessage> messageOf(const Json& version, int& leftOut) {
    const std::string role = textOf(version, "role");
    ArchiveMessage message;
    if (role == "assistant") {
        message.role = StoredRole::Assistant;
    } else if (role == "system") {
        message.role = StoredRole::System;
    } else if (role != "user") {
        ++leftOut;
        return std::nullopt;
    }
    if (const Json* steps = partOf(version, "steps"); steps != nullptr && steps->is_array()) {
        for (const Json& step : *steps) {
            if (textOf(step, "type") != "contentBlock") continue; // what the program noted about the run
            // Reasoning is kept as models write it, so that it folds here as well.
            const Json* style = partOf(step, "style");
            const std::string words = wordsOf(partOf(step, "content"), leftOut);
            const bool thinking = style != nullptr && textOf(*style, "type") == "thinking";
            message.text += thinking && !words.starts_with("<think>") ? fmt::format("<think>{}</think>", words) : words;
        }
    } else {
        message.text = wordsOf(partOf(version, "content"), leftOut);
    }
    if (message.text.empty()) return std::nullopt;
    if (const Json* sender = partOf(version, "senderInfo"); sender != nullptr) message.model = textOf(*sender, "senderName");
    return message;
}

} // namespace

bool looksLikeLmStudio(const Json& file) {
    const Json* messages = file.is_object() ? partOf(file, "messages") : nullptr;
    if (messages == nullptr || !messages->is_array()) return false;
    return messages->empty() || partOf(messages->front(), "versions") != nullptr;
}

Result<ImportedFile> readLmStudio(const Json& file) {
    ImportedFile imported{ArchiveFormat::LmStudio, {}, 0};
    ArchiveConversation conversation;
    conversation.title = textOf(file, "name");
    conversation.pinned = truthOf(file, "pinned");
    conversation.createdMs = timeOf(file, "createdAt", 0);
    conversation.updatedMs = timeOf(file, "userLastMessagedAt", conversation.createdMs);
    std::size_t number = 0;
    for (const Json& turn : *partOf(file, "messages")) {
        ++number;
        const Json* versions = partOf(turn, "versions");
        if (versions == nullptr || !versions->is_array() || versions->empty()) return malformed(fmt::format("turn {} has no \"versions\"", number));
        std::size_t selected = versions->size() - 1;
        const auto wanted = turn.find("currentlySelected");
        if (wanted != turn.end() && wanted->is_number_unsigned() && wanted->get<std::uint64_t>() < versions->size()) {
            selected = static_cast<std::size_t>(wanted->get<std::uint64_t>());
        }
        const auto parent = conversation.activeLeaf;
        for (std::size_t i = 0; i < versions->size(); ++i) {
            auto message = messageOf((*versions)[i], imported.leftOut);
            if (!message) continue;
            message->parent = parent;
            message->createdMs = conversation.createdMs;
            conversation.messages.push_back(std::move(*message));
            if (i == selected) conversation.activeLeaf = conversation.messages.size() - 1;
        }
    }
    if (!conversation.messages.empty()) imported.conversations.push_back(std::move(conversation));
    return imported;
}

} // namespace hearth::core
