// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/math_text.h"

#include <algorithm>

namespace hearth::ui {
namespace {

QChar combining(QStringView mark)
{
    switch (mark.isEmpty() ? u' ' : mark.front().unicode()) {
    case u'^': return QChar(0x0302);
    case u'~': return QChar(0x0303);
    case u'.': return QChar(0x0307);
    case u':': return QChar(0x0308);
    case u'>': return QChar(0x20D7);
    case u'-': return QChar(0x0305);
    case u'_': return QChar(0x0332);
    default: return {};
    }
}

class TextWriter {
public:
    void write(const MathNode& node, int script);
    [[nodiscard]] InlineText take() { return std::move(m_out); }

private:
    void row(const MathNode& node, int script);
    void grouped(const MathNode& node, int script);
    void writeScript(const MathNode& node, int script);
    void emitText(const QString& text, MathFace face, int script);
    void space()
    {
        if (!m_out.text.isEmpty() && !m_out.text.endsWith(u' '))
            emitText(QStringLiteral(" "), MathFace::Upright, 0);
    }

    InlineText m_out;
};

/// One item needs no parentheses around it.
bool isSimple(const MathNode& node)
{
    if (node.kind == MathKind::Row)
        return node.children.empty() || (node.children.size() == 1 && isSimple(node.children.front()));
    return node.kind == MathKind::Symbol || node.kind == MathKind::Fenced || node.kind == MathKind::Accent || node.kind == MathKind::Script;
}

bool endsOperand(const MathNode& node)
{
    return node.kind != MathKind::Symbol || node.spacing == MathClass::Ordinary || node.spacing == MathClass::Close;
}

void TextWriter::emitText(const QString& text, MathFace face, int script)
{
    if (text.isEmpty())
        return;
    InlineSpan span;
    span.start = int(m_out.text.size());
    span.length = int(text.size());
    span.italic = face == MathFace::Italic;
    span.bold = face == MathFace::Bold;
    span.script = script;
    m_out.text += text;
    if (!m_out.spans.empty()) {
        InlineSpan& last = m_out.spans.back();
        if (last.start + last.length == span.start && last.italic == span.italic && last.bold == span.bold && last.script == span.script) {
            last.length += span.length;
            return;
        }
    }
    m_out.spans.push_back(span);
}

void TextWriter::row(const MathNode& node, int script)
{
    const MathNode* previous = nullptr;
    for (const MathNode& child : node.children) {
        const bool unary = child.spacing == MathClass::Binary && (!previous || !endsOperand(*previous));
        const bool spaced = script == 0 && (child.spacing == MathClass::Relation || (child.spacing == MathClass::Binary && !unary));
        const bool afterFunction = previous && (previous->spacing == MathClass::Function || previous->spacing == MathClass::Large)
            && child.spacing != MathClass::Open && child.kind != MathKind::Fenced;
        const bool beforeFunction = previous && child.spacing == MathClass::Function && endsOperand(*previous);
        if (spaced || afterFunction || beforeFunction)
            space();
        write(child, script);
        if (spaced || (child.spacing == MathClass::Punctuation && script == 0))
            space();
        previous = &child;
    }
}

void TextWriter::grouped(const MathNode& node, int script)
{
    const bool simple = isSimple(node);
    if (!simple)
        emitText(QStringLiteral("("), MathFace::Upright, script);
    write(node, script);
    if (!simple)
        emitText(QStringLiteral(")"), MathFace::Upright, script);
}

void TextWriter::writeScript(const MathNode& node, int script)
{
    write(node.children[0], script);
    // A second storey would be too small to read: it is written out.
    for (const std::size_t part : {1U, 2U}) {
        const MathNode& child = node.children[part];
        if (child.isEmpty())
            continue;
        if (script == 0) {
            write(child, part == 1 ? -1 : 1);
        } else {
            const bool prime = part == 2 && child.children.size() == 1 && child.children.front().text == u"′";
            if (!prime)
                emitText(part == 1 ? QStringLiteral("_") : QStringLiteral("^"), MathFace::Upright, script);
            grouped(child, script);
        }
    }
}

void TextWriter::write(const MathNode& node, int script)
{
    switch (node.kind) {
    case MathKind::Row:
        row(node, script);
        break;
    case MathKind::Symbol:
        emitText(node.text, node.face, script);
        break;
    case MathKind::Fraction:
        grouped(node.children[0], script);
        emitText(node.bar ? QStringLiteral("/") : QStringLiteral(" "), MathFace::Upright, script);
        grouped(node.children[1], script);
        break;
    case MathKind::Root: {
        const MathNode& index = node.children[1];
        if (!index.isEmpty())
            write(index, script == 0 ? 1 : script);
        emitText(QStringLiteral("√"), MathFace::Upright, script);
        grouped(node.children[0], script);
        break;
    }
    case MathKind::Script:
        writeScript(node, script);
        break;
    case MathKind::Fenced:
        emitText(node.text, MathFace::Upright, script);
        write(node.children[0], script);
        emitText(node.right, MathFace::Upright, script);
        break;
    case MathKind::Grid:
        for (std::size_t i = 0; i < node.children.size(); ++i) {
            if (i > 0)
                emitText(i % std::size_t(node.columns) == 0 ? QStringLiteral("; ") : QStringLiteral(" "), MathFace::Upright, script);
            write(node.children[i], script);
        }
        break;
    case MathKind::Accent: {
        const qsizetype from = m_out.text.size();
        write(node.children[0], script);
        const QChar mark = combining(node.text);
        if (!mark.isNull() && m_out.text.size() == from + 1)
            emitText(QString(mark), node.children[0].children.empty() ? MathFace::Italic : node.children[0].children.front().face, script);
        break;
    }
    }
}

} // namespace

InlineText mathText(const MathNode& formula)
{
    TextWriter writer;
    writer.write(formula, 0);
    return writer.take();
}

} // namespace hearth::ui
