// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/markdown_inline.h"

#include "ui/widgets/math_text.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

namespace hearth::ui {
namespace {

constexpr int kMaxLinkLength = 2048;
constexpr qsizetype kMaxInlineMath = 1000; ///< characters between the signs

/// A piece of output. Styles are changes that hold from this piece on, so that a span costs the same at any length.
struct Piece {
    QString text;
    int bold = 0;
    int italic = 0;
    int strike = 0;
    int linkChange = 0; ///< index + 1 of a link that starts here; -1 ends the current one
    bool code = false;
    bool formulaItalic = false;
    bool formulaBold = false;
    int script = 0;
    int formula = -1;
};

struct Delimiter {
    std::size_t piece = 0;
    QChar character;
    int count = 0;
    bool canOpen = false;
    bool canClose = false;
    int originalCount = 0;
    int previous = -1;
    int next = -1;
};

struct Bracket {
    std::size_t piece = 0;
    int delimitersBefore = 0; ///< size of the delimiter list when it opened
    bool image = false;
};

bool isCjk(QChar c)
{
    const ushort u = c.unicode();
    return (u >= 0x2E80 && u <= 0xA4CF) || (u >= 0xAC00 && u <= 0xD7AF) || (u >= 0xF900 && u <= 0xFAFF) || (u >= 0xFF00 && u <= 0xFFEF);
}

/// Scripts without spaces count as punctuation: "**text.**next" must close there.
bool isPunctuationLike(QChar c)
{
    return c.isPunct() || c.isSymbol() || isCjk(c);
}

bool isAllowedTarget(const QString& target)
{
    return target.startsWith(QLatin1String("http://"), Qt::CaseInsensitive) || target.startsWith(QLatin1String("https://"), Qt::CaseInsensitive)
        || target.startsWith(QLatin1String("mailto:"), Qt::CaseInsensitive);
}

class InlineParser {
public:
    InlineParser(QStringView source, InlineEnd end) : m_source(source), m_end(end) {}

    InlineText parse();

private:
    void flush();
    void addPiece(QString text);
    void parseCodeSpan();
    void parseDelimiterRun(QChar c);
    bool parseEntity();
    bool parseFormula();
    [[nodiscard]] qsizetype dollarEnd(qsizetype start) const;
    bool parseAngle();
    bool parseBareAddress();
    void openBracket(bool image);
    void closeBracket();
    bool parseLinkTarget(qsizetype& at, QString& target) const;
    void addLink(const QString& text, const QString& target);
    void processEmphasis(int bottom);
    void closeAtEnd();
    InlineText assemble() const;
    void unlink(int index);
    [[nodiscard]] QChar at(qsizetype i) const { return i < m_source.size() ? m_source[i] : QChar(); }

