// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/math_picture.h"

#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <cmath>
#include <utility>

namespace hearth::ui {
namespace {

constexpr qreal kScriptScale = 0.72;
constexpr int kSmallestPx = 9;
constexpr qreal kSumScale = 1.5;

} // namespace

/// Distances are parts of the font's size (em), as typesetters give them.
class MathPictureMaker {
public:
    MathPictureMaker(const QFont& text, const QFont& mono) : m_text(text), m_mono(mono) {}

    [[nodiscard]] MathPicture make(const MathNode& node, qreal px, bool display) const
    {
        switch (node.kind) {
        case MathKind::Row:
            return row(node, px, display);
        case MathKind::Symbol:
            return symbol(node, px, display);
        case MathKind::Fraction:
            return fraction(node, px);
        case MathKind::Root:
            return root(node, px);
        case MathKind::Script:
            return script(node, px, display);
        case MathKind::Fenced:
            return fenced(node, px, display);
        case MathKind::Grid:
            return grid(node, px);
        case MathKind::Accent:
            return accent(node, px, display);
        }
        return {};
    }

private:
    [[nodiscard]] QFont fontOf(MathFace face, qreal px) const
    {
        QFont font = face == MathFace::Mono ? m_mono : m_text;
        font.setPixelSize(std::max(kSmallestPx, int(std::lround(px))));
        font.setItalic(face == MathFace::Italic);
        font.setWeight(face == MathFace::Bold ? QFont::DemiBold : QFont::Normal);
        return font;
    }

    [[nodiscard]] MathPicture textPicture(const QString& text, MathFace face, qreal px) const
    {
        MathPicture picture;
        const QFont font = fontOf(face, px);
        const QFontMetricsF metrics(font);
        const QRectF ink = metrics.tightBoundingRect(text);
        picture.width = metrics.horizontalAdvance(text);
        if (face == MathFace::Italic) // room for the slant
            picture.width = std::max(picture.width, ink.right() + px * 0.02);
        picture.ascent = std::max(metrics.xHeight(), -ink.top());
        picture.descent = std::max(0.0, ink.bottom());
        picture.m_texts.push_back({{0, 0}, text, font});
        return picture;
    }

    /// The height at which a fraction's bar and an operator's middle stand.
    [[nodiscard]] qreal axis(qreal px) const { return QFontMetricsF(fontOf(MathFace::Upright, px)).xHeight() * 0.52; }
    [[nodiscard]] static qreal ruleOf(qreal px) { return std::max(1.0, px * 0.055); }

    [[nodiscard]] MathPicture symbol(const MathNode& node, qreal px, bool display) const
    {
        if (node.spacing != MathClass::Large || !display)
            return textPicture(node.text, node.face, px);
        MathPicture glyph = textPicture(node.text, node.face, px * kSumScale);
        MathPicture picture;
        picture.add(glyph, {0, (glyph.ascent - glyph.descent) / 2 - axis(px)}); // its middle on the axis
        picture.width = glyph.width;
        return picture;
    }

    [[nodiscard]] static qreal gapBetween(const MathNode& left, const MathNode& right, bool operatorIsUnary, qreal px, bool scripts)
    {
        const auto either = [&](MathClass kind) { return left.spacing == kind || right.spacing == kind; };
        if (left.spacing == MathClass::Space || right.spacing == MathClass::Space)
            return 0;
        if (either(MathClass::Relation))
            return scripts ? px * 0.06 : px * 0.28;
        if (either(MathClass::Binary))
            return operatorIsUnary ? 0 : scripts ? px * 0.04 : px * 0.22;
        if (left.spacing == MathClass::Punctuation || left.spacing == MathClass::Large || right.spacing == MathClass::Large)
            return px * 0.17;
        const bool opens = right.spacing == MathClass::Open || right.kind == MathKind::Fenced;
        if ((left.spacing == MathClass::Function && !opens) || (right.spacing == MathClass::Function && left.spacing == MathClass::Ordinary))
            return px * 0.17;
        const bool stacked = left.kind == MathKind::Fraction || right.kind == MathKind::Fraction;
        return stacked ? px * 0.1 : px * 0.02;
    }

    [[nodiscard]] MathPicture row(const MathNode& node, qreal px, bool display) const
    {
        MathPicture picture;
        const MathNode* previous = nullptr;
        bool unary = true; // an operator that comes now has nothing on its left
        bool previousUnary = false;
        const bool scripts = px < m_text.pixelSize() * 0.9;
        for (const MathNode& child : node.children) {
            const bool isUnary = child.spacing == MathClass::Binary && unary;
            if (previous)
                picture.width += gapBetween(*previous, child, isUnary || previousUnary, px, scripts);
            const MathPicture part = make(child, px, display);
            const qreal x = picture.width;
            picture.add(part, {x, 0});
            picture.width = x + part.width;
            unary = child.kind == MathKind::Symbol
                && (child.spacing == MathClass::Binary || child.spacing == MathClass::Relation || child.spacing == MathClass::Open || child.spacing == MathClass::Punctuation);
            previousUnary = isUnary;
            previous = &child;
        }
        if (node.children.empty()) // an empty cell keeps the height of a line
            picture.ascent = QFontMetricsF(fontOf(MathFace::Upright, px)).xHeight();
        return picture;
    }

