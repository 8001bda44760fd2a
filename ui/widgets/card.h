// SPDX-License-Identifier: Apache-2.0
//
// Card: a rounded panel with a title, rows "name ... value" and what else is added to its column; and the labels that
// cards are made of. All of them paint themselves, so they follow the theme without being told. Thread: GUI.
#pragma once

#include <QString>
#include <QWidget>

class QVBoxLayout;

namespace hearth::ui {

/// One line set in figures of equal width, in the widget's font and text colour; elided when too wide.
class FigureLabel : public QWidget {
    Q_OBJECT
public:
    explicit FigureLabel(QWidget* parent = nullptr);

    void setText(const QString& text);
    [[nodiscard]] QString text() const { return m_text; }

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_text;
};

/// Quiet text of any length; wraps.
class MuteLabel : public QWidget {
    Q_OBJECT
public:
    explicit MuteLabel(QWidget* parent = nullptr);

    void setText(const QString& text);
    [[nodiscard]] QString text() const { return m_text; }

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] bool hasHeightForWidth() const override { return true; }
    [[nodiscard]] int heightForWidth(int width) const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_text;
};

/// "71.4 tokens/s": the one big number, and its unit in quiet text.
class BigNumber : public QWidget {
    Q_OBJECT
public:
    explicit BigNumber(const QString& unit, QWidget* parent = nullptr);

    /// An empty value shows a dash: unknown is not zero.
    void setValue(const QString& value);
    [[nodiscard]] QString value() const { return m_value; }

    [[nodiscard]] QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_unit;
    QString m_value;
};

/// "Temperature          64 °C"
class ValueRow : public QWidget {
    Q_OBJECT
public:
    explicit ValueRow(const QString& name, QWidget* parent = nullptr);

    /// An empty value shows a dash: unknown is not zero.
    void setValue(const QString& value);
    [[nodiscard]] QString value() const { return m_value; }
    void setName(const QString& name);
    [[nodiscard]] QString name() const { return m_name; }

    [[nodiscard]] QSize sizeHint() const override;

protected:
    bool event(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_name;
    QString m_value;
};

class Card : public QWidget {
    Q_OBJECT
public:
    explicit Card(const QString& title, QWidget* parent = nullptr);

    void setTitle(const QString& title);
    [[nodiscard]] QString title() const { return m_title; }
    enum class Tone : int { Good, Quiet, Warning };
    /// A word or two at the right end of the title's line: "in use". Empty = none.
    void setBadge(const QString& text, Tone tone = Tone::Quiet);
    [[nodiscard]] QString badge() const { return m_badge; }
    [[nodiscard]] QVBoxLayout* column() const { return m_column; }
    ValueRow* addRow(const QString& name);

protected:
    bool event(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_title;
    QString m_badge;
    Tone m_tone = Tone::Quiet;
    QVBoxLayout* m_column;
};

} // namespace hearth::ui
