// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/markdown_document.h"

#include "ui/widgets/math_tree.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hearth::ui {
namespace {

constexpr QLatin1String kThinkOpen("<think>");
constexpr QLatin1String kThinkClose("</think>");
constexpr int kTabStop = 4;
constexpr qsizetype kMinUnderline = 3; ///< CommonMark takes one; a lone dash is more often a list item to come

qsizetype indentOf(QStringView line)
{
    qsizetype i = 0;
    while (i < line.size() && line[i] == u' ')
        ++i;
    return i;
}

bool isBlank(QStringView line)
{
    return line.trimmed().isEmpty();
}

qsizetype runLength(QStringView s, QChar c)
{
    qsizetype i = 0;
    while (i < s.size() && s[i] == c)
        ++i;
    return i;
}

/// Tabs of the indentation as spaces; the rest of the line keeps its own.
QString expandIndent(QStringView line)
{
    qsizetype i = 0;
    QString indent;
    for (; i < line.size() && (line[i] == u' ' || line[i] == u'\t'); ++i) {
        if (line[i] == u'\t')
            indent += QString(kTabStop - indent.size() % kTabStop, u' ');
        else
            indent += u' ';
    }
    return indent.append(line.mid(i));
}

/// `line` without its first columns, tabs of the indentation counted as expandIndent does; later ones stay tabs.
QString dropColumns(QStringView line, qsizetype columns)
{
    bool indent = true;
    qsizetype column = 0;
    qsizetype i = 0;
    for (; i < line.size() && column < columns; ++i) {
        indent = indent && (line[i] == u' ' || line[i] == u'\t');
        column += indent && line[i] == u'\t' ? kTabStop - column % kTabStop : 1;
    }
    return QString(std::max<qsizetype>(0, column - columns), u' ').append(line.mid(i));
}

bool isRule(QStringView s)
{
    if (s.isEmpty() || !QStringView(u"-*_").contains(s[0]))
        return false;
    int marks = 0;
    for (const QChar c : s) {
        if (c == s[0])
            ++marks;
        else if (!c.isSpace())
            return false;
    }
    return marks >= 3;
}

/// Level of "## heading"; 0 = none.
int headingLevel(QStringView s)
{
    const qsizetype level = runLength(s, u'#');
    return level >= 1 && level <= 6 && (level == s.size() || s[level].isSpace()) ? int(level) : 0;
}

struct Fence {
    QChar character;
    qsizetype length = 0; ///< 0 = none
    QStringView info;
};

Fence matchFence(QStringView s)
{
    if (s.isEmpty() || (s[0] != u'`' && s[0] != u'~'))
        return {};
    const qsizetype length = runLength(s, s[0]);
    const QStringView info = s.mid(length).trimmed();
    if (length < 3 || (s[0] == u'`' && info.contains(u'`')))
        return {};
    return {s[0], length, info};
}

struct Marker {
    qsizetype width = 0; ///< without the space after it; 0 = none
    MarkerKind kind = MarkerKind::Bullet;
    bool first = true;   ///< a bullet or number 1: may interrupt a paragraph
};

Marker matchMarker(QStringView s)
{
    if (s.isEmpty())
        return {};
    Marker marker;
    if (QStringView(u"-*+").contains(s[0])) {
        marker.width = 1;
    } else {
        qsizetype digits = 0;
        while (digits < s.size() && digits < 9 && s[digits] >= u'0' && s[digits] <= u'9')
            ++digits;
        if (digits == 0 || digits >= s.size() || (s[digits] != u'.' && s[digits] != u')'))
            return {};
        marker.kind = MarkerKind::Number;
        marker.width = digits + 1;
        marker.first = s.left(digits) == QLatin1String("1");
    }
    return marker.width == s.size() || s[marker.width].isSpace() ? marker : Marker{};
}

/// What opens a formula and what closes it; nothing = none begins here.
struct MathSigns {
    QStringView open;
    QString close;
};

MathSigns matchMath(QStringView s)
{
    if (s.startsWith(u"$$"))
        return {s.left(2), QStringLiteral("$$")};
    if (s.startsWith(u"\\["))
        return {s.left(2), QStringLiteral("\\]")};
    if (startsMathEnvironment(s))
        return {s.left(0), QStringLiteral("\\end{%1}").arg(s.mid(7, s.indexOf(u'}') - 7))};
    return {};
}

/// "." and "," after a formula belong to the sentence, not to a text that goes on.
bool isTail(QStringView s)
{
    return std::all_of(s.begin(), s.end(), [](QChar c) { return c.isSpace() || QStringView(u".,;:").contains(c); });
}

bool startsBlock(QStringView rest)
{
    const QStringView s = rest.mid(indentOf(rest));
    if (!matchMath(s).close.isEmpty())
        return true;
    return s.startsWith(u'>') || headingLevel(s) > 0 || matchFence(s).length > 0 || isRule(s) || matchMarker(s).width > 0;
}

std::vector<QString> splitCells(QStringView row)
{
    row = row.trimmed();
    if (row.startsWith(u'|'))
        row = row.mid(1);
    std::vector<QString> cells(1);
    for (qsizetype i = 0; i < row.size(); ++i) {
        if (row[i] == u'\\' && i + 1 < row.size() && row[i + 1] == u'|') {
            cells.back() += u'|';
            ++i;
        } else if (row[i] == u'|') {
            if (i + 1 < row.size()) // a pipe at the end closes the row
                cells.emplace_back();
        } else {
            cells.back() += row[i];
        }
    }
    for (QString& cell : cells)
        cell = std::move(cell).trimmed();
    return cells;
}

/// Columns of "|---|:-:|"; 0 = it is no such row.
std::size_t delimiterColumns(QStringView s)
{
    if (!s.contains(u'-') || !std::all_of(s.begin(), s.end(), [](QChar c) { return QStringView(u"|-: \t").contains(c); }))
        return 0;
    if (!s.contains(u'|') && !s.contains(u':'))
        return 0;
    const std::vector<QString> cells = splitCells(s);
    const auto valid = [](const QString& cell) {
        const QStringView dashes = QStringView(cell).mid(cell.startsWith(u':') ? 1 : 0).chopped(cell.size() > 1 && cell.endsWith(u':') ? 1 : 0);
        return !dashes.isEmpty() && runLength(dashes, u'-') == dashes.size();
    };
    return std::all_of(cells.begin(), cells.end(), valid) ? cells.size() : 0;
}

/// Pieces of at most kPlainChunkChars, never between the halves of a surrogate pair.
template <typename Add>
void forEachChunk(QStringView text, Add add)
{
    while (!text.isEmpty()) {
        qsizetype size = std::min(text.size(), kPlainChunkChars);
        if (size < text.size() && text[size].isLowSurrogate())
            --size;
        add(text.left(size));
        text = text.mid(size);
    }
}

} // namespace

