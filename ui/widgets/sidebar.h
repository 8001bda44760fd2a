// SPDX-License-Identifier: Apache-2.0
//
// Sidebar: the left column: new chat, search, the list of conversations (roles: ui/models/conversation_roles.h), and below
// it the way to archive and bin.
// It asks and shows; who owns the conversations answers by changing the model. Thread: GUI.
#pragma once

#include "ui/widgets/conversation_command.h"

#include <QString>
#include <QWidget>

#include <vector>

class QAbstractItemModel;
class QAction;
class QLabel;
class QLineEdit;
class QToolButton;

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
    [[nodiscard]] std::vector<qint64> selectedConversations() const;

    [[nodiscard]] QSize sizeHint() const override;

signals:
    void newChatRequested();
    void searchChanged(const QString& text);
    void conversationActivated(qint64 id);
    void renameRequested(qint64 id, const QString& title);
    void hitActivated(qint64 id, qint64 message);
    void commandRequested(hearth::ui::ConversationCommand command, const std::vector<qint64>& ids);
    void moveRequested(const std::vector<qint64>& ids, qint64 folder);
    void placeChosen(hearth::ui::ConversationPlace place);
    void folderRenameRequested(qint64 folder, const QString& name);
    void folderToggleRequested(qint64 folder, bool collapsed);
    void folderRemovalRequested(qint64 folder);
    void emptyBinRequested();

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    [[nodiscard]] QWidget* makeFoot();
    void choosePlace(ConversationPlace place);
    void updateEmptyText();
    void colorEmptyText();

    QLineEdit* m_search;
    QAction* m_clearSearch;
    ConversationList* m_list;
    QLabel* m_emptyText;
    QToolButton* m_archive = nullptr;
    QToolButton* m_bin = nullptr;
    QToolButton* m_emptyBin = nullptr;
    ConversationPlace m_place = ConversationPlace::List;
};

} // namespace hearth::ui
