// SPDX-License-Identifier: Apache-2.0
#include "core/engine/prompt_lookup.h"

#include <algorithm>

namespace hearth::core {

std::uint64_t PromptLookup::keyOf(std::span<const TokenId> tokens) {
    std::uint64_t key = 0xcbf29ce484222325u; // FNV-1a, over whole ids
    for (const TokenId token : tokens) key = (key ^ static_cast<std::uint32_t>(token)) * 0x100000001b3u;
    return key;
}

void PromptLookup::append(std::span<const TokenId> tokens) {
    if (m_most == 0) return;
    for (const TokenId token : tokens) {
        // What stands before `token` is noted only now that something follows: the end of the text must not find itself.
        if (m_text.size() >= kAgreeing) m_after[keyOf(std::span(m_text).last(kAgreeing))] = static_cast<std::uint32_t>(m_text.size());
        m_text.push_back(token);
        if (m_pause > 0) --m_pause;
    }
}

std::span<const TokenId> PromptLookup::guess(std::size_t room) {
    if (m_pause > 0 || m_text.size() < kAgreeing) return {};
    const std::span<const TokenId> end = std::span(m_text).last(kAgreeing);
    const auto found = m_after.find(keyOf(end));
    if (found == m_after.end()) return {};
    const std::size_t at = found->second;
    if (!std::ranges::equal(std::span(m_text).subspan(at - kAgreeing, kAgreeing), end)) return {}; // the hash of another text
    return std::span(m_text).subspan(at, std::min({m_most, room, m_text.size() - at}));
}

void PromptLookup::judge(std::size_t guessed, std::size_t right) {
    if (guessed == 0) return;
    if (right > 0) {
        m_nextPause = 1;
        return;
    }
    m_pause = m_nextPause;
    m_nextPause = std::min(2 * m_nextPause, kLongestPause);
}

} // namespace hearth::core