std::size_t MarkdownDocument::setText(const QString& text)
{
    if (text == m_text)
        return m_blocks.size();
    State from;
    if (!m_text.isEmpty() && text.startsWith(m_text)) {
        // The last line may have been incomplete ("-" may become "---"): then the block that it began is doubtful, too.
        const qsizetype lastLine = m_text.lastIndexOf(u'\n') + 1;
        from = m_checkpoint.offset >= lastLine && m_checkpoint.offset > 0 ? m_previousCheckpoint : m_checkpoint;
    }
    m_text = text;
    std::vector<MarkdownBlock> before(std::make_move_iterator(m_blocks.begin() + std::ptrdiff_t(from.blockCount)),
                                      std::make_move_iterator(m_blocks.end()));
    m_blocks.resize(from.blockCount);
    m_foldedBefore = false;
    m_checkpoint = from;
    m_previousCheckpoint = from;
    parseFrom(from);
    if (m_foldedBefore)
        return 0;
    const std::size_t kept = from.blockCount;
    std::size_t same = 0;
    while (same < before.size() && kept + same < m_blocks.size() && before[same] == m_blocks[kept + same])
        ++same;
    return kept + same;
}

void MarkdownDocument::parseFrom(const State& state)
{
    m_state = state;
    const QStringView all(m_text);
    for (qsizetype start = state.offset; start < all.size();) {
        qsizetype stop = all.indexOf(u'\n', start);
        m_lineComplete = stop >= 0;
        if (!m_lineComplete)
            stop = all.size();
        m_state.offset = start;
        m_state.blockCount = m_blocks.size();
        m_lineStart = m_state;
        QStringView line = all.mid(start, stop - start);
        if (line.endsWith(u'\r'))
            line.chop(1);
        parseLine(line);
        start = stop + 1;
    }
}

