// SPDX-License-Identifier: Apache-2.0
//
// Where Hearth keeps what is the user's: XDG folders, or one folder given on the command line.
// Thread: main.
#pragma once

#include <QString>

namespace hearth::app {

struct DataFolders {
    QString database; ///< file
    QString log;      ///< file
    QString identity; ///< same for every start that shares the database
};

/// `dataDir` empty: $XDG_DATA_HOME/hearth and $XDG_STATE_HOME/hearth, with the defaults of the XDG Base Directory
/// Specification. Creates nothing.
[[nodiscard]] DataFolders dataFolders(const QString& dataDir);

} // namespace hearth::app
