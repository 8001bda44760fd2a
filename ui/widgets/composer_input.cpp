// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/composer_input.h"

#include <QFontMetricsF>
#include <QKeyEvent>
#include <QMimeData>
#include <QScrollBar>
#include <QTextBlock>
#include <QUrl>

#include <algorithm>
#include <cmath>

namespace hearth::ui {
namespace {

constexpr int kMaxLines = 10;

// QPlainTextEdit breaks a long line in quadratic time (a pasted line of 1 MB: 230 s, then as long for every key). So a
// longer line is cut, and each cut is marked by a word joiner before the line end, which nobody types; undo keeps it.
constexpr qsizetype kMaxLineChars = 4000;
const QString kCut = QStringLiteral("\u2060\n");

QString withCuts(const QString& text)
{
    QString out;
    qsizetype start = 0;
    for (qsizetype end = 0; start <= text.size(); start = end + 1) {
        end = text.indexOf(u'\n', start);
        if (end < 0)
            end = text.size();
        while (end - start > kMaxLineChars) {
            const qsizetype size = text[start + kMaxLineChars].isLowSurrogate() ? kMaxLineChars - 1 : kMaxLineChars;
            out += QStringView(text).mid(start, size);
            out += kCut;
            start += size;
        }
        out += QStringView(text).mid(start, end - start);
        if (end < text.size())
            out += u'\n';
    }
    return out;
}

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
    cursor.insertText(withCuts(text));
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

QString ComposerInput::text() const
{
    return toPlainText().remove(kCut);
}

QMimeData* ComposerInput::createMimeDataFromSelection() const
{
    QMimeData* selected = QPlainTextEdit::createMimeDataFromSelection();
    selected->setText(selected->text().remove(kCut));
    return selected;
}

bool ComposerInput::canInsertFromMimeData(const QMimeData* source) const
{
    return source->hasText() || (m_takesFiles && source->hasUrls());
}

bool ComposerInput::isAtEdge(int step) const
{
    QTextCursor cursor = textCursor();
    return !cursor.movePosition(step < 0 ? QTextCursor::Up : QTextCursor::Down);
}

void ComposerInput::insertFromMimeData(const QMimeData* source)
{
    if (m_takesFiles && source->hasUrls()) {
        QStringList paths;
        for (const QUrl& url : source->urls()) {
            if (url.isLocalFile())
                paths << url.toLocalFile();
        }
        if (!paths.isEmpty()) {
            emit filesPasted(paths);
            return;
        }
    }
    if (m_takesFiles && source->hasText() && source->text().size() > kLongPaste) {
        emit longTextPasted(source->text());
        return;
    }
    if (source->hasText())
        insertPlainText(withCuts(source->text()));
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
    const int step = event->key() == Qt::Key_Up ? -1 : event->key() == Qt::Key_Down ? +1 : 0;
    if (step != 0 && event->modifiers() == Qt::NoModifier && !m_composing && isAtEdge(step))
        emit recallRequested(step);
    QPlainTextEdit::keyPressEvent(event);
}

} // namespace hearth::ui
