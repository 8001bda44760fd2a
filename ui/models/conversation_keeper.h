// SPDX-License-Identifier: Apache-2.0
//
// ConversationKeeper: finds and keeps conversations: search, pins, folders, archive and bin, each for many at once. What
// can be undone ends in `done` with the way back. The list itself is ChatController's. Thread: GUI.
#pragma once

#include "ui/bridge/store_client.h"
#include "ui/models/chat_controller.h"

#include <QObject>

#include <functional>
#include <vector>

namespace hearth::ui {

using ConversationIds = std::vector<core::ConversationId>;

class ConversationKeeper : public QObject {
    Q_OBJECT
public:
    ConversationKeeper(StoreClient& store, ChatController& chat, QObject* parent = nullptr);

    /// Shows in the list what is found, as long as `query` has a word; an empty one shows the list again. While one search
    /// runs only the newest of the later ones waits.
    void search(const QString& query);
    void setView(core::ConversationView view);

    void setPinned(const ConversationIds& ids, bool pinned);
    void setArchived(const ConversationIds& ids, bool archived);
    void remove(const ConversationIds& ids);
    void restore(const ConversationIds& ids);
    /// For good; only what is in the bin.
    void purge(const ConversationIds& ids);
    void emptyBin();
    /// 0 = out of any folder.
    void move(const ConversationIds& ids, core::FolderId folder);
    void moveToNewFolder(const ConversationIds& ids, const QString& name);

    void renameFolder(core::FolderId id, const QString& name);
    void removeFolder(core::FolderId id);
    void setFolderCollapsed(core::FolderId id, bool collapsed);

    void rebuildIndex();

signals:
    /// `undo` is empty when there is no way back.
    void done(const QString& what, const std::function<void()>& undo);
    void failed(const hearth::core::Error& error);
    void indexRebuilt();

private:
    void change(const ConversationIds& ids, const core::ConversationChange& change, const QString& what);
    void putBack(std::vector<core::ConversationRow> before);
    void refresh();
    void runSearch();
    /// "“Title”" of one, "3 chats" of several.
    [[nodiscard]] QString named(const ConversationIds& ids) const;
    template <class Value>
    [[nodiscard]] bool succeeded(const core::Result<Value>& result);

    StoreClient& m_store;
    ChatController& m_chat;
    QString m_query;
    bool m_searching = false;
    bool m_searchAgain = false;
};

} // namespace hearth::ui
