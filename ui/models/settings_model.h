// SPDX-License-Identifier: Apache-2.0
//
// SettingsModel: the window's copy of the settings, so that reading one never waits. Writes go to the store thread.
// Values are the global ones, overridden by those of the current model, where it has any.
// Thread: GUI.
#pragma once

#include "core/engine/generation.h"
#include "core/store/settings_schema.h"
#include "ui/bridge/store_client.h"

#include <QMap>
#include <QObject>
#include <QVariant>

#include <functional>

namespace hearth::ui {

class SettingsModel : public QObject {
    Q_OBJECT
public:
    enum class Target { Everywhere, CurrentModel };

    explicit SettingsModel(StoreClient& store, QObject* parent = nullptr);

    /// Ends in `loaded`, also when the store cannot answer (then with the defaults).
    void load();
    /// Path of the model whose overrides apply; empty = none. `then` runs when they do; `changed` for every key that
    /// differs.
    void setModel(const QString& path, std::function<void()> then = {});

    [[nodiscard]] QVariant value(const QString& key) const; ///< effective, for the current model
    [[nodiscard]] const QMap<QString, QVariant>& globals() const { return m_globals; }
    [[nodiscard]] const QMap<QString, QVariant>& overrides() const { return m_overrides; }

    void set(const QString& key, const QVariant& value, Target target = Target::Everywhere);
    /// Everywhere: back to the default; CurrentModel: back to the global value.
    void reset(const QString& key, Target target = Target::Everywhere);

    [[nodiscard]] core::SamplingSettings sampling() const;
    [[nodiscard]] QStringList modelFolders() const;

signals:
    void loaded();
    void changed(const QString& key);
    void writeFailed(const hearth::core::Error& error);

private:
    void readOverrides(std::function<void()> then);

    StoreClient& m_store;
    QString m_model;
    QMap<QString, QVariant> m_globals;
    QMap<QString, QVariant> m_overrides;
};

[[nodiscard]] QVariant toVariant(const core::SettingValue& value);
/// In the type that the schema gives the key.
[[nodiscard]] core::SettingValue toSetting(const QString& key, const QVariant& value);

} // namespace hearth::ui
