// SPDX-License-Identifier: Apache-2.0
#include "core/telemetry/cpu_name.h"

#include "core/base/utf8.h"
#include "core/telemetry/kernel_file.h"

#include <algorithm>
#include <array>
#include <vector>

namespace hearth::core {

namespace {

void removeAll(std::string& text, std::string_view part) {
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos;) text.erase(at, part.size());
}

/// "8-Core", "16-Cores", "Quad-Core"
bool isCoreCount(std::string_view word) {
    const std::size_t dash = word.find('-');
    return dash != std::string_view::npos && dash > 0 && (word.substr(dash) == "-Core" || word.substr(dash) == "-Cores");
}

/// The words before the clock ("@ 2.60GHz") or the graphics on the same chip ("w/ Radeon 780M Graphics").
std::vector<std::string_view> wordsOfProcessor(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::string_view word = takeWord(text); !word.empty(); word = takeWord(text)) {
        if (word == "@" || word == "w/" || word == "with") break;
        words.push_back(word);
    }
    return words;
}

} // namespace

std::string cleanCpuName(std::string_view modelName) {
    std::string text = utf8::sanitized(modelName);
    for (const std::string_view mark : {"(R)", "(r)", "(TM)", "(tm)", "®", "™"}) removeAll(text, mark);
    std::vector<std::string_view> words = wordsOfProcessor(text);

    // "12th Gen Intel Core i5-12400F"
    if (words.size() > 2 && words[1] == "Gen") words.erase(words.begin(), words.begin() + 2);
    if (const auto count = std::ranges::find_if(words, isCoreCount); count != words.end()) words.erase(count, words.end());
    const bool intel = !words.empty() && words.front() == "Intel";
    if (intel) std::erase(words, "CPU");
    // These names stand by themselves; "Intel Core" does not.
    constexpr std::array<std::string_view, 3> kFamous{"Athlon", "EPYC", "Ryzen"};
    if (words.size() > 2 && words[0] == "AMD" && std::ranges::find(kFamous, words[1]) != kFamous.end()) words.erase(words.begin());

    std::string name;
    for (const std::string_view word : words) {
        if (!name.empty()) name += ' ';
        name += word;
    }
    return name.empty() ? std::string("Unknown processor") : name;
}

} // namespace hearth::core