void MarkdownDocument::parseLine(QStringView line)
{
    if (m_state.thinking) {
        parseThinkingLine(line);
        return;
    }
    if (m_state.leaf != Leaf::Fence && !m_state.sawThink) {
        const QStringView trimmed = line.trimmed();
        if (m_blocks.empty()) {
            if (trimmed.startsWith(kThinkOpen)) {
                m_state.thinking = true;
                m_state.sawThink = true;
                parseThinkingLine(trimmed.mid(kThinkOpen.size()));
                return;
            }
            // Half a tag is not shown: it would flash up while it streams.
            if (!m_lineComplete && trimmed.size() > 1 && QStringView(QString(kThinkOpen)).startsWith(trimmed))
                return;
        }
        if (foldOrphanThought(line))
            return;
    }
    parseBlocks(line);
}

void MarkdownDocument::parseThinkingLine(QStringView line)
{
    const qsizetype close = line.indexOf(kThinkClose);
    if (close < 0) {
        const QStringView trimmed = line.trimmed();
        if (m_lineComplete || trimmed.size() < 2 || !QString(kThinkClose).startsWith(trimmed))
            parseBlocks(line);
        return;
    }
    if (!isBlank(line.left(close)))
        parseBlocks(line.left(close));
    // Whatever was open in the thought ends with it.
    if (m_state.leaf == Leaf::Fence)
        m_blocks.back().closed = true;
    m_state.containers.clear();
    m_state.leaf = Leaf::None;
    m_state.thinking = false;
    m_state.blankBefore = true;
    if (const QStringView rest = line.mid(close + kThinkClose.size()); !isBlank(rest))
        parseBlocks(rest.trimmed());
}

/// Some templates open the thought in the prompt: the reply then holds only its end.
bool MarkdownDocument::foldOrphanThought(QStringView line)
{
    const QStringView trimmed = line.trimmed();
    const bool starts = trimmed.startsWith(kThinkClose);
    if (!starts && !(m_lineComplete && trimmed.endsWith(kThinkClose)))
        return false;
    m_state.sawThink = true;
    m_state.thinking = true;
    parseThinkingLine(line);
    for (std::size_t i = 0; i < m_lineStart.blockCount; ++i) {
        if (!m_blocks[i].thought) {
            m_blocks[i].thought = true;
            m_foldedBefore = true;
        }
    }
    return true;
}

void MarkdownDocument::parseBlocks(QStringView source)
{
    const QString line = expandIndent(source);
    qsizetype pos = 0;
    const std::size_t matched = matchContainers(line, pos);
    const bool allMatched = matched == m_state.containers.size();
    const QStringView rest = QStringView(line).mid(pos);
    if (m_state.leaf == Leaf::Fence) {
        if (allMatched) {
            addFenceLine(rest, source, pos);
            return;
        }
        m_blocks.back().closed = true;
        m_state.leaf = Leaf::None;
    }
    if (m_state.leaf == Leaf::Math) {
        if (!isBlank(rest)) {
            addMathLine(rest.trimmed());
            return;
        }
        // It was no formula: "$$ is what I want". Its text comes back.
        MarkdownBlock& block = m_blocks.back();
        block.kind = BlockKind::Paragraph;
        block.closed = true;
        if (!m_state.mathEnd.startsWith(u"\\end"))
            block.text.prepend(m_state.mathEnd == u"$$" ? QStringLiteral("$$") : QStringLiteral("\\["));
    }
    if (isBlank(rest)) {
        m_state.containers.resize(matched);
        m_state.leaf = Leaf::None;
        m_state.blankBefore = true;
        return;
    }
    if (!allMatched) {
        if (m_state.leaf == Leaf::Paragraph && !startsBlock(rest)) { // a paragraph goes on without its ">" or indentation
            addParagraphText(rest.trimmed());
            return;
        }
        m_state.containers.resize(matched);
        m_state.leaf = Leaf::None;
    }
    std::vector<ListMarker> markers;
    openContainers(line, pos, markers);
    parseLeaf(QStringView(line).mid(pos), std::move(markers));
}

std::size_t MarkdownDocument::matchContainers(QStringView line, qsizetype& pos) const
{
    const bool inFence = m_state.leaf == Leaf::Fence;
    std::size_t matched = 0;
    for (const Container& container : m_state.containers) {
        const QStringView rest = line.mid(pos);
        const qsizetype indent = indentOf(rest);
        if (container.kind == BlockContainer::Quote) {
            if (indent >= rest.size() || rest[indent] != u'>')
                break;
            pos += indent + 1;
            if (pos < line.size() && line[pos] == u' ')
                ++pos;
        } else if (isBlank(rest)) {
            pos += std::min<qsizetype>(indent, container.contentIndent);
        } else if (indent >= container.contentIndent) {
            pos += container.contentIndent;
        } else if (inFence) { // code in a list item that forgot its indentation
            pos += indent;
        } else if (indent >= container.markerIndent + 2 && matchMarker(rest.mid(indent)).width > 0) {
            pos += indent;
        } else {
            break;
        }
        ++matched;
    }
    return matched;
}

