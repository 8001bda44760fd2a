// SPDX-License-Identifier: Apache-2.0
#include "core/store/case_fold.h"

#include "core/base/utf8.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

namespace hearth::core {

std::string caseFolded(std::string_view text) {
    const std::string valid = utf8::sanitized(text);
    utf8proc_uint8_t* mapped = nullptr;
    const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_CASEFOLD | UTF8PROC_COMPOSE);
    const utf8proc_ssize_t length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(valid.data()),
                                                 static_cast<utf8proc_ssize_t>(valid.size()), &mapped, options);
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
    // Fails only without memory: an exact search is better than none.
    if (length < 0) return valid;
    return {reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length)};
}

} // namespace hearth::core
