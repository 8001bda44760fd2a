// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/code_highlighter.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace hearth::ui {

using namespace std::string_view_literals;

/// What the lexer needs to know of a language. Words are sorted; all views are of static text.
struct CodeLanguage {
    std::u16string_view displayName;
    std::u16string_view aliases;      ///< separated by spaces
    std::u16string_view keywords;     ///< separated by spaces, sorted
    std::array<std::u16string_view, 2> lineComments;
    std::u16string_view blockOpen;
    std::u16string_view blockClose;
    std::u16string_view quotes;       ///< characters that begin a string on one line
    std::u16string_view longQuotes;   ///< characters whose string may run over lines (JS template, Go raw, shell)
    bool tripleQuotes = false;
    bool ignoreCase = false;
    bool hashDirectives = false;      ///< "#include" is a keyword
    bool keyBeforeColon = false;      ///< a string before ":" is a key (JSON)
    bool lifetimes = false;           ///< 'a without a closing quote (Rust)
};

namespace {

constexpr bool isSorted(std::u16string_view words)
{
    std::u16string_view previous;
    while (!words.empty()) {
        const std::size_t end = std::min(words.find(u' '), words.size());
        const std::u16string_view word = words.substr(0, end);
        if (word <= previous)
            return false;
        previous = word;
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return true;
}

constexpr int kMaxLexedLine = 4096; ///< a longer line is data, not code to read

constexpr auto kCKeywords =
    u"abstract alignas alignof as async auto await base bool boolean break byte case catch char char16_t char32_t char8_t class co_await "
    u"co_return co_yield concept const const_cast consteval constexpr constinit continue data decltype def default defer delegate delete do "
    u"double dynamic_cast else enum event explicit export extends extern false final finally fixed float for foreach friend fun func goto "
    u"guard if implements implicit import in inline instanceof int interface internal is let lock long mutable namespace native new noexcept "
    u"null nullptr object operator out override package params private protected public readonly record ref register reinterpret_cast "
    u"requires return sealed short signed sizeof static static_assert static_cast string struct super switch synchronized template this "
    u"thread_local throw throws transient true try typedef typeid typename typeof union unsigned using val var virtual void volatile "
    u"wchar_t when where while yield"sv;
constexpr auto kPythonKeywords =
    u"False None True and as assert async await break case class continue def del elif else except finally for from global if import in is "
    u"lambda match nonlocal not or pass raise return self try while with yield"sv;
constexpr auto kScriptKeywords =
    u"abstract any as async await boolean break case catch class const continue debugger declare default delete do else enum export extends "
    u"false finally for from function get if implements import in instanceof interface keyof let namespace never new null number of private "
    u"protected public readonly return set static string super switch this throw true try type typeof undefined unknown var void while with "
    u"yield"sv;
constexpr auto kShellKeywords =
    u"break case cd continue declare do done echo elif else esac eval exec exit export fi for function if in local read readonly return set "
    u"shift source sudo then trap unset until while"sv;
constexpr auto kSqlKeywords =
    u"add all alter and as asc begin between by case cast check column commit constraint count create cross database default delete desc "
    u"distinct drop else end exists explain false foreign from full group having if in index inner insert into is join key left like limit "
    u"not null offset on or order outer over partition primary references replace returning right rollback select set table then "
    u"transaction true union unique update using values view when where with"sv;
constexpr auto kRustKeywords =
    u"Self as async await bool box break char const continue crate dyn else enum extern f32 f64 false fn for i128 i16 i32 i64 i8 if impl in "
    u"isize let loop match mod move mut pub ref return self static str struct super trait true type u128 u16 u32 u64 u8 union unsafe use "
    u"usize where while"sv;
constexpr auto kGoKeywords =
    u"any bool break byte case chan const continue default defer else error fallthrough false float32 float64 for func go goto if import int "
    u"int16 int32 int64 int8 interface iota map nil package range return rune select string struct switch true type uint uint16 uint32 "
    u"uint64 uint8 uintptr var"sv;

constexpr std::array kLanguages = {
    CodeLanguage{u"C", u"c h", kCKeywords, {u"//"}, u"/*", u"*/", u"\"'", u"", false, false, true},
    CodeLanguage{u"C++", u"c++ cc cpp cuda cxx hip hpp ino", kCKeywords, {u"//"}, u"/*", u"*/", u"\"'", u"", false, false, true},
    CodeLanguage{u"C#", u"c# cs csharp", kCKeywords, {u"//"}, u"/*", u"*/", u"\"'", u"", true, false, true},
    CodeLanguage{u"Java", u"java", kCKeywords, {u"//"}, u"/*", u"*/", u"\"'", u"", true},
    CodeLanguage{u"Kotlin", u"kotlin kt", kCKeywords, {u"//"}, u"/*", u"*/", u"\"'", u"", true},
    CodeLanguage{u"Swift", u"swift", kCKeywords, {u"//"}, u"/*", u"*/", u"\"", u"", true},
    CodeLanguage{u"PHP", u"php", kCKeywords, {u"//", u"#"}, u"/*", u"*/", u"\"'", u""},
    CodeLanguage{u"CSS", u"css scss", u""sv, {}, u"/*", u"*/", u"\"'", u""},
    CodeLanguage{u"Python", u"py python python3", kPythonKeywords, {u"#"}, u"", u"", u"\"'", u"", true},
    CodeLanguage{u"JavaScript", u"javascript js jsx mjs node", kScriptKeywords, {u"//"}, u"/*", u"*/", u"\"'", u"`"},
    CodeLanguage{u"TypeScript", u"ts tsx typescript", kScriptKeywords, {u"//"}, u"/*", u"*/", u"\"'", u"`"},
    CodeLanguage{u"Shell", u"bash sh shell zsh", kShellKeywords, {u"#"}, u"", u"", u"", u"\"'"},
    CodeLanguage{u"JSON", u"json json5 jsonc", u"false null true"sv, {u"//"}, u"/*", u"*/", u"\"", u"", false, false, false, true},
    CodeLanguage{u"SQL", u"mysql postgresql psql sql sqlite", kSqlKeywords, {u"--"}, u"/*", u"*/", u"'\"", u"", false, true},
    CodeLanguage{u"Rust", u"rs rust", kRustKeywords, {u"//"}, u"/*", u"*/", u"\"'", u"", false, false, false, false, true},
    CodeLanguage{u"Go", u"go golang", kGoKeywords, {u"//"}, u"/*", u"*/", u"\"'", u"`"},
    CodeLanguage{u"YAML", u"yaml yml", u"false null true"sv, {u"#"}, u"", u"", u"\"'", u""},
    CodeLanguage{u"TOML", u"toml", u"false true"sv, {u"#"}, u"", u"", u"\"'", u"", true},
    CodeLanguage{u"INI", u"cfg conf ini", u""sv, {u"#", u";"}, u"", u"", u"\"", u""},
    CodeLanguage{u"CMake", u"cmake", u"else elseif endforeach endfunction endif endmacro foreach function if macro"sv, {u"#"}, u"", u"", u"\"", u""},
    CodeLanguage{u"Dockerfile", u"docker dockerfile", u"ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM RUN USER WORKDIR"sv, {u"#"}, u"", u"", u"\"'", u""},
    CodeLanguage{u"HTML", u"htm html svg xml", u""sv, {}, u"<!--", u"-->", u"\"", u""},
};

static_assert(std::all_of(kLanguages.begin(), kLanguages.end(), [](const CodeLanguage& language) { return isSorted(language.keywords); }));

/// True when `word` is one of the space-separated, sorted `words`.
bool holdsWord(std::u16string_view words, QStringView word)
{
    const std::u16string_view wanted(word.utf16(), std::size_t(word.size()));
    std::size_t low = 0;
    std::size_t high = words.size();
    while (low < high) {
        std::size_t begin = low + (high - low) / 2;
        while (begin > low && words[begin - 1] != u' ')
            --begin;
        std::size_t end = words.find(u' ', begin);
        end = end == std::u16string_view::npos ? words.size() : end;
        const int order = words.substr(begin, end - begin).compare(wanted);
        if (order == 0)
            return true;
        if (order < 0)
            low = std::min(end + 1, words.size());
        else
            high = begin;
    }
    return false;
}

bool isWordStart(QChar c)
{
    return c.isLetter() || c == u'_' || c == u'$' || c == u'@';
}

bool isWordPart(QChar c)
{
    return c.isLetterOrNumber() || c == u'_' || c == u'$';
}

QStringView view(std::u16string_view s)
{
    return {s.data(), qsizetype(s.size())};
}

// States: 0 nothing open, 1 a block comment, 2 + c a string over lines that ends with c, kTriple + c one that ends with ccc.
constexpr int kInComment = 1;
constexpr int kInLongString = 0x1000;
constexpr int kInTriple = 0x2000;

class LineLexer {
public:
    LineLexer(const CodeLanguage& language, QStringView line, std::vector<CodeSpan>& spans)
        : m_language(language), m_line(line), m_spans(spans)
    {
    }

    int run(int state)
    {
        if (state == kInComment)
            state = comment(0);
        else if (state >= kInTriple)
            state = tripleString(0, QChar(ushort(state - kInTriple)));
        else if (state >= kInLongString)
            state = longString(0, QChar(ushort(state - kInLongString)));
        while (m_pos < m_line.size() && state == 0)
            state = token();
        return state;
    }

private:
    void add(qsizetype start, CodeToken token)
    {
        m_spans.push_back({int(start), int(m_pos - start), token});
    }

    /// From `start`; the opening mark, if any, is already behind m_pos.
    int comment(qsizetype start)
    {
        const qsizetype close = m_line.indexOf(view(m_language.blockClose), m_pos);
        m_pos = close < 0 ? m_line.size() : close + qsizetype(m_language.blockClose.size());
        add(start, CodeToken::Comment);
        return close < 0 ? kInComment : 0;
    }

    int tripleString(qsizetype start, QChar quote)
    {
        const QString end(3, quote);
        const qsizetype close = m_line.indexOf(end, m_pos);
        m_pos = close < 0 ? m_line.size() : close + 3;
        add(start, CodeToken::String);
        return close < 0 ? kInTriple + quote.unicode() : 0;
    }

    /// True when the closing quote was found.
    bool skipString(QChar quote)
    {
        while (m_pos < m_line.size()) {
            if (m_line[m_pos] == u'\\')
                m_pos += 2;
            else if (m_line[m_pos++] == quote)
                return true;
        }
        m_pos = m_line.size();
        return false;
    }

    int longString(qsizetype start, QChar quote)
    {
        const bool closed = skipString(quote);
        add(start, CodeToken::String);
        return closed ? 0 : kInLongString + quote.unicode();
    }

    bool startsComment() const
    {
        const QStringView rest = m_line.mid(m_pos);
        for (const std::u16string_view mark : m_language.lineComments) {
            if (mark.empty() || !rest.startsWith(view(mark)))
                continue;
            // In a shell "#" within a word ("$#", "a#b") is no comment.
            if (mark == u"#" && m_pos > 0 && !m_line[m_pos - 1].isSpace())
                continue;
            return true;
        }
        return false;
    }

    int token()
    {
        const QChar c = m_line[m_pos];
        const qsizetype start = m_pos;
        if (c.isSpace()) {
            ++m_pos;
            return 0;
        }
        if (startsComment()) {
            m_pos = m_line.size();
            add(start, CodeToken::Comment);
            return 0;
        }
        if (!m_language.blockOpen.empty() && m_line.mid(m_pos).startsWith(view(m_language.blockOpen))) {
            m_pos += qsizetype(m_language.blockOpen.size());
            return comment(start);
        }
        if (view(m_language.longQuotes).contains(c)) {
            ++m_pos;
            return longString(start, c);
        }
        if (view(m_language.quotes).contains(c))
            return string(c);
        if (c.isDigit()) {
            number();
            return 0;
        }
        if (m_language.hashDirectives && c == u'#' && m_line.left(m_pos).trimmed().isEmpty()) {
            ++m_pos;
            while (m_pos < m_line.size() && isWordPart(m_line[m_pos]))
                ++m_pos;
            add(start, CodeToken::Keyword);
            return 0;
        }
        if (isWordStart(c)) {
            word();
            return 0;
        }
        ++m_pos;
        return 0;
    }

    int string(QChar quote)
    {
        const qsizetype start = m_pos;
        if (m_language.tripleQuotes && m_line.mid(m_pos).startsWith(QString(3, quote))) {
            m_pos += 3;
            return tripleString(start, quote);
        }
        ++m_pos;
        if (m_language.lifetimes && quote == u'\'') {
            const qsizetype close = m_line.indexOf(u'\'', m_pos);
            if (close < 0 || close - m_pos > 10 || (m_line[m_pos] != u'\\' && close - m_pos > 2))
                return 0;
        }
        skipString(quote);
        const bool key = m_language.keyBeforeColon && m_line.mid(m_pos).trimmed().startsWith(u':');
        add(start, key ? CodeToken::Function : CodeToken::String);
        return 0;
    }

    void number()
    {
        const qsizetype start = m_pos;
        while (m_pos < m_line.size()) {
            const QChar c = m_line[m_pos];
            const bool exponentSign = (c == u'+' || c == u'-') && m_pos > start && (m_line[m_pos - 1] == u'e' || m_line[m_pos - 1] == u'E')
                && !m_line.mid(start).startsWith(u"0x");
            const bool separator = c == u'\'' && m_pos + 1 < m_line.size() && m_line[m_pos + 1].isDigit();
            if (!isWordPart(c) && c != u'.' && !exponentSign && !separator)
                break;
            if (c == u'.' && m_pos + 1 < m_line.size() && m_line[m_pos + 1] == u'.') // a range: 0..9
                break;
            ++m_pos;
        }
        add(start, CodeToken::Number);
    }

    void word()
    {
        const qsizetype start = m_pos++;
        while (m_pos < m_line.size() && isWordPart(m_line[m_pos]))
            ++m_pos;
        const QStringView text = m_line.mid(start, m_pos - start);
        const bool keyword = m_language.ignoreCase ? holdsWord(m_language.keywords, text.toString().toLower())
                                                   : holdsWord(m_language.keywords, text);
        if (keyword)
            add(start, CodeToken::Keyword);
        else if (m_pos < m_line.size() && m_line[m_pos] == u'(')
            add(start, CodeToken::Function);
    }

    const CodeLanguage& m_language;
    QStringView m_line;
    std::vector<CodeSpan>& m_spans;
    qsizetype m_pos = 0;
};

} // namespace

CodeHighlighter::CodeHighlighter(QStringView name)
{
    const QString wanted = name.toString().toLower();
    m_displayName = name.toString();
    for (const CodeLanguage& language : kLanguages) {
        for (const QStringView alias : view(language.aliases).tokenize(u' ')) {
            if (alias == wanted) {
                m_language = &language;
                m_displayName = view(language.displayName).toString();
                return;
            }
        }
    }
}

QString CodeHighlighter::fileName() const
{
    struct Suffix {
        QStringView language;
        QStringView suffix;
    };
    static constexpr Suffix kSuffixes[] = {
        {u"C", u"c"},       {u"C++", u"cpp"},       {u"C#", u"cs"},         {u"Java", u"java"},  {u"Kotlin", u"kt"},
        {u"Swift", u"swift"}, {u"PHP", u"php"},     {u"CSS", u"css"},       {u"Python", u"py"},  {u"JavaScript", u"js"},
        {u"TypeScript", u"ts"}, {u"Shell", u"sh"},  {u"JSON", u"json"},     {u"SQL", u"sql"},    {u"Rust", u"rs"},
        {u"Go", u"go"},     {u"YAML", u"yaml"},     {u"TOML", u"toml"},     {u"INI", u"ini"},    {u"HTML", u"html"},
    };
    if (m_displayName == u"CMake")
        return QStringLiteral("CMakeLists.txt");
    if (m_displayName == u"Dockerfile")
        return m_displayName;
    for (const Suffix& known : kSuffixes) {
        if (known.language == m_displayName)
            return QStringLiteral("code.") + known.suffix.toString();
    }
    // As written, where that can be the end of a file's name: "csv", "lua", "md".
    const bool word = !m_displayName.isEmpty() && m_displayName.size() <= 8
        && std::all_of(m_displayName.begin(), m_displayName.end(), [](QChar c) { return c.unicode() < 0x80 && c.isLetterOrNumber(); });
    return QStringLiteral("code.") + (word ? m_displayName.toLower() : QStringLiteral("txt"));
}

int CodeHighlighter::highlightLine(QStringView line, int state, std::vector<CodeSpan>& spans) const
{
    if (!m_language || line.size() > kMaxLexedLine)
        return m_language ? state : 0;
    return LineLexer(*m_language, line, spans).run(state);
}

} // namespace hearth::ui
