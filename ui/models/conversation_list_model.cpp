// SPDX-License-Identifier: Apache-2.0
#include "ui/models/conversation_list_model.h"

#include <QLocale>

#include <algorithm>

namespace hearth::ui {

namespace {

constexpr int kTextBeforeMatch = 28; ///< characters

QDateTime timeOf(const core::ConversationRow& row) {
    return QDateTime::fromMSecsSinceEpoch(row.deletedMs.value_or(row.updatedMs));
}

bool belongs(const core::ConversationRow& row, core::ConversationView view) {
    switch (view) {
    case core::ConversationView::Archive: return row.archived && !row.deletedMs;
    case core::ConversationView::Bin: return row.deletedMs.has_value();
    default: return !row.archived && !row.deletedMs;
    }
}

} // namespace

int ConversationListModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : int(m_entries.size());
}

QVariant ConversationListModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= int(m_entries.size())) return {};
    const Entry& entry = m_entries[std::size_t(index.row())];
    if (role == RowKindRole) return int(entry.kind);
    if (role == SectionRole) return entry.section;
    switch (entry.kind) {
    case RowKind::Folder:
        return folderData(entry, role);
    case RowKind::Hit:
        return hitData(entry, role);
    case RowKind::Conversation:
        break;
    }
    return conversationData(entry, role);
}

const core::ConversationRow& ConversationListModel::rowOf(const Entry& entry) const {
    return (entry.fromResults ? m_titles : m_rows)[entry.at];
}

QVariant ConversationListModel::conversationData(const Entry& entry, int role) const {
    const core::ConversationRow& row = rowOf(entry);
    switch (role) {
    case ConversationIdRole:
        return qint64(row.id);
    case Qt::DisplayRole:
    case TitleRole:
        return QString::fromStdString(row.title);
    case AgeRole:
        return age(timeOf(row), m_now);
    case FolderIdRole:
        return qint64(row.folder.value_or(0));
    case PinnedRole:
        return row.pinned;
    default:
        return {};
    }
}

QVariant ConversationListModel::folderData(const Entry& entry, int role) const {
    const core::FolderRow& folder = m_folders[entry.at];
    switch (role) {
    case Qt::DisplayRole:
    case TitleRole:
        return QString::fromStdString(folder.name);
    case FolderIdRole:
        return qint64(folder.id);
    case CollapsedRole:
        return folder.collapsed;
    case CountRole:
        return int(std::ranges::count_if(m_rows, [&](const core::ConversationRow& row) {
            return row.folder == folder.id && !row.pinned && belongs(row, m_view);
        }));
    default:
        return {};
    }
}

QVariant ConversationListModel::hitData(const Entry& entry, int role) const {
    const core::SearchHit& hit = m_hits[entry.at];
    switch (role) {
    case ConversationIdRole:
        return qint64(hit.conversation);
    case HitMessageRole:
        return qint64(hit.message);
    case Qt::DisplayRole:
    case TitleRole:
        return QString::fromStdString(hit.title);
    case AgeRole:
        return age(QDateTime::fromMSecsSinceEpoch(hit.createdMs), m_now);
    case SnippetRole:
        return shownSnippet(hit).text;
    case SnippetMatchesRole:
        return QVariant::fromValue(shownSnippet(hit).matches);
    case Qt::AccessibleTextRole:
        return tr("%1: %2").arg(QString::fromStdString(hit.title), shownSnippet(hit).text);
    default:
        return {};
    }
}

QHash<int, QByteArray> ConversationListModel::roleNames() const {
    return {{ConversationIdRole, "conversationId"}, {TitleRole, "title"}, {SectionRole, "section"}, {AgeRole, "age"}};
}

// --- what stands where ----------------------------------------------------------------------------------------------

std::vector<ConversationListModel::Entry> ConversationListModel::arranged() const {
    std::vector<Entry> pinned;
    std::vector<Entry> loose;
    std::vector<std::vector<Entry>> inFolders(m_folders.size());
    const bool list = m_view == core::ConversationView::List;
    for (std::size_t i = 0; i < m_rows.size(); ++i) {
        const core::ConversationRow& row = m_rows[i];
        if (!belongs(row, m_view)) continue;
        const auto folder = row.folder ? std::ranges::find(m_folders, *row.folder, &core::FolderRow::id) : m_folders.end();
        if (list && row.pinned) {
            pinned.push_back({RowKind::Conversation, i, false, tr("PINNED")});
        } else if (list && folder != m_folders.end()) {
            if (!folder->collapsed) inFolders[std::size_t(folder - m_folders.begin())].push_back({RowKind::Conversation, i, false, {}});
        } else {
            loose.push_back({RowKind::Conversation, i, false, section(timeOf(row), m_now)});
        }
    }
    std::vector<Entry> all = std::move(pinned);
    all.insert(all.end(), loose.begin(), loose.end());
    for (std::size_t f = 0; list && f < m_folders.size(); ++f) {
        all.push_back({RowKind::Folder, f, false, {}});
        all.insert(all.end(), inFolders[f].begin(), inFolders[f].end());
    }
    return all;
}

std::vector<ConversationListModel::Entry> ConversationListModel::arrangedResults() const {
    std::vector<Entry> all;
    for (std::size_t i = 0; i < m_titles.size(); ++i)
        all.push_back({RowKind::Conversation, i, true, tr("TITLES")});
    for (std::size_t i = 0; i < m_hits.size(); ++i)
        all.push_back({RowKind::Hit, i, true, tr("MESSAGES")});
    return all;
}

