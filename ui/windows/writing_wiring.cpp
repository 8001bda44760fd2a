// SPDX-License-Identifier: Apache-2.0
//
// MainWindow: who tells whom what, for writing: the composer, attachments, drafts, the count of tokens, taking back.
#include "ui/bridge/store_client.h"
#include "ui/models/chat_controller.h"
#include "ui/models/message_attachments.h"
#include "ui/models/token_counter.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/message_view.h"
#include "ui/widgets/toast.h"
#include "ui/windows/conversation_pane.h"
#include "ui/windows/main_window.h"
#include "ui/windows/window_actions.h"

#include <QAction>
#include <QFileDialog>

#include <algorithm>

namespace hearth::ui {

namespace {

constexpr qsizetype kMaxHistory = 100;              ///< messages that Up brings back
constexpr qsizetype kMaxCountedChars = 2'000'000;   ///< of a conversation without figures; more is not counted

} // namespace

void MainWindow::connectWriting() {
    ChatController& chat = m_parts.chat;
    Composer& composer = m_pane->composer();
    MessageView& view = m_pane->messages();

    connect(&composer, &Composer::draftChanged, this, [this] {
        const QString draft = m_pane->composer().draft();
        m_parts.chat.setDraft(draft);
        m_counter->setDraft(draft);
    });
    connect(&composer, &Composer::attachRequested, this, &MainWindow::chooseAttachments);
    connect(&chat, &ChatController::draftLoaded, &composer, &Composer::setDraft);
    connect(&m_parts.store, &StoreClient::opened, &chat, &ChatController::loadDraft);
    connect(m_counter, &TokenCounter::counted, this, [this](int tokens) {
        const auto& model = m_parts.engine.model();
        m_pane->composer().setTokens(tokens, model ? model->contextLength : 0);
    });
    connect(&m_parts.engine, &EngineClient::modelLoaded, m_counter, &TokenCounter::recount);
    connect(&chat, &ChatController::currentChanged, this, &MainWindow::refreshWriting);
    connect(&chat, &ChatController::replyingChanged, this, &MainWindow::refreshWriting);

    connect(&view, &MessageView::prefillSubmitted, &chat, &ChatController::prefill);
    connect(&view, &MessageView::deleteRequested, &chat, &ChatController::removeMessage);
    connect(&chat, &ChatController::undoOffered, this, [this](const QString& what) {
        m_toast->offerUndo(what, [this] { m_parts.chat.undo(); });
    });
    const auto refreshUndo = [this] { m_actions->undoChange->setEnabled(m_parts.chat.canUndo()); };
    connect(&chat, &ChatController::undoChanged, this, refreshUndo);
    connect(&chat, &ChatController::currentChanged, this, refreshUndo);
    connect(m_actions->undoChange, &QAction::triggered, &chat, &ChatController::undo);
    connect(m_actions->attach, &QAction::triggered, this, &MainWindow::chooseAttachments);
    connect(m_actions->beginReply, &QAction::triggered, &composer, &Composer::beginReplyStart);
    refreshUndo();
}

void MainWindow::chooseAttachments() {
    auto* dialog = new QFileDialog(this, tr("Attach files"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFiles);
    connect(dialog, &QFileDialog::filesSelected, &m_pane->composer(), &Composer::attachFiles);
    dialog->open();
}

/// What Up brings back, and what stands before the draft.
void MainWindow::refreshWriting() {
    const auto& items = m_parts.chat.messages().items();
    QStringList history;
    qsizetype chars = 0;
    for (auto item = items.rbegin(); item != items.rend(); ++item) {
        chars += item->text.size();
        if (item->isReply() || history.size() >= kMaxHistory) continue;
        if (const QString typed = splitAttachments(item->text).text; !typed.isEmpty()) history.prepend(typed);
    }
    m_pane->composer().setHistory(history);
    if (m_parts.chat.isReplying()) return; // afterwards its figures are known
    const bool known = !items.empty() && items.back().stats && items.back().stats->contextUsed > 0;
    if (known) {
        m_counter->setHistory(items.back().stats->contextUsed);
    } else if (chars > kMaxCountedChars) {
        m_counter->setHistory(-1);
    } else {
        m_counter->countHistory(items.empty() ? std::vector<core::ChatMessage>()
                                              : promptMessages(items, items.size() - 1, m_parts.settings.value(QStringLiteral("chat.systemPrompt")).toString()));
    }
}

} // namespace hearth::ui
