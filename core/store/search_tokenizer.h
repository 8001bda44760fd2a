// SPDX-License-Identifier: Apache-2.0
//
// What a search compares. Letters and digits make words, folded so that case, accents and width do not count ("STRASSE"
// finds "Straße", "resume" finds "résumé"). Scripts that are written without spaces (Chinese, Japanese, Thai ...) are cut
// into overlapping pairs of characters, which find any part of two characters or more, and with a prefix query any
// single one.
//
//     "Weiße Wände"  ->  weisse wande
//     "日本語"        ->  日本 本語 語        in a text; the last one only so that a prefix finds it
//     "日本語"        ->  日本 本語           in a query
//
// Private to core/store and its tests. Thread: any.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

struct sqlite3;

namespace hearth::core {

enum class TokenUse { Text, Query };

/// Longer words are compared by their first bytes only.
inline constexpr std::size_t kSearchTokenBytes = 128;

/// Calls visit(token, begin, end) for each token of `text`, in order; [begin, end) are the bytes it stands for. Ends early
/// when visit returns false. Malformed UTF-8 separates words.
void tokenizeForSearch(std::string_view text, TokenUse use,
                       const std::function<bool(std::string_view token, std::size_t begin, std::size_t end)>& visit);

/// True when the text ends in a script without spaces: its last token is then no whole word.
[[nodiscard]] bool endsWithinRun(std::string_view text);

/// Names the rules above and the Unicode tables they rest on; stored beside the index.
[[nodiscard]] std::string searchTokenizerName();

/// Makes the tokenizer "hearth" known to FTS5 on this connection. False when SQLite was built without FTS5.
[[nodiscard]] bool registerSearchTokenizer(sqlite3* connection);

} // namespace hearth::core
