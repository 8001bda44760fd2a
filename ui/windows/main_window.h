// SPDX-License-Identifier: Apache-2.0
//
// MainWindow: conversations on the left, the conversation in the middle, the status panel on the right; the menus, and
// the wiring between the widgets and the controller. Rules of folding: ui/style/metrics.h. Thread: GUI. Everything slow
// is behind the clients in WindowParts.
#pragma once

#include "core/base/error.h"
#include "core/engine/generation.h"
#include "core/store/chat_store.h"
#include "ui/bridge/engine_client.h"
#include "ui/bridge/meta_types.h"
#include "ui/models/memory_planning.h"
#include "ui/models/model_list_model.h"

#include <QMainWindow>
#include <QPointer>
#include <QTimer>

class QSplitter;

namespace hearth::ui {

class ArchiveActions;
class ChatController;
class ConversationKeeper;
class ConversationPane;
class LibraryClient;
class ModelMenu;
class SettingsDialog;
class SettingsModel;
class Sidebar;
class StatusPanel;
class StatusStrip;
class StoreClient;
class TelemetryClient;
class TitleMaker;
class Toast;
class TokenCounter;
class WindowActions;
enum class ConversationCommand : int;
struct StoreOpening;

/// What the window works with; not owned, outlives it.
struct WindowParts {
    EngineClient& engine;
    StoreClient& store;
    LibraryClient& library;
    TelemetryClient& telemetry;
    SettingsModel& settings;
    ChatController& chat;
};

class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    explicit MainWindow(WindowParts parts);
    ~MainWindow() override;

    /// Theme, size, what is shown. Before show().
    void applySettings();
    /// After show(): conversations, models, and `modelPath` or else the last model.
    void begin(const QString& modelPath);
    void openModel(const QString& path);
    void comeToFront();
    /// Of the model that is loaded; empty while there is none.
    [[nodiscard]] QString modelPath() const;

signals:
    void closed();

protected:
    void changeEvent(QEvent* event) override;
    void closeEvent(QCloseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void connectSidebar();
    void connectConversation();
    void connectChat();
    void connectEngine();
    void connectActions();
    void connectKeeper();
    void connectHistory();
    void exportConversations(const std::vector<core::ConversationId>& ids);
    void connectModelsAtHand();
    void toggleFavourite(const QString& path);
    /// The paths that a setting lists.
    [[nodiscard]] QStringList modelsAtHand(const QString& key) const;
    void noteModelUsed(const QString& path);
    void refreshModelsAtHand();
    void connectWriting();
    void chooseAttachments();
    void refreshWriting(); ///< what Up brings back, what the draft is counted with
    void askForTitle();
    void runCommand(ConversationCommand command, const std::vector<qint64>& ids);
    void askForFolder(const std::vector<core::ConversationId>& ids);

    void loadModel(const QString& path, EngineClient::GpuTry gpuTry = EngineClient::GpuTry::AsKnown);
    void showGpuFailure(const core::ModelInfo& info); ///< why the CPU does the work, with an offer to try again
    void showBackendReason();                         ///< of the model that is loaded, whatever it runs on
    void retryGpu();                                  ///< with the model that is loaded, or else only a look
    void listDevices(EngineClient::GpuTry gpuTry = EngineClient::GpuTry::AsKnown);
    void roomChanged();                               ///< to whom plans: the settings and the model menu
    void openOnlyModel(const ModelCards& cards);
    void showModelLoaded(const core::ModelInfo& info);
    void showModelFailed(const core::Error& error);
    void showStoreOpening(const StoreOpening& opening);
    void scanModels();
    void hintAtStarterModel();
    void chooseFile();
    void popUpModelMenu();
    void showSettings(const QString& page = {});
    void settingChanged(const QString& key);

    void refreshPage(); ///< messages or the empty state
    void refreshComposer();
    void refreshActions();
    void refreshTitle();
    void refreshTelemetry();
    void fold();
    void saveGeometryNow();
    [[nodiscard]] int lastRow() const;
    [[nodiscard]] QString cardName(const QString& path) const;

    WindowParts m_parts;
    ConversationKeeper* m_keeper = nullptr;
    ArchiveActions* m_archive = nullptr;
    TitleMaker* m_titles = nullptr;
    QTimer m_backupCheck;
    ModelListModel m_models;
    QSplitter* m_splitter;
    Sidebar* m_sidebar;
    ConversationPane* m_pane;
    StatusPanel* m_status;
    StatusStrip* m_strip;
    Toast* m_toast;
    WindowActions* m_actions;
    TokenCounter* m_counter;
    ModelMenu* m_modelMenu;
    QPointer<SettingsDialog> m_settingsDialog;
    QTimer m_minute;
    QString m_loadingName;
    QString m_loadingPath;
    bool m_openOnlyModel = false; ///< nothing to open was named: the scan may find the only one
    PlanRoom m_room;              ///< of devices and memory, as last heard
    core::GenerationStats m_stats;
    bool m_narrowSidebar = false; ///< the window is too narrow for it: a button stands for it
    bool m_narrowStatus = false;
    bool m_sidebarAsked = false; ///< shown all the same, by the user's wish
    bool m_statusAsked = false;
    bool m_savingNotice = false;
};

} // namespace hearth::ui
