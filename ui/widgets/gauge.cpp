// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/gauge.h"

#include "ui/style/theme.h"

#include <QPainter>
#include <QPainterPath>

#include <algorithm>

namespace hearth::ui {

namespace {

constexpr int kHeight = 6;

} // namespace

Gauge::Gauge(QWidget* parent) : QWidget(parent) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setFixedHeight(kHeight);
}

void Gauge::setShares(double ours, double others) {
    // std::clamp lets a NaN through; max/min in this order turn it into 0.
    ours = std::min(1.0, std::max(0.0, ours));
    others = std::min(1.0 - ours, std::max(0.0, others));
    if (ours == m_ours && others == m_others) return;
    m_ours = ours;
    m_others = others;
    update();
}

QSize Gauge::sizeHint() const { return {120, kHeight}; }

void Gauge::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::current();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    QPainterPath trough;
    trough.addRoundedRect(rect(), kHeight / 2.0, kHeight / 2.0);
    painter.setClipPath(trough);
    painter.fillRect(rect(), colors.soft);
    // A share that exists is seen, however small.
    const auto pixels = [this](double share) { return share > 0 ? std::max(2.0, share * width()) : 0.0; };
    const double ours = pixels(m_ours);
    // Others' share stays in the background; the figure beside it is what is read.
    QColor second = colors.second;
    second.setAlphaF(0.6f);
    painter.fillRect(QRectF(ours, 0, pixels(m_others), kHeight), second);
    painter.fillRect(QRectF(0, 0, ours, kHeight), colors.accent);
}

} // namespace hearth::ui
