// SPDX-License-Identifier: Apache-2.0
//
// Inline Markdown: emphasis, strike-through, code, links, formulas and escapes of one paragraph, as text with spans over it.
// Our own because QTextDocument::setMarkdown takes seconds for 20 KB of "**b** *c* " (3.2 s measured with Qt 6.4) and calls
// underscores underlining; this is linear in the text. HTML stays text, an image becomes a link with its description:
// nothing is ever loaded. Thread: any.
// Source: CommonMark 0.31, chapter 6 and "phase 2: inline structure"; GitHub Flavored Markdown for ~~ and bare addresses.
#pragma once

#include <QString>
#include <QStringView>

#include <vector>

namespace hearth::ui {

struct InlineSpan {
    int start = 0;  ///< UTF-16 units into InlineText::text
    int length = 0;
    bool bold = false;
    bool italic = false;
    bool strike = false;
    bool code = false;
    int script = 0;   ///< of a formula: +1 raised, -1 lowered
    int formula = -1; ///< index into InlineText::formulas
    QString href;   ///< http, https or mailto only; empty = no link

    bool operator==(const InlineSpan&) const = default;
};

struct InlineText {
    QString text; ///< line breaks are U+2028
    std::vector<InlineSpan> spans; ///< in order, without overlap; text between them is plain
    std::vector<QString> formulas; ///< as written, with their signs

    bool operator==(const InlineText&) const = default;
};

enum class InlineEnd {
    Final,     ///< what is not closed is literal
    Streaming, ///< more will come: an open ** or ` counts as closed at the end, so that the text does not jump
};

[[nodiscard]] InlineText parseInline(QStringView markdown, InlineEnd end = InlineEnd::Final);

/// Part [from, to) of a parsed text as Markdown again; a formula that is touched comes whole.
[[nodiscard]] QString inlineMarkdown(const InlineText& text, int from, int to);

} // namespace hearth::ui
