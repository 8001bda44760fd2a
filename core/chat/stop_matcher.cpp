// SPDX-License-Identifier: Apache-2.0
#include "core/chat/stop_matcher.h"

#include "core/chat/held_tail.h"

#include <algorithm>
#include <utility>

namespace hearth::core {

StopMatcher::StopMatcher(std::vector<std::string> stops)
    : m_stops(std::move(stops)) {
    std::erase(m_stops, std::string());
}

StopMatcher::Step StopMatcher::feed(std::string_view text) {
    m_held += text;
    std::size_t first = std::string::npos;
    for (const std::string& stop : m_stops) first = std::min(first, m_held.find(stop));
    if (first != std::string::npos) {
        m_held.resize(first);
        return {std::exchange(m_held, {}), true};
    }
    // The longest tail that is the beginning of a stop string waits for what comes next.
    const std::size_t held = heldTail(m_held, m_stops);
    std::string safe = m_held.substr(0, m_held.size() - held);
    m_held.erase(0, safe.size());
    return {std::move(safe), false};
}

std::string StopMatcher::finish() {
    return std::exchange(m_held, {});
}

} // namespace hearth::core
