// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/model_button.h"

#include "ui/style/fonts.h"
#include "ui/style/icons.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"

#include <QFontMetricsF>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <cmath>

namespace hearth::ui {

namespace {

constexpr int kHeight = 36;
constexpr int kPadding = 12;
constexpr int kGap = 10;
constexpr int kMark = 16;
constexpr int kCancel = 24;
constexpr int kMaximumWidth = 420;

QFont nameFont() { return textFont(metrics::kTextPx, QFont::DemiBold); }
QFont detailFont() { return textFont(metrics::kTextPx); }

} // namespace

ModelButton::ModelButton(QWidget* parent) : QToolButton(parent) {
    setPopupMode(QToolButton::InstantPopup);
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setCursor(Qt::PointingHandCursor);
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    setEmpty();
}

void ModelButton::setModel(const QString& name, const QString& quantization) { change(State::Loaded, name, quantization, 1.0); }

void ModelButton::setLoading(const QString& name, double fraction) {
    change(State::Loading, name, {}, std::min(1.0, std::max(0.0, fraction)));
}

void ModelButton::setEmpty() { change(State::Empty, tr("Choose a model"), {}, 0.0); }

void ModelButton::change(State state, const QString& name, const QString& quantization, double fraction) {
    const bool sameShape = state == m_state && name == m_name && quantization == m_quantization;
    m_state = state;
    m_name = name;
    m_quantization = quantization;
    m_fraction = fraction;
    if (state != State::Loading) m_cancelHovered = m_cancelPressed = false;
    const QString spoken = state == State::Loading ? tr("Loading %1, %2").arg(name, detail())
        : state == State::Loaded                   ? tr("Model: %1 %2").arg(name, quantization).trimmed()
                                                   : name;
    setAccessibleName(spoken);
    setToolTip(state == State::Loading ? tr("%1 (Esc cancels)").arg(spoken) : spoken);
    if (!sameShape) updateGeometry();
    update();
}

QString ModelButton::detail() const {
    return m_state == State::Loading ? tr("%1 %").arg(static_cast<int>(m_fraction * 100.0)) : m_quantization;
}

QRect ModelButton::cancelRect() const {
    if (m_state != State::Loading) return {};
    return {width() - kCancel - 6, (height() - kCancel) / 2, kCancel, kCancel};
}

QSize ModelButton::sizeHint() const {
    // Room for "100 %" while loading, so that the button keeps its width.
    const QString widest = m_state == State::Loading ? tr("%1 %").arg(100) : m_quantization;
    const double detailWidth = widest.isEmpty() ? 0.0 : figuresWidth(QFontMetricsF(detailFont()), widest) + kGap;
    const double width = 2 * kPadding + QFontMetricsF(nameFont()).horizontalAdvance(m_name) + detailWidth + 4 +
        (m_state == State::Loading ? kCancel : kMark);
    return {std::min(kMaximumWidth, static_cast<int>(std::ceil(width)) + 2), kHeight};
}

QSize ModelButton::minimumSizeHint() const { return {120, kHeight}; }

void ModelButton::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::current();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QRectF box = QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5);
    const bool lit = (underMouse() || isDown()) && isEnabled();
    // The accent's words need the panel's ground to be read, so an empty button answers the mouse with its border.
    painter.setPen(hasFocus() || (lit && m_state == State::Empty) ? colors.accent : colors.line);
    painter.setBrush(lit && m_state == State::Loaded ? colors.soft : colors.panel);
    painter.drawRoundedRect(box, metrics::kFieldRadius, metrics::kFieldRadius);

    if (m_state == State::Loading) {
        QPainterPath inside;
        inside.addRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), metrics::kFieldRadius - 0.5, metrics::kFieldRadius - 0.5);
        painter.save();
        painter.setClipPath(inside);
        painter.fillRect(QRectF(1, 1, (width() - 2) * m_fraction, height() - 2), colors.accentSoft);
        painter.fillRect(QRectF(1, height() - 3, (width() - 2) * m_fraction, 2), colors.accent);
        painter.restore();
    }

    const int markLeft = m_state == State::Loading ? cancelRect().left() : width() - kPadding - kMark + 2;
    const QString rest = detail();
    const qreal restWidth = rest.isEmpty() ? 0 : figuresWidth(QFontMetricsF(detailFont()), rest) + kGap;
    const QFontMetricsF nameSizes(nameFont());
    const qreal nameRoom = markLeft - 4 - kPadding - restWidth;
    const QString shownName = nameSizes.elidedText(m_name, Qt::ElideRight, nameRoom + 0.5);
    painter.setFont(nameFont());
    painter.setPen(m_state == State::Empty ? colors.accent : colors.text);
    painter.drawText(QRectF(kPadding, 0, nameRoom + 2, height()), Qt::AlignVCenter | Qt::AlignLeft, shownName);
    if (!rest.isEmpty()) {
        painter.setFont(detailFont());
        painter.setPen(m_state == State::Loading ? colors.text : colors.mute);
        const qreal left = kPadding + nameSizes.horizontalAdvance(shownName) + kGap;
        drawFigures(painter, QRectF(left, 0, markLeft - left, height()), Qt::AlignLeft, rest);
    }
    if (m_state == State::Loading) {
        if (m_cancelHovered) {
            painter.setPen(Qt::NoPen);
            painter.setBrush(colors.line);
            painter.drawRoundedRect(cancelRect(), 6, 6);
        }
        ui::icon(IconName::Close).paint(&painter, cancelRect().adjusted(4, 4, -4, -4));
    } else {
        ui::icon(IconName::ChevronDown, m_state == State::Empty ? IconTone::Accent : IconTone::Mute)
            .paint(&painter, QRect(markLeft, (height() - kMark) / 2, kMark, kMark));
    }
}

void ModelButton::mouseMoveEvent(QMouseEvent* event) {
    const bool hovered = cancelRect().contains(event->position().toPoint());
    if (hovered != m_cancelHovered) {
        m_cancelHovered = hovered;
        update();
    }
    QToolButton::mouseMoveEvent(event);
}

void ModelButton::mousePressEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton && cancelRect().contains(event->position().toPoint())) {
        m_cancelPressed = true;
        event->accept();
        return;
    }
    QToolButton::mousePressEvent(event);
}

void ModelButton::mouseReleaseEvent(QMouseEvent* event) {
    if (m_cancelPressed) {
        m_cancelPressed = false;
        if (cancelRect().contains(event->position().toPoint())) emit cancelRequested();
        return;
    }
    QToolButton::mouseReleaseEvent(event);
}

void ModelButton::keyPressEvent(QKeyEvent* event) {
    if (m_state == State::Loading && event->key() == Qt::Key_Escape) {
        emit cancelRequested();
        return;
    }
    QToolButton::keyPressEvent(event);
}

void ModelButton::leaveEvent(QEvent* event) {
    m_cancelHovered = false;
    QToolButton::leaveEvent(event);
}

} // namespace hearth::ui
