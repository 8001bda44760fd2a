// SPDX-License-Identifier: Apache-2.0
#include "core/store/database.h"

#include "core/base/log.h"
#include "core/store/migrations.h"
#include "core/store/search_tokenizer.h"
#include "core/store/sqlite_error.h"

#include <SQLiteCpp/Statement.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::core {

namespace {

constexpr int kBusyTimeoutMs = 3000;
constexpr int kApplicationId = 0x48525448; // "HRTH", set by schema 1
constexpr int kJournalBytesKept = 16 << 20;

Error systemError(int error, const std::filesystem::path& path) {
    return {codeForErrno(error), fmt::format("{}: {}", path.string(), std::strerror(error))};
}

/// Makes folder and file when absent, and finds out what SQLite would only report as "unable to open".
/// The file is never opened here when it exists: closing a second descriptor would drop SQLite's locks on it (POSIX).
Result<void> prepareFile(const std::filesystem::path& file) {
    const std::filesystem::path folder = file.parent_path();
    std::error_code error;
    if (std::filesystem::create_directories(folder, error)) {
        std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
    }
    if (error) return std::unexpected(systemError(error.value(), folder));

    const int created = ::open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (created >= 0) {
        ::close(created);
        return {};
    }
    if (errno != EEXIST) return std::unexpected(systemError(errno, file));

    struct stat status = {};
    if (::stat(file.c_str(), &status) != 0) return std::unexpected(systemError(errno, file));
    if (S_ISDIR(status.st_mode)) return std::unexpected(systemError(EISDIR, file));
    if (!S_ISREG(status.st_mode)) return fail(ErrorCode::IoError, fmt::format("{}: not a regular file", file.string()));
    if (::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) != 0) return std::unexpected(systemError(errno, file));
    for (const auto& [path, mode] : {std::pair{file, W_OK}, std::pair{folder, W_OK | X_OK}}) {
        if (::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) != 0) {
            return fail(ErrorCode::DatabaseReadOnly,
                        fmt::format("{}: cannot be written: {}", path.string(), std::strerror(errno)));
        }
    }
    return {};
}

/// Where the corrupt file went, as the end of a message.
std::string moveAside(const std::filesystem::path& file) {
    const std::string stamp = fmt::format("{:%Y%m%d-%H%M%S}", fmt::gmtime(std::time(nullptr)));
    std::string target = fmt::format("{}.corrupt-{}", file.string(), stamp);
    for (int i = 2; std::filesystem::exists(target); ++i) target = fmt::format("{}.corrupt-{}-{}", file.string(), stamp, i);
    // The file itself last: a crash in between must not leave its old journal to a fresh file.
    for (const char* suffix : {"-wal", "-shm", ""}) {
        std::error_code error;
        std::filesystem::rename(file.string() + suffix, target + suffix, error);
        if (error && error != std::errc::no_such_file_or_directory) {
            return fmt::format("could not be moved to {}{}: {}", target, suffix, error.message());
        }
    }
    return fmt::format("moved to {}", target);
}

Result<void> checkOwner(SQLite::Database& handle, const std::filesystem::path& file) {
    const int id = handle.execAndGet("PRAGMA application_id").getInt();
    const int version = handle.execAndGet("PRAGMA user_version").getInt();
    const bool empty = handle.execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
    const bool fresh = empty && id == 0 && version == 0;
    if (fresh || (id == kApplicationId && version > 0)) return {};
    return fail(ErrorCode::MalformedFile, fmt::format("{}: a database of another program (application_id {:#x}, user_version {})",
                                                      file.string(), static_cast<unsigned>(id), version));
}

