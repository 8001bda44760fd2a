// SPDX-License-Identifier: Apache-2.0
#include "core/store/migrations.h"

#include "core/base/log.h"
#include "core/store/backups.h"
#include "core/store/sqlite_error.h"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

namespace hearth::core {

namespace {

constexpr std::array kMigrations{
#include "schema.inc"
};

int userVersion(SQLite::Database& database) {
    return database.execAndGet("PRAGMA user_version").getInt();
}

std::filesystem::path backupPath(const std::filesystem::path& file, int version) {
    return file.string() + fmt::format(".before-v{}.backup", version);
}

/// The N of NAME.before-vN.backup; none for any other file.
std::optional<int> backupVersion(const std::filesystem::path& file, const std::filesystem::path& candidate) {
    const std::string prefix = file.filename().string() + ".before-v";
    constexpr std::string_view suffix = ".backup";
    const std::string name = candidate.filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() <= prefix.size() + suffix.size()) return {};
    const char* first = name.data() + prefix.size();
    const char* last = name.data() + name.size() - suffix.size();
    int version = 0;
    const auto parsed = std::from_chars(first, last, version);
    if (parsed.ec != std::errc{} || parsed.ptr != last) return {};
    return version;
}

void removeOldBackups(const std::filesystem::path& file) {
    std::vector<int> versions;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(file.parent_path(), ignored)) {
        if (const auto version = backupVersion(file, entry.path())) versions.push_back(*version);
    }
    std::ranges::sort(versions, std::ranges::greater{});
    for (std::size_t i = kMigrationBackupsKept; i < versions.size(); ++i) {
        std::filesystem::remove(backupPath(file, versions[i]), ignored);
    }
}

Result<void> backUp(SQLite::Database& database, const std::filesystem::path& file, int version) {
    const std::filesystem::path target = backupPath(file, version);
    if (const auto copied = copyDatabase(database, target); !copied) return copied;
    spdlog::info("database {}: copied to {} before its migration", file.string(), target.string());
    removeOldBackups(file);
    return {};
}

Result<void> runStep(SQLite::Database& database, const Migration& step) {
    return guarded(database, fmt::format("schema step {}", step.version), [&]() -> Result<void> {
        SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
        // Another process may have done it while this one waited for the lock.
        if (userVersion(database) >= step.version) return {};
        database.exec(std::string(step.sql));
        SQLite::Statement broken(database, "PRAGMA foreign_key_check");
        if (broken.executeStep()) {
            return fail(ErrorCode::Internal, fmt::format("schema step {}: table {} row {} points at nothing", step.version,
                                                         broken.getColumn(0).getString(), broken.getColumn(1).getInt64()));
        }
        database.exec(fmt::format("PRAGMA user_version = {}", step.version));
        transaction.commit();
        return {};
    });
}

} // namespace

std::span<const Migration> schemaMigrations() {
    return kMigrations;
}

Result<void> migrate(SQLite::Database& database, std::span<const Migration> migrations, const std::filesystem::path& file) {
    return guarded(database, "schema", [&]() -> Result<void> {
        const int found = userVersion(database);
        const int newest = migrations.empty() ? 0 : migrations.back().version;
        if (found > newest) {
            return fail(ErrorCode::DatabaseTooNew, fmt::format("{}: schema version {}, this program knows up to {}",
                                                               file.string(), found, newest));
        }
        if (found > 0 && found < newest && !file.empty()) {
            if (const auto copied = backUp(database, file, newest); !copied) return copied;
        }
        // Steps may rebuild tables that others point at; each step is checked as a whole before it commits. Inside a
        // transaction this switch does nothing.
        database.exec("PRAGMA foreign_keys = OFF");
        Result<void> done;
        for (const Migration& step : migrations) {
            if (step.version <= found) continue;
            done = runStep(database, step);
            if (!done) break;
        }
        database.exec("PRAGMA foreign_keys = ON");
        return done;
    });
}

} // namespace hearth::core
