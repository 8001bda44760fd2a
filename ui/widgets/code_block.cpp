// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/code_block.h"

#include "ui/style/metrics.h"
#include "ui/widgets/message_text_flow.h"

#include <QCoreApplication>
#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <cmath>

namespace hearth::ui {
namespace {

constexpr int kTabColumns = 4;
constexpr int kMaxShownColumns = 10'000; ///< of one line; copying takes all of it
constexpr qreal kScrollBarHeight = 6.0;

} // namespace

CodeBlock::CodeBlock(const MarkdownBlock& source, const MessageStyle& style, const ThemeColors& colors)
    : m_style(style), m_colors(colors), m_language(source.language), m_title(source.title), m_highlighter(source.language), m_headerHeight(style.px(33)),
      m_padding(style.px(14)), m_verticalPadding(style.px(10))
{
    setText(source.text);
}

QString CodeBlock::label() const
{
    if (!m_title.isEmpty())
        return m_title;
    return m_highlighter.displayName().isEmpty() ? QCoreApplication::translate("hearth::ui::CodeBlock", "Code") : m_highlighter.displayName();
}

bool CodeBlock::update(const MarkdownBlock& source)
{
    if (source.kind != BlockKind::Code || source.language != m_language || source.title != m_title)
        return false;
    setText(source.text);
    return true;
}

int CodeBlock::columnsOf(QStringView line) const
{
    int columns = 0;
    for (const QChar c : line) {
        if (c == u'\t')
            columns += kTabColumns - columns % kTabColumns;
        else
            columns += c.unicode() >= 0x1100 && !c.isSurrogate() ? 2 : 1;
    }
    return columns;
}

void CodeBlock::setText(const QString& source)
{
    const QString text = source.endsWith(u'\n') ? source.chopped(1) : source;
    const auto [mine, theirs] = std::mismatch(m_text.begin(), m_text.end(), text.begin(), text.end());
    const auto common = mine - m_text.begin();
    // The line in which the texts part is new; those before it stay as they are.
    std::size_t kept = 0;
    if (!m_lines.empty()) {
        const auto parting = std::upper_bound(m_lines.begin(), m_lines.end(), common, [](qsizetype at, const Line& line) { return at < line.start; });
        kept = std::size_t(parting - m_lines.begin()) - 1;
    }
    const qsizetype from = m_lines.empty() ? 0 : m_lines[kept].start;
    m_lines.resize(kept);
    m_states.resize(std::min(m_states.size(), kept + 1));
    m_text = text;
    const QStringView all(m_text);
    for (qsizetype start = from; start <= all.size();) {
        qsizetype end = all.indexOf(u'\n', start);
        if (end < 0)
            end = all.size();
        m_contentWidth = std::max(m_contentWidth, std::min(columnsOf(all.mid(start, end - start)), kMaxShownColumns) * m_style.monoAdvance);
        m_lines.push_back({int(start), int(end - start), nullptr});
        start = end + 1;
    }
}

int CodeBlock::stateBefore(std::size_t line) const
{
    if (m_states.empty())
        m_states.push_back(0);
    std::vector<CodeSpan> spans;
    while (m_states.size() <= line) {
        const Line& last = m_lines[m_states.size() - 1];
        spans.clear();
        m_states.push_back(m_highlighter.highlightLine(QStringView(m_text).mid(last.start, last.length), m_states.back(), spans));
    }
    return m_states[line];
}

QColor CodeBlock::colorOf(CodeToken token) const
{
    switch (token) {
    case CodeToken::Keyword:
        return m_colors.codeKeyword;
    case CodeToken::String:
        return m_colors.codeString;
    case CodeToken::Number:
    case CodeToken::Function:
        return m_colors.codeFunction;
    case CodeToken::Comment:
        break;
    }
    return m_colors.codeComment;
}

QTextLayout& CodeBlock::layoutOf(std::size_t index) const
{
    Line& line = m_lines[index];
    if (line.layout)
        return *line.layout;
    QString text = m_text.mid(line.start, std::min(line.length, kMaxShownColumns));
    if (line.length > kMaxShownColumns)
        text += QChar(0x2026);
    QList<QTextLayout::FormatRange> formats;
    std::vector<CodeSpan> spans;
    m_highlighter.highlightLine(text, stateBefore(index), spans);
    formats.reserve(qsizetype(spans.size()));
    for (const CodeSpan& span : spans) {
        QTextCharFormat format;
        format.setForeground(colorOf(span.token));
        formats.push_back({span.start, span.length, format});
    }
    line.layout = std::make_unique<QTextLayout>(text, m_style.mono);
    QTextOption option;
    option.setWrapMode(QTextOption::NoWrap);
    option.setTabStopDistance(kTabColumns * m_style.monoAdvance);
    option.setTextDirection(Qt::LeftToRight);
    line.layout->setTextOption(option);
    line.layout->setFormats(formats);
    line.layout->setCacheEnabled(true);
    line.layout->beginLayout();
    QTextLine shaped = line.layout->createLine();
    shaped.setLineWidth(1e6);
    shaped.setPosition({0.0, std::round((m_style.monoLine - shaped.height()) / 2.0)});
    line.layout->endLayout();
    m_contentWidth = std::max(m_contentWidth, shaped.naturalTextWidth());
    return *line.layout;
}

int CodeBlock::layout(int width)
{
    m_width = width;
    setScroll(scroll());
    return estimate(width);
}

int CodeBlock::estimate(int) const
{
    return m_headerHeight + 2 * m_verticalPadding + int(m_lines.size()) * m_style.monoLine;
}

QRectF CodeBlock::textRect() const
{
    return {1.0, qreal(m_headerHeight), m_width - 2.0, qreal(estimate(m_width) - m_headerHeight)};
}

int CodeBlock::maxScroll() const
{
    return std::max(0, int(std::ceil(m_contentWidth)) + 2 * m_padding - m_width);
}

QRectF CodeBlock::scrollTrack() const
{
    return {4.0, estimate(m_width) - kScrollBarHeight - 3.0, m_width - 8.0, kScrollBarHeight};
}

int CodeBlock::positionAt(QPointF point) const
{
    const int row = int(std::floor((point.y() - m_headerHeight - m_verticalPadding) / m_style.monoLine));
    if (row < 0)
        return 0;
    if (std::size_t(row) >= m_lines.size())
        return textLength();
    const Line& line = m_lines[std::size_t(row)];
    const int column = layoutOf(std::size_t(row)).lineAt(0).xToCursor(point.x() - m_padding + scroll());
    return line.start + std::min(column, line.length);
}

QRectF CodeBlock::endRect() const
{
    const QTextLine last = layoutOf(m_lines.size() - 1).lineAt(0);
    const qreal y = m_headerHeight + m_verticalPadding + qreal(m_lines.size() - 1) * m_style.monoLine;
    const qreal x = std::min<qreal>(m_padding + last.cursorToX(m_lines.back().length) - scroll(), m_width - 4.0);
    return {x, y, 0, qreal(m_style.monoLine)};
}

QRectF CodeBlock::rectOf(int position) const
{
    const auto next = std::upper_bound(m_lines.begin(), m_lines.end(), position, [](int at, const Line& line) { return at < line.start; });
    const auto line = std::max<std::ptrdiff_t>(0, next - m_lines.begin() - 1);
    return {0, m_headerHeight + m_verticalPadding + qreal(line) * m_style.monoLine, qreal(m_width), qreal(m_style.monoLine)};
}

void CodeBlock::paint(QPainter& painter, const BlockPaint& paint) const
{
    const ThemeColors& colors = Theme::current();
    const int height = estimate(m_width);
    const qreal radius = metrics::kFieldRadius;
    const QRectF panel(0.5, 0.5, m_width - 1.0, height - 1.0);
    painter.setPen(colors.line);
    painter.setBrush(colors.side);
    painter.drawRoundedRect(panel, radius, radius);
    painter.fillRect(QRectF(1, m_headerHeight - 1, m_width - 2, 1), colors.line);
    painter.setFont(m_style.caption);
    painter.setPen(colors.mute);
    const QRectF header(m_padding - 1, 0, m_width * 0.6, m_headerHeight - 1);
    painter.drawText(header, Qt::AlignLeft | Qt::AlignVCenter, QFontMetricsF(m_style.caption).elidedText(label(), Qt::ElideRight, header.width()));

    const int top = m_headerHeight + m_verticalPadding;
    const int first = std::max(0, int(std::floor((paint.clip.top() - top) / m_style.monoLine)));
    const int last = std::min(int(m_lines.size()) - 1, int(std::floor((paint.clip.bottom() - top) / m_style.monoLine)));
    if (first > last)
        return;
    painter.save();
    painter.setClipRect(QRectF(1, m_headerHeight, m_width - 2, height - m_headerHeight - 1), Qt::IntersectClip);
    painter.setPen(colors.text);
    for (int i = first; i <= last; ++i) {
        const Line& line = m_lines[std::size_t(i)];
        const QPointF origin(m_padding - scroll(), top + i * m_style.monoLine);
        const int from = std::max(0, paint.selectionStart - line.start);
        const int to = std::min(line.length, paint.selectionEnd - line.start);
        const QTextLayout& layout = layoutOf(std::size_t(i));
        if (paint.selectionEnd > line.start + line.length && paint.selectionStart <= line.start + line.length) {
            // The line end is selected, too: show it, also on an empty line.
            painter.fillRect(QRectF(origin.x() + layout.lineAt(0).cursorToX(line.length), origin.y(), m_style.monoAdvance, m_style.monoLine),
                             selectionColor(colors));
        }
        for (const FoundRange& found : paint.found) {
            const int start = std::max(found.start, line.start) - line.start;
            const int end = std::min(found.end, line.start + line.length) - line.start;
            if (start >= end)
                continue;
            const qreal a = layout.lineAt(0).cursorToX(start);
            const qreal b = layout.lineAt(0).cursorToX(end);
            painter.fillRect(QRectF(origin.x() + std::min(a, b), origin.y() + 1, std::abs(b - a), m_style.monoLine - 2), foundColor(colors, found.current));
        }
        if (to > from) {
            const qreal a = layout.lineAt(0).cursorToX(from);
            const qreal b = layout.lineAt(0).cursorToX(to);
            painter.fillRect(QRectF(origin.x() + std::min(a, b), origin.y(), std::abs(b - a), m_style.monoLine), selectionColor(colors));
        }
        layout.draw(&painter, origin);
    }
    painter.restore();
    paintScrollBar(painter, paint);
}

} // namespace hearth::ui