int MarkdownDocument::depthOf(BlockContainer kind) const
{
    return int(std::count_if(m_state.containers.begin(), m_state.containers.end(), [kind](const Container& c) { return c.kind == kind; }));
}

void MarkdownDocument::openContainers(QStringView line, qsizetype& pos, std::vector<ListMarker>& markers)
{
    for (;;) {
        const QStringView rest = line.mid(pos);
        const qsizetype indent = indentOf(rest);
        const QStringView s = rest.mid(indent);
        if (s.isEmpty() || (indent >= kTabStop && m_state.containers.empty()))
            return;
        if (s[0] == u'>') {
            m_state.leaf = Leaf::None;
            if (depthOf(BlockContainer::Quote) < kMaxQuoteDepth)
                m_state.containers.push_back({BlockContainer::Quote, 0, 0});
            pos += indent + 1;
            if (pos < line.size() && line[pos] == u' ')
                ++pos;
            continue;
        }
        const Marker marker = matchMarker(s);
        if (marker.width == 0 || isRule(s) || depthOf(BlockContainer::ListItem) >= kMaxListDepth)
            return;
        const bool empty = isBlank(s.mid(marker.width));
        if (m_state.leaf == Leaf::Paragraph && (!marker.first || empty))
            return;
        m_state.leaf = Leaf::None;
        qsizetype spaces = indentOf(s.mid(marker.width));
        if (empty || spaces > kTabStop)
            spaces = 1;
        if (!empty && spaces == 0) // a tab
            spaces = 1;
        ListMarker item;
        item.kind = marker.kind;
        item.depth = int(m_state.containers.size());
        if (marker.kind == MarkerKind::Number)
            item.text = s.left(marker.width).toString();
        m_state.containers.push_back({BlockContainer::ListItem, int(indent), int(indent + marker.width + spaces)});
        pos = std::min(line.size(), pos + indent + marker.width + spaces);
        const QStringView content = line.mid(pos);
        if (content.size() > 3 && content[0] == u'[' && content[2] == u']' && content[3] == u' ' && QStringView(u" xX").contains(content[1])) {
            item.kind = content[1] == u' ' ? MarkerKind::TaskOpen : MarkerKind::TaskDone;
            pos += 4;
        }
        markers.push_back(std::move(item));
    }
}

void MarkdownDocument::parseLeaf(QStringView rest, std::vector<ListMarker> markers)
{
    const qsizetype indent = indentOf(rest);
    const QStringView s = rest.mid(indent);
    if (s.isEmpty()) {
        startBlock(BlockKind::Paragraph, std::move(markers));
        m_state.leaf = Leaf::Paragraph;
        return;
    }
    const bool codeIndent = indent >= kTabStop && m_state.containers.empty();
    if (codeIndent && m_state.leaf != Leaf::Paragraph) {
        if (m_state.leaf != Leaf::IndentedCode)
            startBlock(BlockKind::Code);
        m_blocks.back().text += rest.mid(kTabStop).toString() + u'\n';
        m_state.leaf = Leaf::IndentedCode;
        return;
    }
    if (!codeIndent) {
        if (const Fence fence = matchFence(s); fence.length > 0) {
            MarkdownBlock& block = startBlock(BlockKind::Code, std::move(markers));
            block.closed = false;
            const auto isEnd = [](QChar c) { return c.isSpace() || c == u'{' || c == u','; };
            block.language = fence.info.left(std::find_if(fence.info.begin(), fence.info.end(), isEnd) - fence.info.begin()).toString();
            m_state.leaf = Leaf::Fence;
            m_state.fenceCharacter = fence.character;
            m_state.fenceLength = int(fence.length);
            m_state.fenceIndent = int(indent);
            return;
        }
        if (startMath(s, markers))
            return;
        if (const int level = headingLevel(s); level > 0) {
            MarkdownBlock& block = startBlock(BlockKind::Heading, std::move(markers));
            block.level = level;
            QStringView title = s.mid(level).trimmed();
            qsizetype end = title.size();
            while (end > 0 && title[end - 1] == u'#')
                --end;
            if (end == 0 || title[end - 1].isSpace())
                title = title.left(end).trimmed();
            block.text = title.left(kMaxInlineChars).toString();
            m_state.leaf = Leaf::None;
            return;
        }
        if (m_state.leaf == Leaf::Paragraph && endParagraph(s))
            return;
        if (isRule(s)) {
            startBlock(BlockKind::Rule, std::move(markers));
            m_state.leaf = Leaf::None;
            return;
        }
        if (m_state.leaf == Leaf::Table && s.contains(u'|')) {
            addTableRow(s);
            return;
        }
    }
    if (m_state.leaf != Leaf::Paragraph) {
        startBlock(BlockKind::Paragraph, std::move(markers));
        m_state.leaf = Leaf::Paragraph;
    }
    addParagraphText(s.trimmed());
}