    [[nodiscard]] MathPicture fraction(const MathNode& node, qreal px) const
    {
        const qreal inner = px < m_text.pixelSize() * 0.9 ? px * kScriptScale : px * 0.94;
        const MathPicture above = make(node.children[0], inner, false);
        const MathPicture below = make(node.children[1], inner, false);
        MathPicture picture;
        const qreal rule = ruleOf(px);
        const qreal gap = px * 0.18;
        const qreal middle = axis(px);
        picture.width = std::max(above.width, below.width) + px * 0.3;
        picture.add(above, {(picture.width - above.width) / 2, -middle - rule / 2 - gap - above.descent});
        picture.add(below, {(picture.width - below.width) / 2, -middle + rule / 2 + gap + below.ascent});
        if (node.bar) {
            QPainterPath path({px * 0.06, -middle});
            path.lineTo(picture.width - px * 0.06, -middle);
            picture.m_strokes.push_back({path, rule});
        }
        return picture;
    }

    [[nodiscard]] MathPicture root(const MathNode& node, qreal px) const
    {
        const MathPicture inside = make(node.children[0], px, false);
        const MathPicture index = node.children[1].isEmpty() ? MathPicture() : make(node.children[1], px * 0.62, false);
        const qreal rule = ruleOf(px);
        const qreal hook = px * 0.55;
        const qreal left = std::max(0.0, index.width - hook * 0.45);
        const qreal top = -inside.ascent - px * 0.16;
        const qreal bottom = inside.descent + px * 0.06;
        MathPicture picture;
        picture.add(inside, {left + hook + px * 0.06, 0});
        QPainterPath path({left, (top + bottom) / 2 + px * 0.12});
        path.lineTo(left + hook * 0.28, (top + bottom) / 2 + px * 0.02);
        path.lineTo(left + hook * 0.58, bottom);
        path.lineTo(left + hook, top);
        path.lineTo(left + hook + inside.width + px * 0.12, top);
        picture.m_strokes.push_back({path, rule});
        if (!node.children[1].isEmpty())
            picture.add(index, {std::max(0.0, hook * 0.45 - index.width), (top + bottom) / 2 - px * 0.1 - index.descent});
        picture.width = left + hook + inside.width + px * 0.18;
        picture.ascent = std::max(picture.ascent, -top + rule);
        picture.descent = std::max(picture.descent, bottom);
        return picture;
    }

    [[nodiscard]] MathPicture script(const MathNode& node, qreal px, bool display) const
    {
        const MathPicture base = make(node.children[0], px, display);
        const qreal small = std::max(qreal(kSmallestPx), px * kScriptScale);
        const bool hasSub = !node.children[1].isEmpty();
        const bool hasSup = !node.children[2].isEmpty();
        const MathPicture sub = hasSub ? make(node.children[1], small, false) : MathPicture();
        const MathPicture sup = hasSup ? make(node.children[2], small, false) : MathPicture();
        MathPicture picture;
        if (node.limits && display) {
            const qreal width = std::max({base.width, sub.width, sup.width});
            const qreal gap = px * 0.14;
            picture.add(base, {(width - base.width) / 2, 0});
            if (hasSup)
                picture.add(sup, {(width - sup.width) / 2, -base.ascent - gap - sup.descent});
            if (hasSub)
                picture.add(sub, {(width - sub.width) / 2, base.descent + gap + sub.ascent});
            picture.width = width;
            return picture;
        }
        picture.add(base, {0, 0});
        const qreal x = base.width + px * 0.03;
        qreal up = std::max(px * 0.36, base.ascent - sup.ascent * 0.55);
        qreal down = std::max(px * 0.16, base.descent + sub.ascent * 0.35);
        if (hasSub && hasSup) // never into each other
            down = std::max(down, sub.ascent + sup.descent - up + px * 0.1);
        if (hasSup)
            picture.add(sup, {x, -up});
        if (hasSub)
            picture.add(sub, {x, down});
        picture.width = x + std::max(sub.width, sup.width) + px * 0.03;
        return picture;
    }

