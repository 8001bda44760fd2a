// SPDX-License-Identifier: Apache-2.0
//
// What a GGUF file is made for, where that is not to be a model that writes text.
// Thread: any.
#pragma once

#include "core/gguf/gguf_file.h"

#include <string>

namespace hearth::core {

/// Why the file is no model that writes, with what to do instead, to be read after its name ("is an adapter ..."): adapters, image
/// parts, embedding models, importance matrices, vocabularies. Empty when it may be one.
[[nodiscard]] std::string whyNoChatModel(const GgufFile& file);

/// A value of a file, fit for a line of text: at most 80 bytes, whole UTF-8, no control characters.
[[nodiscard]] std::string shownValue(std::string_view value);

} // namespace hearth::core
