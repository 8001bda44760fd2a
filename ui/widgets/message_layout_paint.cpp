// SPDX-License-Identifier: Apache-2.0
//
// MessageLayout, painted.
#include "core/store/chat_store.h"
#include "ui/style/icons.h"
#include "ui/style/metrics.h"
#include "ui/widgets/message_layout.h"

#include <QCoreApplication>
#include <QPainter>
#include <QPainterPath>

#include <algorithm>

namespace hearth::ui {
namespace {

constexpr qreal kButtonRadius = 6.0;
constexpr qreal kBulletRadius = 2.5;

QString tr(const char* text)
{
    return QCoreApplication::translate("hearth::ui::MessageView", text);
}

void paintFocusRing(QPainter& painter, const QRectF& rect, qreal radius)
{
    painter.setPen(QPen(Theme::current().accent, 2));
    painter.setBrush(Qt::NoBrush);
    painter.drawRoundedRect(rect, radius, radius);
}

void paintIcon(QPainter& painter, IconName name, IconTone tone, const QRect& rect, int size)
{
    const QRect place(rect.center().x() - size / 2 + 1, rect.center().y() - size / 2 + 1, size, size);
    icon(name, tone).paint(&painter, place);
}

} // namespace

void MessageLayout::paint(QPainter& painter, const MessagePaint& paint) const
{
    const ThemeColors& colors = Theme::current();
    painter.setRenderHint(QPainter::Antialiasing);
    if (m_data.isUser() && paint.clip.intersects(m_panel)) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(colors.soft);
        painter.drawRoundedRect(m_panel, metrics::kComposerRadius, metrics::kComposerRadius);
    }
    const bool selected = paint.selectionFrom < paint.selectionTo;
    for (std::size_t i = 0; i < m_boxes.size(); ++i) {
        const Box& box = m_boxes[i];
        if (box.rect.top() > paint.clip.bottom())
            break;
        if (box.hidden || !box.exact)
            continue;
        const bool quoted = !sources()[i].containers.empty() || sources()[i].thought;
        if (quoted)
            paintContainers(painter, i);
        if (box.rect.bottom() < paint.clip.top())
            continue;
        BlockPaint inner;
        inner.clip = QRectF(paint.clip).translated(-box.rect.topLeft());
        const int block = int(i);
        if (selected && block >= paint.selectionFrom.block && block <= paint.selectionTo.block) {
            inner.selectionStart = block == paint.selectionFrom.block ? paint.selectionFrom.offset : 0;
            inner.selectionEnd = block == paint.selectionTo.block ? paint.selectionTo.offset : box.block->textLength() + 1;
        }
        inner.hovered = paint.hoveredBlock == block;
        for (std::size_t f = 0; f < paint.found.size(); ++f) {
            const FoundText& found = paint.found[f];
            if (found.at.block == block)
                inner.found.push_back({found.at.offset, found.at.offset + found.length, int(f) == paint.currentFound});
        }
        painter.translate(box.rect.topLeft());
        box.block->paint(painter, inner);
        painter.translate(-box.rect.topLeft());
    }
    if (m_data.isGenerating())
        paintEndMark(painter);
    paintTail(painter, paint);
    paintTargets(painter, paint);
    if (paint.focused)
        paintFocusRing(painter, m_data.isUser() ? QRectF(m_body).adjusted(-4, -4, 4, 4) : QRectF(m_body).adjusted(-9, -4, 9, 4),
                       metrics::kComposerRadius + (m_data.isUser() ? 4 : 0));
}

