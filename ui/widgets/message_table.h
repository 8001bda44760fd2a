// SPDX-License-Identifier: Apache-2.0
//
// MessageTable: a table in a panel. Columns take what their texts need; when that is too much, long texts wrap, and what is
// still wider than the column of text scrolls. Thread: GUI.
#pragma once

#include "ui/widgets/message_block.h"
#include "ui/widgets/message_text_flow.h"

#include <vector>

namespace hearth::ui {

class MessageTable final : public MessageBlock {
public:
    MessageTable(const MarkdownBlock& source, const MessageStyle& style, const ThemeColors& colors);

    int layout(int width) override;
    [[nodiscard]] int estimate(int width) const override;
    void paint(QPainter& painter, const BlockPaint& paint) const override;

    [[nodiscard]] QString plainText() const override;
    [[nodiscard]] int positionAt(QPointF point) const override;
    [[nodiscard]] QString hrefAt(QPointF point) const override;
    [[nodiscard]] QRectF textRect() const override;
    [[nodiscard]] int maxScroll() const override;

protected:
    [[nodiscard]] QRectF scrollTrack() const override;

private:
    struct Cell {
        std::unique_ptr<MessageTextFlow> flow;
        int start = 0; ///< of its text in plainText()
    };

    [[nodiscard]] std::size_t columns() const { return m_alignments.size(); }
    [[nodiscard]] const Cell& cell(std::size_t row, std::size_t column) const { return m_cells[row * columns() + column]; }
    [[nodiscard]] QPointF cellOrigin(std::size_t row, std::size_t column) const;
    [[nodiscard]] std::size_t rowAt(qreal y) const;
    [[nodiscard]] std::size_t columnAt(qreal x) const;
    void shareWidth(int available);

    std::vector<Qt::Alignment> m_alignments;
    std::vector<Cell> m_cells;          ///< [row][column]
    std::vector<int> m_columnLefts;     ///< one more than columns: the last is the width
    std::vector<int> m_rowTops;         ///< one more than rows: the last is the height
    int m_cellPadding = 0;
    int m_rowPadding = 0;
    int m_lineHeight = 0;
    int m_longestWord = 0;              ///< px that a column may claim for one word
    int m_width = 0;
};

} // namespace hearth::ui
