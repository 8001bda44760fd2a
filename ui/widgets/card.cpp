// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/card.h"

#include "ui/style/fonts.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"

#include <QFontMetricsF>
#include <QHelpEvent>
#include <QPainter>
#include <QTextLayout>
#include <QToolTip>
#include <QVBoxLayout>

#include <cmath>

namespace hearth::ui {

namespace {

constexpr int kCardPadding = 12;
constexpr int kRowHeight = 20;
constexpr int kTitleHeight = 20;
constexpr int kMuteLine = 17;
constexpr int kColumnGap = 8;
constexpr int kRowPx = 13;
const QString kDash = QStringLiteral("\u2014");

/// Lays `text` out in lines of kMuteLine px; returns the height. Draws when there is a painter.
qreal layOut(const QString& text, const QFont& font, qreal width, QPainter* painter) {
    QTextLayout layout(text, font);
    QTextOption option;
    option.setWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
    layout.setTextOption(option);
    layout.beginLayout();
    qreal y = 0;
    for (QTextLine line = layout.createLine(); line.isValid(); line = layout.createLine()) {
        line.setLineWidth(width);
        line.setPosition(QPointF(0, y + (kMuteLine - line.height()) / 2));
        y += kMuteLine;
    }
    layout.endLayout();
    if (painter) layout.draw(painter, QPointF(0, 0));
    return y;
}

} // namespace

FigureLabel::FigureLabel(QWidget* parent) : QWidget(parent) {
    setFont(textFont(metrics::kCaptionPx));
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void FigureLabel::setText(const QString& text) {
    if (text == m_text) return;
    const bool sameLength = text.size() == m_text.size();
    m_text = text;
    setAccessibleName(text);
    // Figures of equal width: the same number of characters rarely needs another layout.
    if (!sameLength) updateGeometry();
    update();
}

QSize FigureLabel::sizeHint() const {
    const QFontMetricsF sizes(font());
    const QMargins margins = contentsMargins();
    return {static_cast<int>(std::ceil(figuresWidth(sizes, m_text))) + 1 + margins.left() + margins.right(), kRowHeight};
}

QSize FigureLabel::minimumSizeHint() const { return {0, kRowHeight}; }

void FigureLabel::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setPen(Theme::current().mute);
    drawFigures(painter, contentsRect(), Qt::AlignLeft, m_text);
}

MuteLabel::MuteLabel(QWidget* parent) : QWidget(parent) {
    setFont(textFont(metrics::kCaptionPx));
    QSizePolicy policy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
}

void MuteLabel::setText(const QString& text) {
    if (text == m_text) return;
    m_text = text;
    setAccessibleName(text);
    updateGeometry();
    update();
}

QSize MuteLabel::sizeHint() const { return {200, heightForWidth(200)}; }

int MuteLabel::heightForWidth(int width) const {
    const QMargins margins = contentsMargins();
    const int room = std::max(1, width - margins.left() - margins.right());
    return static_cast<int>(std::ceil(layOut(m_text, font(), room, nullptr))) + margins.top() + margins.bottom();
}

void MuteLabel::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setPen(Theme::current().mute);
    painter.translate(contentsRect().topLeft());
    layOut(m_text, font(), contentsRect().width(), &painter);
}

BigNumber::BigNumber(const QString& unit, QWidget* parent) : QWidget(parent), m_unit(unit) {
    setFont(textFont(metrics::kBigNumberPx, QFont::DemiBold));
    setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    setValue({});
}

void BigNumber::setValue(const QString& value) {
    m_value = value.isEmpty() ? kDash : value;
    setAccessibleName(m_value + u' ' + m_unit);
    update();
}

QSize BigNumber::sizeHint() const { return {120, 32}; }

void BigNumber::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::current();
    QPainter painter(this);
    painter.setPen(colors.text);
    drawFigures(painter, rect(), Qt::AlignLeft, m_value);
    const QFontMetricsF big(font(), this);
    const qreal baseline = (height() - big.height()) / 2 + big.ascent();
    painter.setFont(textFont(metrics::kCaptionPx));
    painter.setPen(colors.mute);
    painter.drawText(QPointF(figuresWidth(big, m_value) + 6, baseline), m_unit);
}

ValueRow::ValueRow(const QString& name, QWidget* parent) : QWidget(parent), m_name(name) {
    setFont(textFont(kRowPx));
    setFixedHeight(kRowHeight);
    setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    setValue({});
}

