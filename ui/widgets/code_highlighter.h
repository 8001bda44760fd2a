// SPDX-License-Identifier: Apache-2.0
//
// CodeHighlighter: a small lexer that colours code line by line: keywords, strings, numbers, function names, comments.
// What a line leaves open (a block comment, a triple-quoted string) is a number that the next line is given, so that a
// growing block is lexed from its last line only. Thread: any.
#pragma once

#include <QString>
#include <QStringView>

#include <cstdint>
#include <vector>

namespace hearth::ui {

enum class CodeToken : std::uint8_t { Keyword, String, Number, Function, Comment };

struct CodeSpan {
    int start = 0;
    int length = 0;
    CodeToken token = CodeToken::Keyword;

    bool operator==(const CodeSpan&) const = default;
};

struct CodeLanguage;

class CodeHighlighter {
public:
    /// `name` as written after the fence ("cpp", "Python", "sh"); an unknown one colours nothing.
    explicit CodeHighlighter(QStringView name = {});

    /// The name for people: "C++", "Python"; an unknown one as written.
    [[nodiscard]] const QString& displayName() const { return m_displayName; }
    /// What a file of it is called: "code.cpp"; "code.txt" when unknown.
    [[nodiscard]] QString fileName() const;

    /// Adds the spans of one line, in order. `state`: 0 for the first line, else what the line before returned.
    /// Returns what is open at its end.
    int highlightLine(QStringView line, int state, std::vector<CodeSpan>& spans) const;

private:
    const CodeLanguage* m_language = nullptr;
    QString m_displayName;
};

} // namespace hearth::ui
