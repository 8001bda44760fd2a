// SPDX-License-Identifier: Apache-2.0
#include "ui/models/message_list_model.h"

#include <algorithm>
#include <utility>

namespace hearth::ui {

int MessageListModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : int(m_items.size());
}

QVariant MessageListModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= int(m_items.size())) return {};
    const MessageItem& item = m_items[std::size_t(index.row())];
    switch (role) {
    case MessageIdRole:
        return qint64(item.id);
    case AuthorRole:
        return int(item.role);
    case Qt::DisplayRole:
    case TextRole:
        return item.text;
    case StateRole:
        return int(item.state);
    case QuietLineRole:
        return quietLine(item);
    case NoticeRole:
        return notice(item);
    case SiblingIndexRole:
        return item.siblingIndex;
    case SiblingCountRole:
        return item.siblingCount;
    case ThoughtMsRole:
        return item.stats ? int(item.stats->thoughtSeconds * 1000.0) : 0;
    case ProgressRole:
        return item.text.isEmpty() ? item.progress : QString();
    default:
        return {};
    }
}

QHash<int, QByteArray> MessageListModel::roleNames() const {
    return {{MessageIdRole, "messageId"},
            {AuthorRole, "author"},
            {TextRole, "text"},
            {StateRole, "state"},
            {QuietLineRole, "quietLine"},
            {NoticeRole, "notice"},
            {ProgressRole, "progress"},
            {ThoughtMsRole, "thoughtMs"},
            {SiblingIndexRole, "siblingIndex"},
            {SiblingCountRole, "siblingCount"}};
}

int MessageListModel::rowOf(core::MessageId id) const {
    // From the end: it is nearly always one of the last two.
    const auto found =
        std::find_if(m_items.rbegin(), m_items.rend(), [id](const MessageItem& item) { return item.id == id; });
    return found == m_items.rend() ? -1 : int(std::distance(found, m_items.rend())) - 1;
}

void MessageListModel::setItems(std::vector<MessageItem> items) {
    beginResetModel();
    m_items = std::move(items);
    endResetModel();
}

std::vector<MessageItem> MessageListModel::takeItems() {
    beginResetModel();
    auto items = std::exchange(m_items, {});
    endResetModel();
    return items;
}

void MessageListModel::append(const MessageItem& item) {
    const int row = int(m_items.size());
    beginInsertRows({}, row, row);
    m_items.push_back(item);
    endInsertRows();
}

void MessageListModel::truncate(int rows) {
    if (rows >= int(m_items.size())) return;
    beginRemoveRows({}, rows, int(m_items.size()) - 1);
    m_items.resize(std::size_t(rows));
    endRemoveRows();
}

void MessageListModel::change(int row, const std::function<void(MessageItem&)>& change) {
    if (row < 0 || row >= int(m_items.size())) return;
    change(m_items[std::size_t(row)]);
    emit dataChanged(index(row), index(row));
}

} // namespace hearth::ui
