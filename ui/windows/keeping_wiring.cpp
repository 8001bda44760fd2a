// SPDX-License-Identifier: Apache-2.0
//
// MainWindow: finding and keeping conversations: what the sidebar asks for and what comes of it.
#include "ui/bridge/error_text.h"
#include "ui/models/conversation_keeper.h"
#include "ui/widgets/notice_bar.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/toast.h"
#include "ui/windows/conversation_pane.h"
#include "ui/windows/main_window.h"
#include "ui/windows/window_actions.h"

#include <QAction>
#include <QInputDialog>

namespace hearth::ui {

void MainWindow::connectKeeper() {
    m_keeper = new ConversationKeeper(m_parts.store, m_parts.chat, this);
    connect(m_sidebar, &Sidebar::searchChanged, m_keeper, &ConversationKeeper::search);
    connect(m_sidebar, &Sidebar::hitActivated, &m_parts.chat, &ChatController::openMessage);
    connect(m_sidebar, &Sidebar::commandRequested, this, &MainWindow::runCommand);
    connect(m_sidebar, &Sidebar::moveRequested, m_keeper,
            [this](const std::vector<qint64>& ids, qint64 folder) { m_keeper->move(ConversationIds(ids.begin(), ids.end()), folder); });
    connect(m_sidebar, &Sidebar::folderRenameRequested, m_keeper, &ConversationKeeper::renameFolder);
    connect(m_sidebar, &Sidebar::folderToggleRequested, m_keeper, &ConversationKeeper::setFolderCollapsed);
    connect(m_sidebar, &Sidebar::folderRemovalRequested, m_keeper, &ConversationKeeper::removeFolder);
    connect(m_sidebar, &Sidebar::emptyBinRequested, m_keeper, &ConversationKeeper::emptyBin);
    connect(m_sidebar, &Sidebar::placeChosen, this, [this](ConversationPlace place) {
        m_keeper->setView(place == ConversationPlace::Archive ? core::ConversationView::Archive
                          : place == ConversationPlace::Bin   ? core::ConversationView::Bin
                                                              : core::ConversationView::List);
    });
    connect(m_keeper, &ConversationKeeper::done, m_toast, [this](const QString& what, const std::function<void()>& undo) {
        m_toast->offerUndo(what, undo);
    });
    connect(m_keeper, &ConversationKeeper::failed, this, [this](const core::Error& error) {
        const ErrorText text = describe(error, ErrorContext::History);
        m_pane->notice().showNotice(NoticeBar::Kind::Error, text.title, text.body, text.remedy);
    });
    connect(m_keeper, &ConversationKeeper::indexRebuilt, this, [this] {
        m_pane->notice().showNotice(NoticeBar::Kind::Info, tr("The search index is new"), tr("It was made from the messages."));
    });
    const auto on = [this](QAction* action, auto reaction) { connect(action, &QAction::triggered, this, reaction); };
    const auto current = [this] { return m_parts.chat.conversations().find(m_parts.chat.current()); };
    on(m_actions->pinChat, [this, current] {
        if (const auto* row = current()) m_keeper->setPinned({row->id}, !row->pinned);
    });
    on(m_actions->archiveChat, [this, current] {
        if (const auto* row = current()) m_keeper->setArchived({row->id}, !row->archived);
    });
    on(m_actions->moveChat, [this] { askForFolder({m_parts.chat.current()}); });
    on(m_actions->rebuildIndex, [this] { m_keeper->rebuildIndex(); });
}

void MainWindow::runCommand(ConversationCommand command, const std::vector<qint64>& asked) {
    const ConversationIds ids(asked.begin(), asked.end());
    switch (command) {
    case ConversationCommand::Pin: return m_keeper->setPinned(ids, true);
    case ConversationCommand::Unpin: return m_keeper->setPinned(ids, false);
    case ConversationCommand::Archive: return m_keeper->setArchived(ids, true);
    case ConversationCommand::Unarchive: return m_keeper->setArchived(ids, false);
    case ConversationCommand::Delete: return m_keeper->remove(ids);
    case ConversationCommand::Restore: return m_keeper->restore(ids);
    case ConversationCommand::DeleteForGood: return m_keeper->purge(ids);
    case ConversationCommand::NewFolder: return askForFolder(ids);
    case ConversationCommand::Export: return exportConversations(ids);
    }
}

void MainWindow::askForFolder(const std::vector<core::ConversationId>& ids) {
    auto* dialog = new QInputDialog(this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(tr("Move to folder"));
    dialog->setLabelText(tr("Folder"));
    QStringList names;
    for (const core::FolderRow& folder : m_parts.chat.conversations().folders())
        names << QString::fromStdString(folder.name);
    dialog->setComboBoxEditable(true);
    dialog->setComboBoxItems(names.isEmpty() ? QStringList{QString()} : names);
    connect(dialog, &QInputDialog::textValueSelected, this, [this, ids](const QString& name) {
        for (const core::FolderRow& folder : m_parts.chat.conversations().folders())
            if (QString::fromStdString(folder.name) == name.trimmed()) return m_keeper->move(ids, folder.id);
        m_keeper->moveToNewFolder(ids, name);
    });
    dialog->open();
}

} // namespace hearth::ui
