// SPDX-License-Identifier: Apache-2.0
#include "core/engine/turn_end.h"

#include "core/tokenizer/known_tokens.h"

#include <algorithm>

namespace hearth::core {

namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::size_t kShortestStop = 3;  ///< shorter ones stand in answers
constexpr std::size_t kLongestMarker = 40; ///< "<|START_OF_TURN_TOKEN|>"

bool isSpecial(const Vocabulary& vocabulary, TokenId id) {
    const TokenType type = vocabulary.types[static_cast<std::size_t>(id)];
    return type == TokenType::Control || type == TokenType::UserDefined;
}

/// "<|im_end|>" of "<|im_end|>\n<|im_start|>user": a bracketed marker at the start; empty when there is none.
std::string_view markerOf(std::string_view text) {
    const char close = text.starts_with('<') ? '>' : text.starts_with('[') ? ']' : '\0';
    if (close == '\0') return {};
    const std::size_t end = text.substr(0, kLongestMarker).find(close);
    return end == std::string_view::npos ? std::string_view() : text.substr(0, end + 1);
}

/// A marker in plain text that follows a known end: "<|user|>" of "</s>\n<|user|>\n", where the vocabulary has no such token. A model that
/// forgets the end writes it, and goes on with a question of its own.
std::optional<std::string> markerAfterEnd(const Tokenizer& tokenizer, std::string_view text, std::string_view end) {
    if (!text.starts_with(end)) return {};
    text.remove_prefix(end.size());
    const std::size_t start = text.find_first_not_of(kSpace);
    if (start == std::string_view::npos) return {};
    const std::string_view marker = markerOf(text.substr(start));
    if (marker.size() <= kShortestStop) return {};
    const std::vector<TokenId> ids = tokenizer.encode(marker, AddSpecial::No, SpecialTokens::Parse);
    const bool plain = std::ranges::none_of(ids, [&](TokenId id) { return isSpecial(tokenizer.vocabulary(), id); });
    return plain ? std::optional(std::string(marker)) : std::nullopt;
}

} // namespace

TurnEnd findTurnEnd(const Tokenizer& tokenizer, std::string_view between) {
    TurnEnd end;
    const std::size_t start = between.find_first_not_of(kSpace);
    if (start == std::string_view::npos) return end;
    const bool newLine = between.substr(0, start).find('\n') != std::string_view::npos;
    const std::string_view text = between.substr(start);

    const std::vector<TokenId> ids = tokenizer.encode(text, AddSpecial::No, SpecialTokens::Parse);
    for (const TokenId id : ids) {
        const std::string& spelling = tokenizer.vocabulary().tokens[static_cast<std::size_t>(id)];
        // A known end that does not end here only separates the messages of a turn (gpt-oss): nothing is learned from it.
        if (tokenizer.endsGeneration(id) || tokenizer.beginsTurn(id) || isEndSpelling(spelling)) {
            if (auto marker = markerAfterEnd(tokenizer, text, spelling)) end.stops.push_back(std::move(*marker));
            return end;
        }
    }
    if (!ids.empty() && isSpecial(tokenizer.vocabulary(), ids.front())) {
        end.token = ids.front();
        return end;
    }
    const std::string_view marker = markerOf(text);
    std::string_view stop = marker.empty() ? text.substr(0, text.find('\n')) : marker;
    stop = stop.substr(0, stop.find_last_not_of(kSpace) + 1);
    if (stop.size() < kShortestStop) return end;
    // Words that could stand in a sentence only end a reply at the beginning of a line.
    end.stops.push_back((marker.empty() && newLine ? "\n" : "") + std::string(stop));
    return end;
}

} // namespace hearth::core
