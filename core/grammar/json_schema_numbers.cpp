// SPDX-License-Identifier: Apache-2.0
#include "core/grammar/json_schema_strings.h"

#include <algorithm>
#include <string>

namespace hearth::core {

namespace {

using Sequence = GrammarBuilder::Sequence;

GrammarElement digits(GrammarBuilder& builder, char low, char high) {
    return builder.characters({{static_cast<char32_t>(low), static_cast<char32_t>(high)}}, false);
}

/// Numbers of equally many digits from `low` to `high`.
Sequence between(GrammarBuilder& builder, std::string_view low, std::string_view high) {
    Sequence sequence;
    if (low.empty()) return sequence;
    const std::size_t rest = low.size() - 1;
    const auto free = [rest](char digit) { return std::string(rest, digit); };
    if (low.front() == high.front()) {
        sequence.push_back(digits(builder, low.front(), low.front()));
        const Sequence more = between(builder, low.substr(1), high.substr(1));
        sequence.insert(sequence.end(), more.begin(), more.end());
        return sequence;
    }
    std::vector<Sequence> alternatives;
    const auto add = [&](char first, char last, std::string_view from, std::string_view to) {
        if (first > last) return;
        Sequence one{digits(builder, first, last)};
        const Sequence more = between(builder, from, to);
        one.insert(one.end(), more.begin(), more.end());
        alternatives.push_back(std::move(one));
    };
    // Where the rest is free in full, first digits go together.
    const bool lowFree = low.substr(1) == free('0');
    const bool highFree = high.substr(1) == free('9');
    if (!lowFree) add(low.front(), low.front(), low.substr(1), free('9'));
    add(static_cast<char>(low.front() + (lowFree ? 0 : 1)), static_cast<char>(high.front() - (highFree ? 0 : 1)), free('0'), free('9'));
    if (!highFree) add(high.front(), high.front(), free('0'), high.substr(1));
    sequence.push_back(builder.group(std::move(alternatives)));
    return sequence;
}

/// 0 <= least <= most.
void addNatural(GrammarBuilder& builder, std::int64_t least, std::int64_t most, bool negative, std::vector<Sequence>& alternatives) {
    const std::string last = std::to_string(most);
    for (std::string low = std::to_string(least);;) {
        const std::string high = low.size() == last.size() ? last : std::string(low.size(), '9');
        Sequence sequence;
        if (negative) builder.addText(sequence, "-");
        const Sequence more = between(builder, low, high);
        sequence.insert(sequence.end(), more.begin(), more.end());
        alternatives.push_back(std::move(sequence));
        if (low.size() == last.size()) return;
        low = "1" + std::string(low.size(), '0');
    }
}

} // namespace

GrammarElement integersBetween(GrammarBuilder& builder, std::int64_t least, std::int64_t most) {
    std::vector<Sequence> alternatives;
    if (least < 0) addNatural(builder, std::max<std::int64_t>(1, -std::min<std::int64_t>(most, -1)), -least, true, alternatives);
    if (most >= 0) addNatural(builder, std::max<std::int64_t>(0, least), most, false, alternatives);
    return builder.group(std::move(alternatives));
}

} // namespace hearth::core
