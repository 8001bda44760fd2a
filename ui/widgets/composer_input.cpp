// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/composer_input.h"

#include <QFontMetricsF>
#include <QKeyEvent>
#include <QMimeData>
#include <QScrollBar>
#include <QTextBlock>

#include <algorithm>
#include <cmath>

namespace hearth::ui {
namespace {

constexpr int kMaxLines = 10;

} // namespace

ComposerInput::ComposerInput(QWidget* parent) : QPlainTextEdit(parent)
{
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setTabChangesFocus(true);
    viewport()->setAutoFillBackground(false); // the card around it is the field
    document()->setDocumentMargin(0);
    connect(document()->documentLayout(), &QAbstractTextDocumentLayout::documentSizeChanged, this, &ComposerInput::fitHeight);
    fitHeight();
}

int ComposerInput::heightOf(int lines) const
{
    return int(std::ceil(QFontMetricsF(font()).lineSpacing() * lines)) + 2;
}

QSize ComposerInput::sizeHint() const
{
    // The layout of a plain-text document measures its height in lines.
    const int lines = std::clamp(int(document()->documentLayout()->documentSize().height()), 1, kMaxLines);
    return {200, heightOf(lines)};
}

QSize ComposerInput::minimumSizeHint() const
{
    return {80, sizeHint().height()};
}

void ComposerInput::fitHeight()
{
    const bool overflows = document()->documentLayout()->documentSize().height() > kMaxLines;
    setVerticalScrollBarPolicy(overflows ? Qt::ScrollBarAsNeeded : Qt::ScrollBarAlwaysOff);
    updateGeometry();
    if (!overflows)
        verticalScrollBar()->setValue(0);
}

void ComposerInput::resizeEvent(QResizeEvent* event)
{
    QPlainTextEdit::resizeEvent(event);
    fitHeight();
}

void ComposerInput::replaceText(const QString& text)
{
    QTextCursor cursor(document());
    cursor.select(QTextCursor::Document);
    cursor.insertText(text);
    moveCursor(QTextCursor::End);
}

void ComposerInput::focusInEvent(QFocusEvent* event)
{
    QPlainTextEdit::focusInEvent(event);
    emit focusChanged();
}

void ComposerInput::focusOutEvent(QFocusEvent* event)
{
    QPlainTextEdit::focusOutEvent(event);
    emit focusChanged();
}

bool ComposerInput::canInsertFromMimeData(const QMimeData* source) const
{
    return source->hasText();
}

void ComposerInput::insertFromMimeData(const QMimeData* source)
{
    if (source->hasText())
        insertPlainText(source->text());
    ensureCursorVisible();
}

void ComposerInput::inputMethodEvent(QInputMethodEvent* event)
{
    m_composing = !event->preeditString().isEmpty();
    QPlainTextEdit::inputMethodEvent(event);
}

void ComposerInput::keyPressEvent(QKeyEvent* event)
{
    if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) {
        if (m_composing) {
            event->accept();
            return;
        }
        if (event->modifiers() & Qt::ShiftModifier) {
            textCursor().insertBlock(); // Qt would insert a line separator, which is no line of its own
            ensureCursorVisible();
        } else {
            emit submitPressed();
        }
        event->accept();
        return;
    }
    if (event->key() == Qt::Key_Escape && !m_composing) {
        emit escapePressed();
        event->accept();
        return;
    }
    QPlainTextEdit::keyPressEvent(event);
}

} // namespace hearth::ui
