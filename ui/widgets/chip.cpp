// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/chip.h"

#include "ui/style/fonts.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"

#include <QFontMetricsF>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>

#include <cmath>

namespace hearth::ui {

namespace {

constexpr int kHeight = 24;
constexpr int kPadding = 10;
constexpr int kDotSize = 8;
constexpr int kDotGap = 5;

} // namespace

Chip::Chip(QWidget* parent) : QWidget(parent) {
    setFont(textFont(metrics::kCaptionPx, QFont::Medium));
    setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
}

void Chip::setText(const QString& text) {
    if (text == m_text) return;
    m_text = text;
    setAccessibleName(text);
    updateGeometry();
    update();
}

void Chip::setDot(Dot dot) {
    if (dot == m_dot) return;
    m_dot = dot;
    updateGeometry();
    update();
}

void Chip::setFact(const QString& text, Dot dot) {
    setText(text);
    setDot(dot);
    setVisible(!text.isEmpty());
}

void Chip::makeButton() {
    m_button = true;
    setCursor(Qt::PointingHandCursor);
    setFocusPolicy(Qt::TabFocus);
}

void Chip::enterEvent(QEnterEvent*) { update(); }

void Chip::leaveEvent(QEvent*) { update(); }

void Chip::mouseReleaseEvent(QMouseEvent* event) {
    if (m_button && event->button() == Qt::LeftButton && rect().contains(event->position().toPoint())) emit clicked();
}

void Chip::keyPressEvent(QKeyEvent* event) {
    const bool pressed = event->key() == Qt::Key_Space || event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
    if (!m_button || !pressed) return QWidget::keyPressEvent(event);
    emit clicked();
}

QSize Chip::sizeHint() const {
    const int dot = m_dot == Dot::None ? 0 : kDotSize + kDotGap;
    return {static_cast<int>(std::ceil(figuresWidth(QFontMetricsF(font()), m_text))) + 2 * kPadding + dot + 1, kHeight};
}

QSize Chip::minimumSizeHint() const { return {2 * kHeight, kHeight}; }

void Chip::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::current();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const bool raised = m_button && (underMouse() || hasFocus());
    painter.setPen(raised ? QPen(hasFocus() ? colors.accent : colors.line, 1) : Qt::NoPen);
    painter.setBrush(colors.soft);
    painter.drawRoundedRect(raised ? QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5) : QRectF(rect()), kHeight / 2.0, kHeight / 2.0);
    painter.setPen(Qt::NoPen);
    // Green words on this ground would be 4.2 : 1; the dot, a shape, needs only 3 : 1.
    const QColor dot = m_dot == Dot::Good ? colors.good : m_dot == Dot::Warning ? colors.warning : colors.mute;
    QRectF text = QRectF(rect()).adjusted(kPadding, 0, -kPadding, 0);
    if (m_dot != Dot::None) {
        painter.setBrush(dot);
        painter.drawEllipse(QRectF(kPadding, (height() - kDotSize) / 2.0, kDotSize, kDotSize));
        text.setLeft(text.left() + kDotSize + kDotGap);
    }
    painter.setPen(m_dot == Dot::Warning ? colors.warning : colors.mute);
    drawFigures(painter, text, Qt::AlignLeft, m_text);
}

} // namespace hearth::ui
