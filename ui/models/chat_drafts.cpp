// SPDX-License-Identifier: Apache-2.0
//
// The part of ChatController that keeps what is written and not sent, for each conversation. Thread: GUI.
#include "ui/models/chat_controller.h"

namespace hearth::ui {

using core::ConversationId;

void ChatController::setDraft(const QString& text) {
    if (text == m_draft) return;
    m_draft = text;
    m_draftTouched = m_draftUnsaved = true;
    if (!m_draftTimer.isActive()) m_draftTimer.start();
}

void ChatController::flushDraft() {
    m_draftTimer.stop();
    if (!m_draftUnsaved || m_draftConversation < 0) return; // a new conversation's goes when committed() knows its id
    m_draftUnsaved = false;
    m_store.chats(
        this, [id = m_draftConversation, text = m_draft.toStdString()](core::ChatStore& chats) { return chats.setDraft(id, text); },
        [this](const core::Result<void>& result) {
            if (!result) noteSaving(&result.error());
        });
}

void ChatController::switchDraft(ConversationId id) {
    if (id == m_draftConversation) return;
    flushDraft();
    m_draftConversation = id;
    m_draftTouched = m_draftUnsaved = false;
    m_draft.clear();
    emit draftLoaded({});
    loadDraft();
}

void ChatController::loadDraft() {
    if (m_draftConversation < 0) return;
    m_store.chats(
        this, [id = m_draftConversation](core::ChatStore& chats) { return chats.draft(id); },
        [this, id = m_draftConversation](const core::Result<std::string>& draft) {
            // Who began to write meanwhile keeps that.
            if (!draft || draft->empty() || id != m_draftConversation || m_draftTouched) return;
            m_draft = QString::fromStdString(*draft);
            emit draftLoaded(m_draft);
        });
}

} // namespace hearth::ui
