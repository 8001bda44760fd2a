// SPDX-License-Identifier: Apache-2.0
//
// SettingBinder: what the settings dialog knows: every setting's value for all models, the loaded model's own values, and
// for which of the two the user is setting now. Rows read from it and change through it; it checks against the schema.
// Thread: GUI.
#pragma once

#include <QMap>
#include <QObject>
#include <QString>
#include <QVariant>

namespace hearth::core {
struct SettingSpec;
}

namespace hearth::ui {

class SettingBinder : public QObject {
    Q_OBJECT
public:
    enum class Target : int { AllModels, ThisModel };

    SettingBinder(QMap<QString, QVariant> globals, QString modelName, QMap<QString, QVariant> overrides, QObject* parent);

    [[nodiscard]] QString modelName() const { return m_modelName; } ///< empty: no model is loaded
    [[nodiscard]] Target target() const { return m_target; }
    void setTarget(Target target);

    /// The value in force for the target: the model's own, else the one for all models, else the default.
    [[nodiscard]] QVariant value(const QString& key) const;
    /// Is there something that reset would take back?
    [[nodiscard]] bool differs(const QString& key) const;
    /// What reset would bring.
    [[nodiscard]] QVariant fallback(const QString& key) const;

    /// Numbers are cut to the schema's range. An unchanged value, or an unknown key, does nothing.
    void change(const QString& key, const QVariant& value);
    void reset(const QString& key);

signals:
    void settingChanged(const QString& key, const QVariant& value, bool forModelOnly);
    void settingReset(const QString& key, bool forModelOnly);
    /// The last moment to change something for the target so far.
    void aboutToChangeTarget();
    void targetChanged();
    /// The value of this key, or what it can be reset to, may be another one.
    void refreshed(const QString& key);

private:
    [[nodiscard]] bool isForModel(const core::SettingSpec& spec) const;

    QMap<QString, QVariant> m_globals;
    QString m_modelName;
    QMap<QString, QVariant> m_overrides;
    Target m_target = Target::AllModels;
};

} // namespace hearth::ui
