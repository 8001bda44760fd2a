// SPDX-License-Identifier: Apache-2.0
//
// What the sidebar can ask for conversations, one or many. Thread: any.
#pragma once

namespace hearth::ui {

enum class ConversationCommand : int {
    Pin,
    Unpin,
    Archive,
    Unarchive,
    Delete,       ///< into the bin
    Restore,      ///< out of the bin
    DeleteForGood,
    NewFolder,    ///< asks for a name, then moves them there
    Export,
};

/// Which of the three places the list shows.
enum class ConversationPlace : int { List, Archive, Bin };

} // namespace hearth::ui
