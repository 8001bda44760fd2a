// SPDX-License-Identifier: Apache-2.0
//
// Unicode case folding for searches: "STRASSE" finds "Straße", a decomposed accent finds the composed one.
// Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace hearth::core {

/// Full case folding (Unicode 15, CaseFolding.txt) in composed form (NFC). Malformed bytes become U+FFFD first.
[[nodiscard]] std::string caseFolded(std::string_view text);

} // namespace hearth::core
