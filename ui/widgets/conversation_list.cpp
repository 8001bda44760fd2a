// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/conversation_list.h"

#include "ui/models/conversation_roles.h"
#include "ui/widgets/conversation_menu.h"
#include "ui/widgets/conversation_row_delegate.h"

#include <QContextMenuEvent>
#include <QDropEvent>
#include <QIdentityProxyModel>
#include <QKeyEvent>
#include <QMenu>
#include <QMimeData>

#include <algorithm>
#include <utility>

namespace hearth::ui {

namespace {

constexpr const char* kDragged = "application/x-hearth-conversations";

RowKind kindOf(const QModelIndex& index) { return RowKind(index.data(RowKindRole).toInt()); }
qint64 idOf(const QModelIndex& index) { return kindOf(index) == RowKind::Folder ? 0 : index.data(ConversationIdRole).toLongLong(); }

/// The same rows, but a view may put an editor on them and drag them. What comes of it goes out as signals.
class EditableRows : public QIdentityProxyModel {
public:
    using QIdentityProxyModel::QIdentityProxyModel;
    [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override {
        const Qt::ItemFlags flags = QIdentityProxyModel::flags(index) | Qt::ItemIsDropEnabled;
        if (!index.isValid() || kindOf(index) == RowKind::Hit) return flags;
        return flags | Qt::ItemIsEditable | (kindOf(index) == RowKind::Conversation ? Qt::ItemIsDragEnabled : Qt::NoItemFlags);
    }
    [[nodiscard]] QStringList mimeTypes() const override { return {QLatin1String(kDragged)}; }
    [[nodiscard]] QMimeData* mimeData(const QModelIndexList& indexes) const override {
        QByteArrayList ids;
        for (const QModelIndex& index : indexes)
            if (const qint64 id = idOf(index)) ids << QByteArray::number(id);
        auto* data = new QMimeData;
        data->setData(QLatin1String(kDragged), ids.join(' '));
        return data;
    }
    [[nodiscard]] Qt::DropActions supportedDropActions() const override { return Qt::MoveAction; }
};

} // namespace

ConversationList::ConversationList(QWidget* parent) : QListView(parent), m_delegate(new ConversationRowDelegate(this)) {
    setItemDelegate(m_delegate);
    setFrameShape(QFrame::NoFrame);
    setMouseTracking(true);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    setResizeMode(QListView::Adjust);
    setSelectionMode(QAbstractItemView::ExtendedSelection);
    setEditTriggers(QAbstractItemView::DoubleClicked | QAbstractItemView::EditKeyPressed);
    setDragDropMode(QAbstractItemView::DragDrop);
    setDefaultDropAction(Qt::MoveAction);
    setDropIndicatorShown(false);
    setAccessibleName(tr("Chats"));
    // The column's own ground shows through.
    viewport()->setAutoFillBackground(false);
    connect(m_delegate, &ConversationRowDelegate::titleEdited, this, &ConversationList::renamed);
    connect(m_delegate, &ConversationRowDelegate::folderEdited, this, &ConversationList::folderRenamed);
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
        connect(rows, &QAbstractItemModel::modelAboutToBeReset, this, &ConversationList::keepSelection);
        connect(rows, &QAbstractItemModel::rowsInserted, this, changed);
        connect(rows, &QAbstractItemModel::rowsRemoved, this, changed);
    }
    QListView::setModel(rows);
    if (rows) { // after the view's own reaction, which takes the selection away
        connect(rows, &QAbstractItemModel::modelReset, this, [this] {
            restoreSelection();
            markCurrent();
            emit rowCountChanged();
        });
    }
    delete before;
    markCurrent();
    emit rowCountChanged();
}

QModelIndex ConversationList::indexOf(qint64 id) const {
    if (id == 0) return {};
    for (int row = 0; model() && row < model()->rowCount(); ++row) {
        const QModelIndex index = model()->index(row, 0);
        if (kindOf(index) == RowKind::Conversation && idOf(index) == id) return index;
    }
    return {};
}

std::vector<qint64> ConversationList::selectedConversations() const {
    QModelIndexList selected = selectionModel() ? selectionModel()->selectedIndexes() : QModelIndexList();
    std::ranges::sort(selected, {}, [](const QModelIndex& index) { return index.row(); });
    std::vector<qint64> ids;
    for (const QModelIndex& index : selected) {
        const qint64 id = idOf(index);
        if (id != 0 && std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
    }
    return ids;
}

void ConversationList::keepSelection() {
    m_selectedBefore = selectedConversations();
    if (m_selectedBefore.size() < 2) m_selectedBefore.clear(); // a single one is the open one's business
}

void ConversationList::restoreSelection() {
    for (const qint64 id : std::exchange(m_selectedBefore, {})) {
        const QModelIndex index = indexOf(id);
        if (index.isValid()) selectionModel()->select(index, QItemSelectionModel::Select);
    }
}

void ConversationList::setCurrentConversation(qint64 id) {
    if (id == m_current) return;
    m_current = id;
    m_delegate->setCurrent(id);
    markCurrent();
    viewport()->update();
}

void ConversationList::markCurrent() {
    if (!selectionModel() || selectedConversations().size() > 1) return;
    // What was found stays where it is while one after the other is looked at.
    if (currentIndex().isValid() && idOf(currentIndex()) == m_current) return;
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

void ConversationList::activate(const QModelIndex& index) {
    switch (kindOf(index)) {
    case RowKind::Folder: return toggle(index);
    case RowKind::Hit: emit hitOpened(idOf(index), index.data(HitMessageRole).toLongLong()); return;
    case RowKind::Conversation: emit opened(idOf(index)); return;
    }
}

void ConversationList::toggle(const QModelIndex& folder) {
    emit folderToggled(folder.data(FolderIdRole).toLongLong(), !folder.data(CollapsedRole).toBool());
}

void ConversationList::mouseReleaseEvent(QMouseEvent* event) {
    const bool dragged = state() == QAbstractItemView::DraggingState;
    QListView::mouseReleaseEvent(event);
    if (dragged || event->button() != Qt::LeftButton || event->modifiers() & (Qt::ControlModifier | Qt::ShiftModifier)) return;
    const QModelIndex index = indexAt(event->position().toPoint());
    if (index.isValid() && index == currentIndex()) activate(index);
}

void ConversationList::keyPressEvent(QKeyEvent* event) {
    const QModelIndex index = currentIndex();
    if (!index.isValid() || state() == QAbstractItemView::EditingState) return QListView::keyPressEvent(event);
    const bool folder = kindOf(index) == RowKind::Folder;
    switch (event->key()) {
    case Qt::Key_Return:
    case Qt::Key_Enter: return activate(index);
    case Qt::Key_Left:
    case Qt::Key_Right:
        if (folder && index.data(CollapsedRole).toBool() == (event->key() == Qt::Key_Right)) toggle(index);
        return;
    case Qt::Key_Delete:
        if (folder) {
            emit folderRemovalAsked(index.data(FolderIdRole).toLongLong());
        } else if (const auto ids = selectedConversations(); !ids.empty()) {
            emit commanded(m_place == ConversationPlace::Bin ? ConversationCommand::DeleteForGood : ConversationCommand::Delete, ids);
        }
        return;
    default: break;
    }
    QListView::keyPressEvent(event);
}

void ConversationList::contextMenuEvent(QContextMenuEvent* event) {
    const bool byKeyboard = event->reason() == QContextMenuEvent::Keyboard;
    const QModelIndex index = byKeyboard ? currentIndex() : indexAt(event->pos());
    if (!index.isValid()) return;
    std::vector<qint64> ids = selectedConversations();
    // A click outside the selection means the row under it.
    if (std::ranges::find(ids, idOf(index)) == ids.end()) ids = {idOf(index)};
    QMenu* menu = kindOf(index) == RowKind::Folder ? folderMenu(*this, index) : conversationMenu(*this, index, ids, m_place);
    menu->popup(byKeyboard ? viewport()->mapToGlobal(visualRect(index).bottomLeft()) : event->globalPos());
}

// --- dragging onto a folder -----------------------------------------------------------------------------------------

qint64 ConversationList::folderAt(const QPoint& point) const {
    const QModelIndex index = indexAt(point);
    return index.isValid() ? index.data(FolderIdRole).toLongLong() : 0;
}

void ConversationList::dragEnterEvent(QDragEnterEvent* event) {
    if (event->source() == this && event->mimeData()->hasFormat(QLatin1String(kDragged))) event->acceptProposedAction();
}

void ConversationList::dragMoveEvent(QDragMoveEvent* event) {
    if (event->source() != this) return event->ignore();
    QListView::dragMoveEvent(event); // scrolls at the edges
    const qint64 folder = folderAt(event->position().toPoint());
    m_delegate->setDropFolder(folder);
    viewport()->update();
    event->accept();
}

void ConversationList::dropEvent(QDropEvent* event) {
    m_delegate->setDropFolder(0);
    viewport()->update();
    if (event->source() != this) return;
    std::vector<qint64> ids;
    for (const QByteArray& id : event->mimeData()->data(QLatin1String(kDragged)).split(' '))
        if (id.toLongLong() != 0) ids.push_back(id.toLongLong());
    event->setDropAction(Qt::IgnoreAction); // the rows move when the store has moved them
    event->accept();
    if (!ids.empty() && indexAt(event->position().toPoint()).isValid()) emit moveAsked(ids, folderAt(event->position().toPoint()));
}

} // namespace hearth::ui