/// Triggers and views are code that a strange file could bring along: each must stand word for word in a schema step.
Result<void> checkCode(SQLite::Database& handle, const std::filesystem::path& file, std::span<const Migration> migrations) {
    SQLite::Statement code(handle, "SELECT name, sql FROM sqlite_schema WHERE type IN ('trigger', 'view')");
    while (code.executeStep()) {
        const std::string sql = code.getColumn(1).getString();
        const bool ours = !sql.empty() && std::ranges::any_of(migrations, [&sql](const Migration& step) {
            return step.sql.find(sql) != std::string_view::npos;
        });
        if (!ours) {
            return fail(ErrorCode::MalformedFile, fmt::format("{}: holds a trigger or view that is not Hearth's ({})", file.string(),
                                                              code.getColumn(0).getString()));
        }
    }
    return {};
}

} // namespace

Database::Database() = default;
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path) {
    return open(path, schemaMigrations());
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path, std::span<const Migration> migrations) {
    // Absolute, because Debian's SQLite takes a name that begins with "file:" for a URI.
    std::error_code ignored;
    const std::filesystem::path file = std::filesystem::absolute(path, ignored);
    if (const auto prepared = prepareFile(file); !prepared) return std::unexpected(prepared.error());

    std::unique_ptr<Database> database(new Database);
    auto opened = database->openChecked(file, migrations);
    if (opened) return database;
    if (opened.error().code == ErrorCode::DatabaseCorrupt) {
        database->closeUntouched();
        opened.error().message += "; " + moveAside(file);
        spdlog::error("database: {}", opened.error().message);
    }
    return std::unexpected(opened.error());
}

Result<std::unique_ptr<Database>> Database::openInMemory() {
    std::unique_ptr<Database> database(new Database);
    if (const auto opened = database->openChecked({}, schemaMigrations()); !opened) return std::unexpected(opened.error());
    return database;
}

Result<void> Database::openChecked(const std::filesystem::path& file, std::span<const Migration> migrations) {
    const bool inMemory = file.empty();
    const std::string name = inMemory ? ":memory:" : file.string();
    try {
        m_handle = std::make_unique<SQLite::Database>(name, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyTimeoutMs);
    } catch (const SQLite::Exception& exception) {
        return std::unexpected(toError(exception, nullptr, name));
    }
    return guarded(*m_handle, name, [&]() -> Result<void> {
        // Off until the file's own code is known to be ours; triggers that fill the search index need it on.
        m_handle->exec("PRAGMA trusted_schema = OFF");
        if (!registerSearchTokenizer(m_handle->getHandle())) {
            return fail(ErrorCode::Internal, "this SQLite has no full-text search (FTS5)");
        }
        if (const auto ours = checkOwner(*m_handle, file); !ours) return ours;
        const int newest = migrations.empty() ? 0 : migrations.back().version;
        m_schemaVersion = m_handle->execAndGet("PRAGMA user_version").getInt();
        if (m_schemaVersion > newest) return migrate(*m_handle, migrations, file); // refuses, before anything is written
        if (const auto ours = checkCode(*m_handle, file, migrations); !ours) return ours;
        m_handle->exec("PRAGMA trusted_schema = ON");

        SQLite::Statement check(*m_handle, "PRAGMA quick_check(1)");
        if (!check.executeStep()) return fail(ErrorCode::Internal, fmt::format("{}: quick_check said nothing", name));
        const std::string verdict = check.getColumn(0).getString();
        if (verdict != "ok") return fail(ErrorCode::DatabaseCorrupt, fmt::format("{}: {}", name, verdict));
        check.reset();

        const std::string journal = m_handle->execAndGet("PRAGMA journal_mode = WAL").getString();
        if (journal != "wal" && !inMemory) spdlog::warn("database {}: journal mode {} instead of wal", name, journal);
        m_handle->exec("PRAGMA synchronous = FULL");
        m_handle->exec(fmt::format("PRAGMA journal_size_limit = {}", kJournalBytesKept));
        const auto migrated = migrate(*m_handle, migrations, file);
        if (migrated) m_schemaVersion = newest;
        return migrated;
    });
}

void Database::closeUntouched() {
    if (!m_handle) return;
    sqlite3_db_config(m_handle->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    m_handle.reset();
}

int Database::newestSchemaVersion() {
    return schemaMigrations().back().version;
}

} // namespace hearth::core
