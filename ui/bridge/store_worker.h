// SPDX-License-Identifier: Apache-2.0
//
// StoreWorker: owns the database and what reads and writes it. When the file cannot be opened the worker goes on with a
// database in memory, so that the window works, and says why.
// Thread: store. Only StoreClient talks to it.
#pragma once

#include "core/store/chat_store.h"
#include "core/store/database.h"
#include "core/store/search_index.h"
#include "core/store/settings_store.h"
#include "ui/bridge/meta_types.h"
#include "ui/bridge/task_event.h"

#include <QObject>

#include <filesystem>
#include <memory>
#include <optional>

namespace hearth::ui {

/// How opening went. `trouble` is for a notice; the store works in any case, perhaps only in memory.
struct StoreOpening {
    std::optional<core::Error> trouble;
    bool inMemory = false;
    int interruptedReplies = 0; ///< found unfinished: the program had been killed in mid-reply
};

class StoreWorker : public TaskReceiver {
    Q_OBJECT
public:
    /// Days that a deleted conversation stays in the bin.
    static constexpr int kBinDays = 30;

    /// `path` empty: in memory (tests).
    [[nodiscard]] StoreOpening open(const std::filesystem::path& path);

    /// Puts a backup in the place of the history and goes on with it. On an error everything is as it was.
    [[nodiscard]] core::Result<void> restore(const std::filesystem::path& backup);
    /// Empty: in memory.
    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

    [[nodiscard]] core::ChatStore& chats() { return *m_chats; }
    [[nodiscard]] core::SearchIndex& index() { return *m_index; }
    [[nodiscard]] core::Database& database() { return *m_database; }
    [[nodiscard]] core::SettingsStore& settings() { return *m_settings; }
    [[nodiscard]] bool isOpen() const { return m_chats != nullptr; }

private:
    void use(std::unique_ptr<core::Database> database);

    std::filesystem::path m_path;
    std::unique_ptr<core::Database> m_database;
    std::unique_ptr<core::ChatStore> m_chats;
    std::unique_ptr<core::SearchIndex> m_index;
    std::unique_ptr<core::SettingsStore> m_settings;
};

} // namespace hearth::ui