void ValueRow::setValue(const QString& value) {
    const QString shown = value.isEmpty() ? kDash : value;
    if (shown == m_value) return;
    m_value = shown;
    setAccessibleName(value.isEmpty() ? tr("%1: unknown").arg(m_name) : QStringLiteral("%1: %2").arg(m_name, m_value));
    update();
}

void ValueRow::setName(const QString& name) {
    if (name == m_name) return;
    m_name = name;
    setAccessibleName(QStringLiteral("%1: %2").arg(m_name, m_value));
    update();
}

QSize ValueRow::sizeHint() const { return {200, kRowHeight}; }

bool ValueRow::event(QEvent* event) {
    // What does not fit can be read under the mouse.
    if (event->type() == QEvent::ToolTip) {
        const QFontMetricsF sizes(font());
        if (sizes.horizontalAdvance(m_name) + kColumnGap + figuresWidth(sizes, m_value) > width()) {
            QToolTip::showText(static_cast<QHelpEvent*>(event)->globalPos(), m_value.toHtmlEscaped(), this);
            return true;
        }
    }
    return QWidget::event(event);
}

void ValueRow::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::current();
    QPainter painter(this);
    const QFontMetricsF sizes(font(), this);
    const qreal nameWidth = sizes.horizontalAdvance(m_name);
    painter.setPen(colors.mute);
    painter.drawText(rect(), Qt::AlignVCenter | Qt::AlignLeft, m_name);
    painter.setPen(m_value == kDash ? colors.mute : colors.text);
    drawFigures(painter, QRectF(rect()).adjusted(nameWidth + kColumnGap, 0, 0, 0), Qt::AlignRight, m_value);
}

Card::Card(const QString& title, QWidget* parent) : QWidget(parent), m_column(new QVBoxLayout(this)) {
    m_column->setContentsMargins(kCardPadding, kCardPadding + kTitleHeight, kCardPadding, kCardPadding);
    m_column->setSpacing(0);
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);
    setTitle(title);
}

void Card::setTitle(const QString& title) {
    if (title == m_title && !accessibleName().isEmpty()) return;
    m_title = title;
    setAccessibleName(m_badge.isEmpty() ? title : QStringLiteral("%1, %2").arg(title, m_badge));
    update();
}

void Card::setBadge(const QString& text, Tone tone) {
    if (text == m_badge && tone == m_tone) return;
    m_badge = text;
    m_tone = tone;
    setAccessibleName(text.isEmpty() ? m_title : QStringLiteral("%1, %2").arg(m_title, text));
    update();
}

ValueRow* Card::addRow(const QString& name) {
    auto* row = new ValueRow(name, this);
    m_column->addWidget(row);
    return row;
}

bool Card::event(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const QFontMetricsF sizes(textFont(metrics::kTextPx, QFont::DemiBold));
        const auto* help = static_cast<QHelpEvent*>(event);
        if (help->pos().y() < kCardPadding + kTitleHeight && sizes.horizontalAdvance(m_title) > width() - 2 * kCardPadding) {
            QToolTip::showText(help->globalPos(), m_title.toHtmlEscaped(), this);
            return true;
        }
    }
    return QWidget::event(event);
}

void Card::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::current();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(colors.line);
    painter.setBrush(colors.panel);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), metrics::kCardRadius, metrics::kCardRadius);
    painter.setFont(textFont(metrics::kTextPx, QFont::DemiBold));
    painter.setPen(colors.text);
    QRect line(kCardPadding, kCardPadding, width() - 2 * kCardPadding, kTitleHeight);
    if (!m_badge.isEmpty()) {
        const QFont titleFont = painter.font();
        painter.setFont(textFont(metrics::kCaptionPx, QFont::DemiBold));
        painter.setPen(m_tone == Tone::Good ? colors.good : m_tone == Tone::Warning ? colors.warning : colors.mute);
        painter.drawText(line, Qt::AlignVCenter | Qt::AlignRight, m_badge);
        line.setWidth(line.width() - painter.fontMetrics().horizontalAdvance(m_badge) - kColumnGap);
        painter.setFont(titleFont);
        painter.setPen(colors.text);
    }
    painter.drawText(line, Qt::AlignVCenter | Qt::AlignLeft,
                     painter.fontMetrics().elidedText(m_title, Qt::ElideRight, line.width()));
}

} // namespace hearth::ui
