// SPDX-License-Identifier: Apache-2.0
//
// EmptyState: what stands in the conversation before there is one: a sentence and, where something is to be done, the
// one button for it. Thread: GUI.
#pragma once

#include <QString>
#include <QWidget>

class QLabel;
class QPushButton;

namespace hearth::ui {

class EmptyState : public QWidget {
    Q_OBJECT
public:
    explicit EmptyState(QWidget* parent = nullptr);

    /// Nothing is loaded. `modelsKnown` > 0: there are files to choose from, so the button offers the choice.
    void setNoModel(int modelsKnown = 0);
    void setLoading(const QString& modelName);
    void setReady(const QString& modelName);

signals:
    void openFileRequested();
    void chooseModelRequested();

private:
    void paintPicture();
    void change(const QString& title, const QString& sentence, const QString& buttonText);

    QLabel* m_picture;
    QLabel* m_title;
    QLabel* m_sentence;
    QPushButton* m_button;
    bool m_offersChoice = false;
};

} // namespace hearth::ui
