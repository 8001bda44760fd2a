// SPDX-License-Identifier: Apache-2.0
//
// ArchiveActions: what the File menu offers for the history as a whole: export, import, backups. It asks for files, has
// the work done on the files' and the store's threads, and says how it went. Thread: GUI.
#pragma once

#include "core/base/error.h"
#include "core/store/backups.h"
#include "core/store/chat_archive.h"
#include "ui/bridge/files_client.h"

#include <QObject>
#include <QString>

#include <filesystem>
#include <functional>
#include <vector>

class QWidget;

namespace hearth::ui {

class StoreClient;

class ArchiveActions : public QObject {
    Q_OBJECT
public:
    /// `window` is the parent of the dialogs.
    ArchiveActions(StoreClient& store, QWidget& window);

    /// Asks where to, then exports; the ending of the name chooses the format (.md, .html, .pdf, .json). More than one
    /// conversation goes into one JSON file, or into a folder as one Markdown file each.
    void exportChats(const std::vector<core::ConversationId>& ids, const QString& suggestedName);
    void exportTo(const QString& path, const std::vector<core::ConversationId>& ids);
    /// Asks for a file, then imports it.
    void importChats();
    void importFrom(const QString& path);

    void backUpNow();
    /// One a day, when the history has changed since the last one.
    void backUpIfDue();
    /// Asks which one, then restores it.
    void chooseBackup();
    void restore(const std::filesystem::path& backup);

signals:
    void succeeded(const QString& title, const QString& body);
    void failed(const QString& title, const QString& body, const QString& remedy);
    /// Rows came or went: what is shown is to be read again.
    void historyChanged();
    /// Everything is another's now: no conversation of before exists.
    void historyReplaced();

private:
    void fail(const QString& title, const core::Error& error, const QString& remedy);
    void write(const QString& path, std::vector<core::ArchiveConversation> conversations);
    void backUp(const std::filesystem::path& database, bool tell);

    StoreClient& m_store;
    QWidget& m_window;
    FilesClient m_files;
};

} // namespace hearth::ui
