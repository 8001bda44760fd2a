// SPDX-License-Identifier: Apache-2.0
//
// MessageLayout: one message: its blocks, the folded thought, notice, quiet line and actions, placed and painted.
// Blocks are laid out when they come into sight (settle); until then they stand with an estimated height, so that a message
// of 1 MB opens as fast as a short one. Coordinates are the row's own, px; x = 0 is the left edge of the reading column.
// Thread: GUI.
#pragma once

#include "ui/widgets/markdown_document.h"
#include "ui/widgets/message_block.h"
#include "ui/widgets/message_style.h"

#include <QElapsedTimer>
#include <QRect>
#include <QString>

#include <compare>
#include <memory>
#include <set>
#include <span>
#include <vector>

class QModelIndex;
class QPainter;

namespace hearth::ui {

/// What the model says about a row.
struct MessageData {
    int author = 0; ///< core::StoredRole
    int state = 0;  ///< core::MessageState
    QString text;
    QString quietLine;
    QString notice;
    QString progress;
    int thoughtMs = 0;
    int siblingIndex = 0;
    int siblingCount = 1;

    [[nodiscard]] static MessageData fromIndex(const QModelIndex& index);
    [[nodiscard]] bool isUser() const;
    [[nodiscard]] bool isGenerating() const;
};

enum class MessageAction : int { Copy, Edit, Regenerate, Continue, PreviousSibling, NextSibling, More, CopyCode, SaveCode, Thought, Attachment };

/// Something that can be pressed.
struct MessageTarget {
    MessageAction action = MessageAction::Copy;
    QRect rect;
    int block = -1;          ///< of CopyCode, SaveCode and Attachment
    QString label;           ///< also its accessible name
    bool enabled = true;
    bool always = false;     ///< shown without hover
};

struct TextPosition {
    int block = 0;
    int offset = 0; ///< into MessageBlock::plainText()

    auto operator<=>(const TextPosition&) const = default;
};

/// Something that was searched for: [offset, offset + length) of one block.
struct FoundText {
    TextPosition at;
    int length = 0;

    auto operator<=>(const FoundText&) const = default;
};

struct MessagePaint {
    QRect clip;
    TextPosition selectionFrom;
    TextPosition selectionTo;    ///< nothing is selected where it is not behind selectionFrom
    std::span<const FoundText> found; ///< in this message, in order
    int currentFound = -1;       ///< index into found
    bool showActions = false;
    int hoveredTarget = -1;
    int focusedTarget = -1;
    int copiedTarget = -1;       ///< says "Copied" for a moment
    int hoveredBlock = -1;
    bool focused = false;        ///< keyboard focus is on the message as a whole
    int dots = 3;                ///< of the progress line
};

class MessageLayout {
public:
    MessageLayout(const MessageStyle& style, int width);

    /// The blocks of a text as a layout of it has them, without making one.
    [[nodiscard]] static std::vector<MarkdownBlock> blocksOf(int author, const QString& text);

    /// Returns the y from which the picture differs from before.
    int setData(const MessageData& data);
    [[nodiscard]] const MessageData& data() const { return m_data; }
    void setWidth(int width);

    /// Lays out what lies in [top, bottom). True = heights changed.
    bool settle(int top, int bottom);
    [[nodiscard]] int height() const { return m_height; }
    void paint(QPainter& painter, const MessagePaint& paint) const;

    // --- blocks ---------------------------------------------------------------------------------------------------
    [[nodiscard]] int blockCount() const { return int(m_boxes.size()); }
    [[nodiscard]] QRect blockRect(int block) const { return m_boxes[std::size_t(block)].rect; }
    [[nodiscard]] bool isSettled(int block) const { return m_boxes[std::size_t(block)].exact; }
    [[nodiscard]] const MessageBlock& block(int index) const { return *m_boxes[std::size_t(index)].block; }
    [[nodiscard]] MessageBlock& block(int index) { return *m_boxes[std::size_t(index)].block; }
    /// The visible block at `y`, -1 = none.
    [[nodiscard]] int blockAt(int y) const;

