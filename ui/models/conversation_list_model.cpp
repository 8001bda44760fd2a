// SPDX-License-Identifier: Apache-2.0
#include "ui/models/conversation_list_model.h"

#include <QLocale>

#include <algorithm>

namespace hearth::ui {

int ConversationListModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : int(m_rows.size());
}

QVariant ConversationListModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= int(m_rows.size())) return {};
    const core::ConversationRow& row = m_rows[std::size_t(index.row())];
    const QDateTime when = QDateTime::fromMSecsSinceEpoch(row.updatedMs);
    switch (role) {
    case ConversationIdRole:
        return qint64(row.id);
    case Qt::DisplayRole:
    case TitleRole:
        return QString::fromStdString(row.title);
    case SectionRole:
        return section(when, m_now);
    case AgeRole:
        return age(when, m_now);
    default:
        return {};
    }
}

QHash<int, QByteArray> ConversationListModel::roleNames() const {
    return {{ConversationIdRole, "conversationId"}, {TitleRole, "title"}, {SectionRole, "section"}, {AgeRole, "age"}};
}

void ConversationListModel::setRows(std::vector<core::ConversationRow> rows) {
    m_now = QDateTime::currentDateTime();
    const bool samePlaces =
        std::ranges::equal(rows, m_rows, {}, &core::ConversationRow::id, &core::ConversationRow::id);
    if (samePlaces) { // keeps hover, selection and scroll position of the view
        m_rows = std::move(rows);
        if (!m_rows.empty()) emit dataChanged(index(0), index(int(m_rows.size()) - 1));
        return;
    }
    beginResetModel();
    m_rows = std::move(rows);
    endResetModel();
}

void ConversationListModel::setNow(const QDateTime& now) {
    m_now = now;
    if (!m_rows.empty()) emit dataChanged(index(0), index(int(m_rows.size()) - 1), {SectionRole, AgeRole});
}

QString ConversationListModel::title(core::ConversationId id) const {
    const auto found = std::ranges::find(m_rows, id, &core::ConversationRow::id);
    return found == m_rows.end() ? QString() : QString::fromStdString(found->title);
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

} // namespace hearth::ui
