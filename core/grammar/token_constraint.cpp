// SPDX-License-Identifier: Apache-2.0
#include "core/grammar/token_constraint.h"

#include <algorithm>
#include <limits>

namespace hearth::core {

TokenIndex::TokenIndex(const Tokenizer& tokenizer, const std::function<bool(TokenId)>& ends)
    : m_tokenizer(tokenizer)
    , m_ends(tokenizer.size()) {
    for (std::size_t i = 0; i < m_ends.size(); ++i) {
        const auto id = static_cast<TokenId>(i);
        m_ends[i] = ends(id);
        if (!m_ends[i] && !tokenizer.tokenBytes(id).empty()) m_entries.push_back({id, 0});
    }
    std::ranges::sort(m_entries, [&](const Entry& a, const Entry& b) { return tokenizer.tokenBytes(a.id) < tokenizer.tokenBytes(b.id); });
    for (std::size_t i = 1; i < m_entries.size(); ++i) {
        const std::string_view before = tokenizer.tokenBytes(m_entries[i - 1].id);
        const std::string_view bytes = tokenizer.tokenBytes(m_entries[i].id);
        const auto [left, right] = std::ranges::mismatch(before, bytes);
        m_entries[i].shared = static_cast<std::uint32_t>(right - bytes.begin());
    }
}

TokenConstraint::TokenConstraint(Grammar grammar, std::shared_ptr<const TokenIndex> index)
    : m_index(std::move(index))
    , m_matcher(std::move(grammar))
    , m_state(m_matcher.start()) {}

bool TokenConstraint::allows(TokenId token) {
    if (m_state == GrammarMatcher::kDead || token < 0 || static_cast<std::size_t>(token) >= m_index->size()) return false;
    if (m_index->ends(token)) return mayEnd();
    const std::string_view bytes = m_index->bytes(token);
    if (bytes.empty()) return false;
    GrammarMatcher::State state = m_state;
    for (const char byte : bytes) {
        state = m_matcher.next(state, static_cast<unsigned char>(byte));
        if (state == GrammarMatcher::kDead) return false;
    }
    return true;
}

void TokenConstraint::accept(TokenId token) {
    if (m_index->ends(token)) return;
    for (const char byte : m_index->bytes(token)) m_state = m_matcher.next(m_state, static_cast<unsigned char>(byte));
    if (m_matcher.reset(m_state)) m_masks.clear();
}

const std::vector<bool>& TokenConstraint::allowed() {
    if (const auto known = m_masks.find(m_state); known != m_masks.end()) return known->second;
    if (m_masks.size() >= kMostMasks) m_masks.clear();
    std::vector<bool>& mask = m_masks[m_state];
    mask.assign(m_index->size(), false);
    // states[n]: after n bytes of the last token looked at. A token that shares more bytes with it than led to a dead end
    // ends there too.
    constexpr std::size_t kAlive = std::numeric_limits<std::size_t>::max();
    std::vector<GrammarMatcher::State> states{m_state};
    std::size_t dead = kAlive;
    for (const TokenIndex::Entry& entry : m_index->entries()) {
        if (dead != kAlive && entry.shared > dead) continue;
        const std::string_view bytes = m_index->bytes(entry.id);
        states.resize(std::min<std::size_t>(entry.shared, states.size() - 1) + 1);
        dead = kAlive;
        for (std::size_t at = states.size() - 1; at < bytes.size(); ++at) {
            const GrammarMatcher::State next = m_matcher.next(states.back(), static_cast<unsigned char>(bytes[at]));
            if (next == GrammarMatcher::kDead) {
                dead = at;
                break;
            }
            states.push_back(next);
        }
        mask[static_cast<std::size_t>(entry.id)] = dead == kAlive;
    }
    if (mayEnd()) {
        for (std::size_t id = 0; id < mask.size(); ++id) mask[id] = mask[id] || m_index->ends(static_cast<TokenId>(id));
    }
    return mask;
}

void TokenConstraint::mask(std::span<float> logits) {
    const std::vector<bool>& fits = allowed();
    for (std::size_t id = 0; id < logits.size(); ++id) {
        if (id >= fits.size() || !fits[id]) logits[id] = -std::numeric_limits<float>::infinity();
    }
}

} // namespace hearth::core
