// SPDX-License-Identifier: Apache-2.0
//
// Roles of a message row, the contract between MessageListModel and MessageView.
#pragma once

#include <Qt>

namespace hearth::ui {

enum MessageItemRole : int {
    MessageIdRole = Qt::UserRole + 1, ///< qint64
    AuthorRole,                       ///< int: core::StoredRole
    TextRole,                         ///< QString, Markdown for the assistant, plain text for the user
    StateRole,                        ///< int: core::MessageState (Generating while it streams)
    QuietLineRole, ///< QString: "TinyLlama · CPU · 21.4 tokens/s · first token 0.4 s · 212 tokens"; empty while it
                   ///< streams
    NoticeRole,    ///< QString: what went wrong or happened ("Stopped.", "Interrupted ...", an error with its remedy);
                   ///< empty = none
    SiblingIndexRole, ///< int, 0-based
    SiblingCountRole, ///< int
    ThoughtMsRole,    ///< int: how long the reasoning took, ms; 0 = unknown
    ProgressRole,     ///< QString while no text has come yet: "Reading the prompt 512 of 2,048"; else empty
};

} // namespace hearth::ui
