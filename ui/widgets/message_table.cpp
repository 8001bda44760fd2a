// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/message_table.h"

#include "ui/style/metrics.h"

#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <numeric>

namespace hearth::ui {
namespace {

constexpr qreal kScrollBarHeight = 6.0;
constexpr int kUnwrapped = 1'000'000;

} // namespace

MessageTable::MessageTable(const MarkdownBlock& source, const MessageStyle& style, const ThemeColors& colors)
    : m_cellPadding(style.px(12)), m_rowPadding(style.px(6)), m_lineHeight(style.textLine), m_longestWord(style.px(180))
{
    MarkdownTable table = parseTable(source.text);
    m_alignments = std::move(table.alignments);
    int at = 0;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        for (std::size_t column = 0; column < columns(); ++column) {
            QFont font = style.text;
            if (row == 0)
                font.setWeight(QFont::DemiBold);
            auto flow = std::make_unique<MessageTextFlow>(parseInline(table.rows[row][column]), font, m_lineHeight, style, colors);
            const int length = int(flow->text().size());
            m_cells.push_back({std::move(flow), at});
            at += length + 1;
        }
    }
}

void MessageTable::shareWidth(int available)
{
    std::vector<int> natural(columns(), 0);
    std::vector<int> least(columns(), 0);
    for (std::size_t i = 0; i < m_cells.size(); ++i) {
        m_cells[i].flow->layout(kUnwrapped);
        const std::size_t column = i % columns();
        natural[column] = std::max(natural[column], m_cells[i].flow->naturalWidth() + 1);
        least[column] = std::max(least[column], std::min(m_cells[i].flow->wordWidth() + 1, m_longestWord));
    }
    const int forText = available - 2 * m_cellPadding * int(columns());
    int surplus = forText - std::accumulate(least.begin(), least.end(), 0);
    const int wanted = std::accumulate(natural.begin(), natural.end(), 0);
    std::vector<int> widths = least;
    if (wanted <= forText) {
        widths = natural;
    } else if (surplus > 0) {
        // Narrow columns get all they ask for, the others share what is left evenly.
        std::vector<std::size_t> order(columns());
        std::iota(order.begin(), order.end(), 0);
        std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return natural[a] - least[a] < natural[b] - least[b]; });
        for (std::size_t i = 0; i < order.size(); ++i) {
            const std::size_t column = order[i];
            const int share = std::min(std::max(0, natural[column] - least[column]), surplus / int(order.size() - i));
            widths[column] += share;
            surplus -= share;
        }
    }
    m_columnLefts.assign(1, 0);
    for (const int width : widths)
        m_columnLefts.push_back(m_columnLefts.back() + width + 2 * m_cellPadding);
}

int MessageTable::layout(int width)
{
    m_width = width;
    shareWidth(width);
    m_rowTops.assign(1, 0);
    for (std::size_t row = 0; row * columns() < m_cells.size(); ++row) {
        int height = 0;
        for (std::size_t column = 0; column < columns(); ++column) {
            const int cellWidth = m_columnLefts[column + 1] - m_columnLefts[column] - 2 * m_cellPadding;
            height = std::max(height, cell(row, column).flow->layout(cellWidth, m_alignments[column]));
        }
        m_rowTops.push_back(m_rowTops.back() + height + 2 * m_rowPadding + 1);
    }
    setScroll(scroll());
    return m_rowTops.back() + 1;
}

int MessageTable::estimate(int) const
{
    return int(m_cells.size() / std::max<std::size_t>(1, columns())) * (m_lineHeight + 2 * m_rowPadding + 1);
}

QPointF MessageTable::cellOrigin(std::size_t row, std::size_t column) const
{
    return {qreal(m_columnLefts[column] + m_cellPadding - scroll()), qreal(m_rowTops[row] + m_rowPadding + 1)};
}

void MessageTable::paint(QPainter& painter, const BlockPaint& paint) const
{
    const ThemeColors& colors = Theme::current();
    const QRectF panel(0.5, 0.5, std::min(m_width, m_columnLefts.back()) - 1.0, m_rowTops.back());
    QPainterPath outline;
    outline.addRoundedRect(panel, metrics::kFieldRadius, metrics::kFieldRadius);
    painter.save();
    painter.setClipPath(outline, Qt::IntersectClip);
    painter.fillRect(QRectF(0, 0, panel.width() + 1, m_rowTops[1]), colors.side);
    for (std::size_t row = 0; row + 1 < m_rowTops.size(); ++row) {
        if (m_rowTops[row + 1] < paint.clip.top() || m_rowTops[row] > paint.clip.bottom())
            continue;
        if (row > 0)
            painter.fillRect(QRectF(0, m_rowTops[row], panel.width() + 1, 1), colors.line);
        for (std::size_t column = 0; column < columns(); ++column) {
            const Cell& c = cell(row, column);
            const int length = int(c.flow->text().size());
            std::vector<FoundRange> found;
            for (const FoundRange& range : paint.found) {
                if (range.end > c.start && range.start < c.start + length)
                    found.push_back({std::max(0, range.start - c.start), std::min(length, range.end - c.start), range.current});
            }
            c.flow->paint(painter, cellOrigin(row, column), paint.clip, std::max(0, paint.selectionStart - c.start),
                          std::min(length, paint.selectionEnd - c.start), found);
        }
    }
    painter.restore();
    painter.setPen(colors.line);
    painter.setBrush(Qt::NoBrush);
    painter.drawPath(outline);
    paintScrollBar(painter, paint);
}

QString MessageTable::plainText() const
{
    QString text;
    for (std::size_t i = 0; i < m_cells.size(); ++i) {
        if (i > 0)
            text += i % columns() == 0 ? u'\n' : u'\t';
        text += QString(m_cells[i].flow->text()).replace(QChar(QChar::LineSeparator), u' ');
    }
    return text;
}

std::size_t MessageTable::rowAt(qreal y) const
{
    const auto next = std::upper_bound(m_rowTops.begin() + 1, m_rowTops.end() - 1, int(y));
    return std::size_t(next - m_rowTops.begin()) - 1;
}

std::size_t MessageTable::columnAt(qreal x) const
{
    const auto next = std::upper_bound(m_columnLefts.begin() + 1, m_columnLefts.end() - 1, int(x) + scroll());
    return std::size_t(next - m_columnLefts.begin()) - 1;
}

int MessageTable::positionAt(QPointF point) const
{
    const std::size_t row = rowAt(point.y());
    const std::size_t column = columnAt(point.x());
    const Cell& c = cell(row, column);
    return c.start + c.flow->positionAt(point - cellOrigin(row, column));
}

QString MessageTable::hrefAt(QPointF point) const
{
    const std::size_t row = rowAt(point.y());
    const std::size_t column = columnAt(point.x());
    return cell(row, column).flow->hrefAt(point - cellOrigin(row, column));
}

QRectF MessageTable::textRect() const
{
    return {0, 0, qreal(std::min(m_width, m_columnLefts.back())), qreal(m_rowTops.back())};
}

int MessageTable::maxScroll() const
{
    return m_columnLefts.empty() ? 0 : std::max(0, m_columnLefts.back() - m_width);
}

QRectF MessageTable::scrollTrack() const
{
    return {4.0, m_rowTops.back() - kScrollBarHeight - 2.0, m_width - 8.0, kScrollBarHeight};
}

} // namespace hearth::ui
