// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/message_layout.h"

#include "core/store/chat_store.h"
#include "ui/models/message_attachments.h"
#include "ui/models/message_roles.h"
#include "ui/style/metrics.h"

#include <QCoreApplication>
#include <QFontMetricsF>
#include <QLocale>
#include <QModelIndex>

#include <algorithm>
#include <cmath>
#include <utility>

namespace hearth::ui {
namespace {

// Sizes of the design, px at 1x.
constexpr int kUserWidth = 588;
constexpr int kUserMargin = 48;      ///< what the user's panel leaves free on its left in a narrow window
constexpr int kPanelPaddingX = 16;
constexpr int kPanelPaddingY = 12;
constexpr int kListIndent = 24;
constexpr int kQuoteIndent = 16;
constexpr int kBlockGap = 12;
constexpr int kHeadingGap = 20;
constexpr int kItemGap = 4;
constexpr int kLooseItemGap = 8;
constexpr int kThoughtGap = 10;
constexpr int kTailGap = 10;
constexpr int kButtonHeight = 24;
constexpr int kButtonPadding = 8;
constexpr int kButtonGap = 6;
constexpr int kActionGap = 8;        ///< between the text and its buttons
constexpr int kNoticeIcon = 24;      ///< with the space after it
constexpr int kTurnGap = 12;

constexpr int kChipHeight = 26;
constexpr int kChipGap = 6;
constexpr int kChipIcon = 20;

/// A user's turn: its attachments as folded code, then what was typed.
std::vector<MarkdownBlock> turnBlocks(const QString& text)
{
    const TurnText turn = splitAttachments(text);
    std::vector<MarkdownBlock> blocks;
    for (const Attachment& attachment : turn.attachments) {
        MarkdownBlock block;
        block.kind = BlockKind::Code;
        block.text = attachment.text;
        block.language = attachment.language;
        block.title = attachment.name;
        blocks.push_back(std::move(block));
    }
    std::ranges::move(plainBlocks(turn.text), std::back_inserter(blocks));
    return blocks;
}

QString durationText(qint64 ms)
{
    if (ms < 10'000)
        return QCoreApplication::translate("hearth::ui::MessageView", "%1 s").arg(QLocale().toString(double(ms) / 1000.0, 'f', 1));
    const qint64 seconds = (ms + 500) / 1000;
    if (seconds < 60)
        return QCoreApplication::translate("hearth::ui::MessageView", "%1 s").arg(seconds);
    return QCoreApplication::translate("hearth::ui::MessageView", "%1 min %2 s").arg(seconds / 60).arg(seconds % 60);
}

QString tr(const char* text)
{
    return QCoreApplication::translate("hearth::ui::MessageView", text);
}

bool isState(const MessageData& data, core::MessageState state)
{
    return data.state == int(state);
}

} // namespace

MessageData MessageData::fromIndex(const QModelIndex& index)
{
    MessageData data;
    data.author = index.data(AuthorRole).toInt();
    data.state = index.data(StateRole).toInt();
    data.text = index.data(TextRole).toString();
    data.quietLine = index.data(QuietLineRole).toString();
    data.notice = index.data(NoticeRole).toString();
    data.progress = index.data(ProgressRole).toString();
    data.thoughtMs = index.data(ThoughtMsRole).toInt();
    data.siblingIndex = index.data(SiblingIndexRole).toInt();
    data.siblingCount = std::max(1, index.data(SiblingCountRole).toInt());
    return data;
}

bool MessageData::isUser() const
{
    return author == int(core::StoredRole::User);
}

bool MessageData::isGenerating() const
{
    return state == int(core::MessageState::Generating);
}

MessageLayout::MessageLayout(const MessageStyle& style, int width) : m_style(style), m_width(width) {}

std::vector<MarkdownBlock> MessageLayout::blocksOf(int author, const QString& text)
{
    if (author != int(core::StoredRole::Assistant))
        return turnBlocks(text);
    MarkdownDocument document;
    document.setText(text);
    return document.blocks();
}

const std::vector<MarkdownBlock>& MessageLayout::sources() const
{
    return m_data.author == int(core::StoredRole::Assistant) ? m_document.blocks() : m_plain;
}

bool MessageLayout::hasThought() const
{
    return m_document.isThinking() || (!m_document.blocks().empty() && m_document.blocks().front().thought);
}

int MessageLayout::setData(const MessageData& data)
{
    const MessageData before = std::exchange(m_data, data);
    int changedFrom = before.author == data.author ? m_height : 0;
    const bool markMoved = before.isGenerating() != data.isGenerating();
    if (before.text != data.text || before.author != data.author || markMoved) {
        const bool wasThinking = m_document.isThinking();
        std::size_t first = 0;
        if (data.author == int(core::StoredRole::Assistant)) {
            first = m_document.setText(data.text);
            if (m_document.isThinking() && !wasThinking && data.isGenerating())
                m_thinkingSince.start();
            if (!m_document.isThinking() && wasThinking && m_thinkingSince.isValid())
                m_thoughtMs = m_thinkingSince.elapsed();
            if (m_document.isThinking() != wasThinking)
                changedFrom = 0; // the line above the blocks
        } else {
            m_plain = turnBlocks(data.text);
            m_openAttachments.clear();
            first = 0;
        }
        // The last block was drawn as unfinished: bold and code still open, the mark behind it.
        if (!m_boxes.empty())
            first = std::min(first, m_boxes.size() - 1);
        if (first < m_boxes.size())
            changedFrom = std::min(changedFrom, m_boxes[first].rect.top());
        rebuildBoxes(sources(), first);
    }
    if (before.notice != data.notice || before.state != data.state) {
        m_notice.reset();
        if (!data.notice.isEmpty()) {
            MarkdownBlock source;
            source.kind = BlockKind::Plain;
            source.text = data.notice.left(kPlainChunkChars);
            ThemeColors colors = Theme::current();
            colors.text = isState(data, core::MessageState::Failed) ? colors.error : isState(data, core::MessageState::Cancelled) ? colors.mute : colors.warning;
            m_notice = MessageBlock::create(source, InlineEnd::Final, m_style, colors);
        }
    }
    const int tail = m_body.bottom() + 1;
    place();
    return std::min({changedFrom, tail, m_body.bottom() + 1});
}

ThemeColors MessageLayout::blockColors(const MarkdownBlock& source) const
{
    ThemeColors colors = Theme::current();
    if (source.thought || m_data.author == int(core::StoredRole::System))
        colors.text = colors.mute;
    return colors;
}

void MessageLayout::rebuildBoxes(const std::vector<MarkdownBlock>& blocks, std::size_t first)
{
    const std::size_t previous = m_boxes.size();
    if (blocks.size() < m_boxes.size())
        m_boxes.resize(blocks.size());
    for (std::size_t i = first; i < blocks.size(); ++i) {
        const bool last = i + 1 == blocks.size();
        const InlineEnd end = last && m_data.isGenerating() ? InlineEnd::Streaming : InlineEnd::Final;
        Box box;
        if (i < previous && i < m_boxes.size()) {
            box = std::move(m_boxes[i]);
            if (!box.block->update(blocks[i]))
                box.block.reset();
        }
        if (!box.block)
            box.block = MessageBlock::create(blocks[i], end, m_style, blockColors(blocks[i]));
        box.exact = false;
        box.hidden = isFolded(i);
        if (i < m_boxes.size())
            m_boxes[i] = std::move(box);
        else
            m_boxes.push_back(std::move(box));
    }
}

void MessageLayout::setWidth(int width)
{
    if (width == m_width)
        return;
    m_width = width;
    for (Box& box : m_boxes)
        box.exact = false;
    place();
}

int MessageLayout::panelMaxWidth() const
{
    return std::min(m_style.px(kUserWidth), std::max(m_width - m_style.px(kUserMargin), m_width * 3 / 4));
}

int MessageLayout::indentOf(const MarkdownBlock& source) const
{
    int indent = source.thought ? m_style.px(kQuoteIndent) : 0;
    for (const BlockContainer container : source.containers)
        indent += m_style.px(container == BlockContainer::Quote ? kQuoteIndent : kListIndent);
    // Deep nesting must leave room for the text.
    return std::min(indent, m_width * 2 / 3);
}

int MessageLayout::blockWidth(std::size_t index) const
{
    const MarkdownBlock& source = sources()[index];
    if (m_data.isUser())
        return panelMaxWidth() - 2 * m_style.px(kPanelPaddingX);
    return std::max(1, m_width - indentOf(source));
}

int MessageLayout::gapBefore(std::size_t index, const MarkdownBlock* previous) const
{
    const MarkdownBlock& source = sources()[index];
    if (!previous || source.continued)
        return 0;
    if (source.kind == BlockKind::Heading)
        return m_style.px(kHeadingGap);
    if (previous->kind == BlockKind::Heading)
        return m_style.px(kLooseItemGap);
    const bool panels = source.kind == BlockKind::Code || source.kind == BlockKind::Table || previous->kind == BlockKind::Code
        || previous->kind == BlockKind::Table;
    const bool inList = std::count(source.containers.begin(), source.containers.end(), BlockContainer::ListItem) > 0;
    const bool afterList = std::count(previous->containers.begin(), previous->containers.end(), BlockContainer::ListItem) > 0;
    if (inList && !panels)
        return m_style.px(source.spaced || !afterList ? kLooseItemGap : kItemGap);
    return m_style.px(kBlockGap);
}

QString MessageLayout::thoughtLabel() const
{
    if (m_document.isThinking() && m_data.isGenerating()) {
        const qint64 seconds = m_thinkingSince.isValid() ? m_thinkingSince.elapsed() / 1000 : 0;
        return seconds < 1 ? tr("Thinking…") : tr("Thinking… %1 s").arg(seconds);
    }
    const qint64 ms = m_data.thoughtMs > 0 ? m_data.thoughtMs : m_thoughtMs;
    return ms > 0 ? tr("Thought for %1").arg(durationText(ms)) : tr("Thought");
}

void MessageLayout::place()
{
    m_targets.clear();
    m_progress = {};
    const bool user = m_data.isUser();
    const bool assistant = m_data.author == int(core::StoredRole::Assistant);
    int y = user ? m_style.px(kPanelPaddingY) : 0;
    int used = 0;
    if (assistant && hasThought()) {
        const int width = m_style.px(24) + int(std::ceil(QFontMetricsF(m_style.text).horizontalAdvance(thoughtLabel())));
        addTarget(MessageAction::Thought, thoughtLabel(), {0, 0, width, m_style.textLine}, true);
        y += m_style.textLine;
    }
    const MarkdownBlock* previous = nullptr;
    const std::vector<MarkdownBlock>& blocks = sources();
    if (user) {
        const int before = y;
        y = placeChips(y, panelMaxWidth() - 2 * m_style.px(kPanelPaddingX));
        if (y > before) // as wide as it is with one of them open, so that the chips stay under the pointer
            used = panelMaxWidth() - 2 * m_style.px(kPanelPaddingX);
        if (y > before && std::ranges::any_of(m_boxes, [](const Box& box) { return !box.hidden; }))
            y += m_style.px(kTailGap);
    }
    for (std::size_t i = 0; i < m_boxes.size(); ++i) {
        Box& box = m_boxes[i];
        if (box.hidden) {
            box.rect = {0, y, 0, 0};
            continue;
        }
        y += previous ? gapBefore(i, previous) : y > 0 && !user ? m_style.px(kThoughtGap) : 0;
        const int width = blockWidth(i);
        const int height = box.exact ? box.rect.height() : box.block->estimate(width);
        const int left = user ? m_style.px(kPanelPaddingX) : box.block->isRightToLeft() ? 0 : indentOf(blocks[i]);
        box.rect = {left, y, width, height};
        if (blocks[i].kind == BlockKind::Code && height > 0) {
            const QString label = tr("Copy");
            const int labelWidth = int(std::ceil(QFontMetricsF(m_style.caption).horizontalAdvance(tr("Copied")))) + 2 * m_style.px(kButtonPadding);
            const QRect copy(left + width - labelWidth - m_style.px(6), y + m_style.px(4), labelWidth, m_style.px(kButtonHeight));
            const QString save = tr("Save as…");
            const int saveWidth = int(std::ceil(QFontMetricsF(m_style.caption).horizontalAdvance(save))) + 2 * m_style.px(kButtonPadding);
            if (width > saveWidth + labelWidth + m_style.px(100)) {
                addTarget(MessageAction::SaveCode, save, {copy.left() - saveWidth, copy.top(), saveWidth, copy.height()}, true);
                m_targets.back().block = int(i);
            }
            addTarget(MessageAction::CopyCode, label, copy, true);
            m_targets.back().block = int(i);
        }
        used = std::max(used, box.exact && isShortTurn(i) ? box.block->usedWidth() : width);
        previous = &blocks[i];
        y += height;
    }
    m_body = {0, 0, m_width, y};
    if (user) {
        y += m_style.px(kPanelPaddingY);
        const int panelWidth = std::min(panelMaxWidth(), std::max(used, m_style.px(8)) + 2 * m_style.px(kPanelPaddingX));
        m_panel = {m_width - panelWidth, 0, panelWidth, y};
        m_body = m_panel;
        const int shift = m_panel.left();
        for (Box& box : m_boxes)
            box.rect.translate(shift, 0);
        for (MessageTarget& target : m_targets)
            target.rect.translate(shift, 0);
    }
    placeTail(y);
}

bool MessageLayout::isFolded(std::size_t block) const
{
    const MarkdownBlock& source = sources()[block];
    return (source.thought && !m_thoughtOpen) || (!source.title.isEmpty() && !m_openAttachments.contains(int(block)));
}

bool MessageLayout::isShortTurn(std::size_t block) const
{
    return m_data.isUser() && block + 1 == m_boxes.size() && sources()[block].title.isEmpty() && !sources()[block].continued;
}

/// The attachments' chips, in as many lines as they need; returns where they end.
int MessageLayout::placeChips(int y, int width)
{
    const int left = m_style.px(kPanelPaddingX);
    const int height = m_style.px(kChipHeight);
    const QFontMetricsF metrics(m_style.caption);
    int x = 0;
    bool any = false;
    const std::vector<MarkdownBlock>& blocks = sources();
    for (std::size_t i = 0; i < blocks.size() && !blocks[i].title.isEmpty(); ++i) {
        const int fixed = m_style.px(kChipIcon + 2 * kButtonPadding);
        const QString size = QLocale().formattedDataSize(blocks[i].text.toUtf8().size(), 1, QLocale::DataSizeSIFormat);
        const QString name = metrics.elidedText(blocks[i].title, Qt::ElideMiddle, std::min(width, m_style.px(320)) - fixed - metrics.horizontalAdvance(size) - 16);
        const QString label = QStringLiteral("%1 · %2").arg(name, size);
        const int chipWidth = std::min(width, int(std::ceil(metrics.horizontalAdvance(label))) + fixed);
        if (x > 0 && x + chipWidth > width) {
            x = 0;
            y += height + m_style.px(kChipGap);
        }
        addTarget(MessageAction::Attachment, label, {left + x, y, chipWidth, height}, true);
        m_targets.back().block = int(i);
        x += chipWidth + m_style.px(kChipGap);
        any = true;
    }
    return any ? y + height : y;
}

/// What stands under the text: progress, notice, quiet line, actions.
void MessageLayout::placeTail(int y)
{
    const bool generating = m_data.isGenerating();
    const bool noText = std::all_of(m_boxes.begin(), m_boxes.end(), [](const Box& box) { return box.hidden; });
    if (generating && noText && !m_document.isThinking()) {
        y += y > 0 ? m_style.px(kThoughtGap) : 0;
        m_progress = {0, y, m_width, m_style.textLine};
        y += m_style.textLine;
    }
    m_noticeRect = {};
    if (m_notice) {
        y += y > 0 ? m_style.px(kTailGap) : 0;
        const int icon = m_style.px(kNoticeIcon);
        m_noticeRect = {icon, y, m_width - icon, m_notice->layout(m_width - icon)};
        y += m_noticeRect.height();
    }
    if (!m_data.isUser())
        m_body.setHeight(y);
    m_quietRect = {};
    if (!m_data.quietLine.isEmpty() || generating) { // room is kept for it, so that nothing jumps when the reply ends
        y += m_style.px(kTailGap);
        m_quietRect = {0, y, m_width, m_style.captionLine};
        y += m_style.captionLine;
    }
    y += m_style.px(kActionGap);
    placeActions(y);
    m_height = y + m_style.px(kButtonHeight) + m_style.px(m_data.isUser() ? kItemGap : kTurnGap);
}

void MessageLayout::addTarget(MessageAction action, const QString& label, QRect rect, bool always, bool enabled)
{
    m_targets.push_back({action, rect, -1, label, enabled, always});
}

void MessageLayout::placeActions(int y)
{
    if (m_data.isGenerating())
        return;
    const std::size_t first = m_targets.size();
    const QFontMetricsF metrics(m_style.caption);
    const int height = m_style.px(kButtonHeight);
    const int padding = m_style.px(kButtonPadding);
    const int gap = m_style.px(kButtonGap);
    int x = 0;
    const auto add = [&](MessageAction action, const QString& label) {
        const int width = action == MessageAction::More ? m_style.px(28) : int(std::ceil(metrics.horizontalAdvance(label))) + 2 * padding;
        addTarget(action, label, {x, y, width, height});
        x += width + gap;
    };
    const bool user = m_data.isUser();
    add(MessageAction::Copy, tr("Copy"));
    if (user)
        add(MessageAction::Edit, tr("Edit"));
    if (m_data.author == int(core::StoredRole::Assistant)) {
        add(MessageAction::Regenerate, tr("Regenerate"));
        add(MessageAction::Edit, tr("Edit"));
        if (isState(m_data, core::MessageState::Interrupted) || isState(m_data, core::MessageState::Cancelled))
            add(MessageAction::Continue, tr("Continue"));
    }
    if (user) // its row ends at the right, where the versions stay when the buttons go
        add(MessageAction::More, tr("More"));
    if (m_data.siblingCount > 1) {
        const int arrow = m_style.px(24);
        const int label = int(std::ceil(metrics.horizontalAdvance(tr("%1 of %2").arg(m_data.siblingIndex + 1).arg(m_data.siblingCount))));
        addTarget(MessageAction::PreviousSibling, tr("Previous version"), {x, y, arrow, height}, true, m_data.siblingIndex > 0);
        addTarget(MessageAction::NextSibling, tr("Next version"), {x + arrow + label, y, arrow, height}, true,
                  m_data.siblingIndex + 1 < m_data.siblingCount);
        x += 2 * arrow + label + gap;
    }
    if (!user) {
        add(MessageAction::More, tr("More"));
    } else {
        const int shift = m_width - (x - gap);
        for (std::size_t i = first; i < m_targets.size(); ++i)
            m_targets[i].rect.translate(shift, 0);
    }
}

bool MessageLayout::settle(int top, int bottom)
{
    const int before = m_height;
    bool changed = false;
    // Heights found on the way move what follows: the loop sees the moved places because it keeps the shift.
    int shift = 0;
    for (std::size_t i = 0; i < m_boxes.size(); ++i) {
        Box& box = m_boxes[i];
        const int y = box.rect.top() + shift;
        if (y >= bottom)
            break;
        if (box.exact || box.hidden || y + box.rect.height() < top)
            continue;
        const int width = blockWidth(i);
        int height = box.block->layout(width);
        if (isShortTurn(i) && box.block->usedWidth() < width)
            height = box.block->layout(box.block->usedWidth() + 1); // the panel fits its text
        box.exact = true;
        shift += height - box.rect.height();
        box.rect.setHeight(height);
        changed = true;
    }
    if (changed)
        place();
    return m_height != before || (changed && shift != 0);
}

int MessageLayout::blockAt(int y) const
{
    for (std::size_t i = 0; i < m_boxes.size(); ++i) {
        if (!m_boxes[i].hidden && y >= m_boxes[i].rect.top() && y <= m_boxes[i].rect.bottom())
            return int(i);
    }
    return -1;
}

bool MessageLayout::isText(QPoint point) const
{
    const int index = blockAt(point.y());
    if (index < 0)
        return false;
    const Box& box = m_boxes[std::size_t(index)];
    return box.block->textRect().contains(point - box.rect.topLeft());
}

TextPosition MessageLayout::positionAt(QPoint point) const
{
    int nearest = -1;
    for (std::size_t i = 0; i < m_boxes.size(); ++i) {
        if (m_boxes[i].hidden)
            continue;
        if (nearest >= 0 && point.y() < m_boxes[i].rect.top())
            break;
        nearest = int(i);
    }
    if (nearest < 0)
        return {};
    const Box& box = m_boxes[std::size_t(nearest)];
    if (point.y() < box.rect.top())
        return {nearest, 0};
    if (point.y() > box.rect.bottom() || !box.exact)
        return {nearest, box.block->textLength()};
    return {nearest, box.block->positionAt(point - box.rect.topLeft())};
}

TextPosition MessageLayout::endPosition() const
{
    if (m_boxes.empty())
        return {};
    return {int(m_boxes.size()) - 1, m_boxes.back().block->textLength()};
}

QString MessageLayout::hrefAt(QPoint point) const
{
    const int index = blockAt(point.y());
    if (index < 0 || !m_boxes[std::size_t(index)].exact)
        return {};
    const Box& box = m_boxes[std::size_t(index)];
    return box.block->hrefAt(point - box.rect.topLeft());
}

int MessageLayout::targetAt(QPoint point, bool actionsShown) const
{
    for (std::size_t i = 0; i < m_targets.size(); ++i) {
        if ((actionsShown || m_targets[i].always) && m_targets[i].rect.contains(point))
            return int(i);
    }
    return -1;
}

} // namespace hearth::ui
