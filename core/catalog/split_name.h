// SPDX-License-Identifier: Apache-2.0
//
// File names of the parts of a split model: NAME-00002-of-00005.gguf.
// Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::core {

struct SplitName {
    std::string stem;       ///< NAME
    std::uint32_t part = 0; ///< from 1
    std::uint32_t count = 0;
};

/// nullopt when the file name (without folder) is not that of a part.
[[nodiscard]] std::optional<SplitName> splitNameOf(std::string_view fileName);

/// The file name of another part of the same model.
[[nodiscard]] std::string partName(const SplitName& name, std::uint32_t part);

} // namespace hearth::core
