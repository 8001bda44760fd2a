// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/message_text_flow.h"

#include <QPainter>

#include <algorithm>
#include <cmath>

namespace hearth::ui {
namespace {

constexpr qreal kCodePadding = 3.0;
constexpr qreal kCodeRadius = 4.0;

QTextCharFormat formatOf(const InlineSpan& span, const MessageStyle& style, const QFont& font, const ThemeColors& colors)
{
    QTextCharFormat format;
    if (span.code) {
        QFont mono = style.mono;
        mono.setPixelSize(std::max(1, font.pixelSize() - 1));
        format.setFont(mono);
    }
    if (span.bold)
        format.setFontWeight(QFont::DemiBold);
    if (span.italic)
        format.setFontItalic(true);
    if (span.strike)
        format.setFontStrikeOut(true);
    if (span.script != 0)
        format.setVerticalAlignment(span.script > 0 ? QTextCharFormat::AlignSuperScript : QTextCharFormat::AlignSubScript);
    if (!span.href.isEmpty()) {
        format.setForeground(colors.codeFunction);
        format.setFontUnderline(true);
    }
    return format;
}

/// Inline code stands on a ground wider than the text: the character before it and its own last one make room for that.
QList<QTextLayout::FormatRange> formatsOf(const InlineText& text, const MessageStyle& style, const QFont& font, const ThemeColors& colors)
{
    QList<QTextLayout::FormatRange> formats;
    int plainFrom = 0;
    for (const InlineSpan& span : text.spans) {
        QTextCharFormat format = formatOf(span, style, font, colors);
        QTextCharFormat spaced = format;
        spaced.setFontLetterSpacingType(QFont::AbsoluteSpacing);
        spaced.setFontLetterSpacing(kCodePadding);
        if (span.code && span.start > 0) {
            QTextCharFormat before;
            if (span.start == plainFrom) { // the last character of a styled text
                before = formats.back().format;
                --formats.back().length;
            }
            before.setFontLetterSpacingType(QFont::AbsoluteSpacing);
            before.setFontLetterSpacing(kCodePadding);
            formats.push_back({span.start - 1, 1, before});
        }
        plainFrom = span.start + span.length;
        if (!span.code) {
            formats.push_back({span.start, span.length, format});
            continue;
        }
        if (span.length > 1)
            formats.push_back({span.start, span.length - 1, format});
        formats.push_back({plainFrom - 1, 1, spaced});
    }
    return formats;
}

} // namespace

QColor selectionColor(const ThemeColors& colors)
{
    QColor color = colors.accent;
    color.setAlphaF(colors.dark ? 0.40F : 0.24F);
    return color;
}

QColor foundColor(const ThemeColors& colors, bool current)
{
    QColor color = colors.warning;
    color.setAlphaF(current ? 0.65F : 0.28F);
    return color;
}

MessageTextFlow::MessageTextFlow(InlineText text, const QFont& font, int lineHeight, const MessageStyle& style, const ThemeColors& colors)
    : m_inline(std::move(text)), m_textColor(colors.text), m_codeBackground(colors.soft), m_lineHeight(lineHeight)
{
    m_rightToLeft = m_inline.text.isRightToLeft();
    m_layout.setText(m_inline.text);
    m_layout.setFont(font);
    m_layout.setCacheEnabled(true);
    QTextOption option;
    option.setWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
    option.setTextDirection(m_rightToLeft ? Qt::RightToLeft : Qt::LeftToRight);
    m_layout.setTextOption(option);
    m_layout.setFormats(formatsOf(m_inline, style, font, colors));
}

int MessageTextFlow::layout(int width, Qt::Alignment alignment)
{
    QTextOption option = m_layout.textOption();
    // Alignment is where the text begins: at the right for a right-to-left script.
    option.setAlignment(m_rightToLeft && alignment == Qt::AlignLeft ? Qt::AlignRight : alignment);
    m_layout.setTextOption(option);
    int y = 0;
    qreal used = 0;
    m_layout.beginLayout();
    for (QTextLine line = m_layout.createLine(); line.isValid(); line = m_layout.createLine()) {
        line.setLineWidth(std::max(1, width));
        // Fallback fonts (emoji, other scripts) may be taller than the line: give them room, never overlap.
        const int height = std::max(m_lineHeight, int(std::ceil(line.height() - 1.0)));
        line.setPosition({0.0, y + std::round((height - line.height()) / 2.0)});
        used = std::max(used, line.naturalTextWidth());
        y += height;
    }
    m_layout.endLayout();
    m_usedWidth = int(std::ceil(used));
    m_naturalWidth = int(std::ceil(m_layout.maximumWidth()));
    m_wordWidth = int(std::ceil(m_layout.minimumWidth()));
    return std::max(y, m_lineHeight);
}

void MessageTextFlow::paintCodeBackground(QPainter& painter, QPointF origin, const QRectF& clip) const
{
    painter.setPen(Qt::NoPen);
    painter.setBrush(m_codeBackground);
    for (const InlineSpan& span : m_inline.spans) {
        if (!span.code)
            continue;
        const int end = span.start + span.length;
        const int lastLine = m_layout.lineForTextPosition(end - 1).lineNumber();
        for (int i = m_layout.lineForTextPosition(span.start).lineNumber(); i >= 0 && i <= lastLine; ++i) {
            const QTextLine line = m_layout.lineAt(i);
            const qreal a = line.cursorToX(std::max(span.start, line.textStart()));
            const qreal b = line.cursorToX(std::min(end, line.textStart() + line.textLength()));
            const QRectF box(std::min(a, b) - kCodePadding, line.y() + 0.5, std::abs(b - a) + kCodePadding, line.height() - 1.0);
            if (const QRectF placed = box.translated(origin); placed.intersects(clip))
                painter.drawRoundedRect(placed, kCodeRadius, kCodeRadius);
        }
    }
}

void MessageTextFlow::paint(QPainter& painter, QPointF origin, const QRectF& clip, int from, int to, const std::vector<FoundRange>& found) const
{
    paintCodeBackground(painter, origin, clip);
    QList<QTextLayout::FormatRange> selections;
    for (const FoundRange& range : found) {
        QTextCharFormat format;
        format.setBackground(foundColor(Theme::current(), range.current));
        selections.push_back({range.start, range.end - range.start, format});
    }
    if (to > from) {
        QTextCharFormat format;
        format.setBackground(selectionColor(Theme::current()));
        selections.push_back({from, to - from, format});
    }
    painter.setPen(m_textColor);
    m_layout.draw(&painter, origin, selections, clip);
}

int MessageTextFlow::positionAt(QPointF point) const
{
    const int count = m_layout.lineCount();
    for (int i = 0; i < count; ++i) {
        const QTextLine line = m_layout.lineAt(i);
        if (point.y() < line.y() + line.height() || i + 1 == count)
            return line.xToCursor(point.x());
    }
    return 0;
}

QRectF MessageTextFlow::rectOf(int position) const
{
    const QTextLine line = m_layout.lineForTextPosition(position);
    return line.isValid() ? QRectF(line.cursorToX(position), line.y(), 1, line.height()) : QRectF();
}

QString MessageTextFlow::hrefAt(QPointF point) const
{
    for (int i = 0; i < m_layout.lineCount(); ++i) {
        const QTextLine line = m_layout.lineAt(i);
        if (!line.naturalTextRect().contains(point))
            continue;
        const int position = line.xToCursor(point.x(), QTextLine::CursorOnCharacter);
        for (const InlineSpan& span : m_inline.spans) {
            if (position >= span.start && position < span.start + span.length)
                return span.href;
        }
    }
    return {};
}

QRectF MessageTextFlow::endRect() const
{
    if (m_layout.lineCount() == 0)
        return {0, 0, 0, qreal(m_lineHeight)};
    const QTextLine line = m_layout.lineAt(m_layout.lineCount() - 1);
    return {line.cursorToX(int(m_inline.text.size())), line.y(), 0, line.height()};
}

} // namespace hearth::ui
