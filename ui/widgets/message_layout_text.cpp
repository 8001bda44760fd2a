// SPDX-License-Identifier: Apache-2.0
//
// MessageLayout: its text as it is copied, and what is folded.
#include "ui/widgets/message_layout.h"

#include <algorithm>
#include <vector>

namespace hearth::ui {
namespace {

QString markerText(const ListMarker& marker)
{
    switch (marker.kind) {
    case MarkerKind::Number:
        return marker.text + u' ';
    case MarkerKind::TaskDone:
        return QStringLiteral("- [x] ");
    case MarkerKind::TaskOpen:
        return QStringLiteral("- [ ] ");
    case MarkerKind::Bullet:
        break;
    }
    return QStringLiteral("- ");
}

/// A block's own text with what makes it the kind it is.
QString dressed(const MarkdownBlock& source, const QString& text, bool whole)
{
    switch (source.kind) {
    case BlockKind::Heading:
        return QString(source.level, u'#') + u' ' + text;
    case BlockKind::Code: {
        QString fence = QStringLiteral("```");
        while (text.contains(fence))
            fence += u'`';
        return fence + source.language + u'\n' + text + u'\n' + fence;
    }
    case BlockKind::Math:
        if (source.language == u"math")
            return QStringLiteral("```math\n") + source.text + QStringLiteral("```");
        return source.text.startsWith(u"\\begin{") ? source.text : QStringLiteral("$$\n") + source.text + QStringLiteral("\n$$");
    case BlockKind::Table:
        return whole ? source.text : text;
    case BlockKind::Rule:
        return QStringLiteral("---");
    case BlockKind::Paragraph:
    case BlockKind::Plain:
        break;
    }
    return text;
}

} // namespace

QString MessageLayout::selectedText(TextPosition from, TextPosition to) const
{
    QString out;
    bool first = true;
    for (int i = from.block; i <= to.block && i < blockCount(); ++i) {
        const Box& box = m_boxes[std::size_t(i)];
        if (box.hidden)
            continue;
        const MarkdownBlock& source = sources()[std::size_t(i)];
        const int start = i == from.block ? from.offset : 0;
        const int end = i == to.block ? to.offset : box.block->textLength();
        if (!first && source.continued) // a cut for the size: at a line end unless the piece before is full
            out += sources()[std::size_t(i - 1)].text.size() + 1 < kPlainChunkChars ? QStringLiteral("\n") : QString();
        else if (!first)
            out += source.markers.empty() || source.spaced ? QStringLiteral("\n\n") : QStringLiteral("\n");
        if (start == 0 && end > 0 && !source.markers.empty())
            out += QString(2 * source.markers.back().depth, u' ') + markerText(source.markers.back());
        out += box.block->plainText().mid(start, end - start);
        first = false;
    }
    return out;
}

QString MessageLayout::selectedMarkdown(TextPosition from, TextPosition to) const
{
    QString out;
    std::vector<QString> indents; // by depth: what a container puts before the lines after its first
    for (int i = from.block; i <= to.block && i < blockCount(); ++i) {
        const Box& box = m_boxes[std::size_t(i)];
        if (box.hidden)
            continue;
        const MarkdownBlock& source = sources()[std::size_t(i)];
        const int start = i == from.block ? from.offset : 0;
        const int end = i == to.block ? std::min(to.offset, box.block->textLength()) : box.block->textLength();
        const bool whole = start == 0 && end == box.block->textLength();
        const bool raw = whole && (source.kind == BlockKind::Paragraph || source.kind == BlockKind::Heading);
        const QString text = dressed(source, raw ? source.text : box.block->markdown(start, end), whole);
        QString first;
        QString rest;
        indents.resize(std::max(indents.size(), source.containers.size()));
        for (std::size_t depth = 0; depth < source.containers.size(); ++depth) {
            const auto marker = std::ranges::find(source.markers, int(depth), &ListMarker::depth);
            QString head;
            if (source.containers[depth] == BlockContainer::Quote)
                head = indents[depth] = QStringLiteral("> ");
            else if (marker != source.markers.end() && start == 0)
                indents[depth] = QString((head = markerText(*marker)).startsWith(u"- [") ? 2 : int(head.size()), u' ');
            else
                head = indents[depth] = indents[depth].isEmpty() ? QStringLiteral("  ") : indents[depth];
            first += head;
            rest += indents[depth];
        }
        if (!out.isEmpty())
            out += source.continued ? QString() : source.markers.empty() || source.spaced ? QStringLiteral("\n\n") : QStringLiteral("\n");
        out += first + QString(text).replace(u'\n', u'\n' + rest);
    }
    return out;
}

void MessageLayout::toggleThought()
{
    m_thoughtOpen = !m_thoughtOpen;
    refold();
}

void MessageLayout::toggleAttachment(int block)
{
    if (!m_openAttachments.erase(block))
        m_openAttachments.insert(block);
    refold();
}

void MessageLayout::unfold(int block)
{
    if (block < 0 || block >= blockCount() || !isFolded(std::size_t(block)))
        return;
    if (sources()[std::size_t(block)].thought)
        m_thoughtOpen = true;
    else
        m_openAttachments.insert(block);
    refold();
}

void MessageLayout::refold()
{
    for (std::size_t i = 0; i < m_boxes.size(); ++i) {
        const bool hidden = isFolded(i);
        m_boxes[i].exact = m_boxes[i].exact && m_boxes[i].hidden == hidden && !hidden;
        m_boxes[i].hidden = hidden;
    }
    place();
}

} // namespace hearth::ui
