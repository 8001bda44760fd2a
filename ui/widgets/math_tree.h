// SPDX-License-Identifier: Apache-2.0
//
// MathNode: a LaTeX formula as a tree, for the subset that models write: fractions, roots, scripts, Greek, operators,
// accents, fences, matrices, cases and aligned lines. What is unknown stays as it was written. Everything is bounded
// (length, nesting) and linear in the text. Thread: any.
#pragma once

#include <QString>
#include <QStringView>

#include <cstdint>
#include <vector>

namespace hearth::ui {

inline constexpr qsizetype kMaxMathChars = 4096; ///< a longer formula is shown as its source
inline constexpr int kMaxMathDepth = 24;

enum class MathKind : std::uint8_t {
    Row,      ///< children side by side
    Symbol,   ///< text
    Fraction, ///< {above, below}
    Root,     ///< {radicand, index or an empty Row}
    Script,   ///< {base, sub, sup}; an absent one is an empty Row
    Fenced,   ///< {content} between text and right; either may be empty
    Grid,     ///< cells in rows of `columns`
    Accent,   ///< {base} with text over (or under, or around) it: see MathNode::text
};

/// What a symbol is, for the space around it.
enum class MathClass : std::uint8_t { Ordinary, Binary, Relation, Punctuation, Open, Close, Function, Large, Space };
enum class MathFace : std::uint8_t { Italic, Upright, Bold, Mono };
enum class MathGrid : std::uint8_t { Centred, Left, Aligned }; ///< Aligned: columns right and left in turn

struct MathNode {
    MathKind kind = MathKind::Row;
    MathClass spacing = MathClass::Ordinary;
    MathFace face = MathFace::Upright;
    MathGrid grid = MathGrid::Centred;
    bool limits = false; ///< scripts stand over and under (a sum, a limit)
    bool bar = true;     ///< of a fraction; false for a binomial
    int columns = 0;
    QString text;        ///< of a symbol; left fence; of an accent one of ^ ~ . : > - (over), _ (under), # (around)
    QString right;
    std::vector<MathNode> children;

    [[nodiscard]] bool isEmpty() const { return kind == MathKind::Row && children.empty(); }
};

/// `latex` without its dollar signs or brackets.
[[nodiscard]] MathNode parseMath(QStringView latex);

/// True for "\begin{align*}" and the like, which stand without dollar signs.
[[nodiscard]] bool startsMathEnvironment(QStringView line);

} // namespace hearth::ui
