// SPDX-License-Identifier: Apache-2.0
//
// MainWindow: who tells whom what. Signals of the widgets become commands of the controller and the clients, their
// answers become what the widgets show.
#include "ui/bridge/engine_client.h"
#include "ui/bridge/error_text.h"
#include "ui/bridge/library_worker.h"
#include "ui/bridge/telemetry_worker.h"
#include "ui/models/chat_controller.h"
#include "ui/models/settings_model.h"
#include "ui/settings/settings_dialog.h"
#include "ui/style/theme.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/empty_state.h"
#include "ui/widgets/message_find_bar.h"
#include "ui/widgets/message_view.h"
#include "ui/widgets/model_button.h"
#include "ui/widgets/notice_bar.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/status_panel.h"
#include "ui/widgets/status_strip.h"
#include "ui/widgets/toast.h"
#include "ui/windows/about_dialog.h"
#include "ui/windows/conversation_pane.h"
#include "ui/windows/main_window.h"
#include "ui/windows/model_menu.h"
#include "ui/windows/window_actions.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QDesktopServices>
#include <QFileDialog>
#include <QFileInfo>
#include <QInputDialog>
#include <QSaveFile>
#include <QToolButton>

#include <algorithm>
#include <utility>

namespace hearth::ui {

using core::MessageState;

// --- widgets to controller ------------------------------------------------------------------------------------------

void MainWindow::connectSidebar() {
    ChatController& chat = m_parts.chat;
    connect(m_sidebar, &Sidebar::newChatRequested, m_actions->newChat, &QAction::trigger);
    connect(m_sidebar, &Sidebar::conversationActivated, this, [this](qint64 id) {
        m_parts.chat.open(id);
        if (m_narrowSidebar) {
            m_sidebarAsked = false;
            fold();
        }
        m_pane->composer().focusInput();
    });
    connect(m_sidebar, &Sidebar::renameRequested, &chat,
            [&chat](qint64 id, const QString& title) { chat.rename(id, title); });
    connectKeeper();
}

void MainWindow::connectConversation() {
    ChatController& chat = m_parts.chat;
    connect(&m_pane->composer(), &Composer::submitted, this, [this](const QString& text, const QString& replyStart) {
        m_parts.chat.send(text, replyStart);
        m_pane->messages().scrollToEnd();
    });
    connect(&m_pane->composer(), &Composer::stopRequested, &chat, &ChatController::stop);

    MessageView& view = m_pane->messages();
    connect(&view, &MessageView::copyRequested, this, [this](int row) {
        const auto& items = m_parts.chat.messages().items();
        if (row >= 0 && row < int(items.size())) QApplication::clipboard()->setText(withoutThought(items[std::size_t(row)].text));
    });
    connect(&view, &MessageView::editSubmitted, &chat, &ChatController::edit);
    connect(&view, &MessageView::regenerateRequested, &chat, &ChatController::regenerate);
    connect(&view, &MessageView::continueRequested, &chat, &ChatController::continueReply);
    connect(&view, &MessageView::siblingRequested, &chat, &ChatController::showSibling);
    connect(&view, &MessageView::linkActivated, this, [](const QUrl& url) {
        // A model's words are not to be trusted with files or programs.
        if (url.scheme() == u"http" || url.scheme() == u"https" || url.scheme() == u"mailto")
            QDesktopServices::openUrl(url);
    });
    connect(&view, &MessageView::saveCodeRequested, this, [this](const QString& fileName, const QString& code) {
        auto* dialog = new QFileDialog(this, tr("Save code"), fileName);
        dialog->setAttribute(Qt::WA_DeleteOnClose);
        dialog->setAcceptMode(QFileDialog::AcceptSave);
        dialog->selectFile(fileName);
        connect(dialog, &QFileDialog::fileSelected, this, [this, code](const QString& path) {
            QSaveFile file(path);
            const bool written = file.open(QFile::WriteOnly | QFile::Text) && file.write((code + u'\n').toUtf8()) >= 0 && file.commit();
            if (!written)
                m_pane->notice().showNotice(NoticeBar::Kind::Error, tr("The code was not saved"), tr("%1: %2").arg(path, file.errorString()),
                                            tr("Choose another folder."));
        });
        dialog->open();
    });
    connect(&m_pane->emptyState(), &EmptyState::openFileRequested, this, &MainWindow::chooseFile);
    connect(&m_pane->emptyState(), &EmptyState::chooseModelRequested, this, &MainWindow::popUpModelMenu);
    connect(&m_pane->sidebarButton(), &QToolButton::clicked, m_actions->sidebar, &QAction::trigger);
    connect(&m_pane->modelButton(), &ModelButton::cancelRequested, this,
            [this] { m_parts.engine.cancel(m_parts.engine.currentLoad()); });
    connect(m_modelMenu, &ModelMenu::modelChosen, this, &MainWindow::openModel);
    connect(m_modelMenu, &QMenu::aboutToShow, this, [this] {
        const auto wishes = loadRequest({}, [this](const QString& key) { return m_parts.settings.globals().value(key); });
        m_modelMenu->showPlans([this, wishes](const core::ModelCard& card) {
            const auto planned = card.needs ? planOf(*card.needs, m_room, wishes) : std::nullopt;
            return planned ? std::optional(planned->plan) : std::nullopt;
        });
    });
    connect(m_pane, &ConversationPane::backendReasonRequested, this, &MainWindow::showBackendReason);
    connect(m_status, &StatusPanel::gpuRetryRequested, this, &MainWindow::retryGpu);
}

void MainWindow::connectActions() {
    const auto on = [this](QAction* action, auto reaction) { connect(action, &QAction::triggered, this, reaction); };
    on(m_actions->newChat, [this] {
        m_parts.chat.newChat();
        m_pane->composer().focusInput();
    });
    on(m_actions->settings, [this] { showSettings(); });
    on(m_actions->quit, [this] { close(); });
    on(m_actions->copyReply, [this] {
        if (lastRow() >= 0) QApplication::clipboard()->setText(withoutThought(m_parts.chat.messages().items().back().text));
    });
    on(m_actions->editLast, [this] {
        const auto& items = m_parts.chat.messages().items();
        const auto last =
            std::find_if(items.rbegin(), items.rend(), [](const MessageItem& item) { return !item.isReply(); });
        if (last != items.rend()) m_pane->messages().beginEdit(int(std::distance(last, items.rend())) - 1);
    });
    on(m_actions->findInChat, [this] {
        const QString selected = m_pane->messages().selectedText();
        m_pane->findBar().open(selected.contains(u'\n') ? QString() : selected.left(200));
    });
    on(m_actions->findNext, [this] { m_pane->messages().findNext(+1); });
    on(m_actions->findPrevious, [this] { m_pane->messages().findNext(-1); });
    on(m_actions->findChat, [this] {
        if (m_sidebar->isHidden()) m_actions->sidebar->trigger();
        m_sidebar->focusSearch();
    });
    on(m_actions->focusComposer, [this] { m_pane->composer().focusInput(); });
    on(m_actions->sidebar, [this](bool shown) {
        m_sidebarAsked = shown;
        if (!m_narrowSidebar) m_parts.settings.set(QStringLiteral("ui.sidebar"), shown);
        fold();
    });
    on(m_actions->statusPanel, [this](bool shown) {
        m_statusAsked = shown;
        if (!m_narrowStatus) m_parts.settings.set(QStringLiteral("ui.statusPanel"), shown);
        fold();
    });
    on(m_actions->themeSystem, [this] { m_parts.settings.set(QStringLiteral("ui.theme"), "system"); });
    on(m_actions->themeLight, [this] { m_parts.settings.set(QStringLiteral("ui.theme"), "light"); });
    on(m_actions->themeDark, [this] { m_parts.settings.set(QStringLiteral("ui.theme"), "dark"); });
    on(m_actions->renameChat, [this] { askForTitle(); });
    on(m_actions->deleteChat, [this] { m_parts.chat.remove(m_parts.chat.current()); });
    on(m_actions->regenerate, [this] { m_parts.chat.regenerate(lastRow()); });
    on(m_actions->continueReply, [this] { m_parts.chat.continueReply(lastRow()); });
    on(m_actions->stop, [this] { m_parts.chat.stop(); });
    on(m_actions->showModelMenu, [this] { popUpModelMenu(); });
    on(m_actions->openModel, [this] { chooseFile(); });
    on(m_actions->rescan, [this] { scanModels(); });
    on(m_actions->modelFolders, [this] { showSettings(QStringLiteral("Models")); });
    on(m_actions->unload, [this] { m_parts.engine.unload(); });
    on(m_actions->about, [this] { showAbout(this); });
}

void MainWindow::askForTitle() {
    const auto id = m_parts.chat.current();
    auto* dialog = new QInputDialog(this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(tr("Rename chat"));
    dialog->setLabelText(tr("Title"));
    dialog->setTextValue(m_parts.chat.conversations().title(id));
    connect(dialog, &QInputDialog::textValueSelected, this,
            [this, id](const QString& title) { m_parts.chat.rename(id, title); });
    dialog->open();
}

// --- controller and clients to widgets ------------------------------------------------------------------------------

void MainWindow::connectChat() {
    ChatController& chat = m_parts.chat;
    connect(&chat, &ChatController::currentChanged, this, [this] {
        m_sidebar->setCurrent(m_parts.chat.current());
        refreshPage();
        refreshTitle();
        refreshActions();
    });
    connect(&chat, &ChatController::replyingChanged, this, [this] {
        if (!m_parts.chat.isReplying()) m_status->setIdle();
        refreshComposer();
        refreshActions();
    });
    connect(&chat, &ChatController::statusChanged, this, &MainWindow::refreshComposer);
    connect(&chat, &ChatController::messageShown, &m_pane->messages(), &MessageView::showMessage);
    connect(&chat, &ChatController::conversationDeleted, this, [this](qint64 id, const QString& title) {
        m_toast->offerUndo(title.isEmpty() ? tr("Chat deleted") : tr("“%1” deleted").arg(title),
                           [this, id] { m_parts.chat.restore(id); });
    });
    connect(&chat, &ChatController::savingFailed, this, [this](const core::Error& error) {
        const ErrorText text = describe(error, ErrorContext::History);
        m_pane->notice().showNotice(NoticeBar::Kind::Error, text.title, text.body, text.remedy);
        m_savingNotice = true;
    });
    connect(&chat, &ChatController::savingRecovered, this, [this] {
        if (!std::exchange(m_savingNotice, false)) return;
        m_pane->notice().showNotice(NoticeBar::Kind::Info, tr("Saved again"),
                                    tr("Everything on the screen is in the history now."));
    });
    connect(&chat, &ChatController::statsChanged, this, [this](const core::GenerationStats& stats, bool live) {
        m_stats = stats;
        m_status->setStats(stats, live);
        m_strip->setStats(stats, live);
        const auto& model = m_parts.engine.model();
        m_pane->setContext(stats.contextUsed, model ? model->contextLength : 0);
    });
    connect(&m_parts.store, &StoreClient::opened, this, &MainWindow::showStoreOpening);
    connect(&m_parts.settings, &SettingsModel::changed, this, &MainWindow::settingChanged);
    connect(&m_parts.settings, &SettingsModel::writeFailed, this, [this](const core::Error& error) {
        const ErrorText text = describe(error, ErrorContext::History);
        m_pane->notice().showNotice(NoticeBar::Kind::Warning, tr("A setting was not saved"), text.body, text.remedy);
    });
}

void MainWindow::connectEngine() {
    EngineClient& engine = m_parts.engine;
    connect(&engine, &EngineClient::loadStarted, this, [this](RequestId, const QString& path) {
        if (path != m_loadingPath && m_settingsDialog) m_settingsDialog->close(); // it shows another model's values
        m_loadingPath = path;
        m_loadingName = cardName(path);
        m_parts.chat.setModelName(m_loadingName);
        m_pane->modelButton().setLoading(m_loadingName, 0.0);
        m_pane->setBackend({});
        m_pane->setContext(0, 0);
        m_status->setModel({});
        m_modelMenu->setCurrentPath(path);
        m_pane->notice().dismiss();
        refreshPage();
        refreshComposer();
        refreshActions();
    });
    connect(&engine, &EngineClient::loadProgressed, this, [this](RequestId, const core::LoadProgress& progress) {
        m_pane->modelButton().setLoading(m_loadingName, double(progress.fraction));
    });
    connect(&engine, &EngineClient::modelLoaded, this,
            [this](RequestId, const core::ModelInfo& info) { showModelLoaded(info); });
    connect(&engine, &EngineClient::backendChanged, this, [this](RequestId, const core::ModelInfo& info) {
        m_pane->setBackend(info);
        m_status->setModel(info);
        showGpuFailure(info);
        listDevices(); // after the reply: the engine is busy with it
    });
    connect(&engine, &EngineClient::devicesListed, this, [this](RequestId, const core::DeviceList& list) {
        if (list.devices.empty()) return;
        m_room.devices = list;
        m_status->setDevices(list);
        roomChanged();
    });
    connect(&engine, &EngineClient::modelLoadFailed, this, [this](RequestId, const core::Error& error) {
        if (!m_parts.engine.isLoading()) showModelFailed(error); // else it made room for the next one
    });
    connect(&engine, &EngineClient::modelUnloaded, this, [this](RequestId) {
        m_parts.settings.set(QStringLiteral("models.last"), QString());
        showModelFailed({core::ErrorCode::Cancelled, {}});
    });
    connect(&m_parts.library, &LibraryClient::scanStarted, this, [this] { m_modelMenu->setScanning(true); });
    connect(&m_parts.library, &LibraryClient::inspected, this, [this](const core::ModelCard& card) {
        if (!m_settingsDialog) return;
        ModelCards cards = m_models.cards();
        cards.insert(cards.begin(), card);
        m_settingsDialog->setModels(cards, QFile::decodeName(card.path.c_str()));
    });
    connect(&m_parts.library, &LibraryClient::scanned, this, [this](const ModelCards& cards) {
        m_models.setCards(cards);
        m_modelMenu->setScanning(false);
        refreshPage();
        if (cards.empty()) hintAtStarterModel();
        openOnlyModel(cards);
    });
    connect(&m_parts.telemetry, &TelemetryClient::cpuSampled, this,
            [this](const core::CpuIdentity& identity, const core::CpuSample& sample) {
                m_status->setCpu(identity, sample);
                m_strip->setCpu(identity, sample);
                if (sample.memoryTotal == 0) return;
                m_room.ramTotal = sample.memoryTotal;
                m_room.ramFree = sample.memoryTotal - std::min(sample.memoryUsed, sample.memoryTotal);
            });
    connect(&m_parts.telemetry, &TelemetryClient::gpuSampled, this, [this](const core::GpuReport& report) {
        m_status->setGpu(report);
        m_room.gpus = report;
        roomChanged(); // once a second: the processor's sample came before
    });
}

// --- models ---------------------------------------------------------------------------------------------------------

void MainWindow::begin(const QString& modelPath) {
    m_parts.chat.refreshConversations();
    scanModels();
    const QString last = m_parts.settings.value(QStringLiteral("models.last")).toString();
    const QString path = modelPath.isEmpty() ? last : modelPath;
    m_openOnlyModel = path.isEmpty();
    if (path.isEmpty()) {
        listDevices(); // else a load does it
    } else {
        openModel(path);
    }
    m_pane->composer().focusInput();
}

void MainWindow::openOnlyModel(const ModelCards& cards) {
    // The first start: with one model there is nothing to choose. Later scans never load by themselves.
    if (!std::exchange(m_openOnlyModel, false)) return;
    const auto usable = [](const core::ModelCard& card) { return card.usable; };
    if (std::ranges::count_if(cards, usable) != 1) return;
    openModel(QFile::decodeName(std::ranges::find_if(cards, usable)->path.c_str()));
}

void MainWindow::openModel(const QString& path) {
    m_openOnlyModel = false;
    const QString absolute = QFileInfo(path).absoluteFilePath();
    // Its own context length and threads must be known before it is loaded.
    m_parts.settings.setModel(absolute, [this, absolute] { loadModel(absolute); });
}

void MainWindow::loadModel(const QString& path, EngineClient::GpuTry gpuTry) {
    core::LoadRequest request = loadRequest(path, [this](const QString& key) { return m_parts.settings.value(key); });
    request.retryGpu = gpuTry == EngineClient::GpuTry::Again;
    m_parts.engine.load(request);
}

void MainWindow::listDevices(EngineClient::GpuTry gpuTry) {
    m_parts.engine.listDevices(m_parts.settings.value(QStringLiteral("engine.device")).toString(), gpuTry);
}

void MainWindow::retryGpu() {
    if (m_parts.engine.model()) {
        loadModel(m_loadingPath, EngineClient::GpuTry::Again);
    } else {
        listDevices(EngineClient::GpuTry::Again);
    }
}

void MainWindow::roomChanged() {
    if (m_settingsDialog) m_settingsDialog->setRoom(m_room);
}

void MainWindow::showModelLoaded(const core::ModelInfo& info) {
    const QString name = QString::fromStdString(info.name);
    m_parts.settings.set(QStringLiteral("models.last"), m_loadingPath);
    noteModelUsed(m_loadingPath);
    m_pane->modelButton().setModel(name, QString::fromStdString(info.quantization));
    m_pane->setBackend(info);
    m_pane->setContext(m_stats.contextUsed, info.contextLength);
    m_status->setModel(info);
    m_modelMenu->setCurrentPath(m_loadingPath);
    if (!info.notices.empty()) {
        QStringList notices;
        for (const std::string& notice : info.notices)
            notices << QString::fromStdString(notice);
        m_pane->notice().showNotice(NoticeBar::Kind::Info, tr("About this model"), notices.join(u'\n'));
    }
    if (info.fallback) showGpuFailure(info);
    listDevices();
    refreshPage();
    refreshComposer();
    refreshActions();
}

void MainWindow::showGpuFailure(const core::ModelInfo& info) {
    const ErrorText text = describeGpu(info);
    // Core's sentence names files, groups and operations, and ends with the remedy; of a crash it knows no more than is said already.
    const bool known = info.gpuReason == core::GpuReason::CrashedLastTime;
    m_pane->notice().showNotice(NoticeBar::Kind::Warning, text.title, known ? text.body : text.body + u'\n' + text.details, known ? text.remedy : QString(),
                                tr("Try the GPU again"), [this] { retryGpu(); });
}

void MainWindow::showBackendReason() {
    const auto& info = m_parts.engine.model();
    if (!info) return;
    if (info->fallback) return showGpuFailure(*info);
    const ErrorText text = describeGpu(*info);
    if (info->gpuReason == core::GpuReason::UsersChoice) {
        m_pane->notice().showNotice(NoticeBar::Kind::Info, text.title, text.body, text.remedy, tr("Open settings"),
                                    [this] { showSettings(QStringLiteral("Performance")); });
    } else if (!text.title.isEmpty()) {
        m_pane->notice().showNotice(NoticeBar::Kind::Info, text.title, text.body + u'\n' + text.details, text.remedy);
    } else {
        m_pane->notice().showNotice(NoticeBar::Kind::Info, tr("%1 of %2 layers run on the %3").arg(info->gpuLayers).arg(info->layers).arg(QString::fromStdString(info->gpuName)),
                                    QString::fromStdString(info->backendReason));
    }
}

void MainWindow::showModelFailed(const core::Error& error) {
    m_pane->modelButton().setEmpty();
    m_pane->setBackend({});
    m_pane->setContext(0, 0);
    m_status->setModel({});
    m_modelMenu->setCurrentPath({});
    if (error.code != core::ErrorCode::Cancelled) {
        const ErrorText text = describe(error, ErrorContext::Model);
        const QString file = QFileInfo(m_loadingPath).fileName();
        const QString details = text.details.isEmpty() ? QString() : tr("\nDetails: %1").arg(text.details);
        m_pane->notice().showNotice(NoticeBar::Kind::Error, text.title, tr("%1: %2").arg(file, text.body),
                                    text.remedy + details, tr("Choose a model"), [this] { popUpModelMenu(); });
    }
    listDevices();
    refreshPage();
    refreshComposer();
    refreshActions();
}

void MainWindow::scanModels() {
    const bool others = m_parts.settings.value(QStringLiteral("models.otherStores")).toString() == u"use";
    // Files that were opened from elsewhere stay at hand.
    const QStringList files = modelsAtHand(QStringLiteral("models.favourites")) + modelsAtHand(QStringLiteral("models.recent"));
    m_parts.library.scan(QStringList(LibraryClient::defaultFolder()) + m_parts.settings.modelFolders() + files,
                         others ? LibraryClient::OtherStores::Use : LibraryClient::OtherStores::Ignore);
}

/// The one button of the empty state opens a file; this tells those who have none.
void MainWindow::hintAtStarterModel() {
    if (m_parts.engine.model() || m_parts.engine.isLoading() || m_pane->notice().isVisible()) return;
    m_pane->notice().showNotice(
        NoticeBar::Kind::Info, tr("No model was found"),
        tr("Hearth looked in %1 and the folders in Settings.").arg(LibraryClient::defaultFolder()),
        tr("To get the starter model, start Hearth with ./run in its source folder: it fetches "
           "TinyLlama 1.1B (323 MB). Or open any GGUF file that you have."));
}

void MainWindow::chooseFile() {
    auto* dialog = new QFileDialog(this, tr("Open model file"), QFileInfo(m_loadingPath).path());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFile);
    dialog->setNameFilters({tr("GGUF models (*.gguf)"), tr("All files (*)")});
    connect(dialog, &QFileDialog::fileSelected, this, &MainWindow::openModel);
    dialog->open();
}

void MainWindow::popUpModelMenu() {
    ModelButton& button = m_pane->modelButton();
    m_modelMenu->popup(button.mapToGlobal(QPoint(0, button.height() + 4)));
}

QString MainWindow::modelPath() const {
    return m_parts.engine.model() ? m_loadingPath : QString();
}

QString MainWindow::cardName(const QString& path) const {
    const auto& cards = m_models.cards();
    const auto card = std::ranges::find(cards, QFile::encodeName(path).toStdString(), &core::ModelCard::path);
    return card == cards.end() ? QFileInfo(path).completeBaseName() : QString::fromStdString(card->name);
}

// --- history and settings -------------------------------------------------------------------------------------------

void MainWindow::showStoreOpening(const StoreOpening& opening) {
    if (opening.trouble) {
        const ErrorText text = describe(*opening.trouble, ErrorContext::History);
        m_pane->notice().showNotice(NoticeBar::Kind::Error, text.title, text.body,
                                    text.remedy + tr("\nDetails: %1").arg(text.details));
    } else if (opening.interruptedReplies > 0) {
        m_pane->notice().showNotice(NoticeBar::Kind::Info, tr("Hearth did not end properly last time"),
                                    tr("The reply that was being written has been kept as far as it came."),
                                    tr("Open its chat and press Continue or Regenerate."));
    }
}

void MainWindow::showSettings(const QString& page) {
    if (!m_settingsDialog) {
        const auto& model = m_parts.engine.model();
        m_settingsDialog =
            new SettingsDialog(m_parts.settings.globals(), model ? QString::fromStdString(model->name) : QString(),
                               m_parts.settings.overrides(), this);
        m_settingsDialog->setAttribute(Qt::WA_DeleteOnClose);
        const auto target = [](bool forModel) {
            return forModel ? SettingsModel::Target::CurrentModel : SettingsModel::Target::Everywhere;
        };
        connect(m_settingsDialog, &SettingsDialog::settingChanged, this,
                [this, target](const QString& key, const QVariant& value, bool forModel) {
                    m_parts.settings.set(key, value, target(forModel));
                });
        connect(m_settingsDialog, &SettingsDialog::settingReset, this,
                [this, target](const QString& key, bool forModel) { m_parts.settings.reset(key, target(forModel)); });
        m_settingsDialog->setRoom(m_room);
        m_settingsDialog->setModels(m_models.cards(), m_loadingPath);
        // A file from elsewhere, which no scan has met.
        const bool listed = std::ranges::find(m_models.cards(), QFile::encodeName(m_loadingPath).toStdString(), &core::ModelCard::path) != m_models.cards().end();
        if (!m_loadingPath.isEmpty() && !listed) m_parts.library.inspect(m_loadingPath);
        listDevices(); // what is free now
    }
    if (!page.isEmpty()) m_settingsDialog->showPage(page);
    m_settingsDialog->show();
    m_settingsDialog->raise();
    m_settingsDialog->activateWindow();
}

void MainWindow::settingChanged(const QString& key) {
    if (key == u"ui.theme") {
        const QString theme = m_parts.settings.value(key).toString();
        const ThemeChoice choice = theme == u"light"  ? ThemeChoice::Light
                                   : theme == u"dark" ? ThemeChoice::Dark
                                                      : ThemeChoice::System;
        QAction* action = choice == ThemeChoice::Light  ? m_actions->themeLight
                          : choice == ThemeChoice::Dark ? m_actions->themeDark
                                                        : m_actions->themeSystem;
        action->setChecked(true);
        Theme::instance().choose(choice);
    } else if (key == u"models.folders" || key == u"models.otherStores") {
        scanModels();
    } else if (key == u"ui.sidebar" || key == u"ui.statusPanel") {
        fold();
    } else if (key.startsWith(QStringLiteral("engine."))) {
        if (key == u"engine.device") listDevices();
        if (!m_parts.engine.model()) return;
        m_pane->notice().showNotice(NoticeBar::Kind::Info, tr("This takes effect when the model is loaded again"), {},
                                    {}, tr("Load again"), [this] { openModel(m_loadingPath); });
    }
}

// --- what is shown and what can be done -----------------------------------------------------------------------------

int MainWindow::lastRow() const {
    return m_parts.chat.messages().rowCount() - 1;
}

void MainWindow::refreshPage() {
    const bool empty = lastRow() < 0;
    m_pane->showPage(empty ? ConversationPane::Page::Empty : ConversationPane::Page::Messages);
    const auto& model = m_parts.engine.model();
    if (m_parts.engine.isLoading()) {
        m_pane->emptyState().setLoading(m_loadingName);
    } else if (model) {
        m_pane->emptyState().setReady(QString::fromStdString(model->name));
    } else {
        m_pane->emptyState().setNoModel(int(std::ranges::count_if(m_models.cards(), &core::ModelCard::usable)));
    }
}

void MainWindow::refreshComposer() {
    const bool able = m_parts.engine.model() || m_parts.engine.isLoading();
    const auto& model = m_parts.engine.model();
    const QString name = model ? QString::fromStdString(model->name) : m_loadingName;
    m_pane->composer().setPlaceholder(able ? tr("Message %1 (Shift+Enter for a new line)").arg(name)
                                           : tr("Choose a model to begin"));
    m_pane->composer().setBusy(m_parts.chat.isReplying(), m_parts.chat.statusText());
    m_pane->composer().setSendEnabled(able, able ? QString() : tr("Choose a model first (Ctrl+M)"));
}

void MainWindow::refreshActions() {
    const auto& items = m_parts.chat.messages().items();
    const bool replying = m_parts.chat.isReplying();
    const bool able = m_parts.engine.model() || m_parts.engine.isLoading();
    const bool any = !items.empty();
    const bool cutOff = any && items.back().isReply() && items.back().state != MessageState::Generating &&
                        (items.back().state != MessageState::Complete ||
                         (items.back().stats && items.back().stats->finishReason == "tokenLimit"));
    m_actions->copyReply->setEnabled(any && items.back().isReply() && !items.back().text.isEmpty());
    m_actions->editLast->setEnabled(any);
    m_actions->renameChat->setEnabled(m_parts.chat.current() != 0);
    m_actions->deleteChat->setEnabled(m_parts.chat.current() != 0);
    for (QAction* action : {m_actions->pinChat, m_actions->archiveChat, m_actions->moveChat})
        action->setEnabled(m_parts.chat.current() > 0);
    m_actions->regenerate->setEnabled(any && able && !replying);
    m_actions->continueReply->setEnabled(cutOff && able && !replying);
    m_actions->stop->setEnabled(replying);
    m_actions->unload->setEnabled(m_parts.engine.model().has_value());
    m_actions->exportChat->setEnabled(m_parts.chat.current() > 0);
    refreshModelsAtHand();
}

void MainWindow::refreshTitle() {
    const QString title = m_parts.chat.conversations().title(m_parts.chat.current());
    setWindowTitle(title.isEmpty() ? QStringLiteral("Hearth") : title);
}

} // namespace hearth::ui
