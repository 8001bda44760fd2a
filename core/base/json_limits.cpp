// SPDX-License-Identifier: Apache-2.0
#include "core/base/json_limits.h"

namespace hearth::core {

std::size_t endOfJson(std::string_view text) {
    int depth = 0;
    bool inString = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inString) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                inString = false;
            }
        } else if (c == '"') {
            inString = true;
        } else if (c == '{' || c == '[') {
            if (++depth > kDeepestJson) return std::string_view::npos;
        } else if (c == '}' || c == ']') {
            if (--depth == 0) return i + 1;
        }
    }
    return std::string_view::npos;
}

std::optional<nlohmann::ordered_json> parseJson(std::string_view text) {
    const std::size_t bracket = text.find_first_of("{[\"");
    const bool nested = bracket != std::string_view::npos && text[bracket] != '"';
    if (nested && endOfJson(text.substr(bracket)) == std::string_view::npos) return std::nullopt;
    nlohmann::ordered_json value = nlohmann::ordered_json::parse(text, nullptr, false);
    if (value.is_discarded()) return std::nullopt;
    return value;
}

std::string writeJson(const nlohmann::ordered_json& value) {
    return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

} // namespace hearth::core
