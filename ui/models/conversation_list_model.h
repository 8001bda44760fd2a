// SPDX-License-Identifier: Apache-2.0
//
// ConversationListModel: the sidebar's list, last used first, in sections by day. Roles: conversation_roles.h.
// Thread: GUI.
#pragma once

#include "core/store/chat_store.h"
#include "ui/models/conversation_roles.h"

#include <QAbstractListModel>
#include <QDateTime>

#include <vector>

namespace hearth::ui {

class ConversationListModel : public QAbstractListModel {
    Q_OBJECT
public:
    using QAbstractListModel::QAbstractListModel;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QHash<int, QByteArray> roleNames() const override;

    void setRows(std::vector<core::ConversationRow> rows);
    /// Ages and sections are relative to this; called once a minute.
    void setNow(const QDateTime& now);
    [[nodiscard]] QString title(core::ConversationId id) const;

    [[nodiscard]] static QString section(const QDateTime& when, const QDateTime& now);
    [[nodiscard]] static QString age(const QDateTime& when, const QDateTime& now);

private:
    std::vector<core::ConversationRow> m_rows;
    QDateTime m_now = QDateTime::currentDateTime();
};

} // namespace hearth::ui
