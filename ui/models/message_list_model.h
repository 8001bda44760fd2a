// SPDX-License-Identifier: Apache-2.0
//
// MessageListModel: the shown path of one conversation, with the roles of message_roles.h. Filled by ChatController.
// Thread: GUI.
#pragma once

#include "ui/models/message_item.h"
#include "ui/models/message_roles.h"

#include <QAbstractListModel>

#include <functional>

namespace hearth::ui {

class MessageListModel : public QAbstractListModel {
    Q_OBJECT
public:
    using QAbstractListModel::QAbstractListModel;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QHash<int, QByteArray> roleNames() const override;

    [[nodiscard]] const std::vector<MessageItem>& items() const { return m_items; }
    /// Row of a message, -1 when it is not on the shown path.
    [[nodiscard]] int rowOf(core::MessageId id) const;

    void setItems(std::vector<MessageItem> items);
    [[nodiscard]] std::vector<MessageItem> takeItems();
    void append(const MessageItem& item);
    void truncate(int rows); ///< keeps the first `rows`
    void change(int row, const std::function<void(MessageItem&)>& change);

private:
    std::vector<MessageItem> m_items;
};

} // namespace hearth::ui
