// SPDX-License-Identifier: Apache-2.0
//
// Shared by the tests of grammars: whether a text is one of a grammar's, and texts that a grammar allows.
#pragma once

#include "core/grammar/grammar_matcher.h"

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::test {

/// "whole", "begun" (more must follow) or "refused at N".
inline std::string follows(core::GrammarMatcher& matcher, std::string_view text) {
    core::GrammarMatcher::State state = matcher.start();
    for (std::size_t i = 0; i < text.size(); ++i) {
        state = matcher.next(state, static_cast<unsigned char>(text[i]));
        if (state == core::GrammarMatcher::kDead) return "refused at " + std::to_string(i);
    }
    return matcher.mayEnd(state) ? "whole" : "begun";
}

/// A random walk: mostly printable bytes, ends where it may with some chance. Empty when it did not end within `longest`.
inline std::string randomText(core::GrammarMatcher& matcher, std::mt19937& random, std::size_t longest) {
    std::string text;
    core::GrammarMatcher::State state = matcher.start();
    while (text.size() < longest) {
        if (matcher.mustEnd(state) || (matcher.mayEnd(state) && random() % 8 == 0)) return text;
        std::vector<unsigned char> allowed;
        for (unsigned byte = 0; byte < 256; ++byte) {
            if (matcher.next(state, static_cast<unsigned char>(byte)) == core::GrammarMatcher::kDead) continue;
            // What closes something comes up more often, so that walks end.
            const bool closes = byte == '"' || byte == '}' || byte == ']';
            allowed.insert(allowed.end(), closes ? 60 : byte < 0x80 ? 4 : 1, static_cast<unsigned char>(byte));
        }
        if (allowed.empty()) return {};
        const unsigned char byte = allowed[random() % allowed.size()];
        text += static_cast<char>(byte);
        state = matcher.next(state, byte);
    }
    return {};
}

} // namespace hearth::test
