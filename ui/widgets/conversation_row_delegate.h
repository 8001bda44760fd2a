// SPDX-License-Identifier: Apache-2.0
//
// ConversationRowDelegate: one conversation per row, and above the first row of each section the section's caption.
// The model stays flat; a row is taller by its caption when the row before it belongs to another section. A folder's own
// row looks like a caption that can be folded; a message that was found has two lines of its text below the title.
// Thread: GUI.
#pragma once

#include <QModelIndex>
#include <QStyledItemDelegate>

namespace hearth::ui {

class ConversationRowDelegate : public QStyledItemDelegate {
    Q_OBJECT
public:
    explicit ConversationRowDelegate(QObject* parent = nullptr);

    /// The conversation that is open in the window; drawn as chosen.
    void setCurrent(qint64 id) { m_current = id; }
    /// The folder that a drag is over; 0 = none.
    void setDropFolder(qint64 folder) { m_dropFolder = folder; }
    /// Caption above this row; empty when it goes on with the section of the row before.
    [[nodiscard]] static QString caption(const QModelIndex& index);
    /// The part of an item's rectangle that is the conversation: what the mouse hits and the editor covers.
    [[nodiscard]] static QRect rowRect(const QRect& itemRect, const QModelIndex& index);

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
    [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
    QWidget* createEditor(QWidget* parent, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
    void setEditorData(QWidget* editor, const QModelIndex& index) const override;
    void setModelData(QWidget* editor, QAbstractItemModel* model, const QModelIndex& index) const override;
    void updateEditorGeometry(QWidget* editor, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
    bool helpEvent(QHelpEvent* event, QAbstractItemView* view, const QStyleOptionViewItem& option, const QModelIndex& index) override;

signals:
    /// The user gave a row another title; the model is not written.
    void titleEdited(qint64 id, const QString& title) const;
    void folderEdited(qint64 folder, const QString& name) const;

private:
    void paintRow(QPainter& painter, const QStyleOptionViewItem& option, const QModelIndex& index, const QRect& row) const;
    void paintFolder(QPainter& painter, const QStyleOptionViewItem& option, const QModelIndex& index, const QRect& row) const;

    qint64 m_current = 0;
    qint64 m_dropFolder = 0;
};

} // namespace hearth::ui
