// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/message_accessible.h"

#include "core/store/chat_store.h"
#include "ui/models/message_roles.h"
#include "ui/widgets/message_view.h"

#include <QAbstractItemModel>
#include <QAccessibleInterface>
#include <QAccessibleWidget>
#include <QScrollBar>

#include <unordered_map>

namespace hearth::ui {
namespace {

/// One message. Made when asked for; lives as long as the view's interface.
class MessageItemInterface final : public QAccessibleInterface {
public:
    MessageItemInterface(MessageView* view, int row) : m_view(view), m_row(row) {}

    [[nodiscard]] bool isValid() const override { return m_view && m_view->model() && m_row < m_view->model()->rowCount(); }
    [[nodiscard]] QObject* object() const override { return nullptr; }
    [[nodiscard]] QAccessibleInterface* parent() const override { return QAccessible::queryAccessibleInterface(m_view); }
    [[nodiscard]] QAccessibleInterface* child(int) const override { return nullptr; }
    [[nodiscard]] QAccessibleInterface* childAt(int, int) const override { return nullptr; }
    [[nodiscard]] int childCount() const override { return 0; }
    [[nodiscard]] int indexOfChild(const QAccessibleInterface*) const override { return -1; }
    [[nodiscard]] QAccessible::Role role() const override { return QAccessible::ListItem; }
    void setText(QAccessible::Text, const QString&) override {}

    [[nodiscard]] QString text(QAccessible::Text kind) const override
    {
        if (!isValid())
            return {};
        const QModelIndex index = m_view->model()->index(m_row, 0);
        if (kind == QAccessible::Name) {
            const bool user = index.data(AuthorRole).toInt() == int(core::StoredRole::User);
            return (user ? MessageView::tr("You: %1") : MessageView::tr("Reply: %1")).arg(index.data(TextRole).toString());
        }
        if (kind == QAccessible::Description)
            return QStringList({index.data(NoticeRole).toString(), index.data(QuietLineRole).toString()}).join(u' ').trimmed();
        return {};
    }

    [[nodiscard]] QRect rect() const override
    {
        const QRect row = m_view ? m_view->messageRect(m_row) : QRect();
        return row.isNull() ? row : row.translated(m_view->viewport()->mapToGlobal(QPoint()));
    }

    [[nodiscard]] QAccessible::State state() const override
    {
        QAccessible::State state;
        state.readOnly = true;
        state.selectableText = true;
        state.invisible = !isValid();
        state.offscreen = isValid() && !m_view->viewport()->rect().intersects(m_view->messageRect(m_row));
        return state;
    }

private:
    QPointer<MessageView> m_view;
    int m_row;
};

class MessageViewInterface final : public QAccessibleWidget {
public:
    explicit MessageViewInterface(MessageView* view) : QAccessibleWidget(view, QAccessible::List), m_view(view) {}

    ~MessageViewInterface() override
    {
        for (const auto& [row, id] : m_items)
            QAccessible::deleteAccessibleInterface(id);
    }

    [[nodiscard]] int childCount() const override { return m_view && m_view->model() ? m_view->model()->rowCount() : 0; }

    [[nodiscard]] QAccessibleInterface* child(int index) const override
    {
        if (index < 0 || index >= childCount())
            return nullptr;
        const auto known = m_items.find(index);
        if (known != m_items.end())
            return QAccessible::accessibleInterface(known->second);
        auto* item = new MessageItemInterface(m_view, index); // QAccessible's cache owns it
        m_items.emplace(index, QAccessible::registerAccessibleInterface(item));
        return item;
    }

    [[nodiscard]] int indexOfChild(const QAccessibleInterface* child) const override
    {
        for (const auto& [row, id] : m_items) {
            if (QAccessible::accessibleInterface(id) == child)
                return row;
        }
        return -1;
    }

    [[nodiscard]] QAccessibleInterface* childAt(int x, int y) const override
    {
        const QPoint point = m_view->viewport()->mapFromGlobal(QPoint(x, y));
        return child(m_view->messageAt(point));
    }

private:
    QPointer<MessageView> m_view;
    mutable std::unordered_map<int, QAccessible::Id> m_items;
};

QAccessibleInterface* makeInterface(const QString&, QObject* object)
{
    auto* view = qobject_cast<MessageView*>(object);
    return view ? new MessageViewInterface(view) : nullptr; // QAccessible's cache owns it
}

} // namespace

void installMessageViewAccessibility()
{
    QAccessible::installFactory(makeInterface);
}

} // namespace hearth::ui
