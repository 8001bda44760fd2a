// SPDX-License-Identifier: Apache-2.0
//
// ConversationList: the list inside the Sidebar. A section's caption belongs to the item below it in the layout, but not
// to the mouse. Return opens, F2 or a double click renames, Del deletes. Thread: GUI.
#pragma once

#include <QListView>

namespace hearth::ui {

class ConversationRowDelegate;

class ConversationList : public QListView {
    Q_OBJECT
public:
    explicit ConversationList(QWidget* parent = nullptr);

    void setModel(QAbstractItemModel* model) override;
    /// Draws this conversation as the open one and moves the keyboard's row to it.
    void setCurrentConversation(qint64 id);
    [[nodiscard]] QModelIndex indexOf(qint64 id) const;
    [[nodiscard]] QModelIndex indexAt(const QPoint& point) const override;

signals:
    void opened(qint64 id);
    void renamed(qint64 id, const QString& title) const;
    void deletionAsked(qint64 id);
    void rowCountChanged();

protected:
    void contextMenuEvent(QContextMenuEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void markCurrent();

    ConversationRowDelegate* m_delegate;
    qint64 m_current = 0;
};

} // namespace hearth::ui
