// SPDX-License-Identifier: Apache-2.0
//
// MessageItem: one message as the window holds it, and the words under it.
// Thread: GUI.
#pragma once

#include "core/engine/generation.h"
#include "core/store/chat_store.h"

#include <QString>

#include <optional>
#include <vector>

namespace hearth::ui {

struct MessageItem {
    core::MessageId id = 0; ///< negative: not in the store yet
    core::StoredRole role = core::StoredRole::User;
    core::MessageState state = core::MessageState::Complete;
    QString text;
    QString model; ///< who wrote it; empty for a user's
    QString errorText;
    QString progress; ///< while no text has come yet
    std::optional<core::ReplyStats> stats;
    int siblingIndex = 0;
    int siblingCount = 1;

    [[nodiscard]] bool isStored() const { return id > 0; }
    [[nodiscard]] bool isReply() const { return role == core::StoredRole::Assistant; }
};

[[nodiscard]] MessageItem fromRow(const core::MessageRow& row);

/// "TinyLlama · CPU · 21.4 tokens/s · first token 0.4 s · 212 tokens"; empty while it streams or without figures.
[[nodiscard]] QString quietLine(const MessageItem& item);
/// What happened to a reply, if anything: stopped, interrupted, failed, cut off, turns left out.
[[nodiscard]] QString notice(const MessageItem& item);

[[nodiscard]] core::ReplyStats replyStats(const core::GenerationResult& result, const core::ModelInfo& model);

/// The conversation up to and with items[last], as the engine wants it: turns that alternate. A question whose reply
/// was stopped before its first word is joined with the next one; one whose reply failed is left out.
[[nodiscard]] std::vector<core::ChatMessage> promptMessages(const std::vector<MessageItem>& items, std::size_t last,
                                                            const QString& systemPrompt);

/// A reply without its reasoning: what is copied.
[[nodiscard]] QString withoutThought(const QString& text);

/// The first words of a first message, at most about 40 characters: the automatic title.
[[nodiscard]] QString titleFrom(const QString& text);

} // namespace hearth::ui