/// "===" and "---" make the open paragraph a heading, "|---|" makes its last line the head of a table.
bool MarkdownDocument::endParagraph(QStringView line)
{
    const QStringView s = line.trimmed();
    MarkdownBlock& paragraph = m_blocks.back();
    if (paragraph.kind != BlockKind::Paragraph || paragraph.text.isEmpty())
        return false;
    if ((s[0] == u'=' || s[0] == u'-') && runLength(s, s[0]) == s.size()) {
        if (s.size() < kMinUnderline)
            return !m_lineComplete; // half an underline, or the dash of a list item, is not shown yet
        paragraph.kind = BlockKind::Heading;
        paragraph.level = s[0] == u'=' ? 1 : 2;
        m_state.leaf = Leaf::None;
        return true;
    }
    const std::size_t columns = delimiterColumns(s);
    if (columns == 0 || columns > std::size_t(kMaxTableColumns))
        return false;
    const qsizetype headStart = paragraph.text.lastIndexOf(u'\n') + 1;
    const QString head = paragraph.text.mid(headStart);
    if (!head.contains(u'|') || splitCells(head).size() != columns)
        return false;
    if (headStart == 0) {
        paragraph.kind = BlockKind::Table;
        paragraph.text += u'\n' + s.toString();
    } else {
        // The head belonged to the paragraph until now, so a later parse must begin there: no checkpoint here.
        paragraph.text.truncate(headStart - 1);
        MarkdownBlock table = paragraph;
        table.kind = BlockKind::Table;
        table.text = head + u'\n' + s.toString();
        table.markers.clear();
        table.spaced = true;
        m_blocks.push_back(std::move(table));
    }
    m_state.leaf = Leaf::Table;
    return true;
}

/// `line` is `source` from column `pos` on, with expanded tabs: good to judge by, but code keeps its tabs.
void MarkdownDocument::addFenceLine(QStringView line, QStringView source, qsizetype pos)
{
    MarkdownBlock& block = m_blocks.back();
    const qsizetype indent = indentOf(line);
    const QStringView s = line.mid(indent).trimmed();
    if (!s.isEmpty() && indent <= m_state.fenceIndent + 3) {
        const qsizetype run = runLength(s, m_state.fenceCharacter);
        if (run == s.size() && run >= m_state.fenceLength) {
            block.closed = true;
            m_state.leaf = Leaf::None;
            if (block.language == u"math" && block.text.size() <= kMaxMathChars)
                block.kind = BlockKind::Math;
            return;
        }
        if (run == s.size() && !m_lineComplete) // the end of the fence, half written
            return;
    }
    block.text += dropColumns(source, pos + std::min<qsizetype>(indent, m_state.fenceIndent));
    block.text += u'\n';
}

void MarkdownDocument::addTableRow(QStringView line)
{
    MarkdownBlock& table = m_blocks.back();
    table.text += u'\n';
    table.text += line;
    if (table.text.size() > kMaxTableChars)
        table.kind = BlockKind::Code;
}

bool MarkdownDocument::startMath(QStringView line, std::vector<ListMarker>& markers)
{
    const MathSigns signs = matchMath(line);
    if (signs.close.isEmpty())
        return false;
    const QStringView rest = line.mid(signs.open.size());
    const qsizetype close = rest.indexOf(signs.close);
    if (close >= 0 && !isTail(rest.mid(close + signs.close.size()))) // a formula within a sentence
        return false;
    MarkdownBlock& block = startBlock(BlockKind::Math, std::move(markers));
    block.closed = false;
    m_state.leaf = Leaf::Math;
    m_state.mathEnd = signs.close;
    if (!isBlank(rest))
        addMathLine(rest);
    return true;
}

