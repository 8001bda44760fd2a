// SPDX-License-Identifier: Apache-2.0
//
// Composer: the card in which a message is written. Grows from 1 to 10 lines. Enter sends, Shift+Enter makes a new line;
// while busy the Send button is a Stop button and Esc stops. Plain text only. Thread: GUI.
#pragma once

#include <QWidget>

class QLabel;

namespace hearth::ui {

class ComposerButton;
class ComposerInput;

class Composer : public QWidget {
    Q_OBJECT
public:
    explicit Composer(QWidget* parent = nullptr);

    /// While busy, Send is Stop and `statusText` ("Replying...") stands left of it.
    void setBusy(bool busy, const QString& statusText = {});
    [[nodiscard]] bool isBusy() const { return m_busy; }
    void setPlaceholder(const QString& text);
    /// False disables sending; `whyNot` is the tooltip of the button and its accessible description.
    void setSendEnabled(bool enabled, const QString& whyNot = {});

    [[nodiscard]] QString text() const;
    void setText(const QString& text);
    void focusInput();

signals:
    /// The text without white space at its ends; the field is already empty again.
    void submitted(const QString& text);
    void stopRequested();

protected:
    void changeEvent(QEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    void submit();
    void refresh();

    ComposerInput* m_input = nullptr;
    QLabel* m_status = nullptr;
    ComposerButton* m_button = nullptr;
    bool m_busy = false;
    bool m_sendEnabled = true;
    QString m_whyNot;
};

} // namespace hearth::ui
