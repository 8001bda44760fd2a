// SPDX-License-Identifier: Apache-2.0
//
// Schema versions: PRAGMA user_version counts the steps of schema/000N_*.sql that a file has been through.
// Each step is one transaction that also sets the version, so a step has happened wholly or not at all.
// Private to core/store and its tests. Thread: the database's.
#pragma once

#include "core/base/error.h"

#include <filesystem>
#include <span>
#include <string_view>

namespace SQLite {
class Database;
}

namespace hearth::core {

struct Migration {
    int version = 0;      ///< what user_version is afterwards; steps are sorted and without gaps
    std::string_view sql;
};

/// Backups made before migrations that are kept, per database.
inline constexpr int kMigrationBackupsKept = 3;

/// The product's own steps.
[[nodiscard]] std::span<const Migration> schemaMigrations();

/// Brings `database` to the last version in `migrations`. `file` is where it lives; empty for one in memory.
/// A file that already holds a schema is first copied to NAME.before-vN.backup, N being the version it is taken to;
/// when the copy fails, nothing is migrated. Foreign keys are on afterwards.
/// Errors: DatabaseTooNew, DiskFull, IoError, DatabaseBusy, Internal (a step's own fault; that step left no trace).
[[nodiscard]] Result<void> migrate(SQLite::Database& database, std::span<const Migration> migrations,
                                   const std::filesystem::path& file);

} // namespace hearth::core
