// SPDX-License-Identifier: Apache-2.0
//
// Roles of a conversation row, the contract between ConversationListModel and Sidebar. Qt::DisplayRole is the title
// too.
#pragma once

#include <Qt>

namespace hearth::ui {

enum ConversationItemRole : int {
    ConversationIdRole = Qt::UserRole + 1, ///< qint64
    TitleRole,                             ///< QString
    SectionRole,                           ///< QString: "TODAY", "YESTERDAY", "LAST 7 DAYS" ...; equal for neighbours
    AgeRole,                               ///< QString: "now", "12 min", "2 h", "3 d"
};

} // namespace hearth::ui
