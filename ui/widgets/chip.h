// SPDX-License-Identifier: Apache-2.0
//
// Chip: a small pill with a short fact, and a dot when it is a state ("● CPU · AVX-512 VNNI"). Says something, does
// nothing; the tooltip tells the rest. Thread: GUI.
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

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_text;
    Dot m_dot = Dot::None;
};

} // namespace hearth::ui
