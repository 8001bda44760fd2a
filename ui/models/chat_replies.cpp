// SPDX-License-Identifier: Apache-2.0
//
// The part of ChatController that follows replies from the question to their last word. Thread: GUI.
#include "ui/bridge/error_text.h"
#include "ui/models/chat_controller.h"

#include <algorithm>

namespace hearth::ui {

using core::ConversationId;
using core::MessageId;
using core::MessageState;

bool ChatController::isReplying() const {
    return std::ranges::any_of(m_replies,
                               [this](const auto& reply) { return !reply->ended && reply->conversation == m_current; });
}

QString ChatController::statusText() const {
    const auto found = std::ranges::find_if(
        m_replies, [this](const auto& reply) { return !reply->ended && reply->conversation == m_current; });
    if (found == m_replies.end()) return {};
    const int row = m_messages.rowOf((*found)->message);
    const MessageItem* item = row < 0 ? nullptr : &m_messages.items()[std::size_t(row)];
    return item && item->text.isEmpty() && !item->progress.isEmpty() ? item->progress : tr("Replying…");
}

ChatController::Reply* ChatController::replyOf(RequestId request) {
    const auto found = std::ranges::find_if(
        m_replies, [request](const auto& reply) { return !reply->ended && reply->request == request && request != 0; });
    return found == m_replies.end() ? nullptr : found->get();
}

ChatController::Reply& ChatController::addReply(ConversationId conversation, MessageId message) {
    Reply& reply = *m_replies.emplace_back(std::make_unique<Reply>());
    reply.conversation = conversation;
    reply.message = message;
    reply.writer = std::make_unique<ReplyWriter>(m_store);
    connect(reply.writer.get(), &ReplyWriter::failed, this, [this](const core::Error& error) { noteSaving(&error); });
    connect(reply.writer.get(), &ReplyWriter::saved, this, [this] {
        if (m_retry.isActive()) return; // other messages are still unsaved
        noteSaving(nullptr);
    });
    // Queued: the writer is destroyed there.
    connect(
        reply.writer.get(), &ReplyWriter::finished, this,
        [this, &reply] {
            reply.writer.reset();
            forgetEndedReplies();
        },
        Qt::QueuedConnection);
    return reply;
}

QString ChatController::waitingText(const Reply& reply) const {
    if (m_engine.isLoading()) return tr("Waiting for the model to load…");
    const bool others =
        std::ranges::any_of(m_replies, [&](const auto& other) { return !other->ended && other.get() != &reply; });
    return others ? tr("Waiting for another reply to finish…") : QString();
}

/// The store has answered for this conversation: with success or not, the chat goes on.
void ChatController::startWaitingReplies(ConversationId conversation) {
    std::vector<Reply*> waiting;
    for (const auto& reply : m_replies) {
        if (!reply->ended && reply->conversation == conversation && reply->request == 0) waiting.push_back(reply.get());
    }
    for (Reply* reply : waiting) {
        if (reply->cancelled || m_closing) {
            endReply(*reply, reply->cancelled ? MessageState::Cancelled : MessageState::Interrupted, {}, {});
        } else {
            start(*reply);
        }
    }
}

void ChatController::start(Reply& reply) {
    const auto* held = items(reply.conversation);
    const auto own =
        held ? std::ranges::find(*held, reply.message, &MessageItem::id) : std::vector<MessageItem>::const_iterator();
    if (!held || own == held->end()) return endReply(reply, MessageState::Cancelled, {}, {});
    core::GenerationRequest request;
    const auto last = std::size_t(own - held->begin());
    request.messages = promptMessages(*held, last, m_settings.value(QStringLiteral("chat.systemPrompt")).toString());
    request.sampling = m_settings.sampling();
    request.maxTokens = m_settings.value(QStringLiteral("sampling.maxTokens")).toInt();
    request.continueLast = reply.continued;
    reply.request = m_engine.generate(std::move(request));
    emit statusChanged();
}

void ChatController::cancelReplies(ConversationId conversation) {
    for (const auto& reply : m_replies) {
        if (reply->ended || reply->conversation != conversation) continue;
        reply->cancelled = true;
        if (reply->request != 0) m_engine.cancel(reply->request);
    }
}

void ChatController::measureThought(Reply& reply) {
    if (reply.thoughtSeconds > 0) return;
    if (!reply.thinking.isValid()) {
        if (QStringView(reply.text).trimmed().startsWith(u"<think>")) reply.thinking.start();
    } else if (reply.text.contains(u"</think>")) {
        reply.thoughtSeconds = double(std::max<qint64>(1, reply.thinking.elapsed())) / 1000.0;
    }
}

void ChatController::onFinished(RequestId id, const core::GenerationResult& result) {
    Reply* reply = replyOf(id);
    if (!reply) return;
    const bool cancelled = result.reason == core::FinishReason::Cancelled;
    const MessageState state = !cancelled                       ? MessageState::Complete
                               : m_closing && !reply->cancelled ? MessageState::Interrupted
                                                                : MessageState::Cancelled;
    if (reply->conversation == m_current) emit statsChanged(result.stats, false);
    core::ReplyStats stats = replyStats(result, m_model);
    stats.thoughtSeconds = reply->thoughtSeconds;
    if (reply->continued && reply->thoughtSeconds == 0) { // the thought was before the part that is new
        const auto* held = items(reply->conversation);
        const auto item = std::ranges::find(*held, reply->message, &MessageItem::id);
        if (item != held->end() && item->stats) stats.thoughtSeconds = item->stats->thoughtSeconds;
    }
    endReply(*reply, state, stats, {});
}

void ChatController::onFailed(RequestId id, const core::Error& error) {
    Reply* reply = replyOf(id);
    if (!reply) return;
    if (error.code == core::ErrorCode::Cancelled) {
        return endReply(*reply, m_closing && !reply->cancelled ? MessageState::Interrupted : MessageState::Cancelled,
                        {}, {});
    }
    endReply(*reply, MessageState::Failed, {}, describe(error, ErrorContext::Reply).inOneLine());
}

void ChatController::endReply(Reply& reply, MessageState state, const std::optional<core::ReplyStats>& stats,
                              const QString& errorText) {
    reply.ended = true;
    changeItem(reply.conversation, reply.message, [&](MessageItem& item) {
        item.state = state;
        item.stats = stats ? stats : item.stats;
        item.errorText = errorText;
        item.progress.clear();
    });
    reply.writer->finish(state, stats, errorText);
    emit replyingChanged();
    emit statusChanged();
    const auto* held = items(reply.conversation);
    if (state == MessageState::Complete && held && held->size() == 2 && held->back().id == reply.message && held->front().siblingCount == 1 &&
        held->back().siblingCount == 1) {
        emit firstReplyEnded(reply.conversation, held->front().text, held->back().text);
    }
    if (!reply.writer->hasMessage() && !m_committing.contains(reply.conversation)) {
        m_retry.start(); // the message itself is not in the store yet; it goes there whole
    }
    forgetEndedReplies();
}

void ChatController::forgetEndedReplies() {
    std::vector<ConversationId> touched;
    std::erase_if(m_replies, [&](const std::unique_ptr<Reply>& reply) {
        const bool idle =
            !reply->writer || (!reply->writer->hasMessage() && !m_committing.contains(reply->conversation));
        const bool gone = reply->ended && idle;
        if (gone) touched.push_back(reply->conversation);
        return gone;
    });
    for (const ConversationId id : touched)
        dropParkedIfSettled(id);
}

void ChatController::beginShutdown() {
    m_closing = true;
}

void ChatController::finishShutdown() {
    flushDraft();
    for (const auto& reply : m_replies) {
        if (reply->writer) reply->writer->flush();
    }
}

} // namespace hearth::ui
