// SPDX-License-Identifier: Apache-2.0
//
// Sends spdlog's default logger to a rotating file and warnings to stderr; Qt's own messages go the same way.
// Thread: main, once, before any other thread starts.
#pragma once

#include <QString>

namespace hearth::app {

/// HEARTH_LOG=trace|debug|info|warn|error sets the level (default info). A log that cannot be written is no reason not
/// to start: then only stderr is used.
void setUpLogging(const QString& file);

} // namespace hearth::app
