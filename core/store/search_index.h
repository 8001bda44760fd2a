// SPDX-License-Identifier: Apache-2.0
//
// SearchIndex: finds words in every message. The schema's triggers keep the index in step with the messages, in the same
// transaction; it can be made anew from the messages alone, and is, when it turns out to be damaged.
// Thread: one (the store thread).
#pragma once

#include "core/base/error.h"
#include "core/store/chat_store.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace SQLite {
class Database;
}

namespace hearth::core {

class Database;

/// A stretch of a snippet, in bytes.
struct SnippetMatch {
    std::size_t begin = 0;
    std::size_t end = 0;
};

struct SearchHit {
    ConversationId conversation = 0;
    MessageId message = 0;
    std::string title;                 ///< of the conversation
    StoredRole role = StoredRole::User;
    bool archived = false;
    std::int64_t createdMs = 0;        ///< of the message, Unix time in ms
    std::string snippet;               ///< one line around the first match; "…" where it was cut
    std::vector<SnippetMatch> matches; ///< in the snippet, in order
};

class SearchIndex {
public:
    /// `database` must outlive the index.
    explicit SearchIndex(Database& database);

    /// Messages with all the words of `query`, newest first, at most `limit`; each word may be the beginning of a longer one,
    /// "words in quotes" must follow each other as they stand. Conversations in the bin are left out. A query without any
    /// word finds nothing.
    [[nodiscard]] Result<std::vector<SearchHit>> search(std::string_view query, int limit = 100);

    /// Makes the index anew from the messages.
    [[nodiscard]] Result<void> rebuild();
    /// rebuild(), if the index was made by another tokenizer or not yet. True when it was.
    [[nodiscard]] Result<bool> rebuildIfOutdated();

private:
    Database& m_database;
};

/// The same query in FTS5's language; empty when it has no word.
[[nodiscard]] std::string searchExpression(std::string_view query);

// --- for the rest of core/store -------------------------------------------------------------------------------------

/// Inside guarded(): throws what SQLite throws.
void rebuildSearchIndex(SQLite::Database& handle);

} // namespace hearth::core
