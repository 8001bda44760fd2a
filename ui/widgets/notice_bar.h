// SPDX-License-Identifier: Apache-2.0
//
// NoticeBar: what happened, why, and what to do, at the top of the conversation. Not modal; stays until it is closed or
// replaced. Its text can be selected. Hidden while there is nothing to say. Thread: GUI.
#pragma once

#include <QString>
#include <QWidget>

#include <functional>

class QLabel;
class QPushButton;
class QToolButton;

namespace hearth::ui {

class NoticeBar : public QWidget {
    Q_OBJECT
public:
    enum class Kind : int { Info, Warning, Error };

    explicit NoticeBar(QWidget* parent = nullptr);

    /// The texts are shown as they are, without markup. `action` runs once, then the notice goes.
    void showNotice(Kind kind, const QString& title, const QString& body, const QString& remedy = {},
                    const QString& actionText = {}, std::function<void()> action = {});
    void dismiss();

signals:
    void dismissed();

protected:
    void paintEvent(QPaintEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void colorTexts();

    Kind m_kind = Kind::Info;
    std::function<void()> m_action;
    QLabel* m_icon;
    QLabel* m_title;
    QLabel* m_body;
    QLabel* m_remedy;
    QPushButton* m_actionButton;
    QToolButton* m_close;
};

} // namespace hearth::ui
