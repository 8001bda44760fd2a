// SPDX-License-Identifier: Apache-2.0
//
// CodeBlock: code in a panel with a header (language; the Copy button stands over it, painted by the message). Lines are
// never re-wrapped, so the height is known without shaping; only lines in sight are shaped and coloured. While it grows,
// what did not change is kept. Thread: GUI.
#pragma once

#include "ui/widgets/code_highlighter.h"
#include "ui/widgets/message_block.h"

#include <QTextLayout>

#include <vector>

namespace hearth::ui {

class CodeBlock final : public MessageBlock {
public:
    CodeBlock(const MarkdownBlock& source, const MessageStyle& style, const ThemeColors& colors);

    [[nodiscard]] bool update(const MarkdownBlock& source) override;
    int layout(int width) override;
    [[nodiscard]] int estimate(int width) const override;
    void paint(QPainter& painter, const BlockPaint& paint) const override;

    [[nodiscard]] QString plainText() const override { return m_text; }
    [[nodiscard]] int textLength() const override { return int(m_text.size()); }
    [[nodiscard]] int positionAt(QPointF point) const override;
    [[nodiscard]] QRectF endRect() const override;
    [[nodiscard]] QRectF rectOf(int position) const override;
    [[nodiscard]] QRectF textRect() const override;
    [[nodiscard]] int maxScroll() const override;

    [[nodiscard]] int headerHeight() const { return m_headerHeight; }
    /// What the header says: "C++", "Code".
    [[nodiscard]] QString label() const;
    [[nodiscard]] QString fileName() const override { return m_title.isEmpty() ? m_highlighter.fileName() : m_title; }

protected:
    [[nodiscard]] QRectF scrollTrack() const override;

private:
    struct Line {
        int start = 0;
        int length = 0;
        std::unique_ptr<QTextLayout> layout; ///< made when the line is first painted or hit
    };

    void setText(const QString& text);
    [[nodiscard]] QTextLayout& layoutOf(std::size_t line) const;
    [[nodiscard]] int stateBefore(std::size_t line) const;
    [[nodiscard]] int columnsOf(QStringView line) const;
    [[nodiscard]] QColor colorOf(CodeToken token) const;

    MessageStyle m_style;
    ThemeColors m_colors;
    QString m_language;
    QString m_title;
    CodeHighlighter m_highlighter;
    QString m_text; ///< without the last line end
    mutable std::vector<Line> m_lines;
    mutable std::vector<int> m_states; ///< lexer state before line i, as far as lexed
    mutable qreal m_contentWidth = 0;  ///< of the longest line, px
    int m_headerHeight = 0;
    int m_padding = 0;
    int m_verticalPadding = 0;
    int m_width = 0;
};

} // namespace hearth::ui
