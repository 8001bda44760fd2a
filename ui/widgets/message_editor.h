// SPDX-License-Identifier: Apache-2.0
//
// MessageEditor: the field that takes the place of a message while it is edited. A user's turn is saved and sent; a reply is
// saved, or saved and carried on by the model. Thread: GUI.
#pragma once

#include <QWidget>

namespace hearth::ui {

class ComposerButton;
class ComposerInput;

class MessageEditor : public QWidget {
    Q_OBJECT
public:
    enum class Whose { Users, Models };

    MessageEditor(const QString& text, Whose whose, QWidget* parent);

    [[nodiscard]] QString text() const;
    void focusInput();

signals:
    void saved(const QString& text);
    void continued(const QString& text); ///< of a reply
    void cancelled();
    void heightChanged();

protected:
    bool event(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    void save();

    Whose m_whose;
    ComposerInput* m_input = nullptr;
    ComposerButton* m_save = nullptr;
    ComposerButton* m_continue = nullptr; ///< of a reply
};

} // namespace hearth::ui
