// SPDX-License-Identifier: Apache-2.0
#include "core/chat/held_tail.h"

#include <algorithm>

namespace hearth::core {

std::size_t heldTail(std::string_view text, std::span<const std::string> wanted) {
    std::size_t held = 0;
    for (const std::string& one : wanted) {
        for (std::size_t length = std::min(one.size() - 1, text.size()); length > held; --length) {
            if (text.ends_with(std::string_view(one).substr(0, length))) {
                held = length;
                break;
            }
        }
    }
    return held;
}

} // namespace hearth::core
