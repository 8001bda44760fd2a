// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/sparkline.h"

#include "ui/style/theme.h"

#include <QPainter>
#include <QPolygonF>

#include <algorithm>

namespace hearth::ui {

namespace {

constexpr int kHeight = 36;
constexpr qreal kStroke = 1.6;

} // namespace

Sparkline::Sparkline(int capacity, QWidget* parent)
    : QWidget(parent), m_capacity(static_cast<std::size_t>(std::max(2, capacity))) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setFixedHeight(kHeight);
    m_values.reserve(m_capacity + 1);
}

void Sparkline::setMaximum(double maximum) {
    m_maximum = maximum;
    update();
}

void Sparkline::append(double value) {
    if (!(value >= 0.0)) return; // also NaN
    m_values.push_back(value);
    if (m_values.size() > m_capacity) m_values.erase(m_values.begin());
    update();
}

void Sparkline::clear() {
    m_values.clear();
    update();
}

QSize Sparkline::sizeHint() const { return {120, kHeight}; }

void Sparkline::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::current();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const qreal bottom = height() - kStroke;
    if (m_values.size() < 2) {
        painter.setPen(QPen(colors.line, 1));
        painter.drawLine(QPointF(0, bottom), QPointF(width(), bottom));
        return;
    }
    double top = m_maximum > 0 ? m_maximum : *std::max_element(m_values.begin(), m_values.end());
    if (top <= 0) top = 1;
    // A line that is not full yet grows from the left, at the pace it will keep.
    const qreal step = width() / static_cast<qreal>(m_capacity - 1);
    QPolygonF line;
    line.reserve(static_cast<qsizetype>(m_values.size()));
    for (std::size_t i = 0; i < m_values.size(); ++i) {
        line << QPointF(static_cast<qreal>(i) * step, bottom - std::min(1.0, m_values[i] / top) * (bottom - kStroke));
    }
    QColor ground = colors.accent;
    ground.setAlphaF(0.10f);
    QPolygonF area = line;
    area << QPointF(line.last().x(), bottom) << QPointF(line.first().x(), bottom);
    painter.setPen(Qt::NoPen);
    painter.setBrush(ground);
    painter.drawPolygon(area);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(colors.accent, kStroke, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    painter.drawPolyline(line);
}

} // namespace hearth::ui
