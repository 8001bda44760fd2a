// SPDX-License-Identifier: Apache-2.0
//
// Python's ways to write values as text, as templates see them: repr of floats and strings, json.dumps, strftime,
// the % operator and str.format.
#pragma once

#include "core/chat/jinja/value.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::core::jinja {

/// repr(float): the shortest digits that read back the same; "1.0", "1e+16", "inf".
[[nodiscard]] std::string formatFloat(double value);

/// repr(str): single quotes unless the text has them and no double ones; escapes for what does not print.
[[nodiscard]] std::string quotedText(std::string_view text);

struct JsonStyle {
    std::optional<int> indent;        ///< spaces; nullopt = one line
    bool sortKeys = false;
    bool ensureAscii = false;
    std::string itemSeparator = ", "; ///< "," when indented and not given
    std::string keySeparator = ": ";
};

/// json.dumps; raises for what JSON cannot hold.
[[nodiscard]] std::string toJson(const Value& value, const JsonStyle& style);

/// datetime.strftime in local time. Unknown directives stay as they are.
[[nodiscard]] std::string formatTime(std::string_view format, std::chrono::system_clock::time_point time);

/// format % arguments
[[nodiscard]] std::string percentFormat(std::string_view format, const Value& arguments);

/// format.format(...)
[[nodiscard]] std::string braceFormat(std::string_view format, const Arguments& arguments);

} // namespace hearth::core::jinja
