// SPDX-License-Identifier: Apache-2.0
//
// TextStreamDecoder: token bytes in, whole UTF-8 text out. Holds back an incomplete sequence until its bytes come;
// bytes that can never become valid are replaced by U+FFFD.
#pragma once

#include <string>
#include <string_view>

namespace hearth::core {

class TextStreamDecoder {
public:
    /// Text that became complete with these bytes; may be empty.
    [[nodiscard]] std::string feed(std::string_view bytes);
    /// What was held back, with U+FFFD for an unfinished sequence. Resets.
    [[nodiscard]] std::string finish();

private:
    std::string m_pending;
};

} // namespace hearth::core
