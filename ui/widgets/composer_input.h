// SPDX-License-Identifier: Apache-2.0
//
// ComposerInput: a plain-text field that grows with its text from one line to ten. Enter submits, Shift+Enter makes a new
// line, Enter that ends an input method's composition does neither. Also the editor of a user's turn. Thread: GUI.
#pragma once

#include <QPlainTextEdit>

namespace hearth::ui {

class ComposerInput : public QPlainTextEdit {
    Q_OBJECT
public:
    explicit ComposerInput(QWidget* parent = nullptr);

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;
    /// The text without the cuts that very long lines get (see composer_input.cpp).
    [[nodiscard]] QString text() const;
    /// Replaces the text as one step that can be undone.
    void replaceText(const QString& text);
    /// From now on files and texts of more than kLongPaste characters are given to filesPasted and longTextPasted.
    void takeFiles() { m_takesFiles = true; }

    static constexpr qsizetype kLongPaste = 8000;

signals:
    void submitPressed();
    void escapePressed();
    void focusChanged();
    void recallRequested(int step); ///< Up (-1) on the first line, Down (+1) on the last
    void filesPasted(const QStringList& paths);
    void longTextPasted(const QString& text);

protected:
    bool canInsertFromMimeData(const QMimeData* source) const override;
    QMimeData* createMimeDataFromSelection() const override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    void inputMethodEvent(QInputMethodEvent* event) override;
    void insertFromMimeData(const QMimeData* source) override;
    void keyPressEvent(QKeyEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void fitHeight();
    [[nodiscard]] int heightOf(int lines) const;

    [[nodiscard]] bool isAtEdge(int step) const;

    bool m_composing = false;
    bool m_takesFiles = false;
};

} // namespace hearth::ui
