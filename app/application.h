// SPDX-License-Identifier: Apache-2.0
//
// Application: the composition root. The only place that knows every concrete class; owns the threads' clients, the
// controller and the window, and the order in which they end: engine stopped and joined, its last words given to the
// controller, the store flushed and joined.
// Thread: GUI.
#pragma once

#include "ui/bridge/engine_worker.h"

#include <QObject>
#include <QString>

#include <memory>

namespace hearth::ui {
class MainWindow;
}

namespace hearth::app {

class GpuSettings;

struct ApplicationOptions {
    QString databasePath; ///< empty: in memory
    QString modelPath;    ///< to open at start; empty: the last one
    GpuSettings* gpus = nullptr; ///< told what the settings know, and tells what they are to keep; outlives the application
};

class Application : public QObject {
    Q_OBJECT
public:
    Application(ApplicationOptions options, ui::EngineFactory engineFactory, QObject* parent = nullptr);
    ~Application() override;

    /// Shows the window as soon as the settings are there (or after a moment without them), then looks for models and
    /// loads.
    void start();
    /// Stops everything in order, within a second. The destructor does it too.
    void shutdown();
    /// As the user would, by closing the window.
    void close();
    /// A second start came: to the front, and open what it was asked for.
    void raise(const QString& modelPath);

    [[nodiscard]] ui::MainWindow& window() { return *m_window; }

private:
    void showWindow();
    void useSettings();

    struct Parts;
    ApplicationOptions m_options;
    std::unique_ptr<Parts> m_parts;
    std::unique_ptr<ui::MainWindow> m_window; ///< after the parts it refers to
    bool m_shown = false;
    bool m_shutDown = false;
};

} // namespace hearth::app
