// SPDX-License-Identifier: Apache-2.0
#include "core/store/search_tokenizer.h"

#include "core/base/utf8.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>

namespace hearth::core {

namespace {

using Visit = std::function<bool(std::string_view, std::size_t, std::size_t)>;

enum class Kind : std::uint8_t { Separator, Word, Spaceless };

struct Range {
    char32_t first, last;
};

/// Scripts without spaces between words, by block. Source: Unicode 15, Blocks.txt.
constexpr std::array kSpaceless = std::to_array<Range>({
    {0x0E00, 0x0EFF},   // Thai, Lao
    {0x1000, 0x109F},   // Myanmar
    {0x1780, 0x17FF},   // Khmer
    {0x2E80, 0x2FDF},   // CJK radicals
    {0x3005, 0x3007},   // iteration mark, zero
    {0x3040, 0x312F},   // Hiragana, Katakana, Bopomofo
    {0x31A0, 0x31BF},   // Bopomofo extended
    {0x31F0, 0x31FF},   // Katakana extended
    {0x3400, 0x4DBF},   // Han, extension A
    {0x4E00, 0x9FFF},   // Han
    {0xF900, 0xFAFF},   // Han, compatibility
    {0xFF66, 0xFF9F},   // Katakana, half width
    {0x1B000, 0x1B16F}, // Kana supplement
    {0x20000, 0x3FFFF}, // Han, extensions B and later
});

bool isSpaceless(char32_t c) {
    if (c < kSpaceless.front().first) return false;
    return std::ranges::any_of(kSpaceless, [c](const Range& range) { return c >= range.first && c <= range.last; });
}

Kind kindOf(char32_t c) {
    if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? Kind::Word : Kind::Separator;
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return isSpaceless(c) ? Kind::Spaceless : Kind::Word;
    default: return Kind::Separator;
    }
}

/// `bytes` bytes of valid UTF-8, or a little fewer so as not to cut a character.
std::string_view cut(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
    return text.substr(0, bytes);
}

/// Case, compatibility forms and, for words, accents taken away.
std::string folded(std::string_view text, bool stripMarks) {
    utf8proc_uint8_t* mapped = nullptr;
    const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_CASEFOLD | UTF8PROC_COMPAT |
                                                        (stripMarks ? UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK : UTF8PROC_COMPOSE));
    const utf8proc_ssize_t length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                                 static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
    if (length < 0) return std::string(text); // only without memory
    return {reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length)};
}

bool isAscii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// One walk over a text.
class Walk {
public:
    Walk(std::string_view text, TokenUse use, const Visit& visit) : m_text(text), m_use(use), m_visit(visit) {}

    void run() {
        std::size_t at = 0;
        while (at < m_text.size() && !m_stopped) {
            const utf8::Decoded next = utf8::decodeAt(m_text, at);
            const Kind kind = next.valid ? kindOf(next.codePoint) : Kind::Separator;
            if (kind == Kind::Separator) {
                at += next.length;
                endRun();
            } else if (kind == Kind::Spaceless) {
                spaceless(at, next.length);
                at += next.length;
            } else {
                at = word(at);
            }
        }
        endRun();
    }

private:
    struct Character {
        std::size_t begin, end;
    };

    void emit(std::string_view token, std::size_t begin, std::size_t end) {
        if (!m_stopped && !token.empty()) m_stopped = !m_visit(cut(token, kSearchTokenBytes), begin, end);
    }

    /// In a query the last character of a run is looked for only when a token follows it: in the text it stands between.
    void endRun() {
        if (m_last && (m_use == TokenUse::Text || m_runLength == 1)) emitRun(m_last->begin, m_last->end);
        if (m_last) m_skipped = m_use == TokenUse::Query && m_runLength > 1 ? m_last : std::nullopt;
        m_last.reset();
        m_runLength = 0;
    }

