// SPDX-License-Identifier: Apache-2.0
//
// Chat formats of the common model families, for files that carry no template or a broken one. Chosen by the control
// tokens that the vocabulary has, because a family's format is made of them.
#pragma once

#include "core/tokenizer/vocabulary.h"

#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

struct BuiltinTemplate {
    std::string_view name;               ///< for the notice: "ChatML"
    std::string_view source;             ///< Jinja
    std::vector<std::string> stops;      ///< needed where the format has no end-of-turn token
};

[[nodiscard]] const BuiltinTemplate& builtinTemplateFor(const Vocabulary& vocabulary);

} // namespace hearth::core
