// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/toast.h"

#include "ui/style/fonts.h"
#include "ui/style/icons.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QToolButton>

#include <algorithm>
#include <utility>

namespace hearth::ui {

namespace {

constexpr int kBottomGap = 24;
constexpr int kMaximumWidth = 480;

} // namespace

Toast::Toast(QWidget* parent)
    : QWidget(parent), m_text(new QLabel(this)), m_undoButton(new QPushButton(tr("Undo"), this)), m_close(new QToolButton(this)) {
    m_text->setTextFormat(Qt::PlainText);
    m_text->setFont(textFont(13));
    m_text->setMinimumWidth(40);
    m_undoButton->setObjectName(QStringLiteral("undo"));
    m_close->setObjectName(QStringLiteral("close"));
    m_close->setIcon(icon(IconName::Close, IconTone::Mute));
    m_close->setIconSize({16, 16});
    m_close->setAutoRaise(true);
    m_close->setAccessibleName(tr("Close"));
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(16, 8, 8, 8);
    row->setSpacing(12);
    row->addWidget(m_text, 1);
    row->addWidget(m_undoButton);
    row->addWidget(m_close);

    m_timer.setSingleShot(true);
    connect(&m_timer, &QTimer::timeout, this, [this] {
        // Whoever is about to press the button gets the time to.
        if (underMouse() || m_undoButton->hasFocus() || m_close->hasFocus()) {
            m_timer.start(m_ms);
        } else {
            finish();
        }
    });
    connect(m_close, &QToolButton::clicked, this, &Toast::finish);
    connect(m_undoButton, &QPushButton::clicked, this, [this] {
        const std::function<void()> undo = std::exchange(m_undo, {});
        finish();
        if (undo) undo();
    });
    parent->installEventFilter(this);
    hide();
}

void Toast::offerUndo(const QString& text, std::function<void()> undo, int ms) {
    m_text->setText(text);
    m_undoButton->setVisible(static_cast<bool>(undo));
    m_undo = std::move(undo);
    m_ms = ms;
    setAccessibleName(text);
    m_timer.start(ms);
    place();
    show();
    raise();
}

void Toast::finish() {
    m_timer.stop();
    m_undo = {};
    hide();
}

void Toast::place() {
    const QSize room = parentWidget()->size();
    const QSize size(std::min({sizeHint().width(), kMaximumWidth, room.width() - 2 * kBottomGap}), sizeHint().height());
    setGeometry(QRect(QPoint((room.width() - size.width()) / 2, room.height() - size.height() - kBottomGap), size));
}

bool Toast::eventFilter(QObject* watched, QEvent* event) {
    if (watched == parent() && event->type() == QEvent::Resize && isVisible()) place();
    return QWidget::eventFilter(watched, event);
}

void Toast::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::current();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(colors.dark ? colors.mute : colors.line);
    painter.setBrush(colors.panel);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), metrics::kCardRadius, metrics::kCardRadius);
}

} // namespace hearth::ui
