// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/conversation_list.h"

#include "ui/models/conversation_roles.h"
#include "ui/style/icons.h"
#include "ui/widgets/conversation_row_delegate.h"

#include <QContextMenuEvent>
#include <QIdentityProxyModel>
#include <QKeyEvent>
#include <QMenu>

#include <utility>

namespace hearth::ui {

namespace {

/// The same rows, but a view may put an editor on them. What the editor says goes out as a signal.
class EditableRows : public QIdentityProxyModel {
public:
    using QIdentityProxyModel::QIdentityProxyModel;
    [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override {
        return index.isValid() ? QIdentityProxyModel::flags(index) | Qt::ItemIsEditable : QIdentityProxyModel::flags(index);
    }
};

qint64 idOf(const QModelIndex& index) { return index.data(ConversationIdRole).toLongLong(); }

} // namespace

ConversationList::ConversationList(QWidget* parent) : QListView(parent), m_delegate(new ConversationRowDelegate(this)) {
    setItemDelegate(m_delegate);
    setFrameShape(QFrame::NoFrame);
    setMouseTracking(true);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    setResizeMode(QListView::Adjust);
    setEditTriggers(QAbstractItemView::DoubleClicked | QAbstractItemView::EditKeyPressed);
    setAccessibleName(tr("Chats"));
    // The column's own ground shows through.
    viewport()->setAutoFillBackground(false);
    connect(this, &QListView::clicked, this, [this](const QModelIndex& index) { emit opened(idOf(index)); });
    connect(m_delegate, &ConversationRowDelegate::titleEdited, this, &ConversationList::renamed);
}

void ConversationList::setModel(QAbstractItemModel* model) {
    QAbstractItemModel* const before = this->model();
    EditableRows* rows = nullptr;
    if (model) {
        rows = new EditableRows(this);
        rows->setSourceModel(model);
        const auto changed = [this] {
            markCurrent();
            emit rowCountChanged();
        };
        connect(rows, &QAbstractItemModel::modelReset, this, changed);
        connect(rows, &QAbstractItemModel::rowsInserted, this, changed);
        connect(rows, &QAbstractItemModel::rowsRemoved, this, changed);
    }
    QListView::setModel(rows);
    delete before;
    markCurrent();
    emit rowCountChanged();
}

QModelIndex ConversationList::indexOf(qint64 id) const {
    for (int row = 0; model() && row < model()->rowCount(); ++row) {
        const QModelIndex index = model()->index(row, 0);
        if (idOf(index) == id) return index;
    }
    return {};
}

void ConversationList::setCurrentConversation(qint64 id) {
    m_current = id;
    m_delegate->setCurrent(id);
    markCurrent();
    viewport()->update();
}

void ConversationList::markCurrent() {
    if (!selectionModel()) return;
    const QModelIndex index = indexOf(m_current);
    if (index == currentIndex()) return;
    if (index.isValid()) {
        setCurrentIndex(index);
        scrollTo(index);
    } else if (currentIndex().isValid() && !hasFocus()) {
        selectionModel()->clear();
    }
}

QModelIndex ConversationList::indexAt(const QPoint& point) const {
    const QModelIndex index = QListView::indexAt(point);
    return index.isValid() && ConversationRowDelegate::rowRect(visualRect(index), index).contains(point) ? index : QModelIndex();
}

void ConversationList::keyPressEvent(QKeyEvent* event) {
    const QModelIndex index = currentIndex();
    if (index.isValid() && state() != QAbstractItemView::EditingState) {
        switch (event->key()) {
        case Qt::Key_Return:
        case Qt::Key_Enter: emit opened(idOf(index)); return;
        case Qt::Key_Delete: emit deletionAsked(idOf(index)); return;
        default: break;
        }
    }
    QListView::keyPressEvent(event);
}

void ConversationList::contextMenuEvent(QContextMenuEvent* event) {
    const bool byKeyboard = event->reason() == QContextMenuEvent::Keyboard;
    const QModelIndex index = byKeyboard ? currentIndex() : indexAt(event->pos());
    if (!index.isValid()) return;
    // The list may change while the menu is open: the id outlives the index.
    const qint64 id = idOf(index);
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    QAction* renameAction = menu->addAction(icon(IconName::Pencil), tr("Rename"));
    renameAction->setShortcut(Qt::Key_F2);
    connect(renameAction, &QAction::triggered, this, [this, id] {
        if (const QModelIndex row = indexOf(id); row.isValid()) edit(row);
    });
    QAction* deleteAction = menu->addAction(icon(IconName::Trash), tr("Delete"));
    deleteAction->setShortcut(Qt::Key_Delete);
    connect(deleteAction, &QAction::triggered, this, [this, id] { emit deletionAsked(id); });
    menu->popup(byKeyboard ? viewport()->mapToGlobal(visualRect(index).bottomLeft()) : event->globalPos());
}

} // namespace hearth::ui
