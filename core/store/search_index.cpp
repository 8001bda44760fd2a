// SPDX-License-Identifier: Apache-2.0
#include "core/store/search_index.h"

#include "core/base/log.h"
#include "core/store/database.h"
#include "core/store/search_tokenizer.h"
#include "core/store/sqlite_error.h"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include <algorithm>

namespace hearth::core {

namespace {

// Control characters that no snippet needs itself: they become marks, or spaces when the message holds them.
constexpr char kMatchBegins = '\x01';
constexpr char kMatchEnds = '\x02';
constexpr int kSnippetTokens = 20;

bool hasToken(std::string_view text) {
    bool any = false;
    tokenizeForSearch(text, TokenUse::Query, [&any](std::string_view, std::size_t, std::size_t) {
        any = true;
        return false;
    });
    return any;
}

/// FTS5's string: '"' is doubled inside quotes.
void appendPhrase(std::string& out, std::string_view words, bool prefix) {
    if (!hasToken(words)) return;
    if (!out.empty()) out += " AND ";
    out += '"';
    for (const char c : words) {
        if (c == '"') out += '"';
        if (c != '\0') out += c;
    }
    out += prefix ? "\" *" : "\"";
}

/// One line: line breaks and runs of blanks become one space; the marks become places.
void takeApart(std::string_view marked, SearchHit& hit) {
    for (const char c : marked) {
        if (c == kMatchBegins) {
            hit.matches.push_back({hit.snippet.size(), hit.snippet.size()});
        } else if (c == kMatchEnds) {
            if (!hit.matches.empty()) hit.matches.back().end = hit.snippet.size();
        } else if (static_cast<unsigned char>(c) <= ' ') {
            if (!hit.snippet.empty() && hit.snippet.back() != ' ') hit.snippet += ' ';
        } else {
            hit.snippet += c;
        }
    }
    // A mark that the message itself held left an empty place.
    std::erase_if(hit.matches, [](const SnippetMatch& match) { return match.end <= match.begin; });
}

std::vector<SearchHit> find(SQLite::Database& handle, const std::string& expression, int limit) {
    // CROSS JOIN keeps the order of the loops: the index gives its rows newest first, and the limit ends it early.
    SQLite::Statement select(handle, "SELECT m.conversation_id, m.id, c.title, m.role, c.archived, m.created_ms, "
                                     "snippet(message_search, 0, char(1), char(2), '…', ?3) "
                                     "FROM message_search s CROSS JOIN message m ON m.id = s.rowid "
                                     "CROSS JOIN conversation c ON c.id = m.conversation_id "
                                     "WHERE message_search MATCH ?1 AND c.deleted_ms IS NULL ORDER BY s.rowid DESC LIMIT ?2");
    select.bind(1, expression);
    select.bind(2, limit);
    select.bind(3, kSnippetTokens);
    std::vector<SearchHit> hits;
    while (select.executeStep()) {
        SearchHit& hit = hits.emplace_back();
        hit.conversation = select.getColumn(0).getInt64();
        hit.message = select.getColumn(1).getInt64();
        hit.title = select.getColumn(2).getString();
        hit.role = static_cast<StoredRole>(select.getColumn(3).getInt());
        hit.archived = select.getColumn(4).getInt() != 0;
        hit.createdMs = select.getColumn(5).getInt64();
        takeApart(select.getColumn(6).getString(), hit);
    }
    return hits;
}

/// The tables behind the index become those of an empty one.
void emptyIndexTables(SQLite::Database& handle) {
    handle.exec("DROP TABLE IF EXISTS temp.fresh_search; "
                "CREATE VIRTUAL TABLE temp.fresh_search USING fts5 (text, content = '', prefix = '1 2 3')");
    for (const char* part : {"data", "idx", "docsize", "config"}) {
        handle.exec(fmt::format("DELETE FROM main.message_search_{0}; "
                                "INSERT INTO main.message_search_{0} SELECT * FROM temp.fresh_search_{0}", part));
    }
    handle.exec("DROP TABLE temp.fresh_search");
}

} // namespace

std::string searchExpression(std::string_view query) {
    std::string expression;
    std::size_t at = 0;
    while (at < query.size()) {
        if (query[at] == '"') {
            const std::size_t end = std::min(query.find('"', at + 1), query.size());
            const std::string_view words = query.substr(at + 1, end - at - 1);
            // An open quotation is still being typed, and in scripts without spaces no end is the end of a word.
            appendPhrase(expression, words, end == query.size() || endsWithinRun(words));
            at = end + 1;
            continue;
        }
        const std::size_t end = std::min(query.find_first_of(" \t\n\"", at), query.size());
        appendPhrase(expression, query.substr(at, end - at), true);
        at = end < query.size() && query[end] == '"' ? end : end + 1;
    }
    return expression;
}

SearchIndex::SearchIndex(Database& database)
    : m_database(database) {}

Result<std::vector<SearchHit>> SearchIndex::search(std::string_view query, int limit) {
    const std::string expression = searchExpression(query);
    if (expression.empty()) return std::vector<SearchHit>{};
    SQLite::Database& handle = m_database.handle();
    return guardedWithIndex(handle, "search", [&]() -> Result<std::vector<SearchHit>> { return find(handle, expression, limit); });
}

Result<void> SearchIndex::rebuild() {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "make the search index anew", [&]() -> Result<void> {
        rebuildSearchIndex(handle);
        return {};
    });
}

Result<bool> SearchIndex::rebuildIfOutdated() {
    SQLite::Database& handle = m_database.handle();
    return guarded(handle, "make the search index anew", [&]() -> Result<bool> {
        SQLite::Statement state(handle, "SELECT tokenizer FROM search_state");
        if (state.executeStep() && state.getColumn(0).getString() == searchTokenizerName()) return false;
        state.reset();
        rebuildSearchIndex(handle);
        return true;
    });
}

void rebuildSearchIndex(SQLite::Database& handle) {
    constexpr const char* kRebuild = "INSERT INTO message_search (message_search) VALUES ('rebuild')";
    SQLite::Transaction transaction(handle, SQLite::TransactionBehavior::IMMEDIATE);
    try {
        handle.exec(kRebuild);
    } catch (const SQLite::Exception& exception) {
        if (!isIndexDamage(exception)) throw;
        emptyIndexTables(handle); // too damaged even to be opened
        handle.exec(kRebuild);
    }
    SQLite::Statement state(handle, "INSERT OR REPLACE INTO search_state (id, tokenizer) VALUES (1, ?)");
    state.bind(1, searchTokenizerName());
    state.exec();
    transaction.commit();
}

} // namespace hearth::core
