// SPDX-License-Identifier: Apache-2.0
//
// GBNF: the text form of grammars that llama.cpp introduced (grammars/README.md there): rules "name ::= ...", strings, classes
// [a-z] and [^...], '.', groups, alternatives, * + ? {m} {m,} {m,n}, comments. It begins at the rule "root".
// Thread: any.
#pragma once

#include "core/base/error.h"
#include "core/grammar/grammar.h"

#include <string_view>

namespace hearth::core {

inline constexpr std::size_t kLongestGrammarText = 4u << 20; ///< bytes
inline constexpr int kDeepestGroup = 100;

/// InvalidArgument with the line and what was expected, or what GrammarBuilder refuses.
[[nodiscard]] Result<Grammar> parseGbnf(std::string_view text);

} // namespace hearth::core
