// SPDX-License-Identifier: Apache-2.0
//
// Toast: "Chat deleted. Undo" at the bottom of its parent, for a while. It stays while the mouse or the keyboard is on
// it. The deed is already done; undo is a way back. Thread: GUI.
#pragma once

#include <QString>
#include <QTimer>
#include <QWidget>

#include <functional>

class QLabel;
class QPushButton;
class QToolButton;

namespace hearth::ui {

class Toast : public QWidget {
    Q_OBJECT
public:
    /// Floats over `parent`, hidden until something is offered.
    explicit Toast(QWidget* parent);

    /// Without `undo` it only says what was done. A second offer replaces the first, whose chance is then gone.
    void offerUndo(const QString& text, std::function<void()> undo, int ms = 8000);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    void place();
    void finish();

    QLabel* m_text;
    QPushButton* m_undoButton;
    QToolButton* m_close;
    QTimer m_timer;
    std::function<void()> m_undo;
    int m_ms = 0;
};

} // namespace hearth::ui
