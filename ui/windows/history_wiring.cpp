// SPDX-License-Identifier: Apache-2.0
//
// MainWindow: the history as a whole (export, import, backups), titles by the model, and which models are at hand.
#include "ui/bridge/engine_client.h"
#include "ui/bridge/store_client.h"
#include "ui/models/chat_controller.h"
#include "ui/models/model_list_model.h"
#include "ui/models/settings_model.h"
#include "ui/models/title_maker.h"
#include "ui/widgets/notice_bar.h"
#include "ui/widgets/sidebar.h"
#include "ui/windows/archive_actions.h"
#include "ui/windows/conversation_pane.h"
#include "ui/windows/main_window.h"
#include "ui/windows/model_menu.h"
#include "ui/windows/window_actions.h"

#include <QAction>
#include <QFile>
#include <QTimer>

#include <algorithm>

namespace hearth::ui {

namespace {

constexpr int kBackupCheckMs = 60 * 60 * 1000;
constexpr int kFirstBackupCheckMs = 60 * 1000; ///< not while the window opens
constexpr qsizetype kRecentModels = 12;

QStringList lines(const QVariant& value) { return value.toString().split(u'\n', Qt::SkipEmptyParts); }

} // namespace

void MainWindow::connectHistory() {
    m_archive = new ArchiveActions(m_parts.store, *this);
    connect(m_archive, &ArchiveActions::succeeded, this, [this](const QString& title, const QString& body) {
        m_pane->notice().showNotice(NoticeBar::Kind::Info, title, body);
    });
    connect(m_archive, &ArchiveActions::failed, this, [this](const QString& title, const QString& body, const QString& remedy) {
        m_pane->notice().showNotice(NoticeBar::Kind::Error, title, body, remedy);
    });
    connect(m_archive, &ArchiveActions::historyChanged, &m_parts.chat, &ChatController::refreshConversations);
    connect(m_archive, &ArchiveActions::historyReplaced, this, [this] {
        m_parts.chat.newChat();
        m_parts.settings.load();
        m_parts.chat.refreshConversations();
    });
    const auto on = [this](QAction* action, auto reaction) { connect(action, &QAction::triggered, this, reaction); };
    on(m_actions->importChats, [this] { m_archive->importChats(); });
    on(m_actions->exportChat, [this] { exportConversations({m_parts.chat.current()}); });
    on(m_actions->exportAll, [this] {
        std::vector<core::ConversationId> all;
        for (const core::ConversationRow& row : m_parts.chat.conversations().rows())
            if (row.id > 0 && !row.deletedMs) all.push_back(row.id);
        exportConversations(all);
    });
    on(m_actions->backUp, [this] { m_archive->backUpNow(); });
    on(m_actions->restoreBackup, [this] {
        // A reply's last words would go to whatever message has its number then.
        if (!m_parts.chat.isBusy()) return m_archive->chooseBackup();
        m_pane->notice().showNotice(NoticeBar::Kind::Warning, tr("A reply is being written"), tr("A backup cannot take the place of the history meanwhile."),
                                    tr("Stop it, or wait until it ends."));
    });
    connect(&m_backupCheck, &QTimer::timeout, this, [this] {
        m_backupCheck.setInterval(kBackupCheckMs);
        m_archive->backUpIfDue();
    });
    m_backupCheck.start(kFirstBackupCheckMs);

    m_titles = new TitleMaker(m_parts.engine, m_parts.store, m_parts.settings, this);
    connect(&m_parts.chat, &ChatController::firstReplyEnded, m_titles, &TitleMaker::suggest);
    connect(&m_parts.chat, &ChatController::replyingChanged, m_titles, [this] {
        if (m_parts.chat.isReplying()) m_titles->giveWay();
    });
    connect(m_titles, &TitleMaker::titled, &m_parts.chat, &ChatController::refreshConversations);
}

void MainWindow::exportConversations(const std::vector<core::ConversationId>& ids) {
    if (ids.empty()) return;
    const QString title = ids.size() == 1 ? m_parts.chat.conversations().title(ids.front()) : QStringLiteral("hearth-chats");
    m_archive->exportChats(ids, title);
}

// --- models at hand -------------------------------------------------------------------------------------------------

void MainWindow::connectModelsAtHand() {
    connect(m_modelMenu, &ModelMenu::favouriteToggled, this, &MainWindow::toggleFavourite);
    connect(m_actions->favourite, &QAction::triggered, this, [this] { toggleFavourite(m_loadingPath); });
    connect(m_actions->reload, &QAction::triggered, this, [this] { openModel(m_loadingPath); });
    connect(m_actions->modelSettings, &QAction::triggered, this, [this] { showSettings(QStringLiteral("Generation")); });
    connect(&m_parts.settings, &SettingsModel::loaded, this, &MainWindow::refreshModelsAtHand);
}

QStringList MainWindow::modelsAtHand(const QString& key) const {
    return lines(m_parts.settings.value(key));
}

void MainWindow::toggleFavourite(const QString& path) {
    if (path.isEmpty() || path.contains(u'\n')) return;
    QStringList favourites = modelsAtHand(QStringLiteral("models.favourites"));
    if (favourites.removeAll(path) == 0) favourites << path;
    m_parts.settings.set(QStringLiteral("models.favourites"), favourites.join(u'\n'));
    refreshModelsAtHand();
}

void MainWindow::noteModelUsed(const QString& path) {
    QStringList recent = modelsAtHand(QStringLiteral("models.recent"));
    recent.removeAll(path);
    if (!path.contains(u'\n')) recent.prepend(path);
    m_parts.settings.set(QStringLiteral("models.recent"), recent.mid(0, kRecentModels).join(u'\n'));
    refreshModelsAtHand();
    const bool listed = std::ranges::find(m_models.cards(), QFile::encodeName(path).toStdString(), &core::ModelCard::path) != m_models.cards().end();
    if (!listed) scanModels();
}

void MainWindow::refreshModelsAtHand() {
    const QStringList favourites = modelsAtHand(QStringLiteral("models.favourites"));
    m_modelMenu->setAtHand(favourites, modelsAtHand(QStringLiteral("models.recent")));
    m_actions->favourite->setChecked(favourites.contains(m_loadingPath));
    for (QAction* action : {m_actions->favourite, m_actions->reload, m_actions->modelSettings})
        action->setEnabled(m_parts.engine.model().has_value());
}

} // namespace hearth::ui
