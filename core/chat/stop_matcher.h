// SPDX-License-Identifier: Apache-2.0
//
// StopMatcher: finds stop strings in streamed text, across token borders, and holds back any tail that may begin one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::core {

class StopMatcher {
public:
    explicit StopMatcher(std::vector<std::string> stops); ///< empty strings are dropped

    struct Step {
        std::string text;     ///< safe to show
        bool stopped = false; ///< a stop string was completed; it and what follows are dropped
    };
    [[nodiscard]] Step feed(std::string_view text);
    /// What was held back when generation ended otherwise. Resets.
    [[nodiscard]] std::string finish();

private:
    std::vector<std::string> m_stops;
    std::string m_held;
};

} // namespace hearth::core
