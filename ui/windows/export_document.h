// SPDX-License-Identifier: Apache-2.0
//
// A conversation as a document for people: HTML or PDF, made from its Markdown. Thread: any, one document at a time; a
// document's fonts are those of the system.
#pragma once

#include "core/base/error.h"

#include <QString>

namespace hearth::ui {

/// A page in itself: no scripts, nothing from elsewhere, styled for the screen and for print.
[[nodiscard]] QString toHtmlPage(const QString& title, const QString& markdown);
/// A4 with page numbers. Errors: IoError when the file cannot be written.
[[nodiscard]] core::Result<void> writePdf(const QString& path, const QString& title, const QString& markdown);
/// Wholly or not at all. Errors: IoError with the system's reason.
[[nodiscard]] core::Result<void> writeFile(const QString& path, const QByteArray& bytes);

} // namespace hearth::ui
