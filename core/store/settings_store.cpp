// SPDX-License-Identifier: Apache-2.0
#include "core/store/settings_store.h"

#include "core/base/log.h"
#include "core/store/database.h"
#include "core/store/sqlite_error.h"

#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ranges>

namespace hearth::core {

namespace {

using SQLite::Statement;

/// Empty when `value` is allowed, else what is wrong with it.
std::string objection(const SettingSpec& spec, const SettingValue& value) {
    if (value.index() != spec.defaultValue.index()) return "a value of another type";
    double number = 0.0;
    if (const auto* whole = std::get_if<std::int64_t>(&value)) {
        number = static_cast<double>(*whole);
    } else if (const auto* real = std::get_if<double>(&value)) {
        number = *real;
        if (!std::isfinite(number)) return "not a finite number";
    } else if (const auto* text = std::get_if<std::string>(&value); text != nullptr && !spec.choices.empty()) {
        const auto isText = [&](auto choice) { return std::string_view(choice.begin(), choice.end()) == *text; };
        if (std::ranges::none_of(std::views::split(spec.choices, '|'), isText)) {
            return fmt::format("\"{}\" is none of {}", *text, spec.choices);
        }
    }
    const bool limited = spec.minimum != 0.0 || spec.maximum != 0.0;
    if (limited && (number < spec.minimum || number > spec.maximum)) {
        return fmt::format("{} is outside {} to {}", number, spec.minimum, spec.maximum);
    }
    return {};
}

/// The column as the type that the table says; none when it cannot be that or is not allowed.
std::optional<SettingValue> readValue(const SettingSpec& spec, const SQLite::Column& column) {
    std::optional<SettingValue> value;
    if (std::holds_alternative<bool>(spec.defaultValue) && column.isInteger()) {
        value = column.getInt64() != 0;
    } else if (std::holds_alternative<std::int64_t>(spec.defaultValue) && column.isInteger()) {
        value = std::int64_t{column.getInt64()};
    } else if (std::holds_alternative<double>(spec.defaultValue) && (column.isFloat() || column.isInteger())) {
        value = column.getDouble();
    } else if (std::holds_alternative<std::string>(spec.defaultValue) && column.isText()) {
        value = column.getString();
    }
    if (value && objection(spec, *value).empty()) return value;
    spdlog::warn("setting {}: the stored value is not allowed, ignored", spec.key);
    return std::nullopt;
}

/// Values stored for `model`; keys that this program does not know (a later one's) are passed over.
std::map<std::string, SettingValue> stored(SQLite::Database& handle, std::string_view model) {
    Statement select(handle, "SELECT key, value FROM setting WHERE model = ?");
    select.bind(1, std::string(model));
    std::map<std::string, SettingValue> values;
    while (select.executeStep()) {
        std::string key = select.getColumn(0).getString();
        const SettingSpec* spec = findSetting(key);
        if (spec == nullptr || (spec->scope == SettingScope::Program && !model.empty())) continue;
        if (auto value = readValue(*spec, select.getColumn(1))) values.emplace(std::move(key), std::move(*value));
    }
    return values;
}

std::optional<SettingValue> storedValue(SQLite::Database& handle, const SettingSpec& spec, std::string_view model) {
    Statement select(handle, "SELECT value FROM setting WHERE model = ? AND key = ?");
    select.bind(1, std::string(model));
    select.bind(2, std::string(spec.key));
    if (!select.executeStep()) return std::nullopt;
    return readValue(spec, select.getColumn(0));
}

void bindValue(Statement& statement, int index, const SettingValue& value) {
    if (const auto* truth = std::get_if<bool>(&value)) statement.bind(index, *truth ? 1 : 0);
    if (const auto* whole = std::get_if<std::int64_t>(&value)) statement.bind(index, *whole);
    if (const auto* real = std::get_if<double>(&value)) statement.bind(index, *real);
    if (const auto* text = std::get_if<std::string>(&value)) statement.bind(index, *text);
}

std::unexpected<Error> unknownSetting(std::string_view key) {
    return fail(ErrorCode::InvalidArgument, fmt::format("no setting is called {}", key));
}

/// The row of the table for a change of `key` for `model`, or why there can be no such change.
Result<const SettingSpec*> specForChange(std::string_view key, std::string_view model) {
    const SettingSpec* spec = findSetting(key);
    if (spec == nullptr) return unknownSetting(key);
    if (spec->scope == SettingScope::Program && !model.empty()) {
        return fail(ErrorCode::InvalidArgument, fmt::format("setting {} is not per model", key));
    }
    return spec;
}

} // namespace

SettingsStore::SettingsStore(Database& database)
    : m_database(database) {}

Result<SettingValue> SettingsStore::value(std::string_view key, std::string_view model) const {
    const SettingSpec* spec = findSetting(key);
    if (spec == nullptr) return unknownSetting(key);
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "read setting", [&]() -> Result<SettingValue> {
        if (!model.empty() && spec->scope == SettingScope::Model) {
            if (auto own = storedValue(handle, *spec, model)) return *own;
        }
        return storedValue(handle, *spec, {}).value_or(spec->defaultValue);
    });
}

Result<void> SettingsStore::set(std::string_view key, const SettingValue& value, std::string_view model) {
    const auto spec = specForChange(key, model);
    if (!spec) return std::unexpected(spec.error());
    if (const std::string wrong = objection(**spec, value); !wrong.empty()) {
        return fail(ErrorCode::InvalidArgument, fmt::format("setting {}: {}", key, wrong));
    }
    if (model.empty() && value == (*spec)->defaultValue) return reset(key, model);
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "change setting", [&]() -> Result<void> {
        Statement insert(handle, "INSERT INTO setting (model, key, value) VALUES (?, ?, ?) "
                                 "ON CONFLICT (model, key) DO UPDATE SET value = excluded.value");
        insert.bind(1, std::string(model));
        insert.bind(2, std::string(key));
        bindValue(insert, 3, value);
        insert.exec();
        return {};
    });
}

Result<void> SettingsStore::reset(std::string_view key, std::string_view model) {
    if (const auto spec = specForChange(key, model); !spec) return std::unexpected(spec.error());
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "reset setting", [&]() -> Result<void> {
        Statement remove(handle, "DELETE FROM setting WHERE model = ? AND key = ?");
        remove.bind(1, std::string(model));
        remove.bind(2, std::string(key));
        remove.exec();
        return {};
    });
}

Result<std::map<std::string, SettingValue>> SettingsStore::overrides(std::string_view model) const {
    if (model.empty()) return std::map<std::string, SettingValue>{};
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "read settings",
                   [&]() -> Result<std::map<std::string, SettingValue>> { return stored(handle, model); });
}

Result<std::map<std::string, SettingValue>> SettingsStore::effective(std::string_view model) const {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "read settings", [&]() -> Result<std::map<std::string, SettingValue>> {
        std::map<std::string, SettingValue> values;
        if (!model.empty()) values = stored(handle, model);
        values.merge(stored(handle, {}));
        for (const SettingSpec& spec : settingsSchema()) values.emplace(spec.key, spec.defaultValue);
        return values;
    });
}

} // namespace hearth::core
