// SPDX-License-Identifier: Apache-2.0
#include "core/model/arch_table.h"

#include "core/base/utf8.h"
#include "core/model/arch/architectures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hearth::core {

namespace {

constexpr std::array kArchitectures{
    kChatGlm,
    kCommandR,
    kDeepSeek,
    kDeepSeek2,
    kFalcon,
    kGemma,
    kGemma2,
    kGemma3,
    kGlm4,
    kGpt2,
    kGptNeoX,
    kGptOss,
    kGranite,
    kGraniteMoe,
    kLlama,
    kOlmo,
    kOlmo2,
    kPhi2,
    kPhi3,
    kQwen2,
    kQwen2Moe,
    kQwen3,
    kQwen3Moe,
    kSeedOss,
    kSmolLm3,
    kStableLm,
    kStarCoder2,
};

} // namespace

std::span<const Architecture> archTable() {
    return kArchitectures;
}

Result<const Architecture*> findArchitecture(const GgufMetadata& metadata) {
    const auto name = metadata.requireString("general.architecture");
    if (!name) return std::unexpected(name.error());
    const auto found = std::ranges::find(kArchitectures, *name, &Architecture::name);
    if (found != kArchitectures.end()) return &*found;
    return fail(ErrorCode::UnsupportedArchitecture,
                fmt::format("architecture '{}' is not supported; supported are {}",
                            utf8::sanitized(name->substr(0, 80)), supportedArchitectures()));
}

std::string supportedArchitectures() {
    std::string names;
    for (const Architecture& architecture : kArchitectures) {
        if (!names.empty()) names += ", ";
        names += architecture.name;
    }
    return names;
}

} // namespace hearth::core
