// SPDX-License-Identifier: Apache-2.0
//
// Measured values as the status panel and the status strip write them. An empty text means unknown. Thread: any.
#pragma once

#include "core/engine/generation.h"

#include <QString>

#include <cstdint>
#include <optional>

namespace hearth::ui {

/// "71.4", from 1,000 on "2,310".
[[nodiscard]] QString speedText(std::optional<double> perSecond);
/// "93 %".
[[nodiscard]] QString percentText(std::optional<float> share);
/// "0.18 s", from ten seconds on "12.3 s".
[[nodiscard]] QString secondsText(double seconds);
/// "6.9 GB"; empty for 0.
[[nodiscard]] QString bytesText(std::uint64_t bytes);
/// "6.9 of 20.0 GB" in the unit of the total; empty when the total is 0.
[[nodiscard]] QString shareText(std::uint64_t used, std::uint64_t total);
/// The number of shareText alone: "5.8" of a total in GB.
[[nodiscard]] QString inUnitOf(std::uint64_t bytes, std::uint64_t total);

[[nodiscard]] std::optional<double> generationSpeed(const core::GenerationStats& stats);
/// Of the tokens that were computed, not of those found in the cache.
[[nodiscard]] std::optional<double> promptSpeed(const core::GenerationStats& stats);

} // namespace hearth::ui
