// SPDX-License-Identifier: Apache-2.0
#include "core/store/sqlite_error.h"

#include "core/base/log.h"
#include "core/store/search_index.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <cstring>

namespace hearth::core {

namespace {

/// Result codes: https://www.sqlite.org/rescode.html
ErrorCode codeFor(int primary, int systemError) {
    switch (primary) {
    case SQLITE_FULL: return ErrorCode::DiskFull;
    case SQLITE_READONLY: return ErrorCode::DatabaseReadOnly;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::DatabaseCorrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorCode::DatabaseBusy;
    case SQLITE_NOMEM: return ErrorCode::OutOfMemory;
    case SQLITE_AUTH:
    case SQLITE_PERM: return ErrorCode::PermissionDenied;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG: return ErrorCode::InvalidArgument;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR: return codeForErrno(systemError);
    default: return ErrorCode::Internal;
    }
}

/// The error number that one of the database's files met last; 0 = none.
int lastErrno(sqlite3* handle, int whichFile) {
    sqlite3_file* file = nullptr;
    int error = 0;
    if (sqlite3_file_control(handle, "main", whichFile, &file) != SQLITE_OK || file == nullptr) return 0;
    if (file->pMethods == nullptr || file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error) != SQLITE_OK) return 0;
    return error;
}

/// Why the system refused. SQLite notes that for most calls, but not for a COMMIT; then a file that met a lack of space
/// tells. (SQLite itself knows ENOSPC; a quota and a limit on file sizes it takes for broken disks.)
int systemErrno(sqlite3* handle) {
    if (const int noted = sqlite3_system_errno(handle); noted != 0) return noted;
    for (const int file : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
        if (const int error = lastErrno(handle, file); codeForErrno(error) == ErrorCode::DiskFull) return error;
    }
    return 0;
}

} // namespace

ErrorCode codeForErrno(int error) {
    switch (error) {
    case EACCES:
    case EPERM: return ErrorCode::PermissionDenied;
    case EROFS: return ErrorCode::DatabaseReadOnly;
    case EDQUOT:
    case EFBIG:
    case ENOSPC: return ErrorCode::DiskFull;
    case EISDIR: return ErrorCode::IsDirectory;
    case ENOMEM: return ErrorCode::OutOfMemory;
    default: return ErrorCode::IoError;
    }
}

Error toError(const SQLite::Exception& exception, sqlite3* handle, std::string_view doing) {
    const int primary = exception.getErrorCode() & 0xFF;
    const bool ofSystem = primary == SQLITE_CANTOPEN || primary == SQLITE_IOERR;
    const int systemError = ofSystem && handle != nullptr ? systemErrno(handle) : 0;
    std::string message = fmt::format("{}: {} (SQLite code {})", doing, exception.what(), exception.getExtendedErrorCode());
    if (systemError != 0) message += fmt::format(": {}", std::strerror(systemError));
    return {codeFor(primary, systemError), std::move(message)};
}

bool isIndexDamage(const SQLite::Exception& exception) {
    // Only virtual tables answer with the first, and the index is the only one. The second, without saying which constraint,
    // comes from the index's own tables.
    return exception.getExtendedErrorCode() == SQLITE_CORRUPT_VTAB || exception.getExtendedErrorCode() == SQLITE_CONSTRAINT;
}

void repairIndex(SQLite::Database& database, std::string_view doing, const SQLite::Exception& exception) {
    spdlog::warn("{}: the search index is damaged ({}); it is made anew from the messages", doing, exception.what());
    rebuildSearchIndex(database);
}

} // namespace hearth::core