void MarkdownDocument::addMathLine(QStringView line)
{
    MarkdownBlock& block = m_blocks.back();
    qsizetype end = line.indexOf(m_state.mathEnd);
    const bool closes = end >= 0;
    if (closes && m_state.mathEnd.startsWith(u"\\end"))
        end += m_state.mathEnd.size();
    if (const QStringView part = closes ? line.left(end) : line; !isBlank(part)) {
        if (!block.text.isEmpty())
            block.text += u'\n';
        block.text += part;
    }
    if (block.text.size() > kMaxMathChars) { // shown as its source
        block.kind = BlockKind::Code;
        block.language = QStringLiteral("latex");
    }
    if (closes) {
        block.closed = true;
        m_state.leaf = Leaf::None;
    }
}

void MarkdownDocument::addParagraphText(QStringView text)
{
    const auto append = [](MarkdownBlock& block, QStringView more) {
        if (!block.text.isEmpty())
            block.text += u'\n';
        block.text += more;
    };
    MarkdownBlock& block = m_blocks.back();
    const qsizetype limit = block.kind == BlockKind::Plain ? kPlainChunkChars : kMaxInlineChars;
    if (block.text.size() + 1 + text.size() <= limit) {
        append(block, text);
        return;
    }
    block.kind = BlockKind::Plain;
    forEachChunk(text, [&](QStringView chunk) {
        if (!m_blocks.back().text.isEmpty()) {
            MarkdownBlock& next = startBlock(BlockKind::Plain);
            next.continued = true;
        }
        append(m_blocks.back(), chunk);
    });
}

MarkdownBlock& MarkdownDocument::startBlock(BlockKind kind, std::vector<ListMarker> markers)
{
    if (m_checkpoint.offset != m_lineStart.offset) {
        m_previousCheckpoint = std::move(m_checkpoint);
        m_checkpoint = m_lineStart;
    }
    MarkdownBlock block;
    block.kind = kind;
    block.containers.reserve(m_state.containers.size());
    for (const Container& container : m_state.containers)
        block.containers.push_back(container.kind);
    block.markers = std::move(markers);
    block.spaced = m_state.blankBefore && !m_blocks.empty();
    block.thought = m_state.thinking;
    m_state.blankBefore = false;
    m_blocks.push_back(std::move(block));
    return m_blocks.back();
}

MarkdownTable parseTable(QStringView rows)
{
    MarkdownTable table;
    bool delimiter = false;
    for (const QStringView line : rows.tokenize(u'\n')) {
        std::vector<QString> cells = splitCells(line);
        if (table.rows.size() == 1 && !delimiter) {
            delimiter = true;
            for (const QString& cell : cells) {
                const bool left = cell.startsWith(u':');
                const bool right = cell.endsWith(u':');
                table.alignments.push_back(left && right ? Qt::AlignHCenter : right ? Qt::AlignRight : Qt::AlignLeft);
            }
            table.rows.front().resize(table.alignments.size());
            continue;
        }
        if (delimiter)
            cells.resize(table.alignments.size());
        table.rows.push_back(std::move(cells));
    }
    return table;
}

std::vector<MarkdownBlock> plainBlocks(const QString& text)
{
    std::vector<MarkdownBlock> blocks;
    const auto add = [&blocks](QStringView chunk, bool continued) {
        MarkdownBlock block;
        block.kind = BlockKind::Plain;
        block.text = chunk.toString();
        block.continued = continued;
        blocks.push_back(std::move(block));
    };
    const QStringView all(text);
    qsizetype start = 0;
    while (start < all.size()) {
        qsizetype stop = all.size();
        if (stop - start > kPlainChunkChars) {
            const qsizetype lineEnd = all.left(start + kPlainChunkChars).lastIndexOf(u'\n');
            stop = lineEnd > start ? lineEnd : -1;
        }
        if (stop >= 0) {
            add(all.mid(start, stop - start), !blocks.empty());
            start = stop + 1;
            continue;
        }
        const qsizetype lineEnd = all.indexOf(u'\n', start);
        const QStringView line = all.mid(start, (lineEnd < 0 ? all.size() : lineEnd) - start);
        forEachChunk(line, [&](QStringView chunk) { add(chunk, !blocks.empty()); });
        start += line.size() + 1;
    }
    return blocks;
}

} // namespace hearth::ui
