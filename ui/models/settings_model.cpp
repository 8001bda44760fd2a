// SPDX-License-Identifier: Apache-2.0
#include "ui/models/settings_model.h"

#include <QStringList>

#include <utility>

namespace hearth::ui {

namespace {

using ValueMap = std::map<std::string, core::SettingValue>;

QMap<QString, QVariant> toVariants(const ValueMap& values) {
    QMap<QString, QVariant> variants;
    for (const auto& [key, value] : values)
        variants.insert(QString::fromStdString(key), toVariant(value));
    return variants;
}

} // namespace

QVariant toVariant(const core::SettingValue& value) {
    return std::visit(
        [](const auto& held) {
            using Held = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<Held, std::string>) {
                return QVariant(QString::fromStdString(held));
            } else if constexpr (std::is_same_v<Held, std::int64_t>) {
                return QVariant(qlonglong(held));
            } else {
                return QVariant(held);
            }
        },
        value);
}

core::SettingValue toSetting(const QString& key, const QVariant& value) {
    const core::SettingSpec* spec = core::findSetting(key.toStdString());
    if (!spec) return value.toString().toStdString(); // the store refuses the key
    return std::visit(
        [&value](const auto& like) -> core::SettingValue {
            using Like = std::decay_t<decltype(like)>;
            if constexpr (std::is_same_v<Like, bool>) {
                return value.toBool();
            } else if constexpr (std::is_same_v<Like, std::int64_t>) {
                return std::int64_t(value.toLongLong());
            } else if constexpr (std::is_same_v<Like, double>) {
                return value.toDouble();
            } else {
                return value.toString().toStdString();
            }
        },
        spec->defaultValue);
}

SettingsModel::SettingsModel(StoreClient& store, QObject* parent)
    : QObject(parent)
    , m_store(store) {
    for (const core::SettingSpec& spec : core::settingsSchema()) {
        m_globals.insert(QString::fromUtf8(spec.key.data(), qsizetype(spec.key.size())), toVariant(spec.defaultValue));
    }
}

void SettingsModel::load() {
    m_store.settings(
        this, [](core::SettingsStore& settings) { return settings.effective(); },
        [this](const core::Result<ValueMap>& values) {
            if (values) m_globals = toVariants(*values);
            emit loaded();
        });
}

void SettingsModel::setModel(const QString& path, std::function<void()> then) {
    m_model = path;
    if (!path.isEmpty()) return readOverrides(std::move(then));
    const auto before = std::exchange(m_overrides, {});
    for (const QString& key : before.keys())
        emit changed(key);
    if (then) then();
}

void SettingsModel::readOverrides(std::function<void()> then) {
    m_store.settings(
        this, [model = m_model.toStdString()](core::SettingsStore& settings) { return settings.overrides(model); },
        [this, model = m_model, then = std::move(then)](const core::Result<ValueMap>& values) {
            if (model != m_model) return; // another one by now
            const auto before = std::exchange(m_overrides, values ? toVariants(*values) : QMap<QString, QVariant>());
            for (const QString& key : m_globals.keys()) {
                if (before.value(key) != m_overrides.value(key)) emit changed(key);
            }
            if (then) then();
        });
}

QVariant SettingsModel::value(const QString& key) const {
    const auto own = m_overrides.constFind(key);
    return own != m_overrides.constEnd() ? *own : m_globals.value(key);
}

void SettingsModel::set(const QString& key, const QVariant& value, Target target) {
    const bool forModel = target == Target::CurrentModel && !m_model.isEmpty();
    (forModel ? m_overrides : m_globals).insert(key, value);
    emit changed(key);
    m_store.settings(
        this,
        [key = key.toStdString(), stored = toSetting(key, value),
         model = forModel ? m_model.toStdString() : std::string()](core::SettingsStore& settings) {
            return settings.set(key, stored, model);
        },
        [this](const core::Result<void>& result) {
            if (!result) emit writeFailed(result.error());
        });
}

void SettingsModel::reset(const QString& key, Target target) {
    const bool forModel = target == Target::CurrentModel && !m_model.isEmpty();
    if (forModel) {
        m_overrides.remove(key);
    } else if (const core::SettingSpec* spec = core::findSetting(key.toStdString())) {
        m_globals.insert(key, toVariant(spec->defaultValue));
    }
    emit changed(key);
    m_store.settings(
        this,
        [key = key.toStdString(), model = forModel ? m_model.toStdString() : std::string()](
            core::SettingsStore& settings) { return settings.reset(key, model); },
        [this](const core::Result<void>& result) {
            if (!result) emit writeFailed(result.error());
        });
}

core::SamplingSettings SettingsModel::sampling() const {
    const auto number = [this](const char* key) { return value(QLatin1String(key)).toFloat(); };
    const auto whole = [this](const char* key) { return value(QLatin1String(key)).toInt(); };
    core::SamplingSettings sampling;
    sampling.temperature = number("sampling.temperature");
    sampling.topK = whole("sampling.topK");
    sampling.topP = number("sampling.topP");
    sampling.minP = number("sampling.minP");
    sampling.typicalP = number("sampling.typicalP");
    sampling.repeatPenalty = number("sampling.repeatPenalty");
    sampling.frequencyPenalty = number("sampling.frequencyPenalty");
    sampling.presencePenalty = number("sampling.presencePenalty");
    sampling.penaltyWindow = whole("sampling.penaltyWindow");
    sampling.dryMultiplier = number("sampling.dryMultiplier");
    sampling.xtcProbability = number("sampling.xtcProbability");
    sampling.xtcThreshold = number("sampling.xtcThreshold");
    sampling.seed = value(QStringLiteral("sampling.seed")).toLongLong();
    return sampling;
}

QStringList SettingsModel::modelFolders() const {
    return value(QStringLiteral("models.folders")).toString().split(u'\n', Qt::SkipEmptyParts);
}

} // namespace hearth::ui
