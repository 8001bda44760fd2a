// SPDX-License-Identifier: Apache-2.0
#include "core/grammar/grammar_matcher.h"

#include <algorithm>

namespace hearth::core {

using Kind = GrammarElement::Kind;

GrammarMatcher::GrammarMatcher(Grammar grammar)
    : m_grammar(std::move(grammar)) {
    begin();
}

void GrammarMatcher::begin() {
    std::vector<std::uint32_t> open;
    for (const std::uint32_t alternative : m_grammar.rules[m_grammar.root].alternatives) open.push_back(node(alternative, kNoParent));
    m_start = stateOf(std::move(open));
}

std::uint32_t GrammarMatcher::node(std::uint32_t element, std::uint32_t parent) {
    const std::uint64_t key = (static_cast<std::uint64_t>(element) << 32) | parent;
    const auto [known, isNew] = m_nodeIds.try_emplace(key, static_cast<std::uint32_t>(m_nodes.size()));
    if (isNew) {
        m_nodes.push_back({element, parent});
        m_seen.push_back(0);
    }
    return known->second;
}

GrammarMatcher::State GrammarMatcher::stateOf(std::vector<std::uint32_t> open) {
    ++m_round;
    bool mayEnd = false;
    std::vector<std::uint32_t> places;
    std::size_t reached = 0;
    while (!open.empty()) {
        const std::uint32_t id = open.back();
        open.pop_back();
        if (m_seen[id] == m_round) continue;
        m_seen[id] = m_round;
        if (++reached > kMostPlaces) {
            m_overflowed = true;
            return kDead;
        }
        const Node at = m_nodes[id];
        const GrammarElement element = m_grammar.elements[at.element];
        if (element.kind == Kind::Bytes) {
            places.push_back(id);
        } else if (element.kind == Kind::End) {
            if (at.parent == kNoParent) {
                mayEnd = true;
            } else {
                open.push_back(at.parent);
            }
        } else {
            // At the end of an alternative the way back is the caller's: lists that are right-recursive stay flat.
            const bool last = m_grammar.elements[at.element + 1].kind == Kind::End;
            const std::uint32_t back = last ? at.parent : node(at.element + 1, at.parent);
            for (const std::uint32_t alternative : m_grammar.rules[element.index].alternatives) open.push_back(node(alternative, back));
        }
    }
    std::ranges::sort(places);
    if (places.empty() && !mayEnd) return kDead;
    if (m_states.size() >= kMostAtOnce) {
        m_overflowed = true;
        return kDead;
    }
    return intern(std::move(places), mayEnd);
}

GrammarMatcher::State GrammarMatcher::intern(std::vector<std::uint32_t> places, bool mayEnd) {
    std::vector<std::uint32_t> key = places;
    key.push_back(mayEnd ? 1u : 0u);
    const auto [known, isNew] = m_stateIds.try_emplace(std::move(key), static_cast<State>(m_states.size()));
    if (isNew) {
        m_states.push_back({std::move(places), mayEnd, {}});
        m_states.back().next.fill(kUnknown);
    }
    return known->second;
}

GrammarMatcher::State GrammarMatcher::next(State state, unsigned char byte) {
    const auto index = static_cast<std::size_t>(state);
    if (const std::int32_t known = m_states[index].next[byte]; known != kUnknown) return known;
    std::vector<std::uint32_t> open;
    for (const std::uint32_t place : m_states[index].places) {
        const Node at = m_nodes[place];
        if (m_grammar.byteSets[m_grammar.elements[at.element].index].test(byte)) open.push_back(node(at.element + 1, at.parent));
    }
    const State made = open.empty() ? kDead : stateOf(std::move(open));
    m_states[index].next[byte] = made;
    return made;
}

std::uint32_t GrammarMatcher::copyOf(const std::vector<Node>& old, std::uint32_t id) {
    // From the bottom up, without recursion: a stack is as deep as what was written is nested.
    std::vector<std::uint32_t> path;
    for (; id != kNoParent; id = old[id].parent) path.push_back(id);
    std::uint32_t parent = kNoParent;
    for (; !path.empty(); path.pop_back()) parent = node(old[path.back()].element, parent);
    return parent;
}

bool GrammarMatcher::reset(State& state) {
    if (m_states.size() < kMostStates) return false;
    const std::vector<Node> old = std::move(m_nodes);
    const StateData kept = m_states[static_cast<std::size_t>(state)];
    m_nodes.clear();
    m_nodeIds.clear();
    m_states.clear();
    m_stateIds.clear();
    m_seen.clear();
    m_round = 0;
    begin();
    std::vector<std::uint32_t> places;
    for (const std::uint32_t place : kept.places) places.push_back(copyOf(old, place));
    std::ranges::sort(places);
    state = intern(std::move(places), kept.mayEnd);
    return true;
}

} // namespace hearth::core
