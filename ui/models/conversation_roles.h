// SPDX-License-Identifier: Apache-2.0
//
// Roles of the sidebar's rows, the contract between ConversationListModel and Sidebar. Qt::DisplayRole is the title
// too.
#pragma once

#include <Qt>

namespace hearth::ui {

enum ConversationItemRole : int {
    ConversationIdRole = Qt::UserRole + 1, ///< qint64
    TitleRole,                             ///< QString
    SectionRole,                           ///< QString: "TODAY", "YESTERDAY", "LAST 7 DAYS" ...; equal for neighbours
    AgeRole,                               ///< QString: "now", "12 min", "2 h", "3 d"
    RowKindRole,                           ///< int, RowKind
    FolderIdRole,                          ///< qint64; of a folder's own row, and of a conversation in it; 0 = none
    CollapsedRole,                         ///< bool, of a folder's own row
    CountRole,                             ///< int: conversations in a folder
    PinnedRole,                            ///< bool
    HitMessageRole,                        ///< qint64: the message that was found
    SnippetRole,                           ///< QString, one line around what was found
    SnippetMatchesRole,                    ///< QList<QPoint>: x = first character, y = one after the last
};

enum class RowKind : int { Conversation, Folder, Hit };

} // namespace hearth::ui
