// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/composer_button.h"

#include "ui/style/metrics.h"
#include "ui/style/theme.h"

#include <QEvent>
#include <QFontMetricsF>
#include <QPainter>

#include <cmath>

namespace hearth::ui {
namespace {

constexpr int kHeight = 32;
constexpr int kPadding = 16;
constexpr int kGlyph = 16;
constexpr int kGlyphGap = 6;

} // namespace

ComposerButton::ComposerButton(Look look, QWidget* parent) : QAbstractButton(parent), m_look(look)
{
    setFocusPolicy(look == Look::Floating ? Qt::NoFocus : Qt::StrongFocus);
    setCursor(Qt::PointingHandCursor);
    setAttribute(Qt::WA_Hover);
    connect(&Theme::instance(), &Theme::themeChanged, this, qOverload<>(&QWidget::update));
}

void ComposerButton::setGlyph(std::optional<IconName> glyph)
{
    m_glyph = glyph;
    updateGeometry();
    update();
}

QSize ComposerButton::sizeHint() const
{
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    const int textWidth = int(std::ceil(QFontMetricsF(bold).horizontalAdvance(text())));
    const int height = std::max(kHeight, int(QFontMetricsF(bold).height()) + 12);
    if (m_glyph && text().isEmpty())
        return {height, height};
    return {textWidth + 2 * kPadding + (m_glyph ? kGlyph + kGlyphGap - 4 : 0), height};
}

bool ComposerButton::event(QEvent* event)
{
    if (event->type() == QEvent::EnabledChange)
        setCursor(isEnabled() ? Qt::PointingHandCursor : Qt::ArrowCursor);
    return QAbstractButton::event(event);
}

void ComposerButton::paintEvent(QPaintEvent*)
{
    const ThemeColors& colors = Theme::current();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const bool accent = m_look == Look::Accent;
    QColor fill = accent ? colors.accent : colors.panel;
    QColor ink = accent ? colors.accentText : colors.text;
    IconTone tone = accent ? IconTone::OnAccent : IconTone::Text;
    if (!isEnabled()) {
        fill = colors.soft;
        ink = colors.mute;
        tone = IconTone::Mute;
    } else if (isDown() || underMouse()) {
        if (accent)
            fill = isDown() ? fill.darker(116) : colors.dark ? fill.lighter(108) : fill.darker(107);
        else
            fill = colors.soft;
    }
    const qreal radius = m_look == Look::Floating ? height() / 2.0 : qreal(metrics::kFieldRadius);
    painter.setPen(accent || !isEnabled() ? QPen(Qt::NoPen) : QPen(colors.line));
    painter.setBrush(fill);
    const qreal inset = accent ? 0.0 : 0.5;
    painter.drawRoundedRect(QRectF(rect()).adjusted(inset, inset, -inset, -inset), radius, radius);
    QFont bold = font();
    bold.setWeight(accent ? QFont::DemiBold : QFont::Medium);
    painter.setFont(bold);
    const qreal textWidth = QFontMetricsF(bold).horizontalAdvance(text());
    const int gap = text().isEmpty() ? 0 : kGlyphGap;
    const qreal whole = textWidth + (m_glyph ? kGlyph + gap : 0);
    qreal x = (width() - whole) / 2.0;
    if (m_glyph) {
        const QRect place(int(std::round(x)), (height() - kGlyph) / 2, kGlyph, kGlyph);
        if (*m_glyph == IconName::Stop) { // a plain square, as every player has it
            painter.setPen(Qt::NoPen);
            painter.setBrush(ink);
            painter.drawRoundedRect(place.adjusted(3, 3, -3, -3), 1.5, 1.5);
        } else {
            hearth::ui::icon(*m_glyph, tone).paint(&painter, place);
        }
        x += kGlyph + gap;
    }
    painter.setPen(ink);
    painter.drawText(QRectF(x, 0, textWidth + 2, height()), Qt::AlignLeft | Qt::AlignVCenter, text());
    if (hasFocus()) {
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(accent ? colors.accentText : colors.accent, 1.5));
        painter.drawRoundedRect(QRectF(rect()).adjusted(3, 3, -3, -3), radius - 3, radius - 3);
    }
}

} // namespace hearth::ui
