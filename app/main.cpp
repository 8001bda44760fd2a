// SPDX-License-Identifier: Apache-2.0
//
// hearth: the window. Parses the arguments, finds out whether a window is open already, builds the Application.
#include "app/application.h"
#include "app/command_line.h"
#include "app/data_folders.h"
#include "app/gpu_settings.h"
#include "app/logging_setup.h"
#include "app/single_instance.h"
#include "app/termination_signals.h"
#include "core/engine/engine.h"
#include "core/engine/gpu_probe.h"

#include <QApplication>

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

int main(int argc, char** argv) {
    using namespace hearth;

    // The engine's child process, which opens the GPU drivers: nothing of Qt.
    if (argc >= 2 && std::string_view(argv[1]) == app::GpuSettings::kProbeArgument) {
        std::vector<std::string> skippedIds;
        for (int i = 2; i + 1 < argc; i += 2)
            skippedIds.emplace_back(argv[i + 1]); // --skip ID
        kernels::BackendLoader loader;
        return core::answerProbe(loader, skippedIds);
    }

    // Arguments that print and end need no display.
    QStringList arguments;
    for (int i = 0; i < argc; ++i)
        arguments << QString::fromLocal8Bit(argv[i]);
    if (const app::CommandLine line = app::parseCommandLine(arguments);
        line.action == app::CommandLine::Action::PrintAndExit) {
        std::fputs(qPrintable(line.message), stdout);
        return 0;
    }

    QApplication::setApplicationName("hearth");
    QApplication::setApplicationDisplayName("Hearth");
    QApplication::setApplicationVersion(HEARTH_VERSION);
    QApplication::setDesktopFileName("org.hearth.Hearth");
    QApplication qt(argc, argv);

    const app::CommandLine line = app::parseCommandLine(QApplication::arguments());
    if (line.action != app::CommandLine::Action::OpenWindow) {
        std::fputs(qPrintable(line.message), stderr);
        return 2;
    }
    const app::DataFolders folders = app::dataFolders(line.dataDir);
    app::SingleInstance instance(folders.identity);
    if (instance.claim(line.modelPath) == app::SingleInstance::Role::Second) return 0;
    app::setUpLogging(folders.log);

    app::GpuSettings gpus(std::filesystem::path(folders.identity.toStdString()));
    app::Application application({folders.database, line.modelPath, &gpus}, [&gpus] {
        return std::make_unique<core::Engine>(core::EngineOptions{.gpus = [&gpus] { return gpus.makeGpus(); }});
    });
    QObject::connect(&instance, &app::SingleInstance::secondStarted, &application, &app::Application::raise);
    app::TerminationSignals terminationSignals;
    QObject::connect(&terminationSignals, &app::TerminationSignals::received, &application, &app::Application::close);
    application.start();
    return QApplication::exec();
}
