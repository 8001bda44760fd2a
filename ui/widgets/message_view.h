// SPDX-License-Identifier: Apache-2.0
//
// MessageView: one conversation as a readable column. Rows come from a model with the roles of ui/models/message_roles.h.
// No widget per message: rows are painted, only those in sight are laid out, the others have an estimated height, so that
// 10,000 messages open at once. The view follows the end while a reply streams unless the user scrolled up.
// Thread: GUI.
#pragma once

#include <QAbstractScrollArea>
#include <QUrl>

#include <memory>

class QAbstractItemModel;

namespace hearth::ui {

class MessageViewPrivate;

class MessageView : public QAbstractScrollArea {
    Q_OBJECT
public:
    explicit MessageView(QWidget* parent = nullptr);
    ~MessageView() override;

    /// Not owned; must outlive the view or be replaced first. Shows the end.
    void setModel(QAbstractItemModel* model);
    [[nodiscard]] QAbstractItemModel* model() const;

    /// Jumps to a message by its id (MessageIdRole) and marks it for a moment, also when it was never laid out.
    /// False = it is not on the shown path; nothing moves (ChatController::openMessage changes the path).
    bool showMessage(qint64 messageId);
    void scrollToEnd();
    /// True while new text keeps the end in sight.
    [[nodiscard]] bool followsEnd() const;

    /// Marks every place of `text` (case-insensitive, in what is shown, not in its Markdown), also in messages that were
    /// never laid out; looks through them in slices of a few ms. Empty = no more. Answers with foundChanged.
    void setFindText(const QString& text);
    /// To the next (+1) or previous (-1) place.
    void findNext(int step);

    /// The selected text as plain text; empty = nothing selected.
    [[nodiscard]] QString selectedText() const;
    /// Opens the editor over a message, as the Edit button does.
    void beginEdit(int row);

    /// Where a message stands in the viewport; null for a row that is none.
    [[nodiscard]] QRect messageRect(int row) const;
    /// The message at a point of the viewport, -1 = none.
    [[nodiscard]] int messageAt(QPoint point) const;

    [[nodiscard]] QSize sizeHint() const override;

signals:
    void copyRequested(int row);
    void editSubmitted(int row, const QString& text);
    /// A reply was rewritten and is to be carried on from there.
    void prefillSubmitted(int row, const QString& text);
    void regenerateRequested(int row);
    void continueRequested(int row);
    void siblingRequested(int row, int step); ///< step: -1 or +1
    void deleteRequested(int row);
    /// `current`: 1-based place that is shown, 0 = none yet. `complete`: all messages were looked through.
    void foundChanged(int current, int total, bool complete);
    void linkActivated(const QUrl& url);
    /// A code block is to be written to a file; `fileName` is a proposal.
    void saveCodeRequested(const QString& fileName, const QString& code);

protected:
    void changeEvent(QEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    bool event(QEvent* event) override;
    bool focusNextPrevChild(bool next) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;
    bool viewportEvent(QEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;

private:
    friend class MessageViewPrivate;
    std::unique_ptr<MessageViewPrivate> m_d;
};

} // namespace hearth::ui
