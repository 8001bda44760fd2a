// SPDX-License-Identifier: Apache-2.0
//
// Backups: whole copies of the database in the folder "backups" beside it, named by the time they were made; the newest
// ones are kept. Each is a database in its own right. Thread: any; a copy uses a connection of its own.
#pragma once

#include "core/base/error.h"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace SQLite {
class Database;
}

namespace hearth::core {

inline constexpr int kBackupsKept = 10;

struct Backup {
    std::filesystem::path file;
    std::int64_t madeMs = 0; ///< Unix time, by the file's name
    std::uintmax_t bytes = 0;
};

/// Those of this database, newest first; empty when there are none.
[[nodiscard]] std::vector<Backup> backupsOf(const std::filesystem::path& database);
/// Copies the database as it is committed now and removes all but the `kept` newest. Errors: DiskFull, PermissionDenied,
/// DatabaseBusy, DatabaseCorrupt, IoError; then no new file is left and no old one is removed.
[[nodiscard]] Result<Backup> makeBackup(const std::filesystem::path& database, int kept = kBackupsKept);
/// Puts `backup` in the place of `database`, which nobody may have open. The backup is checked first; what was there is
/// itself made a backup. Errors: as above, and MalformedFile, DatabaseTooNew; then the database is as it was.
[[nodiscard]] Result<void> restoreBackup(const std::filesystem::path& database, const std::filesystem::path& backup);

// --- for the rest of core/store -------------------------------------------------------------------------------------

/// Copies a database through its open connection, for the user alone: wholly or not at all.
[[nodiscard]] Result<void> copyDatabase(SQLite::Database& database, const std::filesystem::path& target);

} // namespace hearth::core
