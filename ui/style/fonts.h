// SPDX-License-Identifier: Apache-2.0
//
// The type scale, and figures of equal width. Qt 6.4 cannot switch OpenType features on, and Inter's digits are
// proportional by default, so live numbers are set digit by digit, each centred in the widest digit's cell.
// Thread: GUI.
#pragma once

#include <QFont>
#include <QString>

class QFontMetricsF;
class QPainter;
class QRectF;

namespace hearth::ui {

/// The interface font: Inter where installed, else the desktop's own.
[[nodiscard]] QFont textFont(int pixelSize, QFont::Weight weight = QFont::Normal);
/// The code font.
[[nodiscard]] QFont monoFont(int pixelSize);
/// Caption of a section of a list: 11 px, semibold, spaced; set the text in capitals yourself.
[[nodiscard]] QFont sectionFont();

/// Width of `text` when its digits are set in cells of equal width.
[[nodiscard]] qreal figuresWidth(const QFontMetricsF& metrics, const QString& text);
/// Draws one line, vertically centred in `rect`, at its left or right edge, with the painter's font and pen.
/// A text too wide is elided.
void drawFigures(QPainter& painter, const QRectF& rect, Qt::Alignment alignment, const QString& text);

} // namespace hearth::ui
