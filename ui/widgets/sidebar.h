// SPDX-License-Identifier: Apache-2.0
//
// Sidebar: the left column: new chat, search, and the list of conversations (roles: ui/models/conversation_roles.h).
// It asks and shows; who owns the conversations answers by changing the model. Thread: GUI.
#pragma once

#include <QString>
#include <QWidget>

class QAbstractItemModel;
class QAction;
class QLabel;
class QLineEdit;

namespace hearth::ui {

class ConversationList;

class Sidebar : public QWidget {
    Q_OBJECT
public:
    explicit Sidebar(QWidget* parent = nullptr);

    /// Not owned.
    void setModel(QAbstractItemModel* model);
    /// Marks the open conversation; an unknown id marks none. Emits nothing.
    void setCurrent(qint64 id);
    void focusSearch();

    [[nodiscard]] QSize sizeHint() const override;

signals:
    void newChatRequested();
    void searchChanged(const QString& text);
    void conversationActivated(qint64 id);
    void renameRequested(qint64 id, const QString& title);
    void deleteRequested(qint64 id);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    void updateEmptyText();
    void colorEmptyText();

    QLineEdit* m_search;
    QAction* m_clearSearch;
    ConversationList* m_list;
    QLabel* m_emptyText;
};

} // namespace hearth::ui
