// SPDX-License-Identifier: Apache-2.0
#include "kernels/hip/hip_module.h"

#include <charconv>
#include <optional>
#include <string_view>

namespace hearth::kernels {

namespace {

/// "sm_90" as 90; nothing for AMD's names.
std::optional<int> smNumber(std::string_view arch) {
    constexpr std::string_view kPrefix = "sm_";
    if (!arch.starts_with(kPrefix)) return {};
    arch.remove_prefix(kPrefix.size());
    int number = 0;
    const auto [end, error] = std::from_chars(arch.data(), arch.data() + arch.size(), number);
    if (error != std::errc() || end != arch.data() + arch.size()) return {};
    return number;
}

} // namespace

const CodeObject* findCodeObject(std::span<const CodeObject> objects, std::string_view arch) {
    const std::optional<int> wanted = smNumber(arch);
    const CodeObject* best = nullptr;
    int bestNumber = -1;
    for (const CodeObject& object : objects) {
        if (arch == object.arch) return &object;
        const std::optional<int> offered = smNumber(object.arch);
        if (!wanted || !offered || *offered / 10 != *wanted / 10 || *offered > *wanted || *offered <= bestNumber) continue;
        best = &object;
        bestNumber = *offered;
    }
    return best;
}

} // namespace hearth::kernels
