// SPDX-License-Identifier: Apache-2.0
//
// ConversationList: the list inside the Sidebar. A section's caption belongs to the item below it in the layout, but not
// to the mouse. A click opens, Ctrl and Shift select more; Return opens, F2 or a double click renames, Del deletes, Left
// and Right fold a folder; rows can be dragged onto a folder. Thread: GUI.
#pragma once

#include "ui/widgets/conversation_command.h"

#include <QListView>

#include <vector>

class QMenu;

namespace hearth::ui {

class ConversationRowDelegate;

class ConversationList : public QListView {
    Q_OBJECT
public:
    explicit ConversationList(QWidget* parent = nullptr);

    void setModel(QAbstractItemModel* model) override;
    /// Draws this conversation as the open one and moves the keyboard's row to it.
    void setCurrentConversation(qint64 id);
    void setPlace(ConversationPlace place) { m_place = place; }
    [[nodiscard]] QModelIndex indexOf(qint64 id) const;
    [[nodiscard]] QModelIndex indexAt(const QPoint& point) const override;
    /// The selected conversations, from top to bottom.
    [[nodiscard]] std::vector<qint64> selectedConversations() const;

signals:
    void opened(qint64 id);
    void hitOpened(qint64 id, qint64 message);
    void renamed(qint64 id, const QString& title) const;
    void folderRenamed(qint64 folder, const QString& name) const;
    void folderToggled(qint64 folder, bool collapsed);
    void commanded(hearth::ui::ConversationCommand command, const std::vector<qint64>& ids);
    void moveAsked(const std::vector<qint64>& ids, qint64 folder);
    void folderRemovalAsked(qint64 folder);
    void rowCountChanged();

protected:
    void contextMenuEvent(QContextMenuEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dragMoveEvent(QDragMoveEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    void activate(const QModelIndex& index);
    void toggle(const QModelIndex& folder);
    void markCurrent();
    void keepSelection();
    void restoreSelection();
    [[nodiscard]] qint64 folderAt(const QPoint& point) const;

    ConversationRowDelegate* m_delegate;
    qint64 m_current = 0;
    ConversationPlace m_place = ConversationPlace::List;
    std::vector<qint64> m_selectedBefore; ///< over a reset of the model
};

} // namespace hearth::ui
