// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/status_text.h"

#include "core/base/units.h"

#include <QCoreApplication>

#include <array>
#include <cmath>
#include <utility>

namespace hearth::ui {

namespace {

QString text(const char* source) { return QCoreApplication::translate("hearth::ui::StatusPanel", source); }

/// The decimal unit in which formatBytes writes `total`.
std::pair<double, const char*> unitOf(std::uint64_t total) {
    static constexpr std::array<std::pair<double, const char*>, 5> kUnits{
        {{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1.0, "B"}}};
    for (const auto& unit : kUnits) {
        if (static_cast<double>(total) >= unit.first) return unit;
    }
    return kUnits.back();
}

} // namespace

QString speedText(std::optional<double> perSecond) {
    if (!perSecond || !std::isfinite(*perSecond) || *perSecond < 0) return {};
    if (*perSecond < 999.95) return QString::number(*perSecond, 'f', 1);
    return QString::fromStdString(core::formatCount(static_cast<std::uint64_t>(std::llround(std::min(*perSecond, 1e12)))));
}

QString percentText(std::optional<float> share) {
    if (!share || !std::isfinite(*share)) return {};
    return text("%1 %").arg(std::lround(static_cast<double>(*share) * 100.0));
}

QString secondsText(double seconds) {
    if (!std::isfinite(seconds) || seconds <= 0) return {};
    return text("%1 s").arg(seconds, 0, 'f', seconds < 9.995 ? 2 : 1);
}

QString inUnitOf(std::uint64_t bytes, std::uint64_t total) {
    return QString::number(static_cast<double>(bytes) / unitOf(total).first, 'f', 1);
}

QString bytesText(std::uint64_t bytes) {
    return bytes == 0 ? QString() : QString::fromStdString(core::formatBytes(bytes));
}

QString shareText(std::uint64_t used, std::uint64_t total) {
    if (total == 0) return {};
    return text("%1 of %2 %3").arg(inUnitOf(used, total), inUnitOf(total, total), QLatin1String(unitOf(total).second));
}

std::optional<double> generationSpeed(const core::GenerationStats& stats) {
    if (stats.generatedTokens <= 0 || stats.generationSeconds <= 0) return std::nullopt;
    return stats.generatedTokens / stats.generationSeconds;
}

std::optional<double> promptSpeed(const core::GenerationStats& stats) {
    const int computed = stats.promptTokens - stats.cachedTokens;
    if (computed <= 0 || stats.promptSeconds <= 0) return std::nullopt;
    return computed / stats.promptSeconds;
}

} // namespace hearth::ui
