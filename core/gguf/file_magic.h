// SPDX-License-Identifier: Apache-2.0
//
// Names the kind of a file that is not GGUF, so that the message can say what someone has picked instead.
#pragma once

#include <string>
#include <string_view>

namespace hearth::core {

/// `start` is the beginning of the file, 64 bytes or all of it. Always answers: "a ZIP archive ...", else the bytes
/// found.
[[nodiscard]] std::string describeForeignFile(std::string_view start);

} // namespace hearth::core
