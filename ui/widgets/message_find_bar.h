// SPDX-License-Identifier: Apache-2.0
//
// FindBar: the row over the conversation in which a text is searched: field, "3 of 17", previous, next, close. It knows
// nothing of the view: signals out, setFound in. Thread: GUI.
#pragma once

#include <QWidget>

class QLabel;
class QLineEdit;
class QToolButton;

namespace hearth::ui {

class FindBar : public QWidget {
    Q_OBJECT
public:
    explicit FindBar(QWidget* parent = nullptr);

    /// Shows the bar with its text selected; `text`, if any, becomes the text.
    void open(const QString& text = {});
    void closeBar();
    [[nodiscard]] QString text() const;
    void setFound(int current, int total, bool complete);

signals:
    void textChanged(const QString& text); ///< empty when the bar is closed
    void stepRequested(int step);
    void closed();

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    QToolButton* addButton(const QString& name, const QString& key);
    void refreshLook();

    QLineEdit* m_field;
    QLabel* m_count;
    QToolButton* m_previous;
    QToolButton* m_next;
    QToolButton* m_close;
};

} // namespace hearth::ui
