// SPDX-License-Identifier: Apache-2.0
#include "app/data_folders.h"

#include <QDir>
#include <QFileInfo>

namespace hearth::app {

namespace {

/// The specification says to ignore a relative path.
QString xdgFolder(const char* variable, const QString& fallback) {
    const QString set = qEnvironmentVariable(variable);
    return QDir::isAbsolutePath(set) ? set : QDir::homePath() + u'/' + fallback;
}

} // namespace

DataFolders dataFolders(const QString& dataDir) {
    const QString data =
        dataDir.isEmpty() ? xdgFolder("XDG_DATA_HOME", QStringLiteral(".local/share")) + "/hearth" : dataDir;
    const QString state =
        dataDir.isEmpty() ? xdgFolder("XDG_STATE_HOME", QStringLiteral(".local/state")) + "/hearth" : dataDir;
    const QString canonical = QFileInfo(data).canonicalFilePath(); // empty while it does not exist
    return {data + "/hearth.db", state + "/hearth.log", canonical.isEmpty() ? data : canonical};
}

} // namespace hearth::app
