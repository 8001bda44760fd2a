// SPDX-License-Identifier: Apache-2.0
//
// Formulas within a line of text: Unicode with italic, raised and lowered spans. Thread: any.
#pragma once

#include "ui/widgets/markdown_inline.h"
#include "ui/widgets/math_tree.h"

namespace hearth::ui {

/// "x_1^2 + \frac{a}{b}" as "x₁² + a/b" in spans, none of which has a link. Their `formula` is left at -1.
[[nodiscard]] InlineText mathText(const MathNode& formula);

} // namespace hearth::ui