/// What each row is, whatever it says: rows that stay themselves keep hover, selection and scroll position of the view.
std::vector<qint64> ConversationListModel::keys(const std::vector<Entry>& entries) const {
    std::vector<qint64> made;
    made.reserve(entries.size() * 2);
    for (const Entry& entry : entries) {
        made.push_back(qint64(entry.kind));
        switch (entry.kind) {
        case RowKind::Conversation:
            made.push_back(rowOf(entry).id);
            break;
        case RowKind::Folder:
            made.push_back(m_folders[entry.at].id);
            break;
        case RowKind::Hit:
            made.push_back(m_hits[entry.at].message);
            break;
        }
    }
    return made;
}

void ConversationListModel::setRows(std::vector<core::ConversationRow> rows, std::vector<core::FolderRow> folders) {
    m_now = QDateTime::currentDateTime();
    const auto exchange = [&] {
        std::swap(m_rows, rows);
        std::swap(m_folders, folders);
    };
    exchange();
    std::vector<Entry> entries = m_showsResults ? arrangedResults() : arranged();
    std::vector<qint64> made = keys(entries);
    if (sameRows(entries, made)) return keepRows(std::move(entries));
    exchange(); // whoever hears of the reset may still look at the old rows
    beginResetModel();
    exchange();
    m_entries = std::move(entries);
    m_keys = std::move(made);
    endResetModel();
}

bool ConversationListModel::sameRows(const std::vector<Entry>& entries, const std::vector<qint64>& keysOfEntries) const {
    return keysOfEntries == m_keys && std::ranges::equal(entries, m_entries, {}, &Entry::section, &Entry::section);
}

void ConversationListModel::keepRows(std::vector<Entry> entries) {
    m_entries = std::move(entries);
    if (!m_entries.empty()) emit dataChanged(index(0), index(int(m_entries.size()) - 1));
}

/// After a change of what is shown, not of the rows themselves.
void ConversationListModel::rebuild() {
    std::vector<Entry> entries = m_showsResults ? arrangedResults() : arranged();
    std::vector<qint64> made = keys(entries);
    if (sameRows(entries, made)) return keepRows(std::move(entries));
    beginResetModel();
    m_entries = std::move(entries);
    m_keys = std::move(made);
    endResetModel();
}

void ConversationListModel::setView(core::ConversationView view) {
    if (view == m_view) return;
    m_view = view;
    rebuild();
}

void ConversationListModel::setResults(std::vector<core::ConversationRow> titles, std::vector<core::SearchHit> hits) {
    beginResetModel();
    m_now = QDateTime::currentDateTime();
    m_showsResults = true;
    m_titles = std::move(titles);
    m_hits = std::move(hits);
    m_entries = arrangedResults();
    m_keys = keys(m_entries);
    endResetModel();
}

void ConversationListModel::clearResults() {
    if (!m_showsResults) return;
    beginResetModel();
    m_showsResults = false;
    m_titles.clear();
    m_hits.clear();
    m_entries = arranged();
    m_keys = keys(m_entries);
    endResetModel();
}

void ConversationListModel::setNow(const QDateTime& now) {
    m_now = now;
    rebuild();
}

const core::ConversationRow* ConversationListModel::find(core::ConversationId id) const {
    const auto found = std::ranges::find(m_rows, id, &core::ConversationRow::id);
    return found == m_rows.end() ? nullptr : &*found;
}

QString ConversationListModel::title(core::ConversationId id) const {
    const core::ConversationRow* row = find(id);
    return row ? QString::fromStdString(row->title) : QString();
}

QString ConversationListModel::section(const QDateTime& when, const QDateTime& now) {
    const qint64 days = when.date().daysTo(now.date());
    if (days <= 0) return tr("TODAY");
    if (days == 1) return tr("YESTERDAY");
    if (days <= 7) return tr("LAST 7 DAYS");
    if (days <= 30) return tr("LAST 30 DAYS");
    return QLocale().toString(when.date(), QStringLiteral("MMMM yyyy")).toUpper();
}

QString ConversationListModel::age(const QDateTime& when, const QDateTime& now) {
    const qint64 minutes = when.secsTo(now) / 60;
    if (minutes < 1) return tr("now");
    if (minutes < 60) return tr("%1 min").arg(minutes);
    // Hours while it is the same day, days by the calendar: what the section above says stays true.
    const qint64 days = when.date().daysTo(now.date());
    if (days < 1) return tr("%1 h").arg(minutes / 60);
    if (days < 60) return tr("%1 d").arg(days);
    if (days < 730) return tr("%1 mo").arg(days / 30);
    return tr("%1 y").arg(days / 365);
}

ShownSnippet shownSnippet(const core::SearchHit& hit) {
    const auto characters = [&hit](std::size_t bytes) {
        return QString::fromUtf8(hit.snippet.data(), qsizetype(std::min(bytes, hit.snippet.size()))).size();
    };
    ShownSnippet shown{QString::fromStdString(hit.snippet), {}};
    for (const core::SnippetMatch& match : hit.matches)
        shown.matches << QPoint(int(characters(match.begin)), int(characters(match.end)));
    if (shown.matches.isEmpty() || shown.matches.front().x() <= kTextBeforeMatch) return shown;
    // From a word's beginning, where one is near.
    qsizetype cut = shown.matches.front().x() - kTextBeforeMatch;
    const qsizetype blank = shown.text.indexOf(u' ', cut);
    if (blank >= 0 && blank < shown.matches.front().x()) cut = blank + 1;
    if (cut > 0 && shown.text.at(cut).isLowSurrogate()) ++cut;
    shown.text = QStringLiteral("…") + shown.text.mid(cut);
    for (QPoint& match : shown.matches)
        match -= QPoint(int(cut) - 1, int(cut) - 1);
    return shown;
}

} // namespace hearth::ui
