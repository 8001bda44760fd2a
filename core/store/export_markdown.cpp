// SPDX-License-Identifier: Apache-2.0
//
// One conversation as Markdown.
#include "core/store/chat_archive.h"

#include <algorithm>

namespace hearth::core {

namespace {

std::string oneLine(std::string text) {
    std::ranges::replace_if(text, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
    return text;
}

std::string speaker(const ArchiveMessage& message) {
    switch (message.role) {
    case StoredRole::User: return "You";
    case StoredRole::System: return "System";
    case StoredRole::Assistant: break;
    }
    return message.model.empty() ? "Assistant" : oneLine(message.model);
}

const char* remark(MessageState state) {
    switch (state) {
    case MessageState::Interrupted: return "\n\n*(interrupted)*";
    case MessageState::Cancelled: return "\n\n*(stopped)*";
    case MessageState::Failed: return "\n\n*(failed)*";
    default: return "";
    }
}

} // namespace

std::string toMarkdown(const ArchiveConversation& conversation) {
    std::vector<const ArchiveMessage*> path;
    for (auto at = conversation.activeLeaf; at; at = conversation.messages[*at].parent) path.push_back(&conversation.messages[*at]);
    std::string out = "# " + oneLine(conversation.title) + "\n";
    for (auto message = path.rbegin(); message != path.rend(); ++message) {
        out += "\n## " + speaker(**message) + "\n\n" + (*message)->text + remark((*message)->state) + "\n";
    }
    return out;
}

} // namespace hearth::core
