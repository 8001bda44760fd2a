// SPDX-License-Identifier: Apache-2.0
//
// MainWindow: construction, layout, folding, geometry, drops. The wiring is in window_wiring.cpp.
#include "ui/windows/main_window.h"

#include "ui/bridge/telemetry_worker.h"
#include "ui/models/chat_controller.h"
#include "ui/models/token_counter.h"
#include "ui/models/settings_model.h"
#include "ui/style/icons.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"
#include "ui/widgets/composer.h"
#include "ui/widgets/message_view.h"
#include "ui/widgets/model_button.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/status_panel.h"
#include "ui/widgets/status_strip.h"
#include "ui/widgets/toast.h"
#include "ui/windows/conversation_pane.h"
#include "ui/windows/model_menu.h"
#include "ui/windows/window_actions.h"

#include <QAction>
#include <QCloseEvent>
#include <QDragEnterEvent>
#include <QDropEvent>
#include <QMenuBar>
#include <QMimeData>
#include <QSplitter>
#include <QStatusBar>
#include <QToolButton>
#include <QUrl>

namespace hearth::ui {

namespace {

constexpr QSize kFirstSize(1360, 860);
constexpr QSize kSmallest(480, 420);
constexpr int kSidebarLeast = 200;
constexpr int kSidebarMost = 420;
constexpr int kStatusLeast = 240;
constexpr int kStatusMost = 420;
constexpr int kMinuteMs = 60'000;

/// The local files of a drag; empty when it is something else.
QStringList draggedFiles(const QMimeData* data) {
    QStringList files;
    for (const QUrl& url : data ? data->urls() : QList<QUrl>()) {
        if (url.isLocalFile()) files << url.toLocalFile();
    }
    return files;
}

} // namespace

MainWindow::MainWindow(WindowParts parts)
    : m_parts(parts)
    , m_splitter(new QSplitter(Qt::Horizontal))
    , m_sidebar(new Sidebar)
    , m_pane(new ConversationPane)
    , m_status(new StatusPanel)
    , m_strip(new StatusStrip)
    , m_toast(new Toast(&m_pane->overlayArea()))
    , m_actions(new WindowActions(*this))
    , m_counter(new TokenCounter(parts.engine, this))
    , m_modelMenu(new ModelMenu(
          m_models, {m_actions->openModel, m_actions->rescan, m_actions->modelFolders, nullptr, m_actions->favourite, m_actions->modelSettings, m_actions->reload, m_actions->unload},
          this)) {
    setWindowTitle(QStringLiteral("Hearth"));
    setWindowIcon(applicationIcon());
    setMinimumSize(kSmallest);
    resize(kFirstSize);
    setAcceptDrops(true);
    m_sidebar->setObjectName(QStringLiteral("sidebar"));
    m_status->setObjectName(QStringLiteral("statusPanel"));

    m_splitter->addWidget(m_sidebar);
    m_splitter->addWidget(m_pane);
    m_splitter->addWidget(m_status);
    m_splitter->setStretchFactor(1, 1);
    m_splitter->setHandleWidth(1);
    m_splitter->setChildrenCollapsible(false);
    m_sidebar->setMinimumWidth(kSidebarLeast);
    m_sidebar->setMaximumWidth(kSidebarMost);
    m_status->setMinimumWidth(kStatusLeast);
    m_status->setMaximumWidth(kStatusMost);
    m_splitter->setSizes({metrics::kSidebarWidth, kFirstSize.width() - metrics::kSidebarWidth - metrics::kStatusWidth,
                          metrics::kStatusWidth});
    setCentralWidget(m_splitter);
    m_actions->fill(*menuBar(), *m_modelMenu);
    statusBar()->setSizeGripEnabled(false);
    statusBar()->addWidget(m_strip, 1);
    statusBar()->setVisible(false);

    m_pane->modelButton().setMenu(m_modelMenu);
    m_pane->modelButton().setPopupMode(QToolButton::InstantPopup);
    m_pane->messages().setModel(&parts.chat.messages());
    m_sidebar->setModel(&parts.chat.conversations());

    connectSidebar();
    connectConversation();
    connectChat();
    connectEngine();
    connectActions();
    connectHistory();
    connectModelsAtHand();
    connectWriting();
    connect(&m_minute, &QTimer::timeout, this,
            [this] { m_parts.chat.conversations().setNow(QDateTime::currentDateTime()); });
    m_minute.start(kMinuteMs);
    m_status->installEventFilter(this);
    // A file may be dropped anywhere, also where text may be dropped.
    for (QWidget* child : findChildren<QWidget*>()) {
        if (child->acceptDrops()) child->installEventFilter(this);
    }
    refreshPage();
    refreshComposer();
    refreshActions();
}

MainWindow::~MainWindow() = default;

void MainWindow::applySettings() {
    settingChanged(QStringLiteral("ui.theme"));
    const QStringList saved = m_parts.settings.value(QStringLiteral("ui.geometry")).toString().split(u'|');
    if (saved.size() == 2) {
        restoreGeometry(QByteArray::fromBase64(saved[0].toLatin1()));
        m_splitter->restoreState(QByteArray::fromBase64(saved[1].toLatin1()));
        m_splitter->setHandleWidth(1);
    }
    fold();
}

void MainWindow::saveGeometryNow() {
    m_parts.settings.set(QStringLiteral("ui.geometry"),
                         QString::fromLatin1(saveGeometry().toBase64() + '|' + m_splitter->saveState().toBase64()));
}

void MainWindow::comeToFront() {
    setWindowState(windowState() & ~Qt::WindowMinimized);
    show();
    raise();
    activateWindow();
}

// --- folding --------------------------------------------------------------------------------------------------------

void MainWindow::resizeEvent(QResizeEvent* event) {
    QMainWindow::resizeEvent(event);
    fold();
}

void MainWindow::fold() {
    const bool narrowStatus = width() < metrics::kStatusFoldWidth;
    const bool narrowSidebar = width() < metrics::kSidebarFoldWidth;
    if (narrowStatus != m_narrowStatus) m_statusAsked = false;
    if (narrowSidebar != m_narrowSidebar) m_sidebarAsked = false;
    m_narrowStatus = narrowStatus;
    m_narrowSidebar = narrowSidebar;

    const bool sidebar = narrowSidebar ? m_sidebarAsked : m_parts.settings.value(QStringLiteral("ui.sidebar")).toBool();
    const bool status =
        narrowStatus ? m_statusAsked : m_parts.settings.value(QStringLiteral("ui.statusPanel")).toBool();
    m_sidebar->setVisible(sidebar);
    m_status->setVisible(status);
    m_pane->sidebarButton().setVisible(!sidebar);
    statusBar()->setVisible(narrowStatus && !status);
    m_actions->sidebar->setChecked(sidebar);
    m_actions->statusPanel->setChecked(status);
    refreshTelemetry();
}

void MainWindow::refreshTelemetry() {
    const bool seen = isVisible() && !isMinimized() && (m_status->isVisible() || statusBar()->isVisible());
    m_parts.telemetry.setSampling(seen ? TelemetryClient::Sampling::On : TelemetryClient::Sampling::Off);
}

// --- events ---------------------------------------------------------------------------------------------------------

void MainWindow::changeEvent(QEvent* event) {
    QMainWindow::changeEvent(event);
    if (event->type() == QEvent::WindowStateChange) refreshTelemetry();
}

void MainWindow::closeEvent(QCloseEvent* event) {
    saveGeometryNow();
    QMainWindow::closeEvent(event);
    emit closed();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    if (!draggedFiles(event->mimeData()).isEmpty()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
    const QStringList files = draggedFiles(event->mimeData());
    if (files.isEmpty()) return;
    event->acceptProposedAction();
    // A model is opened, anything else goes with the next message.
    if (files.size() == 1 && files.front().endsWith(QStringLiteral(".gguf"), Qt::CaseInsensitive)) return openModel(files.front());
    m_pane->composer().attachFiles(files);
}

bool MainWindow::eventFilter(QObject* watched, QEvent* event) {
    switch (event->type()) {
    case QEvent::DragEnter:
    case QEvent::DragMove: {
        auto* drag = static_cast<QDragMoveEvent*>(event);
        if (draggedFiles(drag->mimeData()).isEmpty()) break;
        drag->acceptProposedAction();
        return true;
    }
    case QEvent::Drop: {
        auto* drop = static_cast<QDropEvent*>(event);
        if (draggedFiles(drop->mimeData()).isEmpty()) break;
        dropEvent(drop);
        return true;
    }
    case QEvent::Show:
    case QEvent::Hide:
        if (watched == m_status) refreshTelemetry();
        break;
    default:
        break;
    }
    return QMainWindow::eventFilter(watched, event);
}

} // namespace hearth::ui
