// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/conversation_menu.h"

#include "ui/models/conversation_roles.h"
#include "ui/style/icons.h"
#include "ui/widgets/conversation_list.h"

#include <QMenu>

#include <algorithm>

namespace hearth::ui {

namespace {

QString shown(QString name) { return name.simplified().replace(u'&', QStringLiteral("&&")); }

QMenu* newMenu(ConversationList& list) {
    auto* menu = new QMenu(&list);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    return menu;
}

/// The list may change while the menu is open: ids outlive indices.
QModelIndex rowOf(ConversationList& list, int role, qint64 id) {
    for (int row = 0; list.model() && row < list.model()->rowCount(); ++row) {
        const QModelIndex index = list.model()->index(row, 0);
        const bool folder = index.data(RowKindRole).toInt() == int(RowKind::Folder);
        if (folder == (role == FolderIdRole) && index.data(role).toLongLong() == id) return index;
    }
    return {};
}

void addMoves(QMenu& menu, ConversationList& list, const std::vector<qint64>& ids, bool inFolder) {
    QMenu* moves = menu.addMenu(icon(IconName::Folder), ConversationList::tr("Move to folder"));
    for (int row = 0; row < list.model()->rowCount(); ++row) {
        const QModelIndex index = list.model()->index(row, 0);
        if (index.data(RowKindRole).toInt() != int(RowKind::Folder)) continue;
        const qint64 folder = index.data(FolderIdRole).toLongLong();
        QObject::connect(moves->addAction(shown(index.data(TitleRole).toString())), &QAction::triggered, &list,
                         [&list, ids, folder] { emit list.moveAsked(ids, folder); });
    }
    if (!moves->isEmpty()) moves->addSeparator();
    QObject::connect(moves->addAction(icon(IconName::Plus), ConversationList::tr("New folder…")), &QAction::triggered, &list,
                     [&list, ids] { emit list.commanded(ConversationCommand::NewFolder, ids); });
    if (!inFolder) return;
    QObject::connect(moves->addAction(ConversationList::tr("Out of the folder")), &QAction::triggered, &list,
                     [&list, ids] { emit list.moveAsked(ids, 0); });
}

} // namespace

QMenu* conversationMenu(ConversationList& list, const QModelIndex& index, const std::vector<qint64>& ids, ConversationPlace place) {
    QMenu* menu = newMenu(list);
    const auto add = [&](IconName name, const QString& text, ConversationCommand command) {
        QAction* action = menu->addAction(icon(name), text);
        QObject::connect(action, &QAction::triggered, &list, [&list, ids, command] { emit list.commanded(command, ids); });
        return action;
    };
    const auto tr = [](const char* text) { return ConversationList::tr(text); };
    if (place == ConversationPlace::Bin) {
        add(IconName::Undo, tr("Restore"), ConversationCommand::Restore);
        menu->addSeparator();
        add(IconName::Trash, tr("Delete for good"), ConversationCommand::DeleteForGood)->setShortcut(Qt::Key_Delete);
        return menu;
    }
    if (ids.size() == 1 && index.data(RowKindRole).toInt() == int(RowKind::Conversation)) {
        QAction* rename = menu->addAction(icon(IconName::Pencil), tr("Rename"));
        rename->setShortcut(Qt::Key_F2);
        QObject::connect(rename, &QAction::triggered, &list, [&list, id = ids.front()] {
            if (const QModelIndex row = rowOf(list, ConversationIdRole, id); row.isValid()) list.edit(row);
        });
    }
    if (place == ConversationPlace::List) {
        const bool pinned = index.data(PinnedRole).toBool();
        add(IconName::Pin, pinned ? tr("Unpin") : tr("Pin"), pinned ? ConversationCommand::Unpin : ConversationCommand::Pin);
        addMoves(*menu, list, ids, index.data(FolderIdRole).toLongLong() != 0);
    }
    const bool archived = place == ConversationPlace::Archive;
    add(IconName::Archive, archived ? tr("Back to the list") : tr("Archive"),
        archived ? ConversationCommand::Unarchive : ConversationCommand::Archive);
    add(IconName::Open, tr("Export…"), ConversationCommand::Export);
    menu->addSeparator();
    add(IconName::Trash, ids.size() == 1 ? tr("Delete") : tr("Delete %1 chats").arg(ids.size()), ConversationCommand::Delete)
        ->setShortcut(Qt::Key_Delete);
    return menu;
}

QMenu* folderMenu(ConversationList& list, const QModelIndex& index) {
    QMenu* menu = newMenu(list);
    const qint64 folder = index.data(FolderIdRole).toLongLong();
    QAction* rename = menu->addAction(icon(IconName::Pencil), ConversationList::tr("Rename"));
    rename->setShortcut(Qt::Key_F2);
    QObject::connect(rename, &QAction::triggered, &list, [&list, folder] {
        if (const QModelIndex row = rowOf(list, FolderIdRole, folder); row.isValid()) list.edit(row);
    });
    QAction* remove = menu->addAction(icon(IconName::Trash), ConversationList::tr("Remove folder, keep its chats"));
    remove->setShortcut(Qt::Key_Delete);
    QObject::connect(remove, &QAction::triggered, &list, [&list, folder] { emit list.folderRemovalAsked(folder); });
    return menu;
}

} // namespace hearth::ui
