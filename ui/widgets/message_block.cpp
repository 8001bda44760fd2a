// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/message_block.h"

#include "ui/widgets/code_block.h"
#include "ui/widgets/math_block.h"
#include "ui/widgets/math_text.h"
#include "ui/widgets/message_table.h"
#include "ui/widgets/message_text_flow.h"

#include <QPainter>

#include <algorithm>
#include <cmath>
#include <utility>

namespace hearth::ui {
namespace {

constexpr qreal kMinThumb = 24.0;

InlineText textOf(const MarkdownBlock& source, InlineEnd end)
{
    if (source.kind != BlockKind::Plain)
        return parseInline(source.text, end);
    InlineText text;
    text.text = source.text;
    text.text.replace(u'\t', QLatin1String("    "));
    text.text.replace(u'\n', QChar(QChar::LineSeparator));
    return text;
}

bool isHeading(const MarkdownBlock& source)
{
    return source.kind == BlockKind::Heading;
}

class TextBlock final : public MessageBlock {
public:
    TextBlock(const MarkdownBlock& source, InlineEnd end, const MessageStyle& style, const ThemeColors& colors)
        : m_lineHeight(isHeading(source) ? style.headingLine(source.level) : style.textLine), m_charWidth(style.textAdvance),
          m_flow(textOf(source, end), isHeading(source) ? style.headingFont(source.level) : style.text, m_lineHeight, style, colors),
          m_lines(1 + int(m_flow.text().count(QChar(QChar::LineSeparator))))
    {
    }

    int layout(int width) override
    {
        m_width = width;
        m_height = m_flow.layout(width);
        return m_height;
    }

    [[nodiscard]] int estimate(int width) const override
    {
        const qreal perLine = std::max(1.0, width / m_charWidth);
        return m_lineHeight * std::max(m_lines, int(std::ceil(qreal(m_flow.text().size()) / perLine)));
    }

    void paint(QPainter& painter, const BlockPaint& paint) const override
    {
        m_flow.paint(painter, {}, paint.clip, paint.selectionStart, paint.selectionEnd, paint.found);
    }

    [[nodiscard]] QString plainText() const override
    {
        return QString(m_flow.text()).replace(QChar(QChar::LineSeparator), u'\n');
    }

    [[nodiscard]] QString markdown(int from, int to) const override { return inlineMarkdown(m_flow.inlineText(), from, to); }
    [[nodiscard]] QRectF rectOf(int position) const override { return m_flow.rectOf(position); }
    [[nodiscard]] int textLength() const override { return int(m_flow.text().size()); }
    [[nodiscard]] int positionAt(QPointF point) const override { return m_flow.positionAt(point); }
    [[nodiscard]] QString hrefAt(QPointF point) const override { return m_flow.hrefAt(point); }
    [[nodiscard]] QRectF endRect() const override { return m_flow.endRect(); }
    [[nodiscard]] bool isRightToLeft() const override { return m_flow.isRightToLeft(); }
    [[nodiscard]] int usedWidth() const override { return m_flow.usedWidth(); }
    [[nodiscard]] QRectF textRect() const override { return {0, 0, qreal(m_width), qreal(m_height)}; }

private:
    int m_lineHeight;
    qreal m_charWidth;
    MessageTextFlow m_flow;
    int m_lines;
    int m_width = 0;
    int m_height = 0;
};

class RuleBlock final : public MessageBlock {
public:
    explicit RuleBlock(const MessageStyle& style) : m_height(style.px(17)) {}

    int layout(int width) override
    {
        m_width = width;
        return m_height;
    }

    [[nodiscard]] int estimate(int) const override { return m_height; }

    void paint(QPainter& painter, const BlockPaint&) const override
    {
        painter.fillRect(0, m_height / 2, m_width, 1, Theme::current().line);
    }

    [[nodiscard]] QString plainText() const override { return QStringLiteral("---"); }
    [[nodiscard]] QRectF textRect() const override { return {}; }

private:
    int m_height = 0;
    int m_width = 0;
};

} // namespace

std::unique_ptr<MessageBlock> MessageBlock::create(const MarkdownBlock& source, InlineEnd end, const MessageStyle& style, const ThemeColors& colors)
{
    switch (source.kind) {
    case BlockKind::Code:
        return std::make_unique<CodeBlock>(source, style, colors);
    case BlockKind::Table:
        return std::make_unique<MessageTable>(source, style, colors);
    case BlockKind::Rule:
        return std::make_unique<RuleBlock>(style);
    case BlockKind::Math:
        return std::make_unique<MathBlock>(source, style, colors);
    case BlockKind::Paragraph:
    case BlockKind::Heading:
    case BlockKind::Plain:
        break;
    }
    return std::make_unique<TextBlock>(source, end, style, colors);
}

QString plainTextOf(const MarkdownBlock& source)
{
    switch (source.kind) {
    case BlockKind::Code:
        return source.text.endsWith(u'\n') ? source.text.chopped(1) : source.text;
    case BlockKind::Math:
        return mathText(parseMath(source.text)).text;
    case BlockKind::Rule:
        return {};
    case BlockKind::Table: {
        QString text;
        const MarkdownTable table = parseTable(source.text);
        for (std::size_t row = 0; row < table.rows.size(); ++row) {
            for (std::size_t column = 0; column < table.alignments.size(); ++column) {
                if (row > 0 || column > 0)
                    text += column == 0 ? u'\n' : u'\t';
                text += parseInline(table.rows[row][column]).text.replace(QChar(QChar::LineSeparator), u' ');
            }
        }
        return text;
    }
    case BlockKind::Paragraph:
    case BlockKind::Heading:
    case BlockKind::Plain:
        break;
    }
    return textOf(source, InlineEnd::Final).text.replace(QChar(QChar::LineSeparator), u'\n');
}

bool MessageBlock::update(const MarkdownBlock&)
{
    return false;
}

int MessageBlock::positionAt(QPointF) const
{
    return 0;
}

QString MessageBlock::hrefAt(QPointF) const
{
    return {};
}

QRectF MessageBlock::endRect() const
{
    return {};
}

bool MessageBlock::setScroll(int x)
{
    const int bounded = std::clamp(x, 0, maxScroll());
    return std::exchange(m_scroll, bounded) != bounded;
}

QRectF MessageBlock::scrollThumb() const
{
    const QRectF track = scrollTrack();
    if (maxScroll() <= 0 || track.isEmpty())
        return {};
    const qreal width = std::max(kMinThumb, track.width() * track.width() / (track.width() + maxScroll()));
    const qreal x = (track.width() - width) * m_scroll / maxScroll();
    return {track.x() + x, track.y(), width, track.height()};
}

void MessageBlock::paintScrollBar(QPainter& painter, const BlockPaint& paint) const
{
    const QRectF thumb = scrollThumb();
    if (!paint.hovered || thumb.isEmpty())
        return;
    QColor color = Theme::current().mute;
    color.setAlphaF(0.55F);
    painter.setPen(Qt::NoPen);
    painter.setBrush(color);
    painter.drawRoundedRect(thumb, thumb.height() / 2, thumb.height() / 2);
}

} // namespace hearth::ui
