// SPDX-License-Identifier: Apache-2.0
//
// Chip: a small pill with a short fact, and a dot when it is a state ("● CPU · AVX-512 VNNI"). The tooltip tells the rest;
// one that is made a button tells more when it is pressed, by mouse or keyboard. Thread: GUI.
#pragma once

#include <QString>
#include <QWidget>

namespace hearth::ui {

class Chip : public QWidget {
    Q_OBJECT
public:
    enum class Dot : int { None, Good, Mute, Warning };

    explicit Chip(QWidget* parent = nullptr);

    void setText(const QString& text);
    [[nodiscard]] QString text() const { return m_text; }
    /// Warning colours the text too.
    void setDot(Dot dot);
    /// Both at once; hides the chip when the text is empty, else shows it.
    void setFact(const QString& text, Dot dot = Dot::None);
    void makeButton();

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

signals:
    void clicked(); ///< of a button

protected:
    void enterEvent(QEnterEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_text;
    Dot m_dot = Dot::None;
    bool m_button = false;
};

} // namespace hearth::ui
