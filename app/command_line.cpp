// SPDX-License-Identifier: Apache-2.0
#include "app/command_line.h"

#include <QCommandLineParser>
#include <QDir>
#include <QFileInfo>

namespace hearth::app {

CommandLine parseCommandLine(const QStringList& arguments) {
    QCommandLineParser parser;
    parser.setApplicationDescription("Chat with language models that run on this computer.");
    const QCommandLineOption model("model", "Open this GGUF file instead of the last one.", "file");
    const QCommandLineOption dataDir("data-dir", "Keep history and settings in this folder.", "folder");
    const QCommandLineOption version({"v", "version"}, "Print the version.");
    const QCommandLineOption help({"h", "help"}, "Print this help.");
    parser.addOptions({model, dataDir, version, help});
    parser.addPositionalArgument("file", "A GGUF file to open.", "[file]");

    CommandLine line;
    if (!parser.parse(arguments)) {
        line.action = CommandLine::Action::Refuse;
        line.message = parser.errorText() + "\n\n" + parser.helpText();
        return line;
    }
    if (parser.isSet(version) || parser.isSet(help)) {
        line.action = CommandLine::Action::PrintAndExit;
        line.message = parser.isSet(version) ? QStringLiteral("Hearth " HEARTH_VERSION "\n") : parser.helpText();
        return line;
    }
    const QStringList files = parser.isSet(model) ? QStringList(parser.value(model)) : parser.positionalArguments();
    if (!files.isEmpty()) line.modelPath = QFileInfo(files.front()).absoluteFilePath();
    if (parser.isSet(dataDir)) line.dataDir = QDir::cleanPath(QDir(parser.value(dataDir)).absolutePath());
    return line;
}

} // namespace hearth::app