    void emitSkipped() {
        if (!m_skipped) return;
        emitRun(m_skipped->begin, m_skipped->end);
        m_skipped.reset();
    }

    void emitRun(std::size_t begin, std::size_t end) { emit(folded(m_text.substr(begin, end - begin), false), begin, end); }

    void spaceless(std::size_t at, std::size_t length) {
        if (!m_last) emitSkipped();
        if (m_last) emitRun(m_last->begin, at + length);
        m_last = Character{at, at + length};
        ++m_runLength;
    }

    std::size_t word(std::size_t begin) {
        endRun();
        emitSkipped();
        std::size_t end = begin;
        while (end < m_text.size()) {
            const utf8::Decoded next = utf8::decodeAt(m_text, end);
            if (!next.valid || kindOf(next.codePoint) != Kind::Word) break;
            end += next.length;
        }
        const std::string_view found = m_text.substr(begin, end - begin);
        const std::string_view considered = cut(found, 4 * kSearchTokenBytes); // folding a long word whole would be for nothing
        if (isAscii(considered)) {
            m_lower.assign(considered);
            std::ranges::transform(m_lower, m_lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
            emit(m_lower, begin, end);
        } else {
            emit(folded(considered, true), begin, end);
        }
        return end;
    }

    std::string_view m_text;
    TokenUse m_use;
    const Visit& m_visit;
    std::string m_lower;
    std::optional<Character> m_last;    ///< of the run without spaces that is being walked
    std::optional<Character> m_skipped; ///< of the run before, not emitted
    std::size_t m_runLength = 0;
    bool m_stopped = false;
};

// --- FTS5's side ----------------------------------------------------------------------------------------------------
// Source: https://www.sqlite.org/fts5.html#custom_tokenizers

int createTokenizer(void*, const char**, int, Fts5Tokenizer** out) {
    static int stateless = 0; // an address to hand out; nothing is kept per table
    *out = reinterpret_cast<Fts5Tokenizer*>(&stateless);
    return SQLITE_OK;
}

void deleteTokenizer(Fts5Tokenizer*) {}

int tokenize(Fts5Tokenizer*, void* context, int flags, const char* text, int length,
             int (*onToken)(void*, int, const char*, int, int, int)) {
    int result = SQLITE_OK;
    try {
        const TokenUse use = (flags & FTS5_TOKENIZE_QUERY) != 0 ? TokenUse::Query : TokenUse::Text;
        tokenizeForSearch({text, static_cast<std::size_t>(length)}, use, [&](std::string_view token, std::size_t begin, std::size_t end) {
            result = onToken(context, 0, token.data(), static_cast<int>(token.size()), static_cast<int>(begin), static_cast<int>(end));
            return result == SQLITE_OK;
        });
    } catch (const std::bad_alloc&) {
        return SQLITE_NOMEM;
    }
    return result;
}

} // namespace

void tokenizeForSearch(std::string_view text, TokenUse use, const Visit& visit) { Walk(text, use, visit).run(); }

bool endsWithinRun(std::string_view text) {
    std::size_t at = text.size();
    while (at > 0 && (static_cast<unsigned char>(text[at - 1]) & 0xC0) == 0x80) --at;
    if (at == 0) return false;
    const utf8::Decoded last = utf8::decodeAt(text, at - 1);
    return last.valid && isSpaceless(last.codePoint);
}

std::string searchTokenizerName() { return fmt::format("hearth 1, Unicode {}", utf8proc_unicode_version()); }

bool registerSearchTokenizer(sqlite3* connection) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(connection, "SELECT fts5(?1)", -1, &statement, nullptr) != SQLITE_OK) return false;
    fts5_api* api = nullptr;
    sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", nullptr);
    sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (api == nullptr) return false;
    fts5_tokenizer ours{&createTokenizer, &deleteTokenizer, &tokenize};
    return api->xCreateTokenizer(api, "hearth", nullptr, &ours, nullptr) == SQLITE_OK;
}

} // namespace hearth::core
