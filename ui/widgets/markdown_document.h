// SPDX-License-Identifier: Apache-2.0
//
// MarkdownDocument: a reply that grows, as a flat list of blocks. Quotes and lists are not nested boxes but facts about a
// block (its containers and markers), so that appended text changes only the blocks at the end: setText parses again from
// the last block on and says which block is the first that differs.
// <think> sections are marked, not removed. Everything is bounded: nesting, table columns, the size of one block.
// Thread: any.
// Source: CommonMark 0.31, chapters 4 and 5; GitHub Flavored Markdown for tables and task items. Kinder than both where
// models are sloppy: an indented fence opens in any list item, a nested item needs two spaces only. Formulas on their own
// lines ($$, \[, \begin{align}, ```math) are blocks; a blank line within one ends it, as in TeX.
#pragma once

#include <QString>
#include <QStringView>

#include <cstdint>
#include <vector>

namespace hearth::ui {

inline constexpr int kMaxQuoteDepth = 6;
inline constexpr int kMaxListDepth = 8;
inline constexpr int kMaxTableColumns = 32;
inline constexpr qsizetype kMaxInlineChars = 16 * 1024; ///< a longer paragraph is shown as plain text
inline constexpr qsizetype kPlainChunkChars = 4 * 1024; ///< a longer plain text is cut into blocks of at most this size
inline constexpr qsizetype kMaxTableChars = 32 * 1024;  ///< a longer table is shown as its source

enum class BlockKind : std::uint8_t { Paragraph, Heading, Code, Table, Rule, Plain, Math };
enum class BlockContainer : std::uint8_t { Quote, ListItem };
enum class MarkerKind : std::uint8_t { Bullet, Number, TaskOpen, TaskDone };

struct ListMarker {
    MarkerKind kind = MarkerKind::Bullet;
    int depth = 0;   ///< index of its item in MarkdownBlock::containers
    QString text;    ///< "3." of a number

    bool operator==(const ListMarker&) const = default;
};

struct MarkdownBlock {
    BlockKind kind = BlockKind::Paragraph;
    int level = 0;             ///< 1 to 6 of a heading
    QString text;              ///< inline Markdown, the code, the rows of a table, plain text, or a formula without its signs
    QString language;          ///< of a fence, as written
    QString title;             ///< file name of an attachment, which stands folded
    std::vector<BlockContainer> containers; ///< outermost first
    std::vector<ListMarker> markers;        ///< list items that begin with this block
    bool spaced = false;       ///< a blank line stands before it
    bool continued = false;    ///< goes on where the block before was cut for its size
    bool thought = false;      ///< within <think>
    bool closed = true;        ///< false for a fence or a formula whose end has not come

    bool operator==(const MarkdownBlock&) const = default;
};

struct MarkdownTable {
    std::vector<Qt::Alignment> alignments;          ///< [column]
    std::vector<std::vector<QString>> rows;         ///< [row][column] inline Markdown; row 0 is the head
};

class MarkdownDocument {
public:
    /// Returns the index of the first block that differs from before (== blocks().size() when none was added or changed).
    std::size_t setText(const QString& text);

    [[nodiscard]] const QString& text() const { return m_text; }
    [[nodiscard]] const std::vector<MarkdownBlock>& blocks() const { return m_blocks; }
    /// True while the text ends within <think>.
    [[nodiscard]] bool isThinking() const { return m_state.thinking; }

private:
    enum class Leaf : std::uint8_t { None, Paragraph, Fence, Table, IndentedCode, Math };

    struct Container {
        BlockContainer kind = BlockContainer::Quote;
        int markerIndent = 0;
        int contentIndent = 0;
    };

    /// Everything that the parse of the next line depends on.
    struct State {
        qsizetype offset = 0;
        std::size_t blockCount = 0;
        std::vector<Container> containers;
        Leaf leaf = Leaf::None;
        QChar fenceCharacter;
        int fenceLength = 0;
        int fenceIndent = 0;
        QString mathEnd; ///< what closes the formula
        bool blankBefore = false;
        bool thinking = false;
        bool sawThink = false;
    };

    void parseFrom(const State& state);
    void parseLine(QStringView line);
    void parseThinkingLine(QStringView line);
    bool foldOrphanThought(QStringView line);
    void parseBlocks(QStringView line);
    std::size_t matchContainers(QStringView line, qsizetype& pos) const;
    void openContainers(QStringView line, qsizetype& pos, std::vector<ListMarker>& markers);
    void parseLeaf(QStringView rest, std::vector<ListMarker> markers);
    bool endParagraph(QStringView line);
    void addFenceLine(QStringView line, QStringView source, qsizetype pos);
    void addTableRow(QStringView line);
    bool startMath(QStringView line, std::vector<ListMarker>& markers);
    void addMathLine(QStringView line);
    void addParagraphText(QStringView text);
    MarkdownBlock& startBlock(BlockKind kind, std::vector<ListMarker> markers = {});
    [[nodiscard]] int depthOf(BlockContainer kind) const;

    QString m_text;
    std::vector<MarkdownBlock> m_blocks;
    State m_state;
    State m_lineStart;
    bool m_lineComplete = false; ///< the line has its end; false only for the last one
    bool m_foldedBefore = false; ///< a </think> without a beginning changed blocks that were kept
    State m_checkpoint;         ///< before the line on which the last block began
    State m_previousCheckpoint; ///< before the line on which the block before it began
};

/// The cells of a Table block.
[[nodiscard]] MarkdownTable parseTable(QStringView rows);

/// Plain text (a user's turn) as Plain blocks of at most kPlainChunkChars, cut at line ends where there are any.
[[nodiscard]] std::vector<MarkdownBlock> plainBlocks(const QString& text);

} // namespace hearth::ui
