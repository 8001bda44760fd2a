// SPDX-License-Identifier: Apache-2.0
//
// The part of ChatController that changes what is said: sending, editing, branching, removing, and taking that back.
// Nothing is overwritten: a change makes a sibling, and undo shows the path that was there before.
#include "ui/models/chat_controller.h"

#include <algorithm>
#include <utility>

namespace hearth::ui {

namespace {

constexpr std::size_t kMaxUndo = 100;

/// SQLite's text functions end at a zero byte.
QString storable(const QString& text) {
    return QString(text).replace(QChar(u'\0'), QChar(QChar::ReplacementCharacter));
}

} // namespace

using core::ConversationId;
using core::MessageId;
using core::MessageState;
using core::StoredRole;

void ChatController::send(const QString& text, const QString& replyStart) {
    const QString clean = storable(text);
    if (clean.trimmed().isEmpty() || isReplying()) return;
    m_opening = 0;
    flushDraft();
    if (m_current == 0) {
        m_current = --m_lastLocalId;
        m_localTitles[m_current] = titleFrom(clean);
        m_draftConversation = m_current;
    }
    m_messages.append(newItem(StoredRole::User, clean));
    ask(newItem(StoredRole::Assistant, storable(replyStart)));
}

void ChatController::ask(MessageItem item) {
    Reply& reply = addReply(m_current, item.id);
    if (!item.text.isEmpty()) { // the user wrote its beginning
        reply.continued = true;
        reply.text = item.text;
        reply.writer->setText(item.text);
    }
    item.progress = waitingText(reply);
    m_messages.append(item);
    commit(m_current);
    emit currentChanged();
    emit replyingChanged();
    emit statusChanged();
}

MessageItem ChatController::siblingOf(const MessageItem& old, const QString& text) {
    MessageItem item = newItem(old.role, storable(text));
    item.siblingIndex = old.siblingCount;
    item.siblingCount = old.siblingCount + 1;
    return item;
}

void ChatController::regenerate(int row) {
    const auto& held = m_messages.items();
    if (row < 0 || row >= int(held.size())) return;
    const MessageItem old = held[std::size_t(row)];
    const int keep = old.isReply() ? row : row + 1;
    rememberForUndo();
    cancelReplies(m_current);
    m_messages.truncate(keep);
    ask(old.isReply() ? siblingOf(old, {}) : newItem(StoredRole::Assistant, {}));
}

void ChatController::edit(int row, const QString& text) {
    const auto& held = m_messages.items();
    if (row < 0 || row >= int(held.size()) || text.trimmed().isEmpty()) return;
    const MessageItem old = held[std::size_t(row)];
    if (old.isReply() && old.text == text) return; // nothing to keep beside it
    rememberForUndo();
    cancelReplies(m_current);
    m_messages.truncate(row);
    MessageItem item = siblingOf(old, text);
    if (!old.isReply()) {
        m_messages.append(item);
        return ask(newItem(StoredRole::Assistant, {}));
    }
    item.state = MessageState::Complete;
    item.model = old.model;
    m_messages.append(item);
    commit(m_current);
    emit currentChanged();
    emit undoOffered(tr("Reply edited"));
}

void ChatController::prefill(int row, const QString& text) {
    const auto& held = m_messages.items();
    if (row < 0 || row >= int(held.size()) || !held[std::size_t(row)].isReply() || text.trimmed().isEmpty()) return;
    const MessageItem old = held[std::size_t(row)];
    rememberForUndo();
    cancelReplies(m_current);
    m_messages.truncate(row);
    ask(siblingOf(old, text));
}

void ChatController::continueReply(int row) {
    const auto& held = m_messages.items();
    if (row < 0 || row >= int(held.size()) || isReplying()) return;
    const MessageItem item = held[std::size_t(row)];
    if (!item.isReply()) return;
    if (item.text.isEmpty() || !item.isStored()) return regenerate(row);
    if (row != int(held.size()) - 1) return prefill(row, item.text); // what follows it stays as it is
    Reply& reply = addReply(m_current, item.id);
    reply.continued = true;
    reply.text = item.text;
    reply.writer->setText(item.text);
    reply.writer->setMessage(item.id, item.text.size(), ReplyWriter::Mode::Whole);
    m_messages.change(row, [](MessageItem& changed) {
        changed.state = MessageState::Generating;
        changed.errorText.clear();
    });
    emit replyingChanged();
    start(reply);
}

void ChatController::showSibling(int row, int step) {
    const auto& held = m_messages.items();
    if (row < 0 || row >= int(held.size())) return;
    if (!std::ranges::all_of(held, &MessageItem::isStored)) return; // the unsaved ones exist nowhere but here
    cancelReplies(m_current);
    const ConversationId conversation = m_current;
    m_store.chats(
        this,
        [id = held[std::size_t(row)].id, step,
         conversation](core::ChatStore& chats) -> core::Result<std::vector<core::MessageRow>> {
            const auto other = chats.sibling(id, step);
            if (!other) return std::unexpected(other.error());
            if (const auto activated = chats.activate(*other); !activated) return std::unexpected(activated.error());
            return chats.activePath(conversation);
        },
        [this, conversation](const core::Result<std::vector<core::MessageRow>>& path) { showPath(conversation, path); });
}

void ChatController::showPath(ConversationId conversation, const core::Result<std::vector<core::MessageRow>>& path) {
    if (!path) return noteSaving(&path.error());
    if (conversation != m_current) return;
    std::vector<MessageItem> items;
    std::ranges::transform(*path, std::back_inserter(items), fromRow);
    show(conversation, std::move(items));
}

void ChatController::stop() {
    cancelReplies(m_current);
}

// --- taking back ----------------------------------------------------------------------------------------------------

/// The path as it is now; nothing where it is not in the store, which could not show it again.
void ChatController::rememberForUndo() {
    const auto& held = m_messages.items();
    if (m_current <= 0 || held.empty() || !held.back().isStored()) return;
    m_undo.push_back({m_current, held.back().id, {}});
    if (m_undo.size() > kMaxUndo) m_undo.erase(m_undo.begin());
    emit undoChanged();
}

void ChatController::removeMessage(int row) {
    const auto& held = m_messages.items();
    // While a reply is written its row must stay where the writer finds it.
    if (row < 0 || row >= int(held.size()) || !held[std::size_t(row)].isStored() || isReplying()) return;
    const ConversationId conversation = m_current;
    struct Removal {
        core::RemovedMessages removed;
        std::vector<core::MessageRow> path;
    };
    m_store.chats(
        this,
        [id = held[std::size_t(row)].id, conversation](core::ChatStore& chats) -> core::Result<Removal> {
            auto removed = chats.removeMessage(id);
            if (!removed) return std::unexpected(removed.error());
            auto path = chats.activePath(conversation);
            if (!path) return std::unexpected(path.error());
            return Removal{std::move(*removed), std::move(*path)};
        },
        [this, conversation](const core::Result<Removal>& removal) {
            if (!removal) return noteSaving(&removal.error());
            m_undo.push_back({conversation, removal->removed.activeLeaf, removal->removed});
            emit undoChanged();
            showPath(conversation, removal->path);
            emit undoOffered(removal->removed.rows.size() == 1 ? tr("Message deleted") : tr("%L1 messages deleted").arg(removal->removed.rows.size()));
        });
}

bool ChatController::canUndo() const {
    return std::ranges::any_of(m_undo, [this](const UndoStep& step) { return step.conversation == m_current; });
}

void ChatController::undo() {
    const auto last = std::ranges::find(m_undo.rbegin(), m_undo.rend(), m_current, &UndoStep::conversation);
    if (last == m_undo.rend()) return;
    const UndoStep step = std::move(*last);
    m_undo.erase(std::next(last).base());
    cancelReplies(m_current);
    m_store.chats(
        this,
        [step](core::ChatStore& chats) -> core::Result<std::vector<core::MessageRow>> {
            const auto done = step.removed.rows.empty() ? chats.showLeaf(step.conversation, step.leaf) : chats.restoreMessages(step.removed);
            if (!done) return std::unexpected(done.error());
            return chats.activePath(step.conversation);
        },
        [this, conversation = step.conversation](const core::Result<std::vector<core::MessageRow>>& path) { showPath(conversation, path); });
    emit undoChanged();
}

} // namespace hearth::ui
