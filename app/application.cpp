// SPDX-License-Identifier: Apache-2.0
#include "app/application.h"

#include "app/gpu_settings.h"
#include "core/base/log.h"
#include "ui/bridge/library_worker.h"
#include "ui/bridge/store_client.h"
#include "ui/bridge/telemetry_worker.h"
#include "ui/models/chat_controller.h"
#include "ui/models/settings_model.h"
#include "ui/style/theme.h"
#include "ui/windows/main_window.h"

#include <QCoreApplication>
#include <QLocale>
#include <QTimer>

namespace hearth::app {

namespace {

/// The window waits this long for its settings (theme, size) so that it does not change under the user's eyes.
constexpr int kPatienceMs = 150;

} // namespace

struct Application::Parts {
    Parts(const QString& databasePath, ui::EngineFactory engineFactory)
        : store(databasePath.toStdString())
        , engine(std::move(engineFactory))
        , settings(store)
        , chat(engine, store, settings) {}

    ui::StoreClient store;
    ui::EngineClient engine;
    ui::LibraryClient library;
    ui::TelemetryClient telemetry;
    ui::SettingsModel settings;
    ui::ChatController chat;
};

Application::Application(ApplicationOptions options, ui::EngineFactory engineFactory, QObject* parent)
    : QObject(parent)
    , m_options(std::move(options)) {
    // The window speaks English, so its numbers and dates do too.
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
    // Before the first widget: what is made under the platform's font and style keeps part of it.
    ui::Theme::instance().choose(ui::ThemeChoice::System);
    m_parts = std::make_unique<Parts>(m_options.databasePath, std::move(engineFactory));
    Parts& parts = *m_parts;
    m_window = std::make_unique<ui::MainWindow>(
        ui::WindowParts{parts.engine, parts.store, parts.library, parts.telemetry, parts.settings, parts.chat});
    connect(&parts.settings, &ui::SettingsModel::loaded, this, &Application::useSettings);
    if (m_options.gpus != nullptr) {
        connect(m_options.gpus, &GpuSettings::verdictsChanged, this, [this](const QString& text) {
            if (!m_shutDown) m_parts->settings.set(QStringLiteral("gpu.verdicts"), text);
        });
    }
    connect(m_window.get(), &ui::MainWindow::closed, this, &Application::shutdown);
}

Application::~Application() {
    shutdown();
}

void Application::start() {
    m_parts->settings.load();
    QTimer::singleShot(kPatienceMs, this, &Application::showWindow);
}

void Application::showWindow() {
    if (m_shown || m_shutDown) return;
    m_shown = true;
    m_window->applySettings();
    m_window->show();
}

void Application::useSettings() {
    if (m_shutDown) return;
    if (m_options.gpus != nullptr) m_options.gpus->setVerdicts(m_parts->settings.value(QStringLiteral("gpu.verdicts")).toString());
    if (m_shown) m_window->applySettings(); // they came late
    showWindow();
    // After the first paint: nothing that searches or loads stands between the user and a window to type in.
    QTimer::singleShot(0, m_window.get(), [this] { m_window->begin(m_options.modelPath); });
}

void Application::shutdown() {
    if (std::exchange(m_shutDown, true)) return;
    Parts& parts = *m_parts;
    parts.chat.beginShutdown();
    parts.engine.shutdown();
    parts.library.shutdown();
    parts.telemetry.shutdown();
    parts.chat.finishShutdown();
    parts.store.shutdown();
    spdlog::info("shut down in order");
}

void Application::close() {
    m_window->close();
    shutdown(); // also when the window was never shown
    QCoreApplication::quit();
}

void Application::raise(const QString& modelPath) {
    m_window->comeToFront();
    if (!modelPath.isEmpty()) m_window->openModel(modelPath);
}

} // namespace hearth::app
