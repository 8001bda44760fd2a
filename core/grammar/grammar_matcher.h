// SPDX-License-Identifier: Apache-2.0
//
// GrammarMatcher: which bytes a grammar allows next. A state is the set of all places the grammar may be at, each with the
// places to return to; equal states have one number, and what was computed of a state once is looked up from then on, so that
// a grammar becomes a table as it is used. Stacks share their lower parts.
// Thread: one.
#pragma once

#include "core/grammar/grammar.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace hearth::core {

class GrammarMatcher {
public:
    using State = std::int32_t;
    static constexpr State kDead = -1;
    static constexpr std::size_t kMostPlaces = 4'096; ///< of one state: beyond that a grammar is too ambiguous to follow
    static constexpr std::size_t kMostStates = 20'000;  ///< kept; reset() makes room
    static constexpr std::size_t kMostAtOnce = 100'000; ///< between two calls of reset(): 1 kB each; beyond that overflowed()

    explicit GrammarMatcher(Grammar grammar);

    [[nodiscard]] State start() { return m_start; }
    /// kDead when the grammar allows no such byte here, or when there are too many places (then overflowed()).
    [[nodiscard]] State next(State state, unsigned char byte);
    [[nodiscard]] bool mayEnd(State state) const { return m_states[static_cast<std::size_t>(state)].mayEnd; }
    /// Nothing may follow.
    [[nodiscard]] bool mustEnd(State state) const { return m_states[static_cast<std::size_t>(state)].places.empty(); }
    [[nodiscard]] bool overflowed() const { return m_overflowed; }

    /// Forgets every state but this one when there are many; its number changes. True when it did.
    bool reset(State& state);

private:
    static constexpr std::uint32_t kNoParent = 0xFFFFFFFFu;
    static constexpr std::int32_t kUnknown = -2;

    /// A place in the grammar and where it goes on when its rule ends.
    struct Node {
        std::uint32_t element = 0;
        std::uint32_t parent = kNoParent;
    };
    struct StateData {
        std::vector<std::uint32_t> places; ///< nodes whose element is Bytes, ascending
        bool mayEnd = false;
        std::array<std::int32_t, 256> next;
    };

    [[nodiscard]] std::uint32_t node(std::uint32_t element, std::uint32_t parent);
    [[nodiscard]] std::uint32_t copyOf(const std::vector<Node>& old, std::uint32_t node);
    /// The state of these nodes and all that they reach without reading.
    [[nodiscard]] State stateOf(std::vector<std::uint32_t> open);
    [[nodiscard]] State intern(std::vector<std::uint32_t> places, bool mayEnd);
    void begin();

    Grammar m_grammar;
    std::vector<Node> m_nodes;
    std::unordered_map<std::uint64_t, std::uint32_t> m_nodeIds;
    std::vector<StateData> m_states;
    std::map<std::vector<std::uint32_t>, State> m_stateIds;
    State m_start = kDead;
    bool m_overflowed = false;
    std::vector<std::uint32_t> m_seen; ///< by node: the round in which it was reached
    std::uint32_t m_round = 0;
};

} // namespace hearth::core
