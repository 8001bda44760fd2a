// SPDX-License-Identifier: Apache-2.0
//
// MessageView: events and painting. The work is in MessageViewPrivate.
#include "ui/widgets/message_view.h"

#include "ui/models/message_roles.h"
#include "ui/widgets/composer_button.h"
#include "ui/widgets/message_accessible.h"
#include "ui/widgets/message_editor.h"
#include "ui/widgets/message_view_private.h"

#include <QAbstractItemModel>
#include <QContextMenuEvent>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QPainter>
#include <QScrollBar>
#include <QToolTip>
#include <QWheelEvent>

#include <algorithm>

namespace hearth::ui {
namespace {

constexpr int kEndSlack = 4; ///< px that still count as "at the end"

} // namespace

MessageViewPrivate::MessageViewPrivate(MessageView* view)
    : q(view), m_style(std::make_unique<MessageStyle>(view->font())), m_jump(new ComposerButton(ComposerButton::Look::Floating, view))
{
    m_jump->setText(MessageView::tr("New below"));
    m_jump->setGlyph(IconName::ChevronDown);
    m_jump->setObjectName(QStringLiteral("newBelow"));
    m_jump->hide();
    connect(m_jump, &ComposerButton::clicked, this, [this] { scrollToEnd(); });
    connect(&Theme::instance(), &Theme::themeChanged, this, [this] { restyle(); });
}

MessageViewPrivate::~MessageViewPrivate() = default;

void MessageViewPrivate::timerEvent(QTimerEvent* event)
{
    if (event->timerId() == m_refreshTimer.timerId()) {
        m_refreshTimer.stop();
        refreshStale();
    } else if (event->timerId() == m_copiedTimer.timerId()) {
        m_copiedTimer.stop();
        updateRow(std::exchange(m_copiedRow, -1));
    } else if (event->timerId() == m_findTimer.timerId()) {
        scanForFind();
    } else if (event->timerId() == m_markTimer.timerId()) {
        m_markTimer.stop();
        updateRow(std::exchange(m_markedRow, -1));
    } else if (event->timerId() == m_dotsTimer.timerId()) {
        m_dots = m_dots % 3 + 1;
        const auto [first, last] = visibleRows();
        for (int i = first; i <= last; ++i) {
            if (m_rows[std::size_t(i)].layout)
                q->viewport()->update(m_rows[std::size_t(i)].layout->progressRect().translated(rowOrigin(i)));
        }
    } else if (event->timerId() == m_dragTimer.timerId()) {
        drag(q->viewport()->mapFromGlobal(QCursor::pos()));
    }
}

MessageView::MessageView(QWidget* parent) : QAbstractScrollArea(parent), m_d(std::make_unique<MessageViewPrivate>(this))
{
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setFocusPolicy(Qt::StrongFocus);
    setAccessibleName(tr("Conversation"));
    viewport()->setMouseTracking(true);
    viewport()->setAttribute(Qt::WA_OpaquePaintEvent);
    installMessageViewAccessibility();
}

MessageView::~MessageView() = default;

void MessageView::setModel(QAbstractItemModel* model)
{
    m_d->setModel(model);
}

QAbstractItemModel* MessageView::model() const
{
    return m_d->m_model;
}

bool MessageView::showMessage(qint64 messageId)
{
    // From the end, where it nearly always is.
    for (int row = m_d->rowCount() - 1; row >= 0; --row) {
        if (m_d->m_model->index(row, 0).data(MessageIdRole).toLongLong() != messageId)
            continue;
        m_d->jumpToRow(row);
        return true;
    }
    return false;
}

void MessageView::scrollToEnd()
{
    m_d->scrollToEnd();
}

bool MessageView::followsEnd() const
{
    return m_d->m_follow;
}

void MessageView::setFindText(const QString& text)
{
    m_d->setFindText(text);
}

void MessageView::findNext(int step)
{
    m_d->findNext(step);
}

QString MessageView::selectedText() const
{
    return m_d->selectedText();
}

void MessageView::beginEdit(int row)
{
    m_d->beginEdit(row);
}

QRect MessageView::messageRect(int row) const
{
    return row >= 0 && row < m_d->rowCount() ? m_d->rowRect(row) : QRect();
}

int MessageView::messageAt(QPoint point) const
{
    const int row = m_d->rowAt(point.y() + m_d->scrollValue());
    return row >= 0 && m_d->rowRect(row).contains(point) ? row : -1;
}

QSize MessageView::sizeHint() const
{
    return {720, 600};
}

void MessageView::changeEvent(QEvent* event)
{
    QAbstractScrollArea::changeEvent(event);
    if (event->type() == QEvent::FontChange)
        m_d->restyle();
}

void MessageView::resizeEvent(QResizeEvent* event)
{
    QAbstractScrollArea::resizeEvent(event);
    m_d->relayoutWidth();
}

void MessageView::scrollContentsBy(int, int dy)
{
    if (m_d->m_settling || m_d->rowCount() == 0)
        return;
    const QScrollBar* bar = verticalScrollBar();
    const int row = m_d->rowAt(bar->value() + dy);
    const int before = m_d->rowTop(row) - (bar->value() + dy);
    m_d->m_follow = bar->value() >= bar->maximum() - kEndSlack;
    m_d->rememberAnchor();
    if (m_d->settle())
        viewport()->update();
    else
        m_d->showShifted(row, before);
}

void MessageView::paintEvent(QPaintEvent* event)
{
    QPainter painter(viewport());
    const QRect area = event->rect();
    painter.fillRect(area, Theme::current().page);
    const auto [first, last] = m_d->visibleRows();
    const int edited = m_d->editRow();
    for (int row = first; row <= last; ++row) {
        const QRect rect = m_d->rowRect(row).adjusted(0, -8, 0, 8);
        const auto& layout = m_d->m_rows[std::size_t(row)].layout;
        if (!layout || row == edited || !rect.intersects(area))
            continue;
        const QPoint origin = m_d->rowOrigin(row);
        painter.save();
        painter.translate(origin);
        layout->paint(painter, m_d->paintOf(row, area.translated(-origin)));
        painter.restore();
    }
}

bool MessageView::event(QEvent* event)
{
    if (event->type() == QEvent::ShortcutOverride) {
        auto* key = static_cast<QKeyEvent*>(event);
        if (key->matches(QKeySequence::SelectAll) || (key->matches(QKeySequence::Copy) && (m_d->hasSelection() || m_d->m_focusRow >= 0))) {
            event->accept();
            return true;
        }
    }
    return QAbstractScrollArea::event(event);
}

bool MessageView::viewportEvent(QEvent* event)
{
    switch (event->type()) {
    case QEvent::Leave:
        m_d->leave();
        break;
    case QEvent::ToolTip: {
        auto* help = static_cast<QHelpEvent*>(event);
        const QString text = m_d->toolTipAt(help->pos());
        if (text.isEmpty())
            QToolTip::hideText();
        else
            QToolTip::showText(help->globalPos(), text, viewport());
        return true;
    }
    default:
        break;
    }
    return QAbstractScrollArea::viewportEvent(event);
}

void MessageView::wheelEvent(QWheelEvent* event)
{
    const QPoint pixels = event->pixelDelta();
    const QPoint angle = event->angleDelta();
    const bool sideways = (event->modifiers() & Qt::ShiftModifier) || std::abs(angle.x()) > std::abs(angle.y());
    if (sideways) {
        int delta = pixels.x() != 0 ? pixels.x() : angle.x() != 0 ? angle.x() / 2 : 0;
        if (delta == 0)
            delta = pixels.y() != 0 ? pixels.y() : angle.y() / 2;
        if (m_d->scrollBlockSideways(event->position().toPoint(), -delta)) {
            event->accept();
            return;
        }
    }
    QAbstractScrollArea::wheelEvent(event);
    m_d->hover(event->position().toPoint());
}

void MessageView::mousePressEvent(QMouseEvent* event)
{
    m_d->press(event);
}

void MessageView::mouseMoveEvent(QMouseEvent* event)
{
    if (event->buttons() & Qt::LeftButton)
        m_d->drag(event->position().toPoint());
    else
        m_d->hover(event->position().toPoint());
}

void MessageView::mouseReleaseEvent(QMouseEvent* event)
{
    m_d->release(event);
}

void MessageView::mouseDoubleClickEvent(QMouseEvent* event)
{
    if (event->button() == Qt::LeftButton)
        m_d->selectWord(event->position().toPoint());
}

void MessageView::contextMenuEvent(QContextMenuEvent* event)
{
    int row = m_d->m_focusRow;
    if (event->reason() == QContextMenuEvent::Mouse)
        row = m_d->rowAt(event->pos().y() + m_d->scrollValue());
    if (row < 0 || row >= m_d->rowCount())
        return;
    QMenu menu(this);
    m_d->fillMenu(menu, row);
    const QPoint keyboardPlace = viewport()->mapToGlobal(m_d->rowOrigin(row));
    menu.exec(event->reason() == QContextMenuEvent::Mouse ? event->globalPos() : keyboardPlace);
}

bool MessageView::focusNextPrevChild(bool next)
{
    return m_d->moveFocus(next) || QAbstractScrollArea::focusNextPrevChild(next);
}

void MessageView::focusInEvent(QFocusEvent* event)
{
    QAbstractScrollArea::focusInEvent(event);
    if (m_d->rowCount() == 0)
        return;
    if (event->reason() == Qt::TabFocusReason)
        m_d->setFocus(m_d->visibleRows().first, -1);
    else if (event->reason() == Qt::BacktabFocusReason)
        m_d->setFocus(m_d->rowCount() - 1, -1);
}

void MessageView::focusOutEvent(QFocusEvent* event)
{
    QAbstractScrollArea::focusOutEvent(event);
    if (event->reason() != Qt::PopupFocusReason && event->reason() != Qt::ActiveWindowFocusReason)
        m_d->setFocus(-1, -1);
}

void MessageView::keyPressEvent(QKeyEvent* event)
{
    QScrollBar* bar = verticalScrollBar();
    if (event->matches(QKeySequence::Copy)) {
        if (m_d->hasSelection())
            m_d->copySelection();
        else if (m_d->m_focusRow >= 0)
            emit copyRequested(m_d->m_focusRow);
        return;
    }
    if (event->matches(QKeySequence::SelectAll)) {
        const int row = m_d->m_focusRow >= 0 ? m_d->m_focusRow : m_d->hasSelection() ? m_d->m_selectionEnd.row : m_d->visibleRows().second;
        m_d->selectRow(row);
        return;
    }
    switch (event->key()) {
    case Qt::Key_Up:
        bar->triggerAction(QAbstractSlider::SliderSingleStepSub);
        return;
    case Qt::Key_Down:
        bar->triggerAction(QAbstractSlider::SliderSingleStepAdd);
        return;
    case Qt::Key_PageUp:
        bar->triggerAction(QAbstractSlider::SliderPageStepSub);
        return;
    case Qt::Key_PageDown:
        bar->triggerAction(QAbstractSlider::SliderPageStepAdd);
        return;
    case Qt::Key_Home:
        bar->triggerAction(QAbstractSlider::SliderToMinimum);
        return;
    case Qt::Key_End:
        scrollToEnd();
        return;
    case Qt::Key_Return:
    case Qt::Key_Enter:
    case Qt::Key_Space:
        if (m_d->m_focusRow >= 0 && m_d->m_focusTarget >= 0)
            m_d->trigger(m_d->m_focusRow, m_d->m_focusTarget);
        else if (event->key() == Qt::Key_Space)
            bar->triggerAction(event->modifiers() & Qt::ShiftModifier ? QAbstractSlider::SliderPageStepSub : QAbstractSlider::SliderPageStepAdd);
        return;
    case Qt::Key_Escape:
        if (m_d->hasSelection()) {
            m_d->clearSelection();
            return;
        }
        break;
    default:
        break;
    }
    event->ignore();
}

} // namespace hearth::ui
