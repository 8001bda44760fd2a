// SPDX-License-Identifier: Apache-2.0
#include "ui/windows/window_actions.h"

#include <QAction>
#include <QActionGroup>
#include <QKeySequence>
#include <QMenu>
#include <QMenuBar>

namespace hearth::ui {

WindowActions::WindowActions(QWidget& window)
    : QObject(&window)
    , newChat(add(window, tr("&New chat"), "Ctrl+N"))
    , importChats(add(window, tr("&Import chats…"), "Ctrl+Alt+O"))
    , exportChat(add(window, tr("&Export chat…"), "Ctrl+Alt+E"))
    , exportAll(add(window, tr("Export &all chats…"), "Ctrl+Alt+A"))
    , backUp(add(window, tr("&Back up now"), "Ctrl+Alt+B"))
    , restoreBackup(add(window, tr("&Restore from a backup…"), "Ctrl+Alt+R"))
    , rebuildIndex(add(window, tr("Make search inde&x anew"), "Ctrl+Alt+F"))
    , settings(add(window, tr("&Settings…"), "Ctrl+,"))
    , quit(add(window, tr("&Quit"), "Ctrl+Q"))
    , undoChange(add(window, tr("&Undo change"), "Ctrl+Z"))
    , copyReply(add(window, tr("&Copy last reply"), "Ctrl+Shift+C"))
    , editLast(add(window, tr("&Edit last message"), "Ctrl+Up"))
    , findInChat(add(window, tr("F&ind in conversation…"), "Ctrl+F"))
    , findNext(add(window, tr("Find ne&xt"), "F3"))
    , findPrevious(add(window, tr("Find pre&vious"), "Shift+F3"))
    , findChat(add(window, tr("&Find chat…"), "Ctrl+Shift+F"))
    , sidebar(add(window, tr("Con&versations"), "F9"))
    , statusPanel(add(window, tr("&Status panel"), "F10"))
    , themeSystem(add(window, tr("Theme of the s&ystem"), "Ctrl+Alt+0"))
    , themeLight(add(window, tr("&Light theme"), "Ctrl+Alt+1"))
    , themeDark(add(window, tr("&Dark theme"), "Ctrl+Alt+2"))
    , focusComposer(add(window, tr("&Write a message"), "Ctrl+L"))
    , attach(add(window, tr("&Attach files…"), "Ctrl+Shift+A"))
    , beginReply(add(window, tr("&Begin the reply yourself…"), "Ctrl+Shift+B"))
    , renameChat(add(window, tr("Re&name chat…"), "F2"))
    , deleteChat(add(window, tr("&Delete chat"), "Ctrl+Shift+Del"))
    , pinChat(add(window, tr("&Pin or unpin chat"), "Ctrl+Shift+P"))
    , archiveChat(add(window, tr("&Archive or bring back chat"), "Ctrl+Shift+E"))
    , moveChat(add(window, tr("&Move chat to folder…"), "Ctrl+Shift+G"))
    , regenerate(add(window, tr("&Regenerate reply"), "Ctrl+R"))
    , continueReply(add(window, tr("&Continue reply"), "Ctrl+Shift+R"))
    , stop(add(window, tr("&Stop"), "Esc"))
    , showModelMenu(add(window, tr("&Choose model…"), "Ctrl+M"))
    , openModel(add(window, tr("&Open model file…"), "Ctrl+O"))
    , rescan(add(window, tr("&Look for models again"), "F5"))
    , modelFolders(add(window, tr("Model &folders…"), "Ctrl+Shift+O"))
    , reload(add(window, tr("&Reload model"), "Ctrl+Shift+L"))
    , favourite(add(window, tr("Fa&vourite"), "Ctrl+D"))
    , modelSettings(add(window, tr("&Settings of this model…"), "Ctrl+Alt+S"))
    , unload(add(window, tr("&Unload model"), "Ctrl+Shift+U"))
    , about(add(window, tr("&About Hearth"), "F1")) {
    auto* themes = new QActionGroup(this);
    for (QAction* theme : {themeSystem, themeLight, themeDark}) {
        theme->setCheckable(true);
        themes->addAction(theme);
    }
    favourite->setCheckable(true);
    sidebar->setCheckable(true);
    statusPanel->setCheckable(true);
    // Desktops that have such places put them there.
    settings->setMenuRole(QAction::PreferencesRole);
    quit->setMenuRole(QAction::QuitRole);
    about->setMenuRole(QAction::AboutRole);
}

QAction* WindowActions::add(QWidget& window, const QString& text, const QString& key) {
    auto* action = new QAction(text, &window);
    action->setShortcut(QKeySequence(key, QKeySequence::PortableText));
    window.addAction(action); // works even where no menu bar is shown
    return action;
}

void WindowActions::fill(QMenuBar& bar, QMenu& modelMenu) {
    QMenu* file = bar.addMenu(tr("&File"));
    file->addAction(newChat);
    file->addAction(openModel);
    file->addSeparator();
    file->addActions({importChats, exportChat, exportAll});
    file->addSeparator();
    file->addActions({backUp, restoreBackup, rebuildIndex});
    file->addSeparator();
    file->addAction(settings);
    file->addSeparator();
    file->addAction(quit);

    QMenu* editMenu = bar.addMenu(tr("&Edit"));
    editMenu->addActions({undoChange});
    editMenu->addSeparator();
    editMenu->addActions({copyReply, editLast});
    editMenu->addSeparator();
    editMenu->addActions({findInChat, findNext, findPrevious});
    editMenu->addSeparator();
    editMenu->addActions({findChat, focusComposer});

    QMenu* view = bar.addMenu(tr("&View"));
    view->addActions({sidebar, statusPanel});
    view->addSeparator();
    view->addActions({themeSystem, themeLight, themeDark});

    QMenu* chat = bar.addMenu(tr("&Chat"));
    chat->addActions({renameChat, pinChat, moveChat, archiveChat, deleteChat});
    chat->addSeparator();
    chat->addActions({attach, beginReply});
    chat->addSeparator();
    chat->addActions({regenerate, continueReply, stop});

    bar.addMenu(&modelMenu);

    QMenu* help = bar.addMenu(tr("&Help"));
    help->addAction(about);
}

} // namespace hearth::ui
