// SPDX-License-Identifier: Apache-2.0
//
// The parts of JSON texts as grammar elements: characters of strings, patterns, ranges of numbers.
// Thread: any.
#pragma once

#include "core/base/error.h"
#include "core/grammar/grammar_builder.h"

#include <optional>
#include <string_view>

namespace hearth::core {

/// One character of a JSON string out of the ranges, with the escapes that JSON wants for some.
[[nodiscard]] GrammarElement jsonCharacters(GrammarBuilder& builder, std::vector<CodePointRange> ranges, bool negated);

/// Any character of a JSON string, in any spelling.
[[nodiscard]] GrammarElement anyJsonCharacter(GrammarBuilder& builder);

/// What a regular expression allows inside a JSON string: literals, '.', classes, \d \w \s and their opposites, groups,
/// alternatives, * + ? {m,n}; '^' at the very start, '$' at the very end, and any text where they are missing.
/// InvalidArgument names what else was met (look-around, references, \b).
[[nodiscard]] Result<GrammarElement> jsonPattern(GrammarBuilder& builder, std::string_view pattern);

/// Whole numbers from least to most as JSON writes them; least <= most.
[[nodiscard]] GrammarElement integersBetween(GrammarBuilder& builder, std::int64_t least, std::int64_t most);

inline constexpr std::int64_t kLargestInteger = 999'999'999'999'999; ///< exact in every language's double

} // namespace hearth::core
