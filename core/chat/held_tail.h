// SPDX-License-Identifier: Apache-2.0
//
// What streamed text must hold back: its tail may be the beginning of a string that is looked for.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace hearth::core {

/// Length of the longest tail of `text` that is a beginning, but not the whole, of one of `wanted` (none of them empty).
[[nodiscard]] std::size_t heldTail(std::string_view text, std::span<const std::string> wanted);

} // namespace hearth::core
