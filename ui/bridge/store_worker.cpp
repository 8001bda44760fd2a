// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/store_worker.h"

#include "core/base/log.h"
#include "core/store/backups.h"

#include <QDateTime>

namespace hearth::ui {

StoreOpening StoreWorker::open(const std::filesystem::path& path) {
    StoreOpening opening;
    auto database = path.empty() ? core::Database::openInMemory() : core::Database::open(path);
    if (!database) {
        opening.trouble = database.error();
        spdlog::error("history: {}", database.error().message);
        // A corrupt file has been moved aside, so the same path can begin anew.
        if (database.error().code == core::ErrorCode::DatabaseCorrupt) database = core::Database::open(path);
    }
    if (!database) {
        opening.inMemory = true;
        database = core::Database::openInMemory();
    }
    if (!opening.inMemory) m_path = path;
    if (!database) return opening; // not even memory: every later call answers with an error
    use(std::move(*database));
    if (const auto rebuilt = m_index->rebuildIfOutdated(); !rebuilt) {
        spdlog::warn("history: {}", rebuilt.error().message);
    }
    if (const auto interrupted = m_chats->markInterrupted()) opening.interruptedReplies = *interrupted;
    const auto binEnd = QDateTime::currentDateTimeUtc().addDays(-kBinDays).toMSecsSinceEpoch();
    if (const auto purged = m_chats->purgeDeleted(binEnd); !purged) {
        spdlog::warn("history: the bin could not be emptied: {}", purged.error().message);
    }
    return opening;
}

core::Result<void> StoreWorker::restore(const std::filesystem::path& backup) {
    if (m_path.empty()) return core::fail(core::ErrorCode::InvalidArgument, "the history is in memory only");
    m_settings.reset();
    m_index.reset();
    m_chats.reset();
    m_database.reset();
    const auto restored = core::restoreBackup(m_path, backup);
    auto database = core::Database::open(m_path);
    if (!database) {
        // Checked before it was put there, so this is the disk's doing; the window goes on in memory, and says so.
        spdlog::error("history: {}", database.error().message);
        const core::Error error = database.error();
        m_path.clear();
        if (auto memory = core::Database::openInMemory()) use(std::move(*memory));
        return std::unexpected(error);
    }
    use(std::move(*database));
    if (const auto rebuilt = m_index->rebuildIfOutdated(); !rebuilt) spdlog::warn("history: {}", rebuilt.error().message);
    (void)m_chats->markInterrupted();
    return restored;
}

void StoreWorker::use(std::unique_ptr<core::Database> database) {
    m_database = std::move(database);
    m_chats = std::make_unique<core::ChatStore>(*m_database);
    m_index = std::make_unique<core::SearchIndex>(*m_database);
    m_settings = std::make_unique<core::SettingsStore>(*m_database);
}

} // namespace hearth::ui