    // --- text -----------------------------------------------------------------------------------------------------
    /// True where a press selects text.
    [[nodiscard]] bool isText(QPoint point) const;
    [[nodiscard]] TextPosition positionAt(QPoint point) const;
    [[nodiscard]] TextPosition endPosition() const;
    [[nodiscard]] QString selectedText(TextPosition from, TextPosition to) const;
    [[nodiscard]] QString selectedMarkdown(TextPosition from, TextPosition to) const;
    [[nodiscard]] QString hrefAt(QPoint point) const;

    // --- targets --------------------------------------------------------------------------------------------------
    [[nodiscard]] const std::vector<MessageTarget>& targets() const { return m_targets; }
    /// Index of the target under `point` among those shown, -1 = none.
    [[nodiscard]] int targetAt(QPoint point, bool actionsShown) const;
    void toggleThought();
    void toggleAttachment(int block);
    /// Opens what the block is folded in.
    void unfold(int block);
    /// Where the message itself stands (without its actions): what the focus ring surrounds.
    [[nodiscard]] QRect bodyRect() const { return m_body; }
    /// The line of dots, for its animation; empty = none.
    [[nodiscard]] QRect progressRect() const { return m_progress; }

private:
    struct Box {
        std::unique_ptr<MessageBlock> block;
        QRect rect;
        bool exact = false;  ///< laid out at the present width
        bool hidden = false; ///< in the folded thought
    };

    void rebuildBoxes(const std::vector<MarkdownBlock>& blocks, std::size_t first);
    void place();
    void placeTail(int y);
    void placeActions(int y);
    void addTarget(MessageAction action, const QString& label, QRect rect, bool always = false, bool enabled = true);
    [[nodiscard]] const std::vector<MarkdownBlock>& sources() const;
    [[nodiscard]] int indentOf(const MarkdownBlock& source) const;
    [[nodiscard]] int gapBefore(std::size_t index, const MarkdownBlock* previous) const;
    [[nodiscard]] int blockWidth(std::size_t index) const;
    [[nodiscard]] int panelMaxWidth() const;
    [[nodiscard]] QString thoughtLabel() const;
    [[nodiscard]] ThemeColors blockColors(const MarkdownBlock& source) const;
    [[nodiscard]] bool hasThought() const;
    [[nodiscard]] bool isFolded(std::size_t block) const;
    [[nodiscard]] bool isShortTurn(std::size_t block) const; ///< typed text in one block: the panel fits it
    int placeChips(int y, int width);
    void refold();
    void paintContainers(QPainter& painter, std::size_t index) const;
    void paintMarker(QPainter& painter, const MarkdownBlock& source, const ListMarker& marker, QRect line, bool rightToLeft) const;
    void paintTail(QPainter& painter, const MessagePaint& paint) const;
    void paintTargets(QPainter& painter, const MessagePaint& paint) const;
    void paintEndMark(QPainter& painter) const;

    MessageStyle m_style;
    MessageData m_data;
    MarkdownDocument m_document;          ///< of a reply
    std::vector<MarkdownBlock> m_plain;   ///< of a user's turn: its attachments, then its text
    std::vector<Box> m_boxes;             ///< one per source block
    std::unique_ptr<MessageBlock> m_notice;
    std::vector<MessageTarget> m_targets;
    QRect m_panel;                        ///< of a user's turn
    QRect m_body;
    QRect m_progress;
    QRect m_noticeRect;
    QRect m_quietRect;
    QElapsedTimer m_thinkingSince;
    qint64 m_thoughtMs = -1;              ///< -1 = not seen from beginning to end
    int m_width = 0;
    int m_height = 0;
    bool m_thoughtOpen = false;
    std::set<int> m_openAttachments;      ///< blocks
};

} // namespace hearth::ui
