// SPDX-License-Identifier: Apache-2.0
//
// MessageView: finding text in the conversation. Messages are parsed for it in slices, so that typing never waits.
#include "ui/models/message_roles.h"
#include "ui/widgets/message_view_private.h"

#include <QAbstractItemModel>
#include <QElapsedTimer>
#include <QScrollBar>

#include <algorithm>

namespace hearth::ui {
namespace {

constexpr int kSliceMs = 8;
constexpr int kMaxFound = 20'000; ///< places; more than anyone steps through

} // namespace

std::vector<FoundText> MessageViewPrivate::findIn(int row) const
{
    std::vector<FoundText> found;
    const QModelIndex index = m_model->index(row, 0);
    const std::vector<MarkdownBlock> blocks = MessageLayout::blocksOf(index.data(AuthorRole).toInt(), index.data(TextRole).toString());
    for (std::size_t block = 0; block < blocks.size(); ++block) {
        const QString text = plainTextOf(blocks[block]);
        for (qsizetype at = 0; (at = text.indexOf(m_findText, at, Qt::CaseInsensitive)) >= 0; at += m_findText.size())
            found.push_back({{int(block), int(at)}, int(m_findText.size())});
    }
    return found;
}

void MessageViewPrivate::setFindText(const QString& text)
{
    if (text == m_findText)
        return;
    m_findText = text;
    restartFind();
}

void MessageViewPrivate::restartFind()
{
    m_found.clear();
    m_findScanned = m_findTotal = 0;
    m_findRow = m_findIndex = -1;
    q->viewport()->update();
    if (m_findText.isEmpty() || !m_model) {
        m_findTimer.stop();
        m_findScanned = rowCount();
        reportFound();
        return;
    }
    m_findTimer.start(0, this);
}

void MessageViewPrivate::scanForFind()
{
    QElapsedTimer slice;
    slice.start();
    while (m_findScanned < rowCount() && m_findTotal < kMaxFound && slice.elapsed() < kSliceMs) {
        std::vector<FoundText> found = findIn(m_findScanned);
        m_findTotal += int(found.size());
        if (!found.empty())
            m_found.emplace(m_findScanned, std::move(found));
        ++m_findScanned;
    }
    if (m_findScanned < rowCount() && m_findTotal < kMaxFound) {
        reportFound();
        return;
    }
    m_findTimer.stop();
    q->viewport()->update();
    if (m_found.empty() || m_findRow >= 0) {
        reportFound();
        return;
    }
    // What is nearest to where one reads: in sight, else below it, else the last one.
    auto nearest = m_found.lower_bound(visibleRows().first);
    if (nearest == m_found.end())
        --nearest;
    m_findRow = nearest->first;
    m_findIndex = 0;
    showFound();
}

void MessageViewPrivate::rescanRow(int row)
{
    if (m_findText.isEmpty() || row >= m_findScanned)
        return;
    const auto known = m_found.find(row);
    if (known != m_found.end()) {
        m_findTotal -= int(known->second.size());
        m_found.erase(known);
    }
    std::vector<FoundText> found = findIn(row);
    m_findTotal += int(found.size());
    if (row == m_findRow)
        m_findIndex = std::min(m_findIndex, int(found.size()) - 1);
    if (row == m_findRow && m_findIndex < 0)
        m_findRow = -1;
    if (!found.empty())
        m_found.emplace(row, std::move(found));
    reportFound();
}

void MessageViewPrivate::findNext(int step)
{
    if (m_found.empty())
        return;
    auto at = m_found.find(m_findRow);
    if (at == m_found.end()) {
        at = m_found.lower_bound(visibleRows().first);
        if (at == m_found.end())
            at = m_found.begin();
        m_findIndex = step > 0 ? 0 : int(at->second.size()) - 1;
    } else if (step > 0 && ++m_findIndex >= int(at->second.size())) {
        if (++at == m_found.end())
            at = m_found.begin();
        m_findIndex = 0;
    } else if (step < 0 && --m_findIndex < 0) {
        at = at == m_found.begin() ? std::prev(m_found.end()) : std::prev(at);
        m_findIndex = int(at->second.size()) - 1;
    }
    m_findRow = at->first;
    showFound();
}

void MessageViewPrivate::showFound()
{
    const FoundText found = m_found.at(m_findRow)[std::size_t(m_findIndex)];
    MessageLayout& layout = layoutOf(m_findRow);
    layout.unfold(found.at.block);
    if (found.at.block < layout.blockCount()) {
        // Near it first: only what is in sight is laid out, and only then it is known where the words stand.
        const QRect row = rowRect(m_findRow).intersected(q->viewport()->rect());
        const QRect block = layout.blockRect(found.at.block).translated(rowOrigin(m_findRow));
        if (row.isEmpty() || !layout.isSettled(found.at.block) || !block.intersects(q->viewport()->rect())) {
            m_follow = false;
            m_anchor = {m_findRow, found.at.block, q->viewport()->height() / 3};
        }
        settle();
        const QRectF words = layout.block(found.at.block).rectOf(found.at.offset).translated(layout.blockRect(found.at.block).topLeft());
        showRow(m_findRow, words.toAlignedRect());
    }
    q->viewport()->update();
    reportFound();
}

int MessageViewPrivate::foundNumber() const
{
    if (m_findRow < 0)
        return 0;
    int before = 0;
    for (const auto& [row, found] : m_found) {
        if (row == m_findRow)
            return before + m_findIndex + 1;
        before += int(found.size());
    }
    return 0;
}

void MessageViewPrivate::reportFound()
{
    emit q->foundChanged(foundNumber(), m_findTotal, m_findScanned >= rowCount());
}

} // namespace hearth::ui
