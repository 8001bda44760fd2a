// SPDX-License-Identifier: Apache-2.0
//
// MessageEditor: the field that takes the place of a user's turn while it is edited. Thread: GUI.
#pragma once

#include <QWidget>

namespace hearth::ui {

class ComposerButton;
class ComposerInput;

class MessageEditor : public QWidget {
    Q_OBJECT
public:
    MessageEditor(const QString& text, QWidget* parent);

    [[nodiscard]] QString text() const;
    void focusInput();

signals:
    void saved(const QString& text);
    void cancelled();
    void heightChanged();

protected:
    bool event(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    void save();

    ComposerInput* m_input = nullptr;
    ComposerButton* m_save = nullptr;
};

} // namespace hearth::ui
