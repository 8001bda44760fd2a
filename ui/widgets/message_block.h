// SPDX-License-Identifier: Apache-2.0
//
// MessageBlock: the picture of one Markdown block: text, code, table or rule. Its list markers and quote bars are painted
// by MessageLayout. Coordinates are the block's own, px; text positions are UTF-16 units into plainText(). Thread: GUI.
#pragma once

#include "ui/style/theme.h"
#include "ui/widgets/markdown_document.h"
#include "ui/widgets/markdown_inline.h"
#include "ui/widgets/message_style.h"

#include <QPointF>
#include <QRectF>
#include <QString>

#include <memory>
#include <vector>

class QPainter;

namespace hearth::ui {

/// Something that was searched for, [start, end) of plainText().
struct FoundRange {
    int start = 0;
    int end = 0;
    bool current = false;
};

struct BlockPaint {
    QRectF clip;             ///< what must be painted
    int selectionStart = 0;  ///< [start, end) of plainText()
    int selectionEnd = 0;
    std::vector<FoundRange> found; ///< in order
    bool hovered = false;    ///< shows the scroll bar of what is wider than the column
};

class MessageBlock {
public:
    virtual ~MessageBlock() = default;

    /// `end` tells whether more text is to come.
    [[nodiscard]] static std::unique_ptr<MessageBlock> create(const MarkdownBlock& source, InlineEnd end, const MessageStyle& style,
                                                              const ThemeColors& colors);

    /// Takes a changed source over where that is cheaper than a new block; false = make a new one.
    [[nodiscard]] virtual bool update(const MarkdownBlock& source);

    /// Lays out for a width and returns the height, px.
    virtual int layout(int width) = 0;
    /// Height as far as it can be known without laying out, px.
    [[nodiscard]] virtual int estimate(int width) const = 0;
    virtual void paint(QPainter& painter, const BlockPaint& paint) const = 0;

    [[nodiscard]] virtual QString plainText() const = 0;
    [[nodiscard]] virtual int textLength() const { return int(plainText().size()); }
    /// [from, to) of it as Markdown, without what stands around the block (fences, markers).
    [[nodiscard]] virtual QString markdown(int from, int to) const { return plainText().mid(from, to - from); }
    /// What to call the code when it is saved; empty = no code.
    [[nodiscard]] virtual QString fileName() const { return {}; }
    [[nodiscard]] virtual int positionAt(QPointF point) const;
    [[nodiscard]] virtual QString hrefAt(QPointF point) const;
    /// Where the mark of a growing text stands; null = nowhere.
    [[nodiscard]] virtual QRectF endRect() const;
    [[nodiscard]] virtual bool isRightToLeft() const { return false; }
    /// Width that the text really needs after layout(), px.
    [[nodiscard]] virtual int usedWidth() const { return 0; }
    /// Where a press selects text.
    [[nodiscard]] virtual QRectF textRect() const = 0;

    /// What is wider than the column scrolls within the block.
    [[nodiscard]] int scroll() const { return m_scroll; }
    [[nodiscard]] virtual int maxScroll() const { return 0; }
    /// Returns true when the block must be painted again.
    bool setScroll(int x);
    /// The thumb of the scroll bar; empty = nothing to scroll.
    [[nodiscard]] QRectF scrollThumb() const;

    /// Where the text [from, from + 1) stands, to bring it into sight; the whole block where that is unknown.
    [[nodiscard]] virtual QRectF rectOf(int /*position*/) const { return textRect(); }

protected:
    /// Where the scroll bar lies.
    [[nodiscard]] virtual QRectF scrollTrack() const { return {}; }
    void paintScrollBar(QPainter& painter, const BlockPaint& paint) const;

private:
    int m_scroll = 0;
};

/// What the block of this source has as plainText(), without making it.
[[nodiscard]] QString plainTextOf(const MarkdownBlock& source);

} // namespace hearth::ui
