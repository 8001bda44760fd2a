// SPDX-License-Identifier: Apache-2.0
//
// MathBlock: a formula on its own lines, in the middle of the column; one that is wider scrolls sideways. It is selected
// as a whole; as plain text it is one line of Unicode. Thread: GUI.
#pragma once

#include "ui/widgets/math_picture.h"
#include "ui/widgets/message_block.h"

#include <optional>

namespace hearth::ui {

class MathBlock final : public MessageBlock {
public:
    MathBlock(const MarkdownBlock& source, const MessageStyle& style, const ThemeColors& colors);

    int layout(int width) override;
    [[nodiscard]] int estimate(int width) const override;
    void paint(QPainter& painter, const BlockPaint& paint) const override;

    [[nodiscard]] QString plainText() const override { return m_plain; }
    [[nodiscard]] int positionAt(QPointF point) const override;
    [[nodiscard]] QRectF textRect() const override;
    [[nodiscard]] int maxScroll() const override;

protected:
    [[nodiscard]] QRectF scrollTrack() const override;

private:
    [[nodiscard]] qreal left() const;

    MessageStyle m_style;
    QColor m_ink;
    MathNode m_formula;
    QString m_plain;
    std::optional<MathPicture> m_picture; ///< made when it comes into sight
    int m_width = 0;
};

} // namespace hearth::ui
