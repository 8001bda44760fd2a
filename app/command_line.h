// SPDX-License-Identifier: Apache-2.0
//
// The command line of hearth: hearth [--model FILE | FILE] [--data-dir DIR] [--version] [--help].
// Thread: main, before anything else.
#pragma once

#include <QString>
#include <QStringList>

namespace hearth::app {

struct CommandLine {
    enum class Action { OpenWindow, PrintAndExit, Refuse };

    Action action = Action::OpenWindow;
    QString modelPath; ///< absolute; empty = the last one
    QString dataDir;   ///< absolute; empty = the user's own
    QString message;   ///< to print: the version, the help, or what is wrong
};

/// `arguments` with the program's name first. Needs no QApplication.
[[nodiscard]] CommandLine parseCommandLine(const QStringList& arguments);

} // namespace hearth::app
