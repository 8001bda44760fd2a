// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/notice_bar.h"

#include "ui/style/fonts.h"
#include "ui/style/icons.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>

#include <utility>

namespace hearth::ui {

namespace {

QLabel* makeText(QWidget* parent, QFont::Weight weight) {
    auto* label = new QLabel(parent);
    label->setFont(textFont(13, weight));
    label->setWordWrap(true);
    // Errors may quote a file; nothing in it is markup.
    label->setTextFormat(Qt::PlainText);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    // Selectable by keyboard makes a label a tab stop; the buttons are enough of them.
    label->setFocusPolicy(Qt::ClickFocus);
    return label;
}

IconName kindIcon(NoticeBar::Kind kind) {
    switch (kind) {
    case NoticeBar::Kind::Info: return IconName::Info;
    case NoticeBar::Kind::Warning: return IconName::Warning;
    case NoticeBar::Kind::Error: return IconName::Error;
    }
    return IconName::Info;
}

QColor kindColor(NoticeBar::Kind kind) {
    const ThemeColors& colors = Theme::current();
    switch (kind) {
    case NoticeBar::Kind::Info: return colors.second;
    case NoticeBar::Kind::Warning: return colors.warning;
    case NoticeBar::Kind::Error: return colors.error;
    }
    return colors.second;
}

IconTone kindTone(NoticeBar::Kind kind) {
    switch (kind) {
    case NoticeBar::Kind::Info: return IconTone::Mute;
    case NoticeBar::Kind::Warning: return IconTone::Warning;
    case NoticeBar::Kind::Error: return IconTone::Error;
    }
    return IconTone::Mute;
}

} // namespace

NoticeBar::NoticeBar(QWidget* parent)
    : QWidget(parent)
    , m_icon(new QLabel(this))
    , m_title(makeText(this, QFont::DemiBold))
    , m_body(makeText(this, QFont::Normal))
    , m_remedy(makeText(this, QFont::Normal))
    , m_actionButton(new QPushButton(this))
    , m_close(new QToolButton(this)) {
    m_icon->setFixedSize(metrics::kIconPx, metrics::kIconPx);
    m_close->setIcon(icon(IconName::Close, IconTone::Mute));
    m_close->setIconSize({16, 16});
    m_close->setAutoRaise(true);
    m_close->setToolTip(tr("Close"));
    m_close->setAccessibleName(tr("Close this notice"));
    m_title->setObjectName(QStringLiteral("title"));
    m_body->setObjectName(QStringLiteral("body"));
    m_remedy->setObjectName(QStringLiteral("remedy"));
    m_actionButton->setObjectName(QStringLiteral("action"));
    m_close->setObjectName(QStringLiteral("close"));

    auto* texts = new QVBoxLayout;
    texts->setSpacing(2);
    texts->addWidget(m_title);
    texts->addWidget(m_body);
    texts->addWidget(m_remedy);
    texts->addSpacing(6);
    texts->addWidget(m_actionButton, 0, Qt::AlignLeft);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(16, 12, 8, 12);
    row->setSpacing(12);
    row->addWidget(m_icon, 0, Qt::AlignTop);
    row->addLayout(texts, 1);
    row->addWidget(m_close, 0, Qt::AlignTop);

    connect(m_close, &QToolButton::clicked, this, &NoticeBar::dismiss);
    connect(m_actionButton, &QPushButton::clicked, this, [this] {
        // The action may show the next notice, so this one is gone before it runs.
        const std::function<void()> action = std::exchange(m_action, {});
        dismiss();
        if (action) action();
    });
    connect(&Theme::instance(), &Theme::themeChanged, this, &NoticeBar::colorTexts);
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);
    hide();
}

void NoticeBar::showNotice(Kind kind, const QString& title, const QString& body, const QString& remedy, const QString& actionText,
                           std::function<void()> action) {
    m_kind = kind;
    m_action = std::move(action);
    for (const auto& [label, text] : {std::pair(m_title, title), std::pair(m_body, body), std::pair(m_remedy, remedy)}) {
        label->setText(text);
        label->setVisible(!text.isEmpty());
    }
    m_actionButton->setText(actionText);
    m_actionButton->setVisible(!actionText.isEmpty());
    setAccessibleName(title);
    setAccessibleDescription(remedy.isEmpty() ? body : body + u' ' + remedy);
    colorTexts();
    show();
}

void NoticeBar::dismiss() {
    if (isHidden()) return;
    m_action = {};
    hide();
    emit dismissed();
}

void NoticeBar::colorTexts() {
    m_icon->setPixmap(icon(kindIcon(m_kind), kindTone(m_kind)).pixmap(QSize(metrics::kIconPx, metrics::kIconPx), devicePixelRatio()));
    update();
}

void NoticeBar::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::current();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(colors.line);
    painter.setBrush(colors.panel);
    const QRectF box = QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5);
    painter.drawRoundedRect(box, metrics::kCardRadius, metrics::kCardRadius);
    // A stripe, and the icon's shape, tell the kind; colour alone would not reach everybody.
    painter.setPen(Qt::NoPen);
    painter.setBrush(kindColor(m_kind));
    painter.drawRoundedRect(QRectF(4, 10, 3, height() - 20), 1.5, 1.5);
}

void NoticeBar::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Escape) {
        dismiss();
        return;
    }
    QWidget::keyPressEvent(event);
}

} // namespace hearth::ui
