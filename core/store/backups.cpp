// SPDX-License-Identifier: Apache-2.0
#include "core/store/backups.h"

#include "core/base/log.h"
#include "core/store/database.h"
#include "core/store/sqlite_error.h"

#include <SQLiteCpp/Statement.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <optional>
#include <unistd.h>

namespace hearth::core {

namespace {

namespace fs = std::filesystem;

constexpr int kBusyTimeoutMs = 10'000;

fs::path folderOf(const fs::path& database) { return database.parent_path() / "backups"; }

std::string prefixOf(const fs::path& database) { return database.stem().string() + '-'; }

/// The time in PREFIX<ms since 1970>-<UTC, for people>.db; none for any other file.
std::optional<std::int64_t> timeIn(const fs::path& database, const fs::path& candidate) {
    const std::string prefix = prefixOf(database);
    const std::string name = candidate.filename().string();
    if (!name.starts_with(prefix) || candidate.extension() != ".db") return std::nullopt;
    std::int64_t ms = 0;
    const char* first = name.data() + prefix.size();
    const auto parsed = std::from_chars(first, name.data() + name.size(), ms);
    if (parsed.ec != std::errc{} || parsed.ptr == first || *parsed.ptr != '-') return std::nullopt;
    return ms;
}

Error systemError(const std::error_code& error, const fs::path& path) {
    return {codeForErrno(error.value()), fmt::format("{}: {}", path.string(), error.message())};
}

Result<void> checkBackup(const fs::path& backup) {
    // Opened as the product opens its database, but a copy: a check must not migrate or repair the backup itself.
    const fs::path probe = backup.string() + ".probe";
    std::error_code error;
    fs::copy_file(backup, probe, fs::copy_options::overwrite_existing, error);
    if (error) return std::unexpected(systemError(error, backup));
    auto opened = Database::open(probe);
    const auto verdict = opened ? Result<void>{} : std::unexpected(opened.error());
    if (opened) opened->reset();
    for (const auto& entry : fs::directory_iterator(backup.parent_path(), error)) {
        if (entry.path().filename().string().starts_with(probe.filename().string())) fs::remove(entry.path(), error);
    }
    return verdict;
}

} // namespace

Result<void> copyDatabase(SQLite::Database& database, const fs::path& target) {
    const fs::path partial = target.string() + ".part";
    std::error_code ignored;
    fs::remove(partial, ignored);
    // SQLite would make it readable for everyone; into an empty file that exists it writes as well.
    const int descriptor = ::open(partial.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (descriptor < 0) return fail(codeForErrno(errno), fmt::format("{}: {}", partial.string(), std::strerror(errno)));
    ::close(descriptor);
    const auto copied = guarded(database, fmt::format("copy to {}", partial.string()), [&]() -> Result<void> {
        SQLite::Statement vacuum(database, "VACUUM INTO ?");
        vacuum.bind(1, partial.string());
        vacuum.exec();
        return {};
    });
    std::error_code renameError;
    if (copied) fs::rename(partial, target, renameError);
    if (!copied || renameError) {
        fs::remove(partial, ignored);
        if (!copied) return copied;
        return std::unexpected(systemError(renameError, target));
    }
    return {};
}

std::vector<Backup> backupsOf(const fs::path& database) {
    std::vector<Backup> found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folderOf(database), ignored)) {
        const auto madeMs = timeIn(database, entry.path());
        if (madeMs && entry.is_regular_file(ignored)) found.push_back({entry.path(), *madeMs, entry.file_size(ignored)});
    }
    std::ranges::sort(found, std::ranges::greater{}, &Backup::madeMs);
    return found;
}

Result<Backup> makeBackup(const fs::path& database, int kept) {
    const fs::path folder = folderOf(database);
    std::error_code error;
    if (fs::create_directories(folder, error)) fs::permissions(folder, fs::perms::owner_all, error);
    if (error) return std::unexpected(systemError(error, folder));

    auto existing = backupsOf(database);
    std::int64_t ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    // Two within a millisecond, or after a clock was set back: still in the order they were made.
    if (!existing.empty() && existing.front().madeMs >= ms) ms = existing.front().madeMs + 1;
    const std::string stamp = fmt::format("{:%Y%m%d-%H%M%S}", fmt::gmtime(static_cast<std::time_t>(ms / 1000)));
    Backup made{folder / fmt::format("{}{}-{}.db", prefixOf(database), ms, stamp), ms, 0};
    try {
        SQLite::Database connection(fs::absolute(database).string(), SQLite::OPEN_READWRITE, kBusyTimeoutMs);
        if (const auto copied = copyDatabase(connection, made.file); !copied) return std::unexpected(copied.error());
    } catch (const SQLite::Exception& exception) {
        return std::unexpected(toError(exception, nullptr, database.string()));
    }
    made.bytes = fs::file_size(made.file, error);
    for (std::size_t i = static_cast<std::size_t>(std::max(kept, 1)) - 1; i < existing.size(); ++i) fs::remove(existing[i].file, error);
    spdlog::info("history: backed up to {} ({} bytes)", made.file.string(), made.bytes);
    return made;
}

Result<void> restoreBackup(const fs::path& database, const fs::path& backup) {
    std::error_code error;
    if (!fs::is_regular_file(backup, error)) return fail(ErrorCode::FileNotFound, backup.string());
    if (const auto sound = checkBackup(backup); !sound) return sound;
    const fs::path incoming = database.string() + ".restored";
    fs::copy_file(backup, incoming, fs::copy_options::overwrite_existing, error);
    if (!error) fs::permissions(incoming, fs::perms::owner_read | fs::perms::owner_write, error);
    if (error) {
        const auto failure = systemError(error, incoming);
        fs::remove(incoming, error);
        return std::unexpected(failure);
    }
    // One more than usual is kept: the copy that is being restored is not the one that makes room.
    if (fs::exists(database, error)) {
        if (const auto saved = makeBackup(database, kBackupsKept + 1); !saved) {
            fs::remove(incoming, error);
            return std::unexpected(saved.error());
        }
    }
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(database.string() + suffix, error);
    fs::rename(incoming, database, error);
    if (error) return std::unexpected(systemError(error, database));
    spdlog::info("history: restored from {}", backup.string());
    return {};
}

} // namespace hearth::core
