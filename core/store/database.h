// SPDX-License-Identifier: Apache-2.0
//
// Database: one SQLite file (WAL), opened, checked and migrated. Before a migration a copy is made beside it
// (NAME.before-vN.backup). A corrupt file is moved aside, never deleted, and the error says where it went.
// Thread: the one that opened it.
#pragma once

#include "core/base/error.h"

#include <filesystem>
#include <memory>
#include <string>

namespace SQLite {
class Database;
}

namespace hearth::core {

class Database {
public:
    /// Creates the file and its folder when absent; runs quick_check; migrates to the newest schema.
    /// Errors: DatabaseCorrupt, DatabaseTooNew, DatabaseReadOnly, DatabaseBusy, DiskFull, PermissionDenied, IoError.
    [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path);
    /// An in-memory database at the newest schema: the window still works when the file cannot be opened, and says so.
    [[nodiscard]] static Result<std::unique_ptr<Database>> openInMemory();

    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    [[nodiscard]] SQLite::Database& handle() { return *m_handle; }
    [[nodiscard]] int schemaVersion() const;
    static int newestSchemaVersion();

private:
    Database();
    std::unique_ptr<SQLite::Database> m_handle;
};

} // namespace hearth::core
