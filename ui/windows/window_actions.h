// SPDX-License-Identifier: Apache-2.0
//
// WindowActions: every command of the window, each with its key, and the menus they stand in. What they do is
// MainWindow's. Thread: GUI.
#pragma once

#include <QObject>

class QAction;
class QActionGroup;
class QMenu;
class QMenuBar;
class QWidget;

namespace hearth::ui {

class WindowActions : public QObject {
    Q_OBJECT
public:
    /// The actions belong to `window`, so that their keys work in all of it.
    explicit WindowActions(QWidget& window);

    /// Fills the menu bar; `modelMenu` is placed between Chat and Help.
    void fill(QMenuBar& bar, QMenu& modelMenu);

    // File
    QAction* newChat;
    QAction* importChats;
    QAction* exportChat;
    QAction* exportAll;
    QAction* backUp;
    QAction* restoreBackup;
    QAction* rebuildIndex;
    QAction* settings;
    QAction* quit;
    // Edit
    QAction* undoChange; ///< of the conversation: an edit, a deletion
    QAction* copyReply;
    QAction* editLast;
    QAction* findInChat;
    QAction* findNext;
    QAction* findPrevious;
    QAction* findChat;
    // View
    QAction* sidebar;     ///< checkable
    QAction* statusPanel; ///< checkable
    QAction* themeSystem; ///< the three exclude each other
    QAction* themeLight;
    QAction* themeDark;
    QAction* focusComposer;
    // Chat
    QAction* attach;
    QAction* beginReply;
    QAction* renameChat;
    QAction* deleteChat;
    QAction* pinChat;
    QAction* archiveChat;
    QAction* moveChat;
    QAction* regenerate;
    QAction* continueReply;
    QAction* stop;
    // Model
    QAction* showModelMenu;
    QAction* openModel;
    QAction* rescan;
    QAction* modelFolders;
    QAction* reload;
    QAction* favourite; ///< checkable: of the model that is loaded
    QAction* modelSettings;
    QAction* unload;
    // Help
    QAction* about;

private:
    QAction* add(QWidget& window, const QString& text, const QString& key);
};

} // namespace hearth::ui
