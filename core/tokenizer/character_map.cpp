// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/character_map.h"

#include <fmt/format.h>

#include <cstring>

namespace hearth::core {

namespace {

std::uint32_t childrenOf(std::uint32_t unit) {
    const std::uint32_t offset = unit >> 10;
    return (unit & (1u << 9)) != 0 ? offset << 8 : offset;
}

bool endsKey(std::uint32_t unit) {
    return (unit & (1u << 8)) != 0;
}

std::uint32_t labelOf(std::uint32_t unit) {
    return unit & ((1u << 31) | 0xFFu);
}

} // namespace

Result<CharacterMap> CharacterMap::read(std::string_view bytes) {
    const auto malformed = [](std::string_view what) {
        return fail(ErrorCode::MalformedFile, fmt::format("tokenizer.ggml.precompiled_charsmap: {}", what));
    };
    std::uint32_t trieBytes = 0;
    if (bytes.size() < sizeof(trieBytes)) return malformed("is shorter than its length");
    std::memcpy(&trieBytes, bytes.data(), sizeof(trieBytes));
    bytes.remove_prefix(sizeof(trieBytes));
    if (trieBytes > bytes.size() || trieBytes % sizeof(std::uint32_t) != 0 || trieBytes == 0)
        return malformed(fmt::format("a trie of {} bytes in {}", trieBytes, bytes.size()));
    CharacterMap map;
    map.m_units.resize(trieBytes / sizeof(std::uint32_t));
    std::memcpy(map.m_units.data(), bytes.data(), trieBytes);
    map.m_replacements = bytes.substr(trieBytes);
    if (map.m_replacements.empty() || map.m_replacements.back() != '\0')
        return malformed("its last replacement does not end");
    return map;
}

std::optional<CharacterMap::Match> CharacterMap::longestPrefix(std::string_view text) const {
    if (m_units.empty()) return std::nullopt;
    std::optional<Match> longest;
    std::size_t at = childrenOf(m_units[0]);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto letter = static_cast<unsigned char>(text[i]);
        at ^= letter;
        // A hostile table leads out of itself, or to a replacement that is not there: then it has no such key.
        if (letter == 0 || at >= m_units.size() || labelOf(m_units[at]) != letter) break;
        const std::uint32_t unit = m_units[at];
        at ^= childrenOf(unit);
        if (!endsKey(unit) || at >= m_units.size()) continue;
        const std::size_t replacement = m_units[at] & 0x7FFFFFFFu;
        if (replacement < m_replacements.size()) longest = Match{i + 1, m_replacements.data() + replacement};
    }
    return longest;
}

} // namespace hearth::core
