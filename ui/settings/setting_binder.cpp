// SPDX-License-Identifier: Apache-2.0
#include "ui/settings/setting_binder.h"

#include "core/store/settings_schema.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace hearth::ui {

namespace {

const core::SettingSpec* specOf(const QString& key) { return core::findSetting(key.toStdString()); }

QVariant defaultOf(const core::SettingSpec& spec) {
    return std::visit([](const auto& held) {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::string>) {
            return QVariant(QString::fromStdString(held));
        } else if constexpr (std::is_same_v<Held, std::int64_t>) {
            return QVariant(qlonglong(held));
        } else {
            return QVariant(held);
        }
    }, spec.defaultValue);
}

/// `value` in the schema's type and range.
QVariant fitted(const core::SettingSpec& spec, const QVariant& value) {
    const bool limited = spec.minimum != 0.0 || spec.maximum != 0.0;
    if (std::holds_alternative<double>(spec.defaultValue)) {
        const double number = value.toDouble();
        return limited ? std::clamp(number, spec.minimum, spec.maximum) : number;
    }
    if (std::holds_alternative<std::int64_t>(spec.defaultValue)) {
        const qlonglong number = value.toLongLong();
        if (!limited) return number;
        // Compared as doubles: the largest seed's limit, as a double, is one more than the type can hold.
        if (static_cast<double>(number) < spec.minimum) return static_cast<qlonglong>(spec.minimum);
        if (static_cast<double>(number) > spec.maximum) return static_cast<qlonglong>(spec.maximum);
        return number;
    }
    if (std::holds_alternative<bool>(spec.defaultValue)) return value.toBool();
    return value.toString();
}

} // namespace

SettingBinder::SettingBinder(QMap<QString, QVariant> globals, QString modelName, QMap<QString, QVariant> overrides, QObject* parent)
    : QObject(parent), m_globals(std::move(globals)), m_modelName(std::move(modelName)), m_overrides(std::move(overrides)) {}

bool SettingBinder::isForModel(const core::SettingSpec& spec) const {
    return m_target == Target::ThisModel && spec.scope == core::SettingScope::Model;
}

void SettingBinder::setTarget(Target target) {
    if (target == m_target || (target == Target::ThisModel && m_modelName.isEmpty())) return;
    emit aboutToChangeTarget();
    m_target = target;
    emit targetChanged();
    for (const core::SettingSpec& spec : core::settingsSchema()) {
        if (spec.scope == core::SettingScope::Model) emit refreshed(QString::fromUtf8(spec.key.data(), static_cast<qsizetype>(spec.key.size())));
    }
}

QVariant SettingBinder::value(const QString& key) const {
    const core::SettingSpec* spec = specOf(key);
    if (!spec) return {};
    if (isForModel(*spec) && m_overrides.contains(key)) return m_overrides.value(key);
    return m_globals.value(key, defaultOf(*spec));
}

bool SettingBinder::differs(const QString& key) const {
    const core::SettingSpec* spec = specOf(key);
    if (!spec) return false;
    return isForModel(*spec) ? m_overrides.contains(key) : value(key) != defaultOf(*spec);
}

QVariant SettingBinder::fallback(const QString& key) const {
    const core::SettingSpec* spec = specOf(key);
    if (!spec) return {};
    return isForModel(*spec) ? m_globals.value(key, defaultOf(*spec)) : defaultOf(*spec);
}

void SettingBinder::change(const QString& key, const QVariant& value) {
    const core::SettingSpec* spec = specOf(key);
    if (!spec) return;
    const QVariant fits = fitted(*spec, value);
    if (fits == this->value(key)) return;
    const bool forModel = isForModel(*spec);
    (forModel ? m_overrides : m_globals).insert(key, fits);
    emit settingChanged(key, fits, forModel);
    emit refreshed(key);
}

void SettingBinder::reset(const QString& key) {
    const core::SettingSpec* spec = specOf(key);
    if (!spec || !differs(key)) return;
    const bool forModel = isForModel(*spec);
    if (forModel) {
        m_overrides.remove(key);
    } else {
        m_globals.insert(key, defaultOf(*spec));
    }
    emit settingReset(key, forModel);
    emit refreshed(key);
}

} // namespace hearth::ui