void MessageLayout::paintContainers(QPainter& painter, std::size_t index) const
{
    const std::vector<MarkdownBlock>& blocks = sources();
    const MarkdownBlock& source = blocks[index];
    const Box& box = m_boxes[index];
    const bool rightToLeft = box.block->isRightToLeft();
    const MarkdownBlock* previous = index > 0 && !m_boxes[index - 1].hidden ? &blocks[index - 1] : nullptr;
    // A bar goes on through the gap when the block before stands in the same quote.
    const int above = previous ? m_boxes[index - 1].rect.bottom() + 1 : box.rect.top();
    const int limit = m_width * 2 / 3;
    const auto bar = [&](int offset, bool joined) {
        const int top = joined ? above : box.rect.top();
        const int x = rightToLeft ? m_width - offset - 3 : offset;
        painter.fillRect(QRect(x, top, 3, box.rect.bottom() + 1 - top), Theme::current().line);
    };
    int offset = 0;
    if (source.thought) {
        bar(0, previous && previous->thought);
        offset = m_style.px(16);
    }
    bool same = previous != nullptr;
    for (std::size_t i = 0; i < source.containers.size() && offset < limit; ++i) {
        same = same && i < previous->containers.size() && previous->containers[i] == source.containers[i];
        const bool quote = source.containers[i] == BlockContainer::Quote;
        if (quote)
            bar(offset, same);
        const int indent = m_style.px(quote ? 16 : 24);
        for (const ListMarker& marker : source.markers) {
            if (marker.depth != int(i))
                continue;
            int line = m_style.textLine;
            if (source.kind == BlockKind::Heading)
                line = m_style.headingLine(source.level);
            const int x = rightToLeft ? m_width - offset - indent : offset;
            paintMarker(painter, source, marker, {x, box.rect.top(), indent, line}, rightToLeft);
        }
        offset += indent;
    }
}

