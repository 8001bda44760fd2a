// SPDX-License-Identifier: Apache-2.0
//
// Spellings by which control tokens are recognised when the file says nothing, or says it wrong.
// Source: the spellings that llama.cpp (src/llama-vocab.cpp) looks for, checked against the vocabularies themselves.
// Thread: any.
#pragma once

#include <string_view>

namespace hearth::core {

/// A turn, or the text, is over when the model says this ("<|im_end|>", "<|eot_id|>", "</s>" ...).
[[nodiscard]] bool isEndSpelling(std::string_view token);

/// Another turn begins, so the model's own is over when it says this ("<|im_start|>", "<|user|>", "[INST]" ...).
[[nodiscard]] bool isTurnBeginSpelling(std::string_view token);

/// Never text, whatever type the file gives it: the end spellings that no file uses as text, and those for filling in the
/// middle of code.
[[nodiscard]] bool isControlSpelling(std::string_view token);

} // namespace hearth::core
