// SPDX-License-Identifier: Apache-2.0
//
// Grammar: a context-free grammar over bytes, as the matcher walks it. Characters are already taken apart into the bytes of
// their UTF-8, so that a token may end in the middle of one.
// Thread: any; const after it was built.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <vector>

namespace hearth::core {

using ByteSet = std::bitset<256>;

/// One place of an alternative. Alternatives stand one after another, each closed by End.
struct GrammarElement {
    enum class Kind : std::uint8_t { End, Bytes, Rule };
    Kind kind = Kind::End;
    std::uint32_t index = 0; ///< of byteSets or rules
};

struct GrammarRule {
    std::string name;                         ///< empty for what the parser adds
    std::vector<std::uint32_t> alternatives;  ///< where each begins in elements
};

struct Grammar {
    std::vector<GrammarElement> elements;
    std::vector<ByteSet> byteSets;
    std::vector<GrammarRule> rules;
    std::uint32_t root = 0; ///< of rules
};

} // namespace hearth::core
