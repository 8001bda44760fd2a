// SPDX-License-Identifier: Apache-2.0
//
// Card: a rounded panel with a title, rows "name ... value" and what else is added to its column. Row: one such line.
// Thread: GUI.
#pragma once

#include <QFrame>
#include <QString>

class QLabel;
class QVBoxLayout;

namespace hearth::ui {

/// A line of text set in figures of equal width, optionally with a big number before it.
class FigureLabel : public QWidget {
    Q_OBJECT
public:
    explicit FigureLabel(QWidget* parent = nullptr);

    void setText(const QString& text);
    [[nodiscard]] QString text() const { return m_text; }
    void setAlignment(Qt::Alignment alignment);

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_text;
    Qt::Alignment m_alignment = Qt::AlignLeft;
};

/// A label in the theme's quiet colour; wraps.
class MuteLabel : public QWidget {
    Q_OBJECT
public:
    explicit MuteLabel(QWidget* parent = nullptr);

    void setText(const QString& text);
    [[nodiscard]] QString text() const { return m_text; }

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;
    [[nodiscard]] bool hasHeightForWidth() const override { return true; }
    [[nodiscard]] int heightForWidth(int width) const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_text;
};

/// "Temperature          64 °C"
class ValueRow : public QWidget {
    Q_OBJECT
public:
    explicit ValueRow(const QString& name, QWidget* parent = nullptr);

    /// An empty value shows a dash: unknown is not zero.
    void setValue(const QString& value);
    [[nodiscard]] QString value() const { return m_value; }
    [[nodiscard]] QString name() const { return m_name; }

    [[nodiscard]] QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_name;
    QString m_value;
};

class Card : public QFrame {
    Q_OBJECT
public:
    explicit Card(const QString& title, QWidget* parent = nullptr);

    void setTitle(const QString& title);
    [[nodiscard]] QString title() const;
    /// At the right end of the title line, in the colour of "in use".
    void setBadge(const QString& text);
    [[nodiscard]] QVBoxLayout* column() const { return m_column; }
    ValueRow* addRow(const QString& name);

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QLabel* m_title;
    QWidget* m_badge;
    QVBoxLayout* m_column;
    QString m_badgeText;
};

} // namespace hearth::ui
