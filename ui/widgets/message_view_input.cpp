// SPDX-License-Identifier: Apache-2.0
//
// MessageView: pointer, selection, targets, keyboard focus, and editing a turn in its place.
#include "core/store/chat_store.h"
#include "ui/models/message_roles.h"
#include "ui/widgets/message_editor.h"
#include "ui/widgets/message_view_private.h"

#include <QAbstractItemModel>
#include <QApplication>
#include <QClipboard>
#include <QMenu>
#include <QMetaMethod>
#include <QMimeData>
#include <QMouseEvent>
#include <QScrollBar>
#include <QTextBoundaryFinder>

#include <algorithm>
#include <utility>

namespace hearth::ui {
namespace {

constexpr int kCopiedMs = 1500;
constexpr int kDragScrollMs = 40;
constexpr int kMaxClipboardRows = 5000; ///< of one selection; more would lay out the whole history

} // namespace

bool MessageViewPrivate::showsActions(int row) const
{
    if (row == m_hoverRow || row == m_focusRow)
        return true;
    return row + 1 == rowCount() && m_model && m_model->index(row, 0).data(AuthorRole).toInt() == int(core::StoredRole::Assistant);
}

MessagePaint MessageViewPrivate::paintOf(int row, const QRect& clip) const
{
    MessagePaint paint;
    paint.clip = clip;
    paint.showActions = showsActions(row);
    paint.hoveredTarget = row == m_hoverRow ? m_hoverTarget : -1;
    paint.hoveredBlock = row == m_hoverRow ? m_hoverBlock : -1;
    paint.focusedTarget = row == m_focusRow ? m_focusTarget : -1;
    paint.focused = (row == m_focusRow && m_focusTarget < 0) || row == m_markedRow;
    paint.copiedTarget = row == m_copiedRow ? m_copiedTarget : -1;
    paint.dots = m_dots;
    if (const auto found = m_found.find(row); found != m_found.end()) {
        paint.found = found->second;
        paint.currentFound = row == m_findRow ? m_findIndex : -1;
    }
    const ViewPosition from = std::min(m_selectionStart, m_selectionEnd);
    const ViewPosition to = std::max(m_selectionStart, m_selectionEnd);
    if (from != to && row >= from.row && row <= to.row) {
        paint.selectionFrom = row == from.row ? from.text : TextPosition{};
        paint.selectionTo = row == to.row ? to.text : m_rows[std::size_t(row)].layout->endPosition();
    }
    return paint;
}

std::optional<ViewPosition> MessageViewPrivate::positionAt(QPoint position, bool nearest)
{
    const int row = rowAt(position.y() + scrollValue());
    if (row < 0 || !m_rows[std::size_t(row)].layout || row == editRow())
        return std::nullopt;
    const QPoint local = position - rowOrigin(row);
    const MessageLayout& layout = *m_rows[std::size_t(row)].layout;
    if (!nearest && !layout.isText(local))
        return std::nullopt;
    return ViewPosition{row, layout.positionAt(local)};
}

void MessageViewPrivate::hover(QPoint position)
{
    int row = rowAt(position.y() + scrollValue());
    int target = -1;
    int block = -1;
    Qt::CursorShape cursor = Qt::ArrowCursor;
    if (row >= 0 && m_rows[std::size_t(row)].layout && row != editRow()) {
        const MessageLayout& layout = *m_rows[std::size_t(row)].layout;
        const QPoint local = position - rowOrigin(row);
        target = layout.targetAt(local, true);
        block = layout.blockAt(local.y());
        if (target >= 0)
            cursor = layout.targets()[std::size_t(target)].enabled ? Qt::PointingHandCursor : Qt::ArrowCursor;
        else if (!layout.hrefAt(local).isEmpty())
            cursor = Qt::PointingHandCursor;
        else if (block >= 0 && layout.block(block).scrollThumb().contains(local - layout.blockRect(block).topLeft()))
            cursor = Qt::ArrowCursor;
        else if (layout.isText(local))
            cursor = Qt::IBeamCursor;
    }
    q->viewport()->setCursor(cursor);
    if (row == m_hoverRow && target == m_hoverTarget && block == m_hoverBlock)
        return;
    const int before = std::exchange(m_hoverRow, row);
    m_hoverTarget = target;
    m_hoverBlock = block;
    updateRow(before);
    if (row != before)
        updateRow(row);
}

void MessageViewPrivate::leave()
{
    const int before = std::exchange(m_hoverRow, -1);
    m_hoverTarget = m_hoverBlock = -1;
    updateRow(before);
}

void MessageViewPrivate::press(QMouseEvent* event)
{
    if (event->button() != Qt::LeftButton)
        return;
    const QPoint position = event->position().toPoint();
    hover(position);
    m_pressPosition = position;
    m_pressed = true;
    m_selecting = false;
    if (m_focusRow >= 0)
        setFocus(-1, -1);
    if (m_hoverTarget >= 0)
        return;
    const int row = m_hoverRow;
    if (row >= 0 && m_hoverBlock >= 0) {
        const MessageLayout& layout = *m_rows[std::size_t(row)].layout;
        const QRectF thumb = layout.block(m_hoverBlock).scrollThumb().translated(layout.blockRect(m_hoverBlock).topLeft() + rowOrigin(row));
        if (thumb.adjusted(0, -3, 0, 3).contains(position)) {
            m_thumbRow = row;
            m_thumbBlock = m_hoverBlock;
            m_thumbGrip = position.x() - thumb.left();
            return;
        }
    }
    const std::optional<ViewPosition> place = positionAt(position, true);
    if (event->modifiers() & Qt::ShiftModifier && hasSelection() && place) {
        m_selectionEnd = *place;
        q->viewport()->update();
        m_selecting = true;
        return;
    }
    clearSelection();
    if (place) {
        m_selectionStart = m_selectionEnd = *place;
        m_selecting = true;
    }
}

void MessageViewPrivate::drag(QPoint position)
{
    if (m_thumbRow >= 0 && m_thumbRow < rowCount() && m_rows[std::size_t(m_thumbRow)].layout) {
        MessageLayout& layout = *m_rows[std::size_t(m_thumbRow)].layout;
        if (m_thumbBlock >= layout.blockCount())
            return;
        MessageBlock& block = layout.block(m_thumbBlock);
        const QRect rect = layout.blockRect(m_thumbBlock).translated(rowOrigin(m_thumbRow));
        const qreal way = rect.width() - 8.0 - block.scrollThumb().width();
        if (way > 0 && block.setScroll(int((position.x() - m_thumbGrip - rect.left() - 4.0) / way * block.maxScroll())))
            updateRow(m_thumbRow);
        return;
    }
    if (!m_selecting || !m_pressed)
        return;
    const int height = q->viewport()->height();
    const int beyond = position.y() < 0 ? position.y() : position.y() > height ? position.y() - height : 0;
    if (beyond != 0) {
        q->verticalScrollBar()->setValue(scrollValue() + std::clamp(beyond, -60, 60));
        if (!m_dragTimer.isActive())
            m_dragTimer.start(kDragScrollMs, this);
    } else {
        m_dragTimer.stop();
    }
    if (const auto place = positionAt({position.x(), std::clamp(position.y(), 0, height - 1)}, true); place && *place != m_selectionEnd) {
        m_selectionEnd = *place;
        q->viewport()->update();
    }
}

void MessageViewPrivate::release(QMouseEvent* event)
{
    m_dragTimer.stop();
    if (event->button() != Qt::LeftButton || !std::exchange(m_pressed, false))
        return;
    const bool thumb = std::exchange(m_thumbRow, -1) >= 0;
    m_selecting = false;
    const QPoint position = event->position().toPoint();
    if (thumb)
        return;
    if (hasSelection()) {
        QClipboard* clipboard = QApplication::clipboard();
        if (clipboard->supportsSelection())
            clipboard->setText(selectedText(), QClipboard::Selection);
        return;
    }
    const int row = rowAt(position.y() + scrollValue());
    if (row < 0 || !m_rows[std::size_t(row)].layout || (position - m_pressPosition).manhattanLength() > QApplication::startDragDistance())
        return;
    const MessageLayout& layout = *m_rows[std::size_t(row)].layout;
    const QPoint local = position - rowOrigin(row);
    if (const int target = layout.targetAt(local, showsActions(row)); target >= 0) {
        if (layout.targetAt(m_pressPosition - rowOrigin(row), true) == target)
            trigger(row, target);
    } else if (const QString href = layout.hrefAt(local); !href.isEmpty()) {
        emit q->linkActivated(QUrl(href));
    }
}

void MessageViewPrivate::selectWord(QPoint position)
{
    const std::optional<ViewPosition> place = positionAt(position, false);
    if (!place)
        return;
    const QString text = m_rows[std::size_t(place->row)].layout->block(place->text.block).plainText();
    QTextBoundaryFinder finder(QTextBoundaryFinder::Word, text);
    finder.setPosition(std::min(qsizetype(place->text.offset), text.size()));
    const qsizetype start = finder.isAtBoundary() && (finder.boundaryReasons() & QTextBoundaryFinder::StartOfItem) ? finder.position()
                                                                                                                    : std::max<qsizetype>(0, finder.toPreviousBoundary());
    finder.setPosition(start);
    const qsizetype end = finder.toNextBoundary();
    m_selectionStart = m_selectionEnd = *place;
    m_selectionStart.text.offset = int(start);
    m_selectionEnd.text.offset = int(end < 0 ? text.size() : end);
    q->viewport()->update();
}

void MessageViewPrivate::selectRow(int row)
{
    if (row < 0 || row >= rowCount())
        return;
    m_selectionStart = {row, {}};
    m_selectionEnd = {row, layoutOf(row).endPosition()};
    q->viewport()->update();
}

void MessageViewPrivate::clearSelection()
{
    if (!hasSelection())
        return;
    m_selectionEnd = m_selectionStart;
    q->viewport()->update();
}

QString MessageViewPrivate::selected(QString (MessageLayout::*textOf)(TextPosition, TextPosition) const)
{
    const ViewPosition from = std::min(m_selectionStart, m_selectionEnd);
    const ViewPosition to = std::max(m_selectionStart, m_selectionEnd);
    QString text;
    for (int row = from.row; from != to && row <= std::min(to.row, from.row + kMaxClipboardRows) && row < rowCount(); ++row) {
        const MessageLayout& layout = layoutOf(row);
        if (row > from.row)
            text += QStringLiteral("\n\n");
        text += (layout.*textOf)(row == from.row ? from.text : TextPosition{}, row == to.row ? to.text : layout.endPosition());
    }
    return text;
}

QString MessageViewPrivate::selectedText()
{
    return selected(&MessageLayout::selectedText);
}

QString MessageViewPrivate::selectedMarkdown()
{
    return selected(&MessageLayout::selectedMarkdown);
}

/// As plain text, and as Markdown for who asks for it.
void MessageViewPrivate::copySelection()
{
    auto* data = new QMimeData; // the clipboard owns it
    data->setText(selectedText());
    data->setData(QStringLiteral("text/markdown"), selectedMarkdown().toUtf8());
    QApplication::clipboard()->setMimeData(data);
}

void MessageViewPrivate::trigger(int row, int index)
{
    MessageLayout& layout = layoutOf(row);
    if (index < 0 || index >= int(layout.targets().size()))
        return;
    const MessageTarget target = layout.targets()[std::size_t(index)];
    if (!target.enabled)
        return;
    switch (target.action) {
    case MessageAction::Copy:
        emit q->copyRequested(row);
        break;
    case MessageAction::CopyCode:
        QApplication::clipboard()->setText(layout.block(target.block).plainText());
        break;
    case MessageAction::SaveCode:
        emit q->saveCodeRequested(layout.block(target.block).fileName(), layout.block(target.block).plainText());
        return;
    case MessageAction::Edit:
        beginEdit(row);
        return;
    case MessageAction::Regenerate:
        emit q->regenerateRequested(row);
        return;
    case MessageAction::Continue:
        emit q->continueRequested(row);
        return;
    case MessageAction::PreviousSibling:
        emit q->siblingRequested(row, -1);
        return;
    case MessageAction::NextSibling:
        emit q->siblingRequested(row, +1);
        return;
    case MessageAction::Attachment:
    case MessageAction::Thought:
        // What is pressed stays where it is, also at the end of the conversation.
        m_follow = false;
        m_anchor = {row, -1, rowRect(row).top()};
        if (target.action == MessageAction::Thought)
            layout.toggleThought();
        else
            layout.toggleAttachment(target.block);
        settle();
        m_follow = scrollValue() >= q->verticalScrollBar()->maximum();
        q->viewport()->update();
        return;
    case MessageAction::More: {
        QMenu menu(q);
        fillMenu(menu, row);
        menu.exec(q->viewport()->mapToGlobal(target.rect.translated(rowOrigin(row)).bottomLeft() + QPoint(0, 4)));
        return;
    }
    }
    // Only the two copies say that they were done.
    updateRow(std::exchange(m_copiedRow, row));
    m_copiedTarget = index;
    m_copiedTimer.start(kCopiedMs, this);
    updateRow(row);
}

void MessageViewPrivate::fillMenu(QMenu& menu, int row)
{
    const MessageData data = layoutOf(row).data();
    if (hasSelection()) {
        menu.addAction(MessageView::tr("Copy selection"), this, [this] { copySelection(); });
        menu.addAction(MessageView::tr("Copy selection as Markdown"), this, [this] { QApplication::clipboard()->setText(selectedMarkdown()); });
        menu.addSeparator();
    }
    menu.addAction(MessageView::tr("Copy message"), this, [this, row] { emit q->copyRequested(row); });
    menu.addAction(MessageView::tr("Copy as plain text"), this, [this, row] {
        const MessageLayout& layout = layoutOf(row);
        QApplication::clipboard()->setText(layout.selectedText({}, layout.endPosition()));
    });
    menu.addAction(MessageView::tr("Select message"), this, [this, row] { selectRow(row); });
    if (data.isGenerating())
        return;
    menu.addSeparator();
    menu.addAction(MessageView::tr("Edit…"), this, [this, row] { beginEdit(row); });
    if (data.author == int(core::StoredRole::Assistant)) {
        menu.addAction(MessageView::tr("Regenerate"), this, [this, row] { emit q->regenerateRequested(row); });
        menu.addAction(MessageView::tr("Continue"), this, [this, row] { emit q->continueRequested(row); });
    }
    const bool replying = layoutOf(rowCount() - 1).data().isGenerating();
    if (!replying && q->isSignalConnected(QMetaMethod::fromSignal(&MessageView::deleteRequested))) // never offer what nobody does
        menu.addAction(MessageView::tr("Delete"), this, [this, row] { emit q->deleteRequested(row); });
}

bool MessageViewPrivate::moveFocus(bool next)
{
    if (!q->hasFocus() || m_rows.empty())
        return false;
    int row = m_focusRow;
    int target = m_focusTarget;
    if (row < 0)
        return false;
    const auto isStop = [this](int r, int t) { return layoutOf(r).targets()[std::size_t(t)].enabled; };
    if (next) {
        for (++target; target < int(layoutOf(row).targets().size()); ++target) {
            if (isStop(row, target)) {
                setFocus(row, target);
                return true;
            }
        }
        if (row + 1 >= rowCount())
            return false;
        setFocus(row + 1, -1);
        return true;
    }
    if (target >= 0) {
        for (--target; target >= 0 && !isStop(row, target);)
            --target;
        setFocus(row, target);
        return true;
    }
    if (row == 0)
        return false;
    --row;
    target = int(layoutOf(row).targets().size()) - 1;
    while (target >= 0 && !isStop(row, target))
        --target;
    setFocus(row, target);
    return true;
}

void MessageViewPrivate::setFocus(int row, int target)
{
    updateRow(std::exchange(m_focusRow, row));
    m_focusTarget = target;
    if (row < 0)
        return;
    const MessageLayout& layout = layoutOf(row);
    showRow(row, target >= 0 && target < int(layout.targets().size()) ? layout.targets()[std::size_t(target)].rect : layout.bodyRect());
    updateRow(row);
}

bool MessageViewPrivate::scrollBlockSideways(QPoint position, int delta)
{
    const int row = rowAt(position.y() + scrollValue());
    if (row < 0 || !m_rows[std::size_t(row)].layout)
        return false;
    MessageLayout& layout = *m_rows[std::size_t(row)].layout;
    const int index = layout.blockAt((position - rowOrigin(row)).y());
    if (index < 0 || layout.block(index).maxScroll() <= 0)
        return false;
    MessageBlock& block = layout.block(index);
    if (block.setScroll(block.scroll() + delta))
        updateRow(row);
    return true;
}

QString MessageViewPrivate::toolTipAt(QPoint position)
{
    const int row = rowAt(position.y() + scrollValue());
    if (row < 0 || !m_rows[std::size_t(row)].layout)
        return {};
    const MessageLayout& layout = *m_rows[std::size_t(row)].layout;
    const QPoint local = position - rowOrigin(row);
    if (const int target = layout.targetAt(local, true); target >= 0) {
        const MessageTarget& t = layout.targets()[std::size_t(target)];
        const bool icon = t.action == MessageAction::PreviousSibling || t.action == MessageAction::NextSibling || t.action == MessageAction::More;
        return icon ? t.label : QString();
    }
    return layout.hrefAt(local).left(300).toHtmlEscaped();
}

int MessageViewPrivate::editRow() const
{
    return m_editor && m_editIndex.isValid() ? m_editIndex.row() : -1;
}

void MessageViewPrivate::beginEdit(int row)
{
    if (row < 0 || row >= rowCount() || layoutOf(row).data().isGenerating())
        return;
    endEdit();
    m_editIndex = m_model->index(row, 0);
    const bool user = layoutOf(row).data().isUser();
    m_editor = new MessageEditor(layoutOf(row).data().text, user ? MessageEditor::Whose::Users : MessageEditor::Whose::Models, q->viewport());
    connect(m_editor, &MessageEditor::cancelled, this, [this] {
        endEdit();
        q->setFocus();
    });
    connect(m_editor, &MessageEditor::saved, this, [this](const QString& text) {
        const int edited = editRow();
        endEdit();
        q->setFocus();
        if (edited >= 0)
            emit q->editSubmitted(edited, text);
    });
    connect(m_editor, &MessageEditor::continued, this, [this](const QString& text) {
        const int edited = editRow();
        endEdit();
        q->setFocus();
        if (edited >= 0)
            emit q->prefillSubmitted(edited, text);
    });
    connect(m_editor, &MessageEditor::heightChanged, this, [this] {
        settle();
        q->viewport()->update();
    });
    m_follow = false;
    m_anchor = {row, -1, std::clamp(rowRect(row).top(), 0, std::max(0, q->viewport()->height() - 160))};
    clearSelection();
    m_editor->setFixedWidth(columnWidth());
    m_editor->show();
    settle();
    showRow(row, {0, 0, 1, m_editor->height()});
    q->viewport()->update();
    m_editor->focusInput();
}

void MessageViewPrivate::endEdit()
{
    if (!m_editor)
        return;
    m_editor->hide();
    m_editor->deleteLater(); // it may be the sender of what ends it
    m_editor = nullptr;
    m_editIndex = QPersistentModelIndex();
    if (m_rows.empty())
        return;
    settle();
    q->viewport()->update();
}

void MessageViewPrivate::placeEditor()
{
    const int row = editRow();
    if (row < 0)
        return;
    m_editor->setFixedWidth(columnWidth());
    m_editor->setGeometry(QRect(rowOrigin(row), QSize(columnWidth(), m_editor->sizeHint().height())));
}

} // namespace hearth::ui