    QStringView m_source;
    InlineEnd m_end;
    qsizetype m_pos = 0;
    QString m_plain;
    std::vector<Piece> m_pieces;
    std::vector<Delimiter> m_delimiters;
    std::vector<Bracket> m_brackets;
    std::size_t m_bracketsInLink = 0; ///< brackets below this one surround a link
    std::vector<QString> m_targets;
    std::vector<QString> m_formulas;
    std::unordered_map<qsizetype, qsizetype> m_lastBacktickRun; ///< run length -> start of its last occurrence
    bool m_backticksIndexed = false;
};

void InlineParser::flush()
{
    if (!m_plain.isEmpty()) {
        Piece piece;
        piece.text = std::exchange(m_plain, {});
        m_pieces.push_back(std::move(piece));
    }
}

void InlineParser::addPiece(QString text)
{
    flush();
    Piece piece;
    piece.text = std::move(text);
    m_pieces.push_back(std::move(piece));
}

void InlineParser::parseCodeSpan()
{
    const auto runEnd = [this](qsizetype from) {
        while (at(from) == u'`')
            ++from;
        return from;
    };
    if (!m_backticksIndexed) {
        m_backticksIndexed = true;
        for (qsizetype i = m_pos; i < m_source.size();) {
            if (m_source[i] == u'`') {
                const qsizetype stop = runEnd(i);
                m_lastBacktickRun[stop - i] = i;
                i = stop;
            } else {
                ++i;
            }
        }
    }
    const qsizetype contentStart = runEnd(m_pos);
    const qsizetype length = contentStart - m_pos;
    qsizetype contentEnd = -1;
    qsizetype next = -1;
    if (const auto last = m_lastBacktickRun.find(length); last != m_lastBacktickRun.end() && last->second > m_pos) {
        for (qsizetype i = contentStart; i < m_source.size();) {
            if (m_source[i] != u'`') {
                ++i;
                continue;
            }
            const qsizetype stop = runEnd(i);
            if (stop - i == length) {
                contentEnd = i;
                next = stop;
                break;
            }
            i = stop;
        }
    }
    if (contentEnd < 0 && m_end == InlineEnd::Streaming && length == 1 && contentStart < m_source.size()) {
        contentEnd = m_source.size();
        next = contentEnd;
    }
    if (contentEnd < 0) {
        m_plain += m_source.mid(m_pos, length);
        m_pos = contentStart;
        return;
    }
    QString content = m_source.mid(contentStart, contentEnd - contentStart).toString();
    content.replace(u'\n', u' ');
    if (content.size() > 2 && content.startsWith(u' ') && content.endsWith(u' ') && !content.trimmed().isEmpty())
        content = content.mid(1, content.size() - 2);
    addPiece(std::move(content));
    m_pieces.back().code = true;
    m_pos = next;
}

void InlineParser::parseDelimiterRun(QChar c)
{
    const qsizetype start = m_pos;
    while (at(m_pos) == c)
        ++m_pos;
    const int count = int(m_pos - start);
    const QChar before = start > 0 ? m_source[start - 1] : QChar(u' ');
    const QChar after = m_pos < m_source.size() ? m_source[m_pos] : QChar(u' ');
    const bool leftFlanking = !after.isSpace() && (!isPunctuationLike(after) || before.isSpace() || isPunctuationLike(before));
    const bool rightFlanking = !before.isSpace() && (!isPunctuationLike(before) || after.isSpace() || isPunctuationLike(after));
    Delimiter delimiter;
    if (c == u'_') {
        delimiter.canOpen = leftFlanking && (!rightFlanking || isPunctuationLike(before));
        delimiter.canClose = rightFlanking && (!leftFlanking || isPunctuationLike(after));
    } else {
        delimiter.canOpen = leftFlanking;
        delimiter.canClose = rightFlanking;
    }
    if (c == u'~' && count != 2) // one tilde is "about", three are no strike-through
        delimiter.canOpen = delimiter.canClose = false;
    addPiece(m_source.mid(start, count).toString());
    if (!delimiter.canOpen && !delimiter.canClose)
        return;
    delimiter.piece = m_pieces.size() - 1;
    delimiter.character = c;
    delimiter.count = count;
    delimiter.originalCount = count;
    m_delimiters.push_back(delimiter);
}

bool InlineParser::parseEntity()
{
    const qsizetype semicolon = m_source.mid(m_pos, 12).indexOf(u';');
    if (semicolon < 2)
        return false;
    const QStringView name = m_source.mid(m_pos + 1, semicolon - 1);
    QString text;
    if (name == QLatin1String("amp"))
        text = QStringLiteral("&");
    else if (name == QLatin1String("lt"))
        text = QStringLiteral("<");
    else if (name == QLatin1String("gt"))
        text = QStringLiteral(">");
    else if (name == QLatin1String("quot"))
        text = QStringLiteral("\"");
    else if (name == QLatin1String("nbsp"))
        text = QString(QChar(0x00A0));
    else if (name.startsWith(u'#')) {
        const bool hex = name.size() > 1 && (name[1] == u'x' || name[1] == u'X');
        bool ok = false;
        const uint code = name.mid(hex ? 2 : 1).toUInt(&ok, hex ? 16 : 10);
        if (!ok || code < 0x20 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
            return false;
        const char32_t point = code;
        text = QString::fromUcs4(&point, 1);
    }
    if (text.isEmpty())
        return false;
    m_plain += text;
    m_pos += semicolon + 1;
    return true;
}

/// Where the formula that begins at `start` (after its sign) ends; -1 = it is none but money. A sign touches its formula,
/// no digit follows the closing one, and "$5 to the $" has words only.
qsizetype InlineParser::dollarEnd(qsizetype start) const
{
    if (at(start).isSpace() || at(start).isNull() || (start >= 2 && m_source[start - 2].isLetterOrNumber()))
        return -1;
    const qsizetype limit = std::min(m_source.size(), start + kMaxInlineMath);
    for (qsizetype i = start; i < limit; ++i) {
        if (m_source[i] == u'\\') {
            ++i;
            continue;
        }
        if (m_source[i] == u'`')
            return -1;
        if (m_source[i] != u'$')
            continue;
        if (i == start || m_source[i - 1].isSpace() || at(i + 1).isDigit())
            return -1;
        const QStringView inside = m_source.mid(start, i - start);
        const bool marks = std::any_of(inside.begin(), inside.end(), [](QChar c) { return QStringView(u"\\^_=<>+-*/|{(").contains(c); });
        return marks || !inside.contains(u' ') ? i : -1;
    }
    return -1;
}

bool InlineParser::parseFormula()
{
    const QStringView rest = m_source.mid(m_pos, kMaxInlineMath + 4);
    qsizetype open = 2;
    qsizetype close = -1; // in m_source
    if (rest.startsWith(u"$$") || rest.startsWith(u"\\(") || rest.startsWith(u"\\[")) {
        const QStringView sign = rest.startsWith(u"$$") ? QStringView(u"$$") : rest.startsWith(u"\\(") ? QStringView(u"\\)") : QStringView(u"\\]");
        const qsizetype found = rest.mid(2).indexOf(sign);
        if (found == 0 || (found < 0 && (m_end == InlineEnd::Final || sign != u"\\)" || rest.size() > kMaxInlineMath || rest.size() == 2)))
            return false;
        close = found < 0 ? m_source.size() : m_pos + 2 + found;
    } else {
        open = 1;
        close = dollarEnd(m_pos + 1);
        if (close < 0)
            return false;
    }
    const InlineText formula = mathText(parseMath(m_source.mid(m_pos + open, close - m_pos - open)));
    const qsizetype after = std::min(m_source.size(), close + open);
    m_formulas.push_back(m_source.mid(m_pos, after - m_pos).toString());
    m_pos = after;
    for (const InlineSpan& span : formula.spans) {
        addPiece(formula.text.mid(span.start, span.length));
        Piece& piece = m_pieces.back();
        piece.formulaItalic = span.italic;
        piece.formulaBold = span.bold;
        piece.script = span.script;
        piece.formula = int(m_formulas.size()) - 1;
    }
    return true;
}

void InlineParser::addLink(const QString& text, const QString& target)
{
    addPiece(text);
    m_targets.push_back(target);
    m_pieces.back().linkChange = int(m_targets.size());
    addPiece({});
    m_pieces.back().linkChange = -1;
}

bool InlineParser::parseAngle()
{
    const QStringView rest = m_source.mid(m_pos, kMaxLinkLength);
    for (const QLatin1String tag : {QLatin1String("<br>"), QLatin1String("<br/>"), QLatin1String("<br />")}) {
        if (rest.startsWith(tag, Qt::CaseInsensitive)) {
            m_plain += QChar(QChar::LineSeparator);
            m_pos += tag.size();
            return true;
        }
    }
    if (!rest.mid(1).startsWith(QLatin1String("http"), Qt::CaseInsensitive) && !rest.mid(1).startsWith(QLatin1String("mailto:"), Qt::CaseInsensitive))
        return false;
    const qsizetype close = rest.indexOf(u'>');
    if (close < 0)
        return false;
    const QString target = rest.mid(1, close - 1).toString();
    if (!isAllowedTarget(target) || std::any_of(target.begin(), target.end(), [](QChar c) { return c.isSpace() || c == u'<'; }))
        return false;
    addLink(target, target);
    m_pos += close + 1;
    return true;
}

bool InlineParser::parseBareAddress()
{
    const QStringView rest = m_source.mid(m_pos, kMaxLinkLength);
    const bool www = rest.startsWith(QLatin1String("www."));
    if (!www && !rest.startsWith(QLatin1String("http://")) && !rest.startsWith(QLatin1String("https://")))
        return false;
    if (m_pos > 0 && m_source[m_pos - 1].isLetterOrNumber())
        return false;
    qsizetype length = 0;
    int parentheses = 0;
    for (; length < rest.size(); ++length) {
        const QChar c = rest[length];
        if (c.isSpace() || c == u'<' || c == u'>' || c == u'"' || c == u'`' || c == u'*' || isCjk(c) || c == u']')
            break;
        if (c == u'(')
            ++parentheses;
        if (c == u')' && --parentheses < 0)
            break;
    }
    while (length > 0 && QStringView(u".,:;!?'_~").contains(rest[length - 1]))
        --length;
    const qsizetype bare = www ? 4 : rest.indexOf(QLatin1String("://")) + 3;
    if (length <= bare)
        return false;
    const QString text = rest.left(length).toString();
    addLink(text, www ? QStringLiteral("http://") + text : text);
    m_pos += length;
    return true;
}

void InlineParser::openBracket(bool image)
{
    addPiece(image ? QStringLiteral("![") : QStringLiteral("["));
    m_brackets.push_back({m_pieces.size() - 1, int(m_delimiters.size()), image});
    m_pos += image ? 2 : 1;
}

/// "(target "title")" at `at`; moves it past the closing parenthesis.
bool InlineParser::parseLinkTarget(qsizetype& position, QString& target) const
{
    const qsizetype limit = std::min(m_source.size(), position + kMaxLinkLength);
    qsizetype i = position;
    const auto character = [&](qsizetype k) { return k < limit ? m_source[k] : QChar(); };
    const auto skipSpaces = [&] {
        while (i < limit && m_source[i].isSpace())
            ++i;
    };
    if (character(i) != u'(')
        return false;
    ++i;
    skipSpaces();
    const qsizetype start = i;
    if (character(i) == u'<') {
        while (i < limit && m_source[i] != u'>' && m_source[i] != u'\n')
            ++i;
        if (character(i) != u'>')
            return false;
        target = m_source.mid(start + 1, i - start - 1).toString();
        ++i;
    } else {
        int depth = 0;
        for (; i < limit; ++i) {
            const QChar c = m_source[i];
            if (c.isSpace())
                break;
            if (c == u'(' && ++depth > 32)
                return false;
            if (c == u')' && --depth < 0)
                break;
        }
        target = m_source.mid(start, i - start).toString();
    }
    skipSpaces();
    const QChar quote = character(i);
    if (quote == u'"' || quote == u'\'') {
        ++i;
        while (i < limit && m_source[i] != quote)
            ++i;
        ++i;
        skipSpaces();
    }
    if (character(i) != u')')
        return false;
    position = i + 1;
    return true;
}

void InlineParser::closeBracket()
{
    flush();
    ++m_pos;
    if (m_brackets.empty()) {
        m_plain += u']';
        return;
    }
    const Bracket bracket = m_brackets.back();
    m_brackets.pop_back();
    const bool inactive = m_brackets.size() < m_bracketsInLink && !bracket.image;
    m_bracketsInLink = std::min(m_bracketsInLink, m_brackets.size());
    QString target;
    qsizetype after = m_pos;
    if (inactive || !parseLinkTarget(after, target)) {
        m_plain += u']';
        return;
    }
    m_pos = after;
    processEmphasis(bracket.delimitersBefore);
    m_delimiters.resize(std::size_t(bracket.delimitersBefore));
    Piece& open = m_pieces[bracket.piece];
    open.text.clear();
    if (m_pieces.size() == bracket.piece + 1) // "[](target)" and "![](target)" still show where they lead
        addPiece(target);
    if (isAllowedTarget(target)) {
        m_targets.push_back(target);
        m_pieces[bracket.piece].linkChange = int(m_targets.size());
        addPiece({});
        m_pieces.back().linkChange = -1;
    }
    if (!bracket.image)
        m_bracketsInLink = m_brackets.size(); // a link holds no link: the brackets around this one stay text
}

void InlineParser::unlink(int index)
{
    const Delimiter& d = m_delimiters[std::size_t(index)];
    if (d.previous >= 0)
        m_delimiters[std::size_t(d.previous)].next = d.next;
    if (d.next >= 0)
        m_delimiters[std::size_t(d.next)].previous = d.previous;
}

void InlineParser::processEmphasis(int bottom)
{
    const int count = int(m_delimiters.size());
    for (int i = bottom; i < count; ++i) {
        m_delimiters[std::size_t(i)].previous = i > bottom ? i - 1 : -1;
        m_delimiters[std::size_t(i)].next = i + 1 < count ? i + 1 : -1;
    }
    // Below these no opener can match, by kind of closer; without them "a**b" x n would be quadratic.
    std::array<int, 3 * 2 * 3> openersBottom;
    openersBottom.fill(bottom - 1);
    int closer = bottom < count ? bottom : -1;
    while (closer >= 0) {
        Delimiter& c = m_delimiters[std::size_t(closer)];
        if (!c.canClose || c.count == 0) {
            closer = c.next;
            continue;
        }
        const int kind = c.character == u'*' ? 0 : c.character == u'_' ? 1 : 2;
        int& floor = openersBottom[std::size_t((kind * 2 + (c.canOpen ? 1 : 0)) * 3 + c.originalCount % 3)];
        int opener = c.previous;
        bool found = false;
        for (; opener > floor; opener = m_delimiters[std::size_t(opener)].previous) {
            const Delimiter& o = m_delimiters[std::size_t(opener)];
            if (o.character != c.character || !o.canOpen || o.count == 0)
                continue;
            const bool oddMatch = (c.canOpen || o.canClose) && (o.originalCount + c.originalCount) % 3 == 0
                && !(o.originalCount % 3 == 0 && c.originalCount % 3 == 0);
            if (!oddMatch) {
                found = true;
                break;
            }
        }
        if (!found) {
            floor = c.previous;
            const int next = c.next;
            if (!c.canOpen)
                unlink(closer);
            closer = next;
            continue;
        }
        Delimiter& o = m_delimiters[std::size_t(opener)];
        const int used = o.count >= 2 && c.count >= 2 ? 2 : 1;
        for (int between = o.next; between != closer && between >= 0;) {
            const int next = m_delimiters[std::size_t(between)].next;
            unlink(between);
            between = next;
        }
        Piece& first = m_pieces[o.piece];
        Piece& last = m_pieces[c.piece];
        // The markers left over stay outside of the span: the opener's stand before it, the closer's after it. Styles change
        // at the start of a piece, so the opener's change belongs to the piece after it.
        Piece& inside = m_pieces[o.piece + 1];
        first.text.chop(used);
        last.text.chop(used);
        if (c.character == u'~') {
            ++inside.strike;
            --last.strike;
        } else if (used == 2) {
            ++inside.bold;
            --last.bold;
        } else {
            ++inside.italic;
            --last.italic;
        }
        o.count -= used;
        c.count -= used;
        if (o.count == 0)
            unlink(opener);
        if (c.count == 0) {
            const int next = c.next;
            unlink(closer);
            closer = next;
        }
    }
}

/// While text still comes, "**Note" is bold already.
void InlineParser::closeAtEnd()
{
    if (m_end == InlineEnd::Final || m_delimiters.empty())
        return;
    for (auto d = m_delimiters.rbegin(); d != m_delimiters.rend(); ++d) {
        if (!d->canOpen || d->count != 2 || d->originalCount != 2 || d->character == u'~' || d->piece + 1 >= m_pieces.size())
            continue;
        m_pieces[d->piece].text.clear();
        ++m_pieces[d->piece + 1].bold;
        return;
    }
}

InlineText InlineParser::assemble() const
{
    InlineText out;
    out.formulas = m_formulas;
    int bold = 0;
    int italic = 0;
    int strike = 0;
    int link = 0;
    for (const Piece& piece : m_pieces) {
        bold += piece.bold;
        italic += piece.italic;
        strike += piece.strike;
        if (piece.linkChange != 0)
            link = piece.linkChange;
        if (piece.text.isEmpty())
            continue;
        InlineSpan span;
        span.start = int(out.text.size());
        span.length = int(piece.text.size());
        span.bold = bold > 0 || piece.formulaBold;
        span.italic = piece.formula >= 0 ? piece.formulaItalic : italic > 0;
        span.strike = strike > 0;
        span.code = piece.code;
        span.script = piece.script;
        span.formula = piece.formula;
        if (link > 0)
            span.href = m_targets[std::size_t(link - 1)];
        out.text += piece.text;
        if (!span.bold && !span.italic && !span.strike && !span.code && span.href.isEmpty() && span.formula < 0)
            continue;
        if (!out.spans.empty()) {
            InlineSpan& previous = out.spans.back();
            if (previous.start + previous.length == span.start && previous.bold == span.bold && previous.italic == span.italic
                && previous.strike == span.strike && previous.code == span.code && previous.script == span.script
                && previous.formula == span.formula && previous.href == span.href) {
                previous.length += span.length;
                continue;
            }
        }
        out.spans.push_back(std::move(span));
    }
    return out;
}

InlineText InlineParser::parse()
{
    while (m_pos < m_source.size()) {
        const QChar c = m_source[m_pos];
        switch (c.unicode()) {
        case u'\\': {
            const QChar next = at(m_pos + 1);
            if ((next == u'(' || next == u'[') && parseFormula())
                continue;
            if (next == u'\n') { // a hard break
                ++m_pos;
            } else if (next.unicode() < 0x80 && (next.isPunct() || next.isSymbol())) {
                m_plain += next;
                m_pos += 2;
            } else {
                m_plain += c;
                ++m_pos;
            }
            continue;
        }
        case u'$':
            if (parseFormula())
                continue;
            break;
        case u'`':
            parseCodeSpan();
            continue;
        case u'*':
        case u'_':
        case u'~':
            parseDelimiterRun(c);
            continue;
        case u'!':
            if (at(m_pos + 1) == u'[') {
                openBracket(true);
                continue;
            }
            break;
        case u'[':
            openBracket(false);
            continue;
        case u']':
            closeBracket();
            continue;
        case u'&':
            if (parseEntity())
                continue;
            break;
        case u'<':
            if (parseAngle())
                continue;
            break;
        case u'h':
        case u'w':
            if (parseBareAddress())
                continue;
            break;
        case u'\n':
            while (m_plain.endsWith(u' '))
                m_plain.chop(1);
            m_plain += QChar(QChar::LineSeparator);
            ++m_pos;
            continue;
        default:
            break;
        }
        m_plain += c;
        ++m_pos;
    }
    flush();
    addPiece({}); // so that every delimiter has a piece after it
    processEmphasis(0);
    closeAtEnd();
    return assemble();
}

} // namespace

InlineText parseInline(QStringView markdown, InlineEnd end)
{
    return InlineParser(markdown, end).parse();
}

QString inlineMarkdown(const InlineText& text, int from, int to)
{
    QString out;
    int at = from;
    int formula = -1;
    for (const InlineSpan& span : text.spans) {
        const int start = std::max(span.start, from);
        const int end = std::min(span.start + span.length, to);
        if (start >= end)
            continue;
        out += QStringView(text.text).mid(at, start - at);
        at = end;
        if (span.formula >= 0) {
            if (std::exchange(formula, span.formula) != span.formula)
                out += text.formulas[std::size_t(span.formula)];
            continue;
        }
        QString part = text.text.mid(start, end - start);
        if (span.code) {
            const QString ticks(part.contains(u'`') ? 2 : 1, u'`');
            part = ticks + (part.contains(u'`') ? u' ' + part + u' ' : part) + ticks;
        }
        const QString marks = QString(span.bold ? 2 : 0, u'*') + QString(span.italic ? 1 : 0, u'*') + QString(span.strike ? 2 : 0, u'~');
        part = marks + part;
        for (qsizetype i = marks.size(); i > 0; --i)
            part += marks[i - 1];
        if (!span.href.isEmpty())
            part = part == span.href ? part : u'[' + part + QStringLiteral("](") + span.href + u')';
        out += part;
    }
    out += QStringView(text.text).mid(at, std::max(0, to - at));
    return out.replace(QChar(QChar::LineSeparator), u'\n');
}

} // namespace hearth::ui
