// SPDX-License-Identifier: Apache-2.0
//
// MessageTextFlow: one wrapped text with inline styles: layout, painting, hit test. Lines stand on whole pixels at a fixed
// distance; a paragraph that begins in a right-to-left script runs from the right. Thread: GUI.
#pragma once

#include "ui/style/theme.h"
#include "ui/widgets/markdown_inline.h"
#include "ui/widgets/message_block.h"
#include "ui/widgets/message_style.h"

#include <QRectF>
#include <QTextLayout>

namespace hearth::ui {

class MessageTextFlow {
public:
    MessageTextFlow(InlineText text, const QFont& font, int lineHeight, const MessageStyle& style, const ThemeColors& colors);

    /// Breaks the lines and returns the height, px.
    int layout(int width, Qt::Alignment alignment = Qt::AlignLeft);
    /// Width of the widest line as laid out, px.
    [[nodiscard]] int usedWidth() const { return m_usedWidth; }
    /// Widths without wrapping, and of the widest word.
    [[nodiscard]] int naturalWidth() const { return m_naturalWidth; }
    [[nodiscard]] int wordWidth() const { return m_wordWidth; }
    [[nodiscard]] bool isRightToLeft() const { return m_rightToLeft; }

    /// Paints at `origin` the lines that touch `clip` (same coordinates as origin); the selection is [from, to).
    void paint(QPainter& painter, QPointF origin, const QRectF& clip, int from, int to, const std::vector<FoundRange>& found) const;

    [[nodiscard]] const QString& text() const { return m_inline.text; }
    [[nodiscard]] const InlineText& inlineText() const { return m_inline; }
    [[nodiscard]] int positionAt(QPointF point) const;
    /// Where the character at `position` stands.
    [[nodiscard]] QRectF rectOf(int position) const;
    /// The link under `point`; empty = none.
    [[nodiscard]] QString hrefAt(QPointF point) const;
    /// Where a caret behind the last character stands.
    [[nodiscard]] QRectF endRect() const;

private:
    void paintCodeBackground(QPainter& painter, QPointF origin, const QRectF& clip) const;

    InlineText m_inline;
    QTextLayout m_layout;
    QColor m_textColor;
    QColor m_codeBackground;
    int m_lineHeight = 0;
    int m_usedWidth = 0;
    int m_naturalWidth = 0;
    int m_wordWidth = 0;
    bool m_rightToLeft = false;
};

/// Colour behind selected text.
[[nodiscard]] QColor selectionColor(const ThemeColors& colors);
/// Colour behind what was searched for.
[[nodiscard]] QColor foundColor(const ThemeColors& colors, bool current);

} // namespace hearth::ui
