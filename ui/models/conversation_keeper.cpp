// SPDX-License-Identifier: Apache-2.0
#include "ui/models/conversation_keeper.h"

#include "core/base/log.h"

#include <algorithm>
#include <utility>

namespace hearth::ui {

using core::ConversationRow;

namespace {

constexpr int kTitlesShown = 20;

struct Found {
    std::vector<ConversationRow> titles;
    std::vector<core::SearchHit> hits;
};

/// Conversations that the store does not know yet cannot be changed there.
ConversationIds stored(const ConversationIds& ids) {
    ConversationIds kept;
    std::ranges::copy_if(ids, std::back_inserter(kept), [](core::ConversationId id) { return id > 0; });
    return kept;
}

} // namespace

ConversationKeeper::ConversationKeeper(StoreClient& store, ChatController& chat, QObject* parent)
    : QObject(parent)
    , m_store(store)
    , m_chat(chat) {}

template <class Value>
bool ConversationKeeper::succeeded(const core::Result<Value>& result) {
    if (result) return true;
    spdlog::error("history: {}", result.error().message);
    emit failed(result.error());
    refresh(); // what is shown is what is
    return false;
}

void ConversationKeeper::refresh() {
    m_chat.refreshConversations();
    if (!m_query.isEmpty()) runSearch();
}

QString ConversationKeeper::named(const ConversationIds& ids) const {
    if (ids.size() != 1) return tr("%n chats", nullptr, int(ids.size()));
    const QString title = m_chat.conversations().title(ids.front()).simplified();
    return title.isEmpty() ? tr("Chat") : tr("“%1”").arg(title);
}

// --- finding --------------------------------------------------------------------------------------------------------

void ConversationKeeper::search(const QString& query) {
    m_query = query.trimmed();
    if (m_query.isEmpty()) return m_chat.conversations().clearResults();
    runSearch();
}

void ConversationKeeper::runSearch() {
    if (m_searching) {
        m_searchAgain = true;
        return;
    }
    m_searching = true;
    m_store.run(
        this,
        [query = m_query.toStdString()](StoreWorker& worker) -> core::Result<Found> {
            auto titles = worker.chats().conversations(query, core::ConversationView::Kept);
            if (!titles) return std::unexpected(titles.error());
            auto hits = worker.index().search(query);
            if (!hits) return std::unexpected(hits.error());
            if (titles->size() > kTitlesShown) titles->resize(kTitlesShown);
            return Found{std::move(*titles), std::move(*hits)};
        },
        [this](const core::Result<Found>& found) {
            m_searching = false;
            if (std::exchange(m_searchAgain, false) && !m_query.isEmpty()) runSearch();
            if (m_query.isEmpty()) return; // the list is asked for again
            if (succeeded(found)) m_chat.conversations().setResults(found->titles, found->hits);
        });
}

void ConversationKeeper::setView(core::ConversationView view) { m_chat.conversations().setView(view); }

void ConversationKeeper::rebuildIndex() {
    m_store.run(
        this, [](StoreWorker& worker) { return worker.index().rebuild(); },
        [this](const core::Result<void>& rebuilt) {
            if (succeeded(rebuilt)) emit indexRebuilt();
        });
}

// --- keeping --------------------------------------------------------------------------------------------------------

void ConversationKeeper::change(const ConversationIds& ids, const core::ConversationChange& change, const QString& what) {
    const ConversationIds known = stored(ids);
    if (known.empty()) return;
    m_store.chats(
        this, [known, change](core::ChatStore& chats) { return chats.change(known, change); },
        [this, what](const core::Result<std::vector<ConversationRow>>& before) {
            if (!succeeded(before)) return;
            refresh();
            emit done(what, [this, rows = *before] { putBack(rows); });
        });
}

void ConversationKeeper::putBack(std::vector<ConversationRow> before) {
    m_store.chats(
        this, [before = std::move(before)](core::ChatStore& chats) { return chats.putBack(before); },
        [this](const core::Result<void>& back) {
            if (succeeded(back)) refresh();
        });
}

void ConversationKeeper::setPinned(const ConversationIds& ids, bool pinned) {
    change(ids, {.pinned = pinned}, pinned ? tr("%1 pinned").arg(named(ids)) : tr("%1 no longer pinned").arg(named(ids)));
}

void ConversationKeeper::setArchived(const ConversationIds& ids, bool archived) {
    change(ids, {.archived = archived}, archived ? tr("%1 archived").arg(named(ids)) : tr("%1 back in the list").arg(named(ids)));
}

void ConversationKeeper::remove(const ConversationIds& ids) {
    // One that was open is open again after the undo; the controller does that for a single one.
    if (ids.size() == 1) return m_chat.remove(ids.front());
    for (const core::ConversationId id : ids) {
        if (id < 0) m_chat.remove(id);
    }
    const QString what = tr("%1 deleted").arg(named(ids));
    m_chat.leave(ids);
    change(ids, {.deleted = true}, what);
}

void ConversationKeeper::restore(const ConversationIds& ids) { change(ids, {.deleted = false}, tr("%1 restored").arg(named(ids))); }

void ConversationKeeper::purge(const ConversationIds& ids) {
    m_chat.leave(ids);
    const QString what = tr("%1 deleted for good").arg(named(ids));
    m_store.chats(
        this, [ids](core::ChatStore& chats) { return chats.purge(ids); },
        [this, what](const core::Result<int>& purged) {
            if (!succeeded(purged)) return;
            refresh();
            emit done(what, {});
        });
}

void ConversationKeeper::emptyBin() {
    m_store.chats(
        this, [](core::ChatStore& chats) { return chats.emptyBin(); },
        [this](const core::Result<int>& purged) {
            if (!succeeded(purged)) return;
            refresh();
            emit done(tr("The bin is empty"), {});
        });
}

// --- folders --------------------------------------------------------------------------------------------------------

void ConversationKeeper::move(const ConversationIds& ids, core::FolderId folder) {
    const auto& folders = m_chat.conversations().folders();
    const auto found = std::ranges::find(folders, folder, &core::FolderRow::id);
    if (folder != 0 && found == folders.end()) return;
    const QString what = folder == 0 ? tr("%1 moved out of the folder").arg(named(ids))
                                     : tr("%1 moved to %2").arg(named(ids), QString::fromStdString(found->name));
    change(ids, {.folder = folder == 0 ? std::nullopt : std::optional(folder)}, what);
}

void ConversationKeeper::moveToNewFolder(const ConversationIds& ids, const QString& name) {
    if (name.trimmed().isEmpty()) return;
    m_store.chats(
        this, [name = name.toStdString()](core::ChatStore& chats) { return chats.createFolder(name); },
        [this, ids](const core::Result<core::FolderRow>& folder) {
            if (!succeeded(folder)) return;
            if (stored(ids).empty()) return refresh();
            change(ids, {.folder = std::optional(folder->id)},
                   tr("%1 moved to %2").arg(named(ids), QString::fromStdString(folder->name)));
        });
}

void ConversationKeeper::renameFolder(core::FolderId id, const QString& name) {
    if (name.trimmed().isEmpty()) return refresh();
    m_store.chats(
        this, [id, name = name.toStdString()](core::ChatStore& chats) { return chats.renameFolder(id, name); },
        [this](const core::Result<void>& renamed) {
            if (succeeded(renamed)) refresh();
        });
}

void ConversationKeeper::removeFolder(core::FolderId id) {
    const auto& folders = m_chat.conversations().folders();
    const auto found = std::ranges::find(folders, id, &core::FolderRow::id);
    if (found == folders.end()) return;
    m_store.chats(
        this, [id](core::ChatStore& chats) { return chats.removeFolder(id); },
        [this, folder = *found](const core::Result<std::vector<ConversationRow>>& members) {
            if (!succeeded(members)) return;
            refresh();
            emit done(tr("Folder %1 removed, its chats kept").arg(QString::fromStdString(folder.name)), [this, folder, rows = *members] {
                m_store.chats(
                    this, [folder, rows](core::ChatStore& chats) { return chats.restoreFolder(folder, rows); },
                    [this](const core::Result<void>& restored) {
                        if (succeeded(restored)) refresh();
                    });
            });
        });
}

void ConversationKeeper::setFolderCollapsed(core::FolderId id, bool collapsed) {
    m_store.chats(
        this, [id, collapsed](core::ChatStore& chats) { return chats.setFolderCollapsed(id, collapsed); },
        [this](const core::Result<void>& folded) {
            if (succeeded(folded)) m_chat.refreshConversations();
        });
}

} // namespace hearth::ui