void MessageLayout::paintMarker(QPainter& painter, const MarkdownBlock& source, const ListMarker& marker, QRect line, bool rightToLeft) const
{
    const ThemeColors& colors = Theme::current();
    const QColor ink = source.thought ? colors.mute : colors.text;
    const qreal middle = line.top() + line.height() / 2.0 + 0.5;
    switch (marker.kind) {
    case MarkerKind::Bullet: {
        const int depth = int(std::count(source.containers.begin(), source.containers.begin() + marker.depth + 1, BlockContainer::ListItem));
        const QPointF centre(rightToLeft ? line.left() + m_style.px(12) : line.right() - m_style.px(12), middle);
        painter.setPen(depth % 2 == 0 ? QPen(colors.mute, 1.2) : QPen(Qt::NoPen));
        painter.setBrush(depth % 2 == 0 ? QBrush(Qt::NoBrush) : QBrush(colors.mute));
        painter.drawEllipse(centre, kBulletRadius * m_style.scale, kBulletRadius * m_style.scale);
        return;
    }
    case MarkerKind::Number: {
        painter.setFont(m_style.text);
        painter.setPen(ink);
        const int space = m_style.px(6);
        // Wide numbers hang out to the outer side rather than move the text.
        if (rightToLeft)
            painter.drawText(line.adjusted(space, 0, 200, 0), Qt::AlignLeft | Qt::AlignVCenter, marker.text);
        else
            painter.drawText(line.adjusted(-200, 0, -space, 0), Qt::AlignRight | Qt::AlignVCenter, marker.text);
        return;
    }
    case MarkerKind::TaskOpen:
    case MarkerKind::TaskDone: {
        const qreal side = m_style.px(14);
        const qreal x = rightToLeft ? line.left() + m_style.px(3) : line.right() + 1 - side - m_style.px(6);
        const QRectF box(x + 0.5, middle - side / 2, side, side);
        const bool done = marker.kind == MarkerKind::TaskDone;
        painter.setPen(QPen(done ? colors.good : colors.mute, 1.2));
        painter.setBrush(done ? QBrush(colors.good) : QBrush(Qt::NoBrush));
        painter.drawRoundedRect(box, 3.5, 3.5);
        if (done) {
            QPainterPath tick;
            tick.moveTo(box.left() + side * 0.24, box.top() + side * 0.52);
            tick.lineTo(box.left() + side * 0.43, box.top() + side * 0.71);
            tick.lineTo(box.left() + side * 0.77, box.top() + side * 0.30);
            painter.setBrush(Qt::NoBrush);
            painter.setPen(QPen(colors.page, 1.6, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
            painter.drawPath(tick);
        }
        return;
    }
    }
}

/// The mark behind the last character of a reply that is being written.
void MessageLayout::paintEndMark(QPainter& painter) const
{
    if (m_boxes.empty() || m_boxes.back().hidden || !m_boxes.back().exact)
        return;
    const Box& box = m_boxes.back();
    const QRectF end = box.block->endRect();
    if (end.isNull())
        return;
    const qreal height = m_style.px(16);
    const QRectF mark(box.rect.left() + end.x() + 2, box.rect.top() + end.center().y() - height / 2, 2.5, height);
    painter.setPen(Qt::NoPen);
    painter.setBrush(Theme::current().accent);
    painter.drawRoundedRect(mark, 1.25, 1.25);
}

void MessageLayout::paintTail(QPainter& painter, const MessagePaint& paint) const
{
    const ThemeColors& colors = Theme::current();
    if (!m_progress.isEmpty() && paint.clip.intersects(m_progress)) {
        painter.setFont(m_style.text);
        painter.setPen(colors.mute);
        qreal x = 0;
        if (!m_data.progress.isEmpty()) {
            painter.drawText(m_progress, Qt::AlignLeft | Qt::AlignVCenter, m_data.progress);
            x = QFontMetricsF(m_style.text).horizontalAdvance(m_data.progress) + m_style.px(8);
        }
        painter.setPen(Qt::NoPen);
        for (int i = 0; i < 3; ++i) {
            QColor dot = colors.mute;
            dot.setAlphaF(i < paint.dots ? 1.0F : 0.3F);
            painter.setBrush(dot);
            painter.drawEllipse(QPointF(x + m_style.px(3) + i * m_style.px(9), m_progress.center().y() + 1.0), 2.25, 2.25);
        }
    }
    if (m_notice && paint.clip.intersects(m_noticeRect.adjusted(-m_noticeRect.left(), 0, 0, 0))) {
        const auto state = core::MessageState(m_data.state);
        const bool failed = state == core::MessageState::Failed;
        const bool stopped = state == core::MessageState::Cancelled; // by the user: nothing to warn of
        paintIcon(painter, failed ? IconName::Error : stopped ? IconName::Info : IconName::Warning,
                  failed ? IconTone::Error : stopped ? IconTone::Mute : IconTone::Warning, {0, m_noticeRect.top(), m_style.px(18), m_style.textLine}, m_style.px(16));
        BlockPaint inner;
        inner.clip = QRectF(paint.clip).translated(-m_noticeRect.topLeft());
        painter.translate(m_noticeRect.topLeft());
        m_notice->paint(painter, inner);
        painter.translate(-m_noticeRect.topLeft());
    }
    if (!m_data.quietLine.isEmpty() && paint.clip.intersects(m_quietRect)) {
        painter.setFont(m_style.caption);
        painter.setPen(colors.mute);
        const QString text = QFontMetricsF(m_style.caption).elidedText(m_data.quietLine, Qt::ElideRight, m_quietRect.width());
        painter.drawText(m_quietRect, (m_data.isUser() ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter, text);
    }
}

void MessageLayout::paintTargets(QPainter& painter, const MessagePaint& paint) const
{
    const ThemeColors& colors = Theme::current();
    QRect siblings;
    for (std::size_t i = 0; i < m_targets.size(); ++i) {
        const MessageTarget& target = m_targets[i];
        if ((!paint.showActions && !target.always) || !paint.clip.intersects(target.rect.adjusted(-3, -3, 3, 3)))
            continue;
        const bool hovered = int(i) == paint.hoveredTarget && target.enabled;
        const QRectF frame = QRectF(target.rect).adjusted(0.5, 0.5, -0.5, -0.5);
        const QString label = int(i) == paint.copiedTarget ? tr("Copied") : target.label;
        painter.setFont(m_style.caption);
        switch (target.action) {
        case MessageAction::Thought: {
            painter.setFont(m_style.text);
            const IconTone tone = hovered ? IconTone::Text : IconTone::Mute;
            paintIcon(painter, m_thoughtOpen ? IconName::ChevronDown : IconName::ChevronRight, tone,
                      {target.rect.left() - m_style.px(4), target.rect.top(), m_style.px(16), target.rect.height()}, m_style.px(16));
            painter.setPen(hovered ? colors.text : colors.mute);
            painter.drawText(target.rect.adjusted(m_style.px(16), 0, 20, 0), Qt::AlignLeft | Qt::AlignVCenter, label);
            break;
        }
        case MessageAction::Attachment: {
            const bool open = m_openAttachments.contains(target.block);
            painter.setPen(open ? colors.mute : colors.line);
            painter.setBrush(hovered ? colors.soft : colors.panel);
            painter.drawRoundedRect(frame, kButtonRadius, kButtonRadius);
            paintIcon(painter, open ? IconName::ChevronDown : IconName::ChevronRight, hovered ? IconTone::Text : IconTone::Mute,
                      {target.rect.left() + m_style.px(4), target.rect.top(), m_style.px(16), target.rect.height()}, m_style.px(14));
            painter.setPen(colors.text);
            painter.drawText(target.rect.adjusted(m_style.px(24), 0, 0, 0), Qt::AlignLeft | Qt::AlignVCenter, label);
            break;
        }
        case MessageAction::SaveCode:
        case MessageAction::CopyCode:
            if (hovered) {
                QRectF ground = frame;
                ground.setLeft(frame.right() - QFontMetricsF(m_style.caption).horizontalAdvance(label) - 2 * m_style.px(8));
                painter.setPen(Qt::NoPen);
                painter.setBrush(colors.soft);
                painter.drawRoundedRect(ground, kButtonRadius, kButtonRadius);
            }
            painter.setPen(hovered ? colors.text : colors.mute);
            painter.drawText(target.rect.adjusted(0, 0, -m_style.px(8), 0), Qt::AlignRight | Qt::AlignVCenter, label);
            break;
        case MessageAction::PreviousSibling:
        case MessageAction::NextSibling: {
            const bool next = target.action == MessageAction::NextSibling;
            siblings = next ? siblings.united(target.rect) : target.rect;
            if (hovered) {
                painter.setPen(Qt::NoPen);
                painter.setBrush(colors.soft);
                painter.drawRoundedRect(frame.adjusted(1, 1, -1, -1), kButtonRadius - 1, kButtonRadius - 1);
            }
            painter.setOpacity(target.enabled ? 1.0 : 0.35);
            paintIcon(painter, next ? IconName::ChevronRight : IconName::ChevronLeft, hovered ? IconTone::Text : IconTone::Mute, target.rect, m_style.px(16));
            painter.setOpacity(1.0);
            if (next) {
                painter.setPen(colors.line);
                painter.setBrush(Qt::NoBrush);
                painter.drawRoundedRect(QRectF(siblings).adjusted(0.5, 0.5, -0.5, -0.5), kButtonRadius, kButtonRadius);
                painter.setPen(colors.mute);
                painter.drawText(siblings, Qt::AlignCenter, tr("%1 of %2").arg(m_data.siblingIndex + 1).arg(m_data.siblingCount));
            }
            break;
        }
        default:
            painter.setPen(colors.line);
            painter.setBrush(hovered ? colors.soft : colors.page);
            painter.drawRoundedRect(frame, kButtonRadius, kButtonRadius);
            if (target.action == MessageAction::More) {
                paintIcon(painter, IconName::More, hovered ? IconTone::Text : IconTone::Mute, target.rect, m_style.px(16));
            } else {
                painter.setPen(hovered ? colors.text : colors.mute);
                painter.drawText(target.rect, Qt::AlignCenter, label);
            }
            break;
        }
        if (int(i) == paint.focusedTarget)
            paintFocusRing(painter, frame.adjusted(-1.5, -1.5, 1.5, 1.5), kButtonRadius + 1);
    }
}

} // namespace hearth::ui
