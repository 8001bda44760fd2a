// SPDX-License-Identifier: Apache-2.0
//
// The names of LaTeX's symbols, as Unicode. Thread: any.
// Source: the LaTeX companion's lists of math symbols; Unicode 15, Mathematical Operators.
#pragma once

#include "ui/widgets/math_tree.h"

#include <QString>
#include <QStringView>

#include <optional>

namespace hearth::ui {

struct MathSymbol {
    QString text;
    MathClass spacing = MathClass::Ordinary;
    MathFace face = MathFace::Upright;
    bool limits = false;
};

/// Of a command without its backslash ("alpha"); none = unknown.
[[nodiscard]] std::optional<MathSymbol> mathSymbol(QStringView command);
/// Of one character as typed.
[[nodiscard]] MathSymbol mathCharacter(const QString& character);
/// Letters of \mathbb and \mathcal where Unicode has them in the first plane; else the letter itself.
[[nodiscard]] QString mathLetter(QStringView alphabet, const QString& letter);

} // namespace hearth::ui
