// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/message_find_bar.h"

#include "ui/style/icons.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"

#include <QAccessible>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QPainter>
#include <QToolButton>

namespace hearth::ui {
namespace {

constexpr int kCountWidth = 96;

} // namespace

FindBar::FindBar(QWidget* parent)
    : QWidget(parent), m_field(new QLineEdit(this)), m_count(new QLabel(this)), m_previous(addButton(tr("Previous match"), tr("Shift+F3"))),
      m_next(addButton(tr("Next match"), tr("F3"))), m_close(addButton(tr("Close find"), tr("Esc")))
{
    setObjectName(QStringLiteral("findBar"));
    m_field->setObjectName(QStringLiteral("findField"));
    m_field->setPlaceholderText(tr("Find in this conversation"));
    m_field->setAccessibleName(tr("Find in this conversation"));
    m_field->setClearButtonEnabled(true);
    m_field->installEventFilter(this);
    m_count->setObjectName(QStringLiteral("findCount"));
    m_count->setMinimumWidth(kCountWidth);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 8, 0, 8);
    row->setSpacing(4);
    row->addWidget(m_field, 1);
    row->addSpacing(8);
    row->addWidget(m_count);
    row->addWidget(m_previous);
    row->addWidget(m_next);
    row->addWidget(m_close);
    connect(m_field, &QLineEdit::textChanged, this, &FindBar::textChanged);
    connect(m_previous, &QToolButton::clicked, this, [this] { emit stepRequested(-1); });
    connect(m_next, &QToolButton::clicked, this, [this] { emit stepRequested(+1); });
    connect(m_close, &QToolButton::clicked, this, &FindBar::closeBar);
    connect(&Theme::instance(), &Theme::themeChanged, this, &FindBar::refreshLook);
    refreshLook();
    setFound(0, 0, true);
    hide();
}

QToolButton* FindBar::addButton(const QString& name, const QString& key)
{
    auto* button = new QToolButton(this);
    button->setAutoRaise(true);
    button->setAccessibleName(name);
    button->setToolTip(QStringLiteral("%1 (%2)").arg(name, key));
    button->setIconSize({metrics::kIconPx, metrics::kIconPx});
    return button;
}

void FindBar::refreshLook()
{
    m_previous->setIcon(icon(IconName::ChevronUp, IconTone::Mute));
    m_next->setIcon(icon(IconName::ChevronDown, IconTone::Mute));
    m_close->setIcon(icon(IconName::Close, IconTone::Mute));
    QPalette palette = m_count->palette();
    palette.setColor(QPalette::WindowText, Theme::current().mute);
    m_count->setPalette(palette);
}

void FindBar::open(const QString& text)
{
    const bool again = isVisible();
    show();
    if (!text.isEmpty())
        m_field->setText(text);
    else if (!again && !m_field->text().isEmpty())
        emit textChanged(m_field->text());
    m_field->selectAll();
    m_field->setFocus(Qt::ShortcutFocusReason);
}

void FindBar::closeBar()
{
    if (isHidden())
        return;
    hide();
    emit textChanged({});
    emit closed();
}

QString FindBar::text() const
{
    return m_field->text();
}

void FindBar::setFound(int current, int total, bool complete)
{
    const bool asked = !m_field->text().isEmpty();
    m_count->setText(!asked          ? QString()
                         : total == 0 ? (complete ? tr("Not found") : tr("Searching…"))
                         : !complete  ? tr("%L1 so far").arg(total)
                                      : tr("%L1 of %L2").arg(current).arg(total));
    m_previous->setEnabled(total > 0);
    m_next->setEnabled(total > 0);
    if (asked && complete) // said politely: the label is what changes
        m_field->setAccessibleDescription(m_count->text());
}

bool FindBar::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == m_field && event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if (key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter) {
            emit stepRequested(key->modifiers() & Qt::ShiftModifier ? -1 : +1);
            return true;
        }
        if (key->key() == Qt::Key_Escape) {
            closeBar();
            return true;
        }
    }
    if (watched == m_field && event->type() == QEvent::ShortcutOverride && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape) {
        event->accept(); // before the window's Stop
        return true;
    }
    return QWidget::eventFilter(watched, event);
}

void FindBar::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.fillRect(0, height() - 1, width(), 1, Theme::current().line);
}

} // namespace hearth::ui
