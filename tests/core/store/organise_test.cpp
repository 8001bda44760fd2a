// SPDX-License-Identifier: Apache-2.0
//
// Folders, pins, archive, bin: changes of many at once, and their way back.
#include "core/store/chat_store.h"
#include "core/store/database.h"
#include "store_test_support.h"

#include <memory>

using namespace hearth::core;

class OrganiseTest : public QObject {
    Q_OBJECT

private slots:
    void init() {
        auto opened = Database::openInMemory();
        HEARTH_SUCCEEDS(opened);
        m_database = std::move(*opened);
        m_store = std::make_unique<ChatStore>(*m_database);
        m_ids.clear();
        for (const char* title : {"a", "b", "c"}) {
            const auto row = m_store->createConversation(title);
            HEARTH_SUCCEEDS(row);
            m_ids.push_back(row->id);
        }
    }

    void change_ofManyAndBack() {
        const auto folder = m_store->createFolder("Work");
        HEARTH_SUCCEEDS(folder);
        const auto before = m_store->change(m_ids, {.pinned = true, .archived = true, .folder = std::optional(folder->id), .deleted = true});
        HEARTH_SUCCEEDS(before);
        QCOMPARE(before->size(), 3u);
        QVERIFY(m_store->conversations()->empty());
        QCOMPARE(m_store->conversations({}, ConversationView::Bin)->size(), 3u);
        for (const auto rows = m_store->conversations({}, ConversationView::All); const ConversationRow& row : *rows) {
            QVERIFY(row.pinned && row.archived && row.deletedMs);
            QCOMPARE(row.folder, std::optional(folder->id));
        }
        HEARTH_SUCCEEDS(m_store->putBack(*before));
        for (const auto rows = m_store->conversations(); const ConversationRow& row : *rows) QVERIFY(!row.pinned && !row.archived && !row.deletedMs && !row.folder);
        QCOMPARE(m_store->conversations()->size(), 3u);
    }

    void change_unsetStaysAsItIs() {
        HEARTH_SUCCEEDS(m_store->change(std::vector{m_ids[0]}, {.pinned = true}));
        HEARTH_SUCCEEDS(m_store->change(m_ids, {.archived = true}));
        const auto rows = m_store->conversations({}, ConversationView::Archive);
        HEARTH_SUCCEEDS(rows);
        QCOMPARE(rows->back().pinned, true);
        QCOMPARE(rows->front().pinned, false);
    }

    void change_allOrNone() {
        HEARTH_FAILS_WITH(m_store->change(std::vector<ConversationId>{m_ids[0], 999}, {.pinned = true}), "InvalidArgument");
        QVERIFY(!m_store->conversations()->back().pinned);
        HEARTH_FAILS_WITH(m_store->change(m_ids, {.folder = std::optional<FolderId>(77)}), "InvalidArgument"); // no such folder
    }

    void bin_keepsItsTimeAndIsEmptied() {
        HEARTH_SUCCEEDS(m_store->deleteConversation(m_ids[0]));
        const auto since = m_store->conversations({}, ConversationView::Bin)->front().deletedMs;
        HEARTH_SUCCEEDS(m_store->change(m_ids, {.deleted = true}));
        const auto rows = m_store->conversations({}, ConversationView::Bin);
        HEARTH_SUCCEEDS(rows);
        QCOMPARE(rows->back().deletedMs, since);
        HEARTH_SUCCEEDS(m_store->change(std::vector{m_ids[2]}, {.deleted = false}));
        QCOMPARE(m_store->purge(m_ids).value_or(-1), 2); // not the one that is out again
        QCOMPARE(m_store->emptyBin().value_or(-1), 0);
        QCOMPARE(m_store->conversations({}, ConversationView::All)->size(), 1u);
    }

    void folders_byNameAndTheirWayBack() {
        for (const char* name : {"beta", "Äpfel", "  Alpha \n"}) HEARTH_SUCCEEDS(m_store->createFolder(name));
        HEARTH_FAILS_WITH(m_store->createFolder(" \t"), "InvalidArgument");
        QCOMPARE(folderNames(), (QStringList{"Alpha", "beta", "Äpfel"}));
        const FolderRow folder = m_store->folders()->at(1);
        HEARTH_SUCCEEDS(m_store->renameFolder(folder.id, "Gamma"));
        HEARTH_SUCCEEDS(m_store->setFolderCollapsed(folder.id, true));
        HEARTH_SUCCEEDS(m_store->change(m_ids, {.folder = std::optional(folder.id)}));
        const FolderRow renamed = m_store->folders()->at(1);
        QVERIFY(renamed.collapsed);
        const auto members = m_store->removeFolder(folder.id);
        HEARTH_SUCCEEDS(members);
        QCOMPARE(members->size(), 3u);
        for (const auto rows = m_store->conversations(); const ConversationRow& row : *rows) QVERIFY(!row.folder);
        HEARTH_SUCCEEDS(m_store->restoreFolder(renamed, *members));
        QCOMPARE(folderNames(), (QStringList{"Alpha", "Gamma", "Äpfel"}));
        for (const auto rows = m_store->conversations(); const ConversationRow& row : *rows) QCOMPARE(row.folder, std::optional(folder.id));
        HEARTH_FAILS_WITH(m_store->renameFolder(999, "x"), "InvalidArgument");
        HEARTH_FAILS_WITH(m_store->removeFolder(999), "InvalidArgument");
    }

private:
    QStringList folderNames() const {
        QStringList names;
        for (const FolderRow& row : m_store->folders().value_or(std::vector<FolderRow>{})) names << QString::fromStdString(row.name);
        return names;
    }

    std::unique_ptr<Database> m_database;
    std::unique_ptr<ChatStore> m_store;
    std::vector<ConversationId> m_ids;
};

QTEST_GUILESS_MAIN(OrganiseTest)
#include "organise_test.moc"
