// SPDX-License-Identifier: Apache-2.0
//
// ConversationListModel: the sidebar's rows. Either the conversations of one view, last used first: the pinned ones, then
// those in no folder by day, then each folder's own row with its conversations below; or what a search found: titles, then
// messages. Roles: conversation_roles.h. Thread: GUI.
#pragma once

#include "core/store/chat_store.h"
#include "core/store/search_index.h"
#include "ui/models/conversation_roles.h"

#include <QAbstractListModel>
#include <QDateTime>
#include <QPoint>

#include <vector>

namespace hearth::ui {

class ConversationListModel : public QAbstractListModel {
    Q_OBJECT
public:
    using QAbstractListModel::QAbstractListModel;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QHash<int, QByteArray> roleNames() const override;

    /// All of them, also archived and deleted ones, in the order of the list.
    void setRows(std::vector<core::ConversationRow> rows, std::vector<core::FolderRow> folders = {});
    void setView(core::ConversationView view);
    [[nodiscard]] core::ConversationView view() const { return m_view; }
    /// Shows these instead, until clearResults().
    void setResults(std::vector<core::ConversationRow> titles, std::vector<core::SearchHit> hits);
    void clearResults();

    /// Ages and sections are relative to this; called once a minute.
    void setNow(const QDateTime& now);
    [[nodiscard]] QString title(core::ConversationId id) const;
    [[nodiscard]] const core::ConversationRow* find(core::ConversationId id) const; ///< nullptr when unknown
    /// All of them, whatever is shown.
    [[nodiscard]] const std::vector<core::ConversationRow>& rows() const { return m_rows; }
    [[nodiscard]] const std::vector<core::FolderRow>& folders() const { return m_folders; }

    [[nodiscard]] static QString section(const QDateTime& when, const QDateTime& now);
    [[nodiscard]] static QString age(const QDateTime& when, const QDateTime& now);

private:
    struct Entry {
        RowKind kind = RowKind::Conversation;
        std::size_t at = 0; ///< in the rows, the folders or the hits
        bool fromResults = false;
        QString section;
    };

    void rebuild();
    [[nodiscard]] std::vector<Entry> arranged() const;
    [[nodiscard]] std::vector<Entry> arrangedResults() const;
    [[nodiscard]] const core::ConversationRow& rowOf(const Entry& entry) const;
    [[nodiscard]] std::vector<qint64> keys(const std::vector<Entry>& entries) const;
    [[nodiscard]] bool sameRows(const std::vector<Entry>& entries, const std::vector<qint64>& keysOfEntries) const;
    void keepRows(std::vector<Entry> entries);
    [[nodiscard]] QVariant conversationData(const Entry& entry, int role) const;
    [[nodiscard]] QVariant folderData(const Entry& entry, int role) const;
    [[nodiscard]] QVariant hitData(const Entry& entry, int role) const;

    std::vector<core::ConversationRow> m_rows;
    std::vector<core::FolderRow> m_folders;
    std::vector<core::ConversationRow> m_titles;
    std::vector<core::SearchHit> m_hits;
    std::vector<Entry> m_entries;
    std::vector<qint64> m_keys; ///< what m_entries stand for
    core::ConversationView m_view = core::ConversationView::List;
    bool m_showsResults = false;
    QDateTime m_now = QDateTime::currentDateTime();
};

/// What is shown of a hit: the match comes early enough to be seen in two short lines.
struct ShownSnippet {
    QString text;
    QList<QPoint> matches;
};
[[nodiscard]] ShownSnippet shownSnippet(const core::SearchHit& hit);

} // namespace hearth::ui
