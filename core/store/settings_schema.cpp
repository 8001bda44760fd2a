// SPDX-License-Identifier: Apache-2.0
#include "core/store/settings_schema.h"

#include <algorithm>
#include <array>
#include <limits>

namespace hearth::core {

namespace {

using enum SettingScope;

constexpr double kLargestSeed = std::numeric_limits<std::int64_t>::max();

SettingValue whole(std::int64_t value) { return value; }
SettingValue text(const char* value) { return std::string(value); }

/// Sampling defaults equal SamplingSettings' (core/engine/generation.h); a test holds that.
const std::array kSettings = std::to_array<SettingSpec>({
    {"chat.systemPrompt", Model, text("")},
    {"chat.titles", Program, text("model"), 0, 0, "model|words"},
    {"engine.contextLength", Model, whole(0), 0, 16'777'216},
    {"engine.device", Model, text("")},
    {"engine.gpuLayers", Model, whole(-1), -1, 1024},
    {"engine.kvType", Model, text("f16"), 0, 0, "f16|q8_0"},
    {"engine.threads", Model, whole(0), 0, 1024},
    {"gpu.verdicts", Program, text("")},
    {"models.favourites", Program, text("")},
    {"models.folders", Program, text("")},
    {"models.last", Program, text("")},
    {"models.otherStores", Program, text("use"), 0, 0, "use|ignore"},
    {"models.recent", Program, text("")},
    {"sampling.dryMultiplier", Model, 0.0, 0, 5},
    {"sampling.frequencyPenalty", Model, 0.0, -2, 2},
    {"sampling.maxTokens", Model, whole(0), 0, 16'777'216},
    {"sampling.minP", Model, 0.05, 0, 1},
    {"sampling.penaltyWindow", Model, whole(64), -1, 16'777'216},
    {"sampling.presencePenalty", Model, 0.0, -2, 2},
    {"sampling.repeatPenalty", Model, 1.0, 0.5, 2},
    {"sampling.seed", Model, whole(-1), -1, kLargestSeed},
    {"sampling.temperature", Model, 0.7, 0, 5},
    {"sampling.topK", Model, whole(40), 0, 1'000'000},
    {"sampling.topP", Model, 0.95, 0, 1},
    {"sampling.typicalP", Model, 1.0, 0, 1},
    {"sampling.xtcProbability", Model, 0.0, 0, 1},
    {"sampling.xtcThreshold", Model, 0.1, 0, 0.5},
    {"ui.geometry", Program, text("")},
    {"ui.sidebar", Program, true},
    {"ui.statusPanel", Program, true},
    {"ui.theme", Program, text("system"), 0, 0, "system|light|dark"},
});

} // namespace

std::span<const SettingSpec> settingsSchema() {
    return kSettings;
}

const SettingSpec* findSetting(std::string_view key) {
    const auto found = std::ranges::find(kSettings, key, &SettingSpec::key);
    return found == kSettings.end() ? nullptr : &*found;
}

} // namespace hearth::core
