// SPDX-License-Identifier: Apache-2.0
//
// MessageViewPrivate: rows, their places, and what the pointer and the keyboard do with them.
//
// Places: every row has a height, estimated until it is laid out. The scroll position is kept as an anchor (a block that is
// laid out, and where in the window it stands), never as a number of pixels: so text that turns out taller than estimated
// moves what lies beyond it, not what is being read. While the view follows the end the anchor is the end.
// Files: message_view.cpp (events, painting), message_view_rows.cpp (model, places, scrolling),
// message_view_input.cpp (selection, targets, keyboard, editing), message_view_find.cpp. Thread: GUI.
#pragma once

#include "ui/widgets/message_layout.h"
#include "ui/widgets/message_view.h"

#include <QBasicTimer>
#include <QPersistentModelIndex>
#include <QPointer>

#include <map>
#include <optional>
#include <vector>

class QMenu;

namespace hearth::ui {

class ComposerButton;
class MessageEditor;

/// A place in the text of the conversation.
struct ViewPosition {
    int row = 0;
    TextPosition text;

    auto operator<=>(const ViewPosition&) const = default;
};

class MessageViewPrivate : public QObject {
public:
    explicit MessageViewPrivate(MessageView* view);
    ~MessageViewPrivate() override;

    struct Row {
        std::unique_ptr<MessageLayout> layout; ///< null while far from sight
        int height = 0;
        bool estimated = true;
        bool stale = false;                    ///< the model's data changed
    };

    struct Anchor {
        int row = 0;
        int block = -1;     ///< -1 = the row's top
        int viewportY = 0;  ///< where it stands, px below the top of the viewport
    };

    // --- rows and places (message_view_rows.cpp) ------------------------------------------------------------------
    void setModel(QAbstractItemModel* model);
    void resetRows();
    void insertRows(int first, int last);
    void removeRows(int first, int last);
    void markStale(int first, int last);
    void refreshStale();
    void restyle();
    void relayoutWidth();
    /// Lays out what is in sight and puts the scroll bar where the anchor says. True = something moved against the rest.
    bool settle();
    void rememberAnchor();
    void showShifted(int row, int before);
    void scrollToEnd();
    void showRow(int row, QRect part);
    void jumpToRow(int row);
    void updateJumpButton();
    [[nodiscard]] int rowCount() const { return int(m_rows.size()); }
    [[nodiscard]] MessageLayout& layoutOf(int row);
    [[nodiscard]] int rowAt(int contentY) const;
    [[nodiscard]] int rowTop(int row) const { return m_tops[std::size_t(row)]; }
    [[nodiscard]] int scrollValue() const;
    [[nodiscard]] int columnWidth() const;
    [[nodiscard]] int columnLeft() const;
    [[nodiscard]] QPoint rowOrigin(int row) const; ///< of the row in the viewport
    [[nodiscard]] QRect rowRect(int row) const;    ///< in the viewport, all of its width
    [[nodiscard]] std::pair<int, int> visibleRows() const; ///< [first, last]; first > last = none
    void updateRow(int row);

    // --- input (message_view_input.cpp) ---------------------------------------------------------------------------
    void hover(QPoint position);
    void leave();
    void press(QMouseEvent* event);
    void drag(QPoint position);
    void release(QMouseEvent* event);
    void selectWord(QPoint position);
    void selectRow(int row);
    void clearSelection();
    void copySelection();
    /// What of each selected row `textOf` gives, a blank line between rows.
    [[nodiscard]] QString selected(QString (MessageLayout::*textOf)(TextPosition, TextPosition) const);
    [[nodiscard]] QString selectedText();
    [[nodiscard]] QString selectedMarkdown();
    [[nodiscard]] bool hasSelection() const { return m_selectionStart != m_selectionEnd; }
    [[nodiscard]] bool showsActions(int row) const;
    [[nodiscard]] std::optional<ViewPosition> positionAt(QPoint position, bool nearest);
    void trigger(int row, int target);
    void fillMenu(QMenu& menu, int row);
    bool moveFocus(bool next);
    void setFocus(int row, int target);
    bool scrollBlockSideways(QPoint position, int delta);
    [[nodiscard]] QString toolTipAt(QPoint position);
    void beginEdit(int row);
    void endEdit();
    void placeEditor();
    [[nodiscard]] int editRow() const;
    [[nodiscard]] MessagePaint paintOf(int row, const QRect& clip) const;

    // --- find (message_view_find.cpp) -----------------------------------------------------------------------------
    void setFindText(const QString& text);
    void findNext(int step);
    void restartFind();
    void scanForFind();
    void rescanRow(int row);
    void showFound();
    void reportFound();
    [[nodiscard]] int foundNumber() const;
    [[nodiscard]] std::vector<FoundText> findIn(int row) const;

    MessageView* q;
    QPointer<QAbstractItemModel> m_model;
    std::vector<QMetaObject::Connection> m_connections;
    std::unique_ptr<MessageStyle> m_style;
    std::vector<Row> m_rows;
    std::vector<int> m_tops = {0}; ///< one more than rows; the last is the end of the content
    Anchor m_anchor;
    bool m_follow = true;
    bool m_settling = false;
    bool m_newBelow = false;
    QBasicTimer m_refreshTimer;    ///< gathers changes of one frame
    QBasicTimer m_dotsTimer;
    QBasicTimer m_copiedTimer;
    QBasicTimer m_markTimer;
    QBasicTimer m_dragTimer;
    int m_dots = 3;

    int m_hoverRow = -1;
    int m_hoverTarget = -1;
    int m_hoverBlock = -1;
    int m_focusRow = -1;
    int m_focusTarget = -1;        ///< -1 = the message itself
    int m_markedRow = -1;          ///< just jumped to
    int m_copiedRow = -1;
    int m_copiedTarget = -1;
    ViewPosition m_selectionStart; ///< where the press was
    ViewPosition m_selectionEnd;
    QPoint m_pressPosition;
    bool m_selecting = false;
    bool m_pressed = false;
    int m_thumbRow = -1;           ///< a code block's scroll bar is dragged
    int m_thumbBlock = -1;
    qreal m_thumbGrip = 0;
    QString m_findText;
    std::map<int, std::vector<FoundText>> m_found; ///< by row; no empty ones
    int m_findScanned = 0;         ///< rows looked through
    int m_findTotal = 0;
    int m_findRow = -1;            ///< of the place that is shown
    int m_findIndex = -1;
    QBasicTimer m_findTimer;
    QPersistentModelIndex m_editIndex;
    MessageEditor* m_editor = nullptr;
    ComposerButton* m_jump = nullptr;

protected:
    void timerEvent(QTimerEvent* event) override;
};

} // namespace hearth::ui
