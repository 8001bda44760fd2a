// SPDX-License-Identifier: Apache-2.0
//
// The context menus of the sidebar's rows. Thread: GUI.
#pragma once

#include <QModelIndex>

#include <vector>

class QAbstractItemModel;
class QMenu;

namespace hearth::ui {

class ConversationList;
enum class ConversationPlace : int;

/// For `ids`, of which `index` shows one; `index` alone can be renamed.
[[nodiscard]] QMenu* conversationMenu(ConversationList& list, const QModelIndex& index, const std::vector<qint64>& ids,
                                      ConversationPlace place);
[[nodiscard]] QMenu* folderMenu(ConversationList& list, const QModelIndex& index);

} // namespace hearth::ui
