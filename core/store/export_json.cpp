// SPDX-License-Identifier: Apache-2.0
//
// Hearth's own JSON, out and in.
#include "core/store/archive_json.h"

#include <fmt/format.h>

#include <array>

namespace hearth::core {

namespace {

constexpr const char* kFormat = "hearth-conversations";
constexpr int kVersion = 1;
constexpr std::array kRoles{"system", "user", "assistant"};
constexpr std::array kStates{"complete", "", "interrupted", "stopped", "failed"}; // in the order of MessageState

Json toObject(const ArchiveMessage& message) {
    Json object;
    object["parent"] = message.parent ? Json(*message.parent) : Json(nullptr);
    object["role"] = kRoles[static_cast<std::size_t>(message.role)];
    object["state"] = kStates[static_cast<std::size_t>(message.state)];
    object["createdMs"] = message.createdMs;
    if (!message.model.empty()) object["model"] = message.model;
    if (!message.errorText.empty()) object["error"] = message.errorText;
    const Json stats = Json::parse(message.stats, nullptr, false);
    if (stats.is_object()) object["stats"] = stats;
    object["text"] = message.text;
    return object;
}

Json toObject(const ArchiveConversation& conversation) {
    Json object;
    object["title"] = conversation.title;
    object["titleByUser"] = conversation.titleByUser;
    object["pinned"] = conversation.pinned;
    object["archived"] = conversation.archived;
    object["folder"] = conversation.folder;
    object["createdMs"] = conversation.createdMs;
    object["updatedMs"] = conversation.updatedMs;
    object["activeLeaf"] = conversation.activeLeaf ? Json(*conversation.activeLeaf) : Json(nullptr);
    object["messages"] = Json::array();
    for (const ArchiveMessage& message : conversation.messages) object["messages"].push_back(toObject(message));
    return object;
}

template <std::size_t N>
std::optional<std::size_t> placeIn(const std::array<const char*, N>& names, const std::string& name) {
    for (std::size_t i = 0; i < N; ++i) {
        if (!name.empty() && name == names[i]) return i;
    }
    return std::nullopt;
}

/// A place of a message, or null; `limit` is the first place that is too large.
Result<std::optional<std::size_t>> placeOf(const Json& object, const char* key, std::size_t limit) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return std::optional<std::size_t>{};
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() >= limit) return malformed(fmt::format("\"{}\" names no message", key));
    return std::optional(static_cast<std::size_t>(found->get<std::uint64_t>()));
}

Result<ArchiveMessage> messageOf(const Json& object, std::size_t place) {
    if (!object.is_object()) return malformed("is no object");
    ArchiveMessage message;
    const auto parent = placeOf(object, "parent", place);
    if (!parent) return std::unexpected(parent.error());
    message.parent = *parent;
    const auto role = placeIn(kRoles, textOf(object, "role"));
    const auto state = placeIn(kStates, textOf(object, "state"));
    if (!role) return malformed("has no known \"role\"");
    if (!state) return malformed("has no known \"state\"");
    const auto text = object.find("text");
    if (text == object.end() || !text->is_string()) return malformed("has no \"text\"");
    message.role = static_cast<StoredRole>(*role);
    message.state = static_cast<MessageState>(*state);
    message.createdMs = timeOf(object, "createdMs", 0);
    message.model = textOf(object, "model");
    message.errorText = textOf(object, "error");
    if (const Json* stats = partOf(object, "stats"); stats != nullptr && stats->is_object()) message.stats = stats->dump();
    message.text = text->get<std::string>();
    return message;
}

Result<ArchiveConversation> conversationOf(const Json& object) {
    if (!object.is_object()) return malformed("is no object");
    ArchiveConversation conversation;
    conversation.title = textOf(object, "title");
    conversation.titleByUser = truthOf(object, "titleByUser");
    conversation.pinned = truthOf(object, "pinned");
    conversation.archived = truthOf(object, "archived");
    conversation.folder = textOf(object, "folder");
    conversation.createdMs = timeOf(object, "createdMs", 0);
    conversation.updatedMs = timeOf(object, "updatedMs", conversation.createdMs);
    const Json* messages = partOf(object, "messages");
    if (messages == nullptr || !messages->is_array()) return malformed("has no \"messages\"");
    for (const Json& entry : *messages) {
        auto message = messageOf(entry, conversation.messages.size());
        if (!message) return malformed(fmt::format("message {} {}", conversation.messages.size(), message.error().message));
        conversation.messages.push_back(std::move(*message));
    }
    const auto leaf = placeOf(object, "activeLeaf", conversation.messages.size());
    if (!leaf) return std::unexpected(leaf.error());
    conversation.activeLeaf = *leaf;
    return conversation;
}

} // namespace

std::string toJson(std::span<const ArchiveConversation> conversations) {
    // One conversation at a time, so that only the text is held twice.
    std::string out = fmt::format("{{\n\"format\": \"{}\",\n\"version\": {},\n\"conversations\": [", kFormat, kVersion);
    const char* separator = "\n";
    for (const ArchiveConversation& conversation : conversations) {
        out += separator;
        out += toObject(conversation).dump(1, ' ', false, Json::error_handler_t::replace);
        separator = ",\n";
    }
    return out + "\n]\n}\n";
}

bool looksLikeHearth(const Json& file) { return file.is_object() && textOf(file, "format") == kFormat; }

Result<ImportedFile> readHearth(const Json& file) {
    const auto version = file.find("version");
    if (version == file.end() || !version->is_number_integer()) return malformed("has no \"version\"");
    if (version->get<std::int64_t>() != kVersion) {
        return malformed(fmt::format("is of version {}; this program reads version {}", version->get<std::int64_t>(), kVersion));
    }
    const Json* conversations = partOf(file, "conversations");
    if (conversations == nullptr || !conversations->is_array()) return malformed("has no \"conversations\"");
    ImportedFile imported{ArchiveFormat::Hearth, {}, 0};
    for (const Json& entry : *conversations) {
        auto conversation = conversationOf(entry);
        if (!conversation) return malformed(fmt::format("conversation {}: {}", imported.conversations.size() + 1, conversation.error().message));
        imported.conversations.push_back(std::move(*conversation));
    }
    return imported;
}

} // namespace hearth::core
