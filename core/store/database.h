// SPDX-License-Identifier: Apache-2.0
//
// Database: one SQLite file (WAL), opened, checked and migrated. Before a migration a copy is made beside it
// (NAME.before-vN.backup). A corrupt file is moved aside (NAME.corrupt-<UTC time>, with its -wal and -shm), never
// deleted, and the error says where it went; calling open() again then makes a fresh one.
// Durability: synchronous=FULL. A killed process loses nothing that was committed in either mode, because the pages are
// the kernel's by then; FULL also holds through a power cut, for one fdatasync of the WAL per commit, on a thread that
// nobody waits for.
// Thread: the one that opened it.
#pragma once

#include "core/base/error.h"

#include <filesystem>
#include <memory>
#include <span>

namespace SQLite {
class Database;
}

namespace hearth::core {

struct Migration;

class Database {
public:
    /// Creates the file and its folder when absent (for the user alone); runs quick_check; migrates to the newest schema.
    /// Errors: DatabaseCorrupt (moved aside, see above), DatabaseTooNew, DatabaseReadOnly (the file or its folder),
    /// DatabaseBusy, DiskFull, PermissionDenied, IsDirectory, MalformedFile (another program's database; left alone),
    /// IoError.
    [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path);
    /// The same with other schema steps than the product's, so that tests can see a migration.
    [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path,
                                                                std::span<const Migration> migrations);
    /// An in-memory database at the newest schema: the window still works when the file cannot be opened, and says so.
    [[nodiscard]] static Result<std::unique_ptr<Database>> openInMemory();

    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    [[nodiscard]] SQLite::Database& handle() { return *m_handle; }
    [[nodiscard]] int schemaVersion() const { return m_schemaVersion; }
    static int newestSchemaVersion();

private:
    Database();
    [[nodiscard]] Result<void> openChecked(const std::filesystem::path& file, std::span<const Migration> migrations);
    /// Closes without folding the WAL into the file: what was found is kept as it was found.
    void closeUntouched();

    std::unique_ptr<SQLite::Database> m_handle;
    int m_schemaVersion = 0;
};

} // namespace hearth::core
