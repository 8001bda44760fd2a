// SPDX-License-Identifier: Apache-2.0
//
// MessageView: rows of the model, their places, and the scroll position.
#include "core/store/chat_store.h"
#include "ui/models/message_attachments.h"
#include "ui/models/message_roles.h"
#include "ui/style/metrics.h"
#include "ui/widgets/composer_button.h"
#include "ui/widgets/message_editor.h"
#include "ui/widgets/message_view_private.h"

#include <QAbstractItemModel>
#include <QAccessible>
#include <QScrollBar>
#include <QStyle>

#include <algorithm>
#include <cmath>

namespace hearth::ui {
namespace {

constexpr int kRefreshMs = 25;       ///< changes are shown at most 40 times a second
constexpr int kTopMargin = 24;
constexpr int kBottomMargin = 8;
constexpr int kSideMargin = 24;
constexpr int kNarrowSideMargin = 12;
constexpr int kNarrow = 480;
constexpr int kKeptRows = 24;        ///< laid-out rows kept on either side of the window
constexpr int kTurnGap = 32;        ///< under the editor, as under a user's turn
constexpr int kJumpMargin = 24;      ///< over a message that was jumped to
constexpr int kMarkMs = 1600;
constexpr int kMaxSettleRounds = 12;
constexpr int kEndSlack = 4;         ///< px that still count as "at the end"

} // namespace

void MessageViewPrivate::setModel(QAbstractItemModel* model)
{
    for (const QMetaObject::Connection& connection : m_connections)
        disconnect(connection);
    m_connections.clear();
    m_model = model;
    endEdit();
    if (model) {
        m_connections = {
            connect(model, &QAbstractItemModel::modelReset, this, [this] { resetRows(); }),
            connect(model, &QAbstractItemModel::layoutChanged, this, [this] { resetRows(); }),
            connect(model, &QAbstractItemModel::rowsInserted, this, [this](const QModelIndex&, int first, int last) { insertRows(first, last); }),
            connect(model, &QAbstractItemModel::rowsRemoved, this, [this](const QModelIndex&, int first, int last) { removeRows(first, last); }),
            connect(model, &QAbstractItemModel::rowsMoved, this, [this] { resetRows(); }),
            connect(model, &QAbstractItemModel::dataChanged, this,
                    [this](const QModelIndex& from, const QModelIndex& to) { markStale(from.row(), to.row()); }),
            connect(model, &QObject::destroyed, this, [this] { resetRows(); }),
        };
    }
    resetRows();
}

int MessageViewPrivate::columnWidth() const
{
    const int margin = q->width() < kNarrow ? kNarrowSideMargin : kSideMargin;
    return std::max(120, std::min(m_style->px(metrics::kReadingWidth), q->viewport()->width() - 2 * margin));
}

int MessageViewPrivate::columnLeft() const
{
    // In the middle of the view, not of what the scroll bar leaves: the composer below stands there, too.
    const int left = (q->width() - columnWidth()) / 2;
    return std::max(0, std::min(left, q->viewport()->width() - columnWidth() - kNarrowSideMargin));
}

int MessageViewPrivate::scrollValue() const
{
    return q->verticalScrollBar()->value();
}

QPoint MessageViewPrivate::rowOrigin(int row) const
{
    return {columnLeft(), rowTop(row) - scrollValue()};
}

QRect MessageViewPrivate::rowRect(int row) const
{
    return {0, rowTop(row) - scrollValue(), q->viewport()->width(), m_rows[std::size_t(row)].height};
}

int MessageViewPrivate::rowAt(int contentY) const
{
    if (m_rows.empty())
        return -1;
    const auto next = std::upper_bound(m_tops.begin(), m_tops.end() - 1, contentY);
    return std::max(0, int(next - m_tops.begin()) - 1);
}

std::pair<int, int> MessageViewPrivate::visibleRows() const
{
    if (m_rows.empty())
        return {0, -1};
    return {rowAt(scrollValue()), rowAt(scrollValue() + q->viewport()->height() - 1)};
}

void MessageViewPrivate::updateRow(int row)
{
    if (row >= 0 && row < rowCount())
        q->viewport()->update(rowRect(row).adjusted(0, -8, 0, 8));
}

MessageLayout& MessageViewPrivate::layoutOf(int row)
{
    Row& r = m_rows[std::size_t(row)];
    if (!r.layout) {
        r.layout = std::make_unique<MessageLayout>(*m_style, columnWidth());
        r.stale = true;
    }
    if (r.stale && m_model) {
        r.layout->setData(MessageData::fromIndex(m_model->index(row, 0)));
        r.stale = false;
    }
    return *r.layout;
}

/// Height of a row that nobody has seen yet, from the length of its text.
static int estimatedHeight(const QString& whole, const MessageStyle& style, int width)
{
    // Attachments and reasoning stand folded.
    QStringView text = QStringView(whole).mid(attachmentsEnd(whole));
    if (text.startsWith(u"<think>"))
        text = text.mid(std::max<qsizetype>(0, text.indexOf(u"</think>")));
    const qreal perLine = std::max(8.0, width / style.textAdvance);
    const int lines = int(text.count(u'\n')) + int(std::ceil(qreal(text.size()) / perLine));
    return std::min(lines, 1'000'000) * style.textLine + style.px(72);
}

void MessageViewPrivate::resetRows()
{
    m_rows.clear();
    m_selectionStart = m_selectionEnd = {};
    m_hoverRow = m_hoverTarget = m_hoverBlock = m_focusRow = m_focusTarget = m_copiedRow = m_markedRow = -1;
    m_follow = true;
    m_newBelow = false;
    endEdit();
    restartFind();
    m_tops.assign(1, m_style->px(kTopMargin));
    const int rows = m_model ? m_model->rowCount() : 0;
    if (rows > 0)
        insertRows(0, rows - 1);
    else
        settle();
    q->viewport()->update();
}

void MessageViewPrivate::insertRows(int first, int last)
{
    const int width = columnWidth();
    std::vector<Row> rows(std::size_t(last - first + 1));
    for (int i = first; i <= last; ++i)
        rows[std::size_t(i - first)].height = estimatedHeight(m_model->index(i, 0).data(TextRole).toString(), *m_style, width);
    const bool atEnd = first == rowCount();
    m_rows.insert(m_rows.begin() + first, std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
    const int count = last - first + 1;
    const auto shift = [&](int& row) {
        if (row >= first)
            row += count;
    };
    shift(m_anchor.row);
    shift(m_hoverRow);
    shift(m_focusRow);
    shift(m_copiedRow);
    shift(m_markedRow);
    shift(m_selectionStart.row);
    shift(m_selectionEnd.row);
    if (!m_findText.isEmpty() && !atEnd)
        restartFind();
    else if (!m_findText.isEmpty())
        m_findTimer.start(0, this);
    // What one writes oneself one wants to see.
    if (atEnd && m_model->index(last, 0).data(AuthorRole).toInt() == int(core::StoredRole::User))
        m_follow = true;
    if (atEnd && !m_follow)
        m_newBelow = true;
    settle();
    q->viewport()->update();
    if (QAccessible::isActive()) {
        QAccessibleTableModelChangeEvent event(q, QAccessibleTableModelChangeEvent::RowsInserted);
        event.setFirstRow(first);
        event.setLastRow(last);
        QAccessible::updateAccessibility(&event);
    }
}

void MessageViewPrivate::removeRows(int first, int last)
{
    if (m_editor && !m_editIndex.isValid())
        endEdit();
    m_rows.erase(m_rows.begin() + first, m_rows.begin() + last + 1);
    m_hoverRow = m_hoverTarget = m_hoverBlock = m_focusRow = m_focusTarget = m_copiedRow = m_markedRow = -1;
    m_selectionStart = m_selectionEnd = {};
    m_thumbRow = -1;
    if (!m_findText.isEmpty())
        restartFind();
    if (m_anchor.row > last)
        m_anchor.row -= last - first + 1;
    else if (m_anchor.row >= first)
        m_anchor = {std::max(0, std::min(first, rowCount() - 1)), -1, 0};
    settle();
    q->viewport()->update();
}

void MessageViewPrivate::markStale(int first, int last)
{
    for (int row = std::max(0, first); row <= std::min(last, rowCount() - 1); ++row)
        m_rows[std::size_t(row)].stale = true;
    if (!m_refreshTimer.isActive())
        m_refreshTimer.start(kRefreshMs, Qt::PreciseTimer, this);
}

/// Shows what changed since the last frame. The common case, a last row that grows, repaints its last block only.
void MessageViewPrivate::refreshStale()
{
    const auto [first, last] = visibleRows();
    const int referenceY = first <= last ? rowRect(first).top() : 0;
    int dirtyFrom = -1; // in the last row
    bool others = false;
    for (int row = 0; row < rowCount(); ++row) {
        Row& r = m_rows[std::size_t(row)];
        if (!r.stale)
            continue;
        const bool isLast = row + 1 == rowCount();
        rescanRow(row);
        if (isLast && !m_follow)
            m_newBelow = true;
        if (r.layout) {
            const int from = r.layout->setData(MessageData::fromIndex(m_model->index(row, 0)));
            if (isLast)
                dirtyFrom = from;
        } else {
            r.height = estimatedHeight(m_model->index(row, 0).data(TextRole).toString(), *m_style, columnWidth());
        }
        others |= !isLast;
        r.stale = false;
    }
    if (settle() || others || first > last) {
        q->viewport()->update();
        return;
    }
    showShifted(first, referenceY);
    if (dirtyFrom >= 0 && last + 1 >= rowCount()) {
        QRect dirty = rowRect(rowCount() - 1);
        dirty.setTop(dirty.top() + dirtyFrom - 8);
        dirty.setBottom(q->viewport()->height());
        q->viewport()->update(dirty);
    }
}

/// All that is in sight moved together: `row` stood at viewport y `before`.
void MessageViewPrivate::showShifted(int row, int before)
{
    const int shift = rowRect(row).top() - before;
    if (m_editor)
        q->viewport()->update();
    else if (shift != 0)
        q->viewport()->scroll(0, shift);
}

bool MessageViewPrivate::settle()
{
    if (m_settling)
        return false;
    m_settling = true;
    const int viewHeight = q->viewport()->height();
    QScrollBar* bar = q->verticalScrollBar();
    bool moved = false;
    int value = 0;
    for (int round = 0; round < kMaxSettleRounds; ++round) {
        // Places, from heights.
        m_tops.resize(m_rows.size() + 1);
        int top = m_style->px(kTopMargin);
        const int edited = editRow();
        for (std::size_t i = 0; i < m_rows.size(); ++i) {
            Row& row = m_rows[i];
            if (row.layout && !row.stale) {
                row.height = row.layout->height();
                row.estimated = false;
            }
            if (int(i) == edited)
                row.height = m_editor->sizeHint().height() + m_style->px(kTurnGap);
            m_tops[i] = top;
            top += row.height;
        }
        m_tops.back() = top;
        const int maximum = std::max(0, top + m_style->px(kBottomMargin) - viewHeight);
        // The position, from the anchor.
        value = maximum;
        if (!m_follow && !m_rows.empty()) {
            m_anchor.row = std::clamp(m_anchor.row, 0, rowCount() - 1);
            value = rowTop(m_anchor.row) - m_anchor.viewportY;
            const Row& row = m_rows[std::size_t(m_anchor.row)];
            if (m_anchor.block >= 0 && row.layout && m_anchor.block < row.layout->blockCount())
                value += row.layout->blockRect(m_anchor.block).top();
            value = std::clamp(value, 0, maximum);
        }
        bar->setPageStep(viewHeight);
        bar->setSingleStep(m_style->textLine);
        bar->setRange(0, maximum);
        bar->setValue(value);
        // What is in sight now, laid out.
        const auto [first, last] = visibleRows();
        bool changed = false;
        for (int i = first; i <= last; ++i) {
            const int before = m_rows[std::size_t(i)].height;
            MessageLayout& layout = layoutOf(i);
            layout.setWidth(columnWidth());
            const bool grew = layout.settle(value - rowTop(i), value + viewHeight - rowTop(i));
            if (grew || (i != edited && layout.height() != before))
                changed = true;
            moved |= grew && i + 1 < rowCount();
        }
        if (!changed)
            break;
    }
    // Rows far from sight give their layouts back.
    const auto [first, last] = visibleRows();
    for (int i = 0; i < rowCount(); ++i) {
        if ((i < first - kKeptRows || i > last + kKeptRows) && m_rows[std::size_t(i)].layout)
            m_rows[std::size_t(i)].layout.reset();
    }
    m_settling = false;
    if (!m_follow)
        rememberAnchor();
    placeEditor();
    updateJumpButton();
    bool waiting = false;
    for (int i = first; i <= last; ++i)
        waiting |= m_rows[std::size_t(i)].layout && !m_rows[std::size_t(i)].layout->progressRect().isEmpty();
    if (waiting != m_dotsTimer.isActive()) {
        m_dots = 3;
        const bool animate = q->style()->styleHint(QStyle::SH_Widget_Animation_Duration, nullptr, q) > 0;
        if (waiting && animate)
            m_dotsTimer.start(400, this);
        else
            m_dotsTimer.stop();
    }
    return moved;
}

/// Remembers where the window stands: by the first block in sight whose height is known.
void MessageViewPrivate::rememberAnchor()
{
    const int value = scrollValue();
    const auto [first, last] = visibleRows();
    m_anchor = {std::max(0, first), -1, first <= last ? rowTop(std::max(0, first)) - value : 0};
    for (int i = first; i <= last; ++i) {
        const Row& row = m_rows[std::size_t(i)];
        if (!row.layout || row.stale)
            continue;
        for (int block = 0; block < row.layout->blockCount(); ++block) {
            const QRect rect = row.layout->blockRect(block).translated(0, rowTop(i) - value);
            if (rect.bottom() <= 0 || !row.layout->isSettled(block) || rect.isEmpty())
                continue;
            if (rect.top() < q->viewport()->height()) {
                m_anchor = {i, block, rect.top()};
                return;
            }
            break;
        }
    }
}

void MessageViewPrivate::scrollToEnd()
{
    m_follow = true;
    m_newBelow = false;
    settle();
    q->viewport()->update();
}

/// Scrolls so that `part` (of the row) is in sight; what is taller than the window shows its top.
void MessageViewPrivate::showRow(int row, QRect part)
{
    QScrollBar* bar = q->verticalScrollBar();
    const int viewHeight = q->viewport()->height();
    const int margin = m_style->px(12);
    const int top = rowTop(row) + part.top() - margin;
    const int bottom = rowTop(row) + part.bottom() + 1 + margin;
    if (top >= bar->value() && bottom <= bar->value() + viewHeight)
        return;
    if (top < bar->value() || bottom - top > viewHeight)
        bar->setValue(top);
    else
        bar->setValue(bottom - viewHeight);
}

/// The row's top near the top of the window, whatever the heights on the way turn out to be.
void MessageViewPrivate::jumpToRow(int row)
{
    m_follow = false;
    m_anchor = {row, -1, m_style->px(kJumpMargin)};
    updateRow(std::exchange(m_markedRow, row));
    m_markTimer.start(kMarkMs, this);
    settle();
    m_follow = scrollValue() >= q->verticalScrollBar()->maximum();
    q->viewport()->update();
}

void MessageViewPrivate::updateJumpButton()
{
    const QScrollBar* bar = q->verticalScrollBar();
    if (bar->value() >= bar->maximum() - kEndSlack)
        m_newBelow = false;
    const bool show = !m_follow && bar->value() < bar->maximum() - (m_newBelow ? kEndSlack : q->viewport()->height() / 4);
    if (show) {
        m_jump->setText(m_newBelow ? MessageView::tr("New below") : QString());
        m_jump->setAccessibleName(m_newBelow ? MessageView::tr("New below: jump to the end") : MessageView::tr("Jump to the end"));
        m_jump->adjustSize();
        m_jump->move((q->width() - m_jump->width()) / 2, q->viewport()->height() - m_jump->height() - 12);
        m_jump->raise();
    }
    m_jump->setVisible(show);
}

void MessageViewPrivate::restyle()
{
    m_style = std::make_unique<MessageStyle>(q->font());
    for (Row& row : m_rows)
        row.layout.reset();
    settle();
    q->viewport()->update();
}

void MessageViewPrivate::relayoutWidth()
{
    const int width = columnWidth();
    for (int i = 0; i < rowCount(); ++i) {
        Row& row = m_rows[std::size_t(i)];
        if (row.layout)
            row.layout->setWidth(width);
    }
    settle();
    q->viewport()->update();
}

} // namespace hearth::ui