    /// A bracket of any height, drawn; empty = none.
    [[nodiscard]] MathPicture fence(const QString& text, bool left, qreal ascent, qreal descent, qreal px) const
    {
        if (text.isEmpty())
            return {};
        const QFontMetricsF metrics(fontOf(MathFace::Upright, px));
        if (ascent <= metrics.ascent() && descent <= metrics.descent() * 1.4)
            return textPicture(text, MathFace::Upright, px);
        MathPicture picture;
        const qreal top = -ascent;
        const qreal bottom = descent;
        const qreal middle = (top + bottom) / 2;
        const qreal w = std::clamp((ascent + descent) * 0.12, px * 0.28, px * 0.55);
        picture.width = w + px * 0.12;
        const auto x = [&](qreal part) { return left ? px * 0.06 + w * part : px * 0.06 + w * (1 - part); }; // 0 = outside
        QPainterPath path;
        switch (text.front().unicode()) {
        case u'(':
        case u')':
            path.moveTo(x(1), top);
            path.cubicTo(x(-0.25), top + (bottom - top) * 0.28, x(-0.25), bottom - (bottom - top) * 0.28, x(1), bottom);
            break;
        case u'[':
        case u']':
        case u'⌈':
        case u'⌉':
        case u'⌊':
        case u'⌋': {
            const bool floor = text.front() == u'⌊' || text.front() == u'⌋';
            const bool ceiling = text.front() == u'⌈' || text.front() == u'⌉';
            path.moveTo(x(floor ? 0.2 : 0.9), top);
            path.lineTo(x(0.2), top);
            path.lineTo(x(0.2), bottom);
            path.lineTo(x(ceiling ? 0.2 : 0.9), bottom);
            break;
        }
        case u'{':
        case u'}': {
            const qreal bend = std::min(w, (bottom - top) * 0.2);
            path.moveTo(x(1), top);
            path.quadTo(x(0.5), top, x(0.5), top + bend);
            path.lineTo(x(0.5), middle - bend);
            path.quadTo(x(0.5), middle, x(0), middle);
            path.quadTo(x(0.5), middle, x(0.5), middle + bend);
            path.lineTo(x(0.5), bottom - bend);
            path.quadTo(x(0.5), bottom, x(1), bottom);
            break;
        }
        case u'⟨':
        case u'⟩':
            path.moveTo(x(0.9), top);
            path.lineTo(x(0.1), middle);
            path.lineTo(x(0.9), bottom);
            break;
        case u'‖':
            path.moveTo(x(0.3), top);
            path.lineTo(x(0.3), bottom);
            path.moveTo(x(0.7), top);
            path.lineTo(x(0.7), bottom);
            break;
        case u'|':
            path.moveTo(x(0.5), top);
            path.lineTo(x(0.5), bottom);
            break;
        default:
            return textPicture(text, MathFace::Upright, px);
        }
        picture.ascent = ascent;
        picture.descent = descent;
        picture.m_strokes.push_back({path, ruleOf(px) * 1.15});
        return picture;
    }

    [[nodiscard]] MathPicture fenced(const MathNode& node, qreal px, bool display) const
    {
        const MathPicture content = make(node.children[0], px, display);
        // Fences are as tall above the axis as below it.
        const qreal middle = axis(px);
        const qreal reach = std::max(content.ascent - middle, content.descent + middle) + px * 0.08;
        const MathPicture left = fence(node.text, true, middle + reach, reach - middle, px);
        const MathPicture right = fence(node.right, false, middle + reach, reach - middle, px);
        MathPicture picture;
        picture.add(left, {0, 0});
        picture.add(content, {left.width, 0});
        picture.add(right, {left.width + content.width, 0});
        picture.width = left.width + content.width + right.width;
        return picture;
    }

    [[nodiscard]] MathPicture grid(const MathNode& node, qreal px) const
    {
        const std::size_t columns = std::size_t(std::max(1, node.columns));
        const std::size_t rows = node.children.size() / columns;
        std::vector<MathPicture> cells;
        cells.reserve(node.children.size());
        for (const MathNode& child : node.children)
            cells.push_back(make(child, px, node.grid == MathGrid::Aligned));
        std::vector<qreal> widths(columns);
        for (std::size_t i = 0; i < cells.size(); ++i)
            widths[i % columns] = std::max(widths[i % columns], cells[i].width);
        const QFontMetricsF metrics(fontOf(MathFace::Upright, px));
        const qreal rowGap = node.grid == MathGrid::Aligned ? px * 0.5 : px * 0.4;
        std::vector<std::pair<qreal, qreal>> lines(rows); // ascent, descent
        qreal total = rows > 0 ? rowGap * qreal(rows - 1) : 0;
        for (std::size_t row = 0; row < rows; ++row) {
            auto& [up, down] = lines[row];
            up = metrics.xHeight() * 1.3;
            down = metrics.descent() * 0.6;
            for (std::size_t column = 0; column < columns; ++column) {
                up = std::max(up, cells[row * columns + column].ascent);
                down = std::max(down, cells[row * columns + column].descent);
            }
            total += up + down;
        }
        MathPicture picture;
        qreal y = -axis(px) - total / 2;
        for (std::size_t row = 0; row < rows; ++row) {
            y += lines[row].first;
            qreal x = 0;
            for (std::size_t column = 0; column < columns; ++column) {
                const MathPicture& cell = cells[row * columns + column];
                const qreal free = widths[column] - cell.width;
                const bool right = node.grid == MathGrid::Aligned && column % 2 == 0;
                const bool centred = node.grid == MathGrid::Centred;
                picture.add(cell, {x + (right ? free : centred ? free / 2 : 0), y});
                const bool pair = node.grid == MathGrid::Aligned && column % 2 == 0; // "&=" belongs together
                x += widths[column] + (column + 1 == columns ? 0 : pair ? px * 0.28 : px * 0.9);
            }
            picture.width = std::max(picture.width, x);
            y += lines[row].second + rowGap;
        }
        return picture;
    }

