// SPDX-License-Identifier: Apache-2.0
//
// CharacterMap: SentencePiece's normalisation table (tokenizer.ggml.precompiled_charsmap), which replaces strings by others:
// a full-width letter by the plain one, a ligature by its letters. A four-byte length, a double-array trie of 32-bit units,
// then the replacements, each ended by a zero byte. A unit holds a label (bits 0 to 7, and bit 31 in units of values), whether
// a key ends there (bit 8), and the offset of its children (bits 10 to 30, times 256 when bit 9 is set).
// Source: the Darts-clone double array of Yata (2008-2012), as SentencePiece's normalizer stores it.
// Thread: any; const after creation.
#pragma once

#include "core/base/error.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

class CharacterMap {
public:
    struct Match {
        std::size_t length = 0;       ///< bytes of the text that are replaced
        std::string_view replacement; ///< into this map
    };

    CharacterMap() = default; ///< replaces nothing
    /// MalformedFile when its parts do not fit into its bytes.
    [[nodiscard]] static Result<CharacterMap> read(std::string_view bytes);

    /// The longest key that `text` begins with; nothing when there is none.
    [[nodiscard]] std::optional<Match> longestPrefix(std::string_view text) const;

private:
    std::vector<std::uint32_t> m_units;
    std::string m_replacements; ///< ends with a zero byte
};

} // namespace hearth::core
