// SPDX-License-Identifier: Apache-2.0
//
// The table of settings: key, type, default, range. The one place that knows what settings exist.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace hearth::core {

using SettingValue = std::variant<bool, std::int64_t, double, std::string>;

enum class SettingScope : std::uint8_t {
    Program,  ///< one value
    Model,    ///< a global value, and an override per model file
};

struct SettingSpec {
    std::string_view key;       ///< "sampling.temperature"
    SettingScope scope;
    SettingValue defaultValue;
    double minimum = 0.0;       ///< numbers only; both 0 = unlimited
    double maximum = 0.0;
    std::string_view choices{};   ///< texts only: the allowed ones, separated by '|'; empty = any
};

/// Keys: ui.theme ("system", "light", "dark"), ui.statusPanel (bool), ui.sidebar (bool), ui.geometry (string, base64),
/// models.folders, .favourites, .recent (strings, one path a line; recent: last used first), models.last (string, path),
/// models.otherStores ("use", "ignore": where other programs keep theirs),
/// gpu.verdicts (string, JSON: what the tests of GPUs found, core/engine/gpu_verdicts.h),
/// engine.threads (0 = automatic), engine.contextLength (0 = automatic), engine.device ("" = automatic, "cpu", or a GPU's PCI
/// address), engine.gpuLayers (-1 = as many as fit, 0 = none), engine.kvType ("f16", "q8_0"),
/// chat.systemPrompt, chat.titles ("model", "words": who makes titles of new chats), sampling.temperature, .topK, .topP, .minP, .typicalP, .repeatPenalty, .frequencyPenalty,
/// .presencePenalty, .penaltyWindow, .dryMultiplier, .xtcProbability, .xtcThreshold, .seed, .maxTokens.
[[nodiscard]] std::span<const SettingSpec> settingsSchema();
[[nodiscard]] const SettingSpec* findSetting(std::string_view key); ///< nullptr when unknown

} // namespace hearth::core