    [[nodiscard]] MathPicture accent(const MathNode& node, qreal px, bool display) const
    {
        const MathPicture base = make(node.children[0], px, display);
        const QChar mark = node.text.isEmpty() ? QChar(u'-') : node.text.front();
        const qreal rule = ruleOf(px);
        MathPicture picture;
        if (mark == u'#') {
            const qreal pad = px * 0.3;
            picture.add(base, {pad, 0});
            picture.width = base.width + 2 * pad;
            QPainterPath frame;
            frame.addRoundedRect(QRectF(rule, -base.ascent - pad, picture.width - 2 * rule, base.height() + 2 * pad), 3, 3);
            picture.m_strokes.push_back({frame, rule});
            picture.ascent = base.ascent + pad + rule;
            picture.descent = base.descent + pad + rule;
            return picture;
        }
        picture.add(base, {0, 0});
        picture.width = base.width;
        QPainterPath path;
        const qreal over = -base.ascent - px * 0.14;
        const qreal centre = base.width / 2;
        const qreal reach = std::clamp(base.width / 2 - px * 0.04, px * 0.12, mark == u'-' || mark == u'>' ? 1e6 : px * 0.4);
        switch (mark.unicode()) {
        case u'-':
            path.moveTo(centre - reach, over);
            path.lineTo(centre + reach, over);
            break;
        case u'_':
            path.moveTo(0, base.descent + px * 0.14);
            path.lineTo(base.width, base.descent + px * 0.14);
            picture.descent = base.descent + px * 0.2;
            break;
        case u'>':
            path.moveTo(centre - reach, over);
            path.lineTo(centre + reach, over);
            path.moveTo(centre + reach - px * 0.12, over - px * 0.08);
            path.lineTo(centre + reach, over);
            path.lineTo(centre + reach - px * 0.12, over + px * 0.08);
            break;
        case u'^':
            path.moveTo(centre - reach, over + px * 0.04);
            path.lineTo(centre, over - px * 0.09);
            path.lineTo(centre + reach, over + px * 0.04);
            break;
        case u'~':
            path.moveTo(centre - reach, over + px * 0.03);
            path.cubicTo(centre - reach * 0.3, over - px * 0.16, centre + reach * 0.3, over + px * 0.16, centre + reach, over - px * 0.03);
            break;
        default: // one dot or two
            for (const qreal side : {-1.0, 1.0}) {
                const qreal x = mark == u':' ? centre + side * px * 0.1 : centre;
                path.addEllipse(QPointF(x, over), px * 0.03, px * 0.03);
            }
            break;
        }
        picture.m_strokes.push_back({path, rule});
        if (mark != u'_')
            picture.ascent = -over + px * 0.12;
        return picture;
    }

    QFont m_text;
    QFont m_mono;
};

void MathPicture::add(const MathPicture& other, QPointF at)
{
    for (Text text : other.m_texts) {
        text.at += at;
        m_texts.push_back(std::move(text));
    }
    for (Stroke stroke : other.m_strokes) {
        stroke.path.translate(at);
        m_strokes.push_back(std::move(stroke));
    }
    ascent = std::max(ascent, other.ascent - at.y());
    descent = std::max(descent, other.descent + at.y());
}

MathPicture MathPicture::of(const MathNode& formula, const QFont& text, const QFont& mono)
{
    return MathPictureMaker(text, mono).make(formula, text.pixelSize(), true);
}

void MathPicture::paint(QPainter& painter, QPointF origin) const
{
    const QColor ink = painter.pen().color();
    for (const Text& text : m_texts) {
        painter.setFont(text.font);
        painter.drawText(origin + text.at, text.text);
    }
    painter.setBrush(Qt::NoBrush);
    for (const Stroke& stroke : m_strokes) {
        painter.setPen(QPen(ink, stroke.thickness, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
        painter.drawPath(stroke.path.translated(origin));
    }
    painter.setPen(ink);
}

} // namespace hearth::ui
