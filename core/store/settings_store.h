// SPDX-License-Identifier: Apache-2.0
//
// SettingsStore: values of settings_schema in the database. Only what differs from the default is stored; per-model
// values are stored as overrides of the global one, also when they happen to equal it: the global one may change.
// A stored value that the table no longer allows (an older program's, an edit by hand) counts as absent.
// Thread: one (the store thread).
#pragma once

#include "core/base/error.h"
#include "core/store/settings_schema.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::core {

class Database;

class SettingsStore {
public:
    explicit SettingsStore(Database& database);

    /// Override for `model` if any (model = "" for none), else the global value, else the default.
    /// Unknown keys, values of another type or out of range, and overrides of a Program setting are InvalidArgument.
    [[nodiscard]] Result<SettingValue> value(std::string_view key, std::string_view model = {}) const;
    [[nodiscard]] Result<void> set(std::string_view key, const SettingValue& value, std::string_view model = {});
    /// Back to the global value (or the default, with model = "").
    [[nodiscard]] Result<void> reset(std::string_view key, std::string_view model = {});
    /// Keys overridden for this model.
    [[nodiscard]] Result<std::map<std::string, SettingValue>> overrides(std::string_view model) const;
    /// Every setting's effective value for `model`, keyed by setting.
    [[nodiscard]] Result<std::map<std::string, SettingValue>> effective(std::string_view model = {}) const;

private:
    Database& m_database;
};

} // namespace hearth::core
