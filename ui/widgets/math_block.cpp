// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/math_block.h"

#include "ui/widgets/math_text.h"
#include "ui/widgets/message_text_flow.h"

#include <QPainter>

#include <algorithm>
#include <cmath>

namespace hearth::ui {
namespace {

constexpr int kPadding = 6;      ///< above and below
constexpr qreal kFontScale = 1.1;

} // namespace

MathBlock::MathBlock(const MarkdownBlock& source, const MessageStyle& style, const ThemeColors& colors)
    : m_style(style), m_ink(colors.text), m_formula(parseMath(source.text)), m_plain(mathText(m_formula).text)
{
}

int MathBlock::layout(int width)
{
    if (!m_picture) {
        QFont font = m_style.text;
        font.setPixelSize(int(std::lround(font.pixelSize() * kFontScale)));
        m_picture = MathPicture::of(m_formula, font, m_style.mono);
    }
    m_width = width;
    setScroll(scroll()); // within what there is now
    const int bar = maxScroll() > 0 ? m_style.px(8) : 0;
    return std::max(m_style.textLine, int(std::ceil(m_picture->height()))) + 2 * m_style.px(kPadding) + bar;
}

int MathBlock::estimate(int) const
{
    return m_style.textLine * 2 + 2 * m_style.px(kPadding);
}

qreal MathBlock::left() const
{
    return std::max(0.0, std::floor((m_width - m_picture->width) / 2)) - scroll();
}

void MathBlock::paint(QPainter& painter, const BlockPaint& paint) const
{
    if (!m_picture)
        return;
    painter.save();
    painter.setClipRect(QRectF(0, paint.clip.top(), m_width, paint.clip.height()), Qt::IntersectClip);
    if (paint.selectionEnd > paint.selectionStart)
        painter.fillRect(textRect(), selectionColor(Theme::current()));
    for (const FoundRange& found : paint.found)
        painter.fillRect(textRect(), foundColor(Theme::current(), found.current));
    painter.setPen(m_ink);
    m_picture->paint(painter, {left(), std::round(m_style.px(kPadding) + m_picture->ascent)});
    painter.restore();
    paintScrollBar(painter, paint);
}

int MathBlock::positionAt(QPointF point) const
{
    return m_picture && point.x() > left() + m_picture->width / 2 ? int(m_plain.size()) : 0;
}

QRectF MathBlock::textRect() const
{
    if (!m_picture)
        return {};
    return QRectF(left(), m_style.px(kPadding), m_picture->width, m_picture->height()).adjusted(-4, -2, 4, 2) & QRectF(0, 0, m_width, 1e6);
}

int MathBlock::maxScroll() const
{
    return m_picture ? std::max(0, int(std::ceil(m_picture->width)) - m_width) : 0;
}

QRectF MathBlock::scrollTrack() const
{
    if (!m_picture)
        return {};
    return QRectF(4, 2 * m_style.px(kPadding) + m_picture->height() + 1, m_width - 8, 5);
}

} // namespace hearth::ui
