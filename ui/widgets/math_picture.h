// SPDX-License-Identifier: Apache-2.0
//
// MathPicture: a formula that stands on its own, laid out in two dimensions: fractions over each other, roots, limits,
// matrices. A list of texts and strokes around a baseline, painted with QPainter. Thread: GUI (fonts).
#pragma once

#include "ui/widgets/math_tree.h"

#include <QFont>
#include <QPainterPath>
#include <QPointF>
#include <QString>

#include <vector>

class QPainter;

namespace hearth::ui {

class MathPicture {
public:
    /// `text`: the font of what surrounds it; `mono` for \texttt.
    [[nodiscard]] static MathPicture of(const MathNode& formula, const QFont& text, const QFont& mono);

    qreal width = 0;
    qreal ascent = 0;  ///< above the baseline
    qreal descent = 0; ///< below it
    [[nodiscard]] qreal height() const { return ascent + descent; }

    /// The baseline begins at `origin`; colour is the painter's pen.
    void paint(QPainter& painter, QPointF origin) const;

private:
    friend class MathPictureMaker;
    struct Text {
        QPointF at;
        QString text;
        QFont font;
    };
    struct Stroke {
        QPainterPath path;
        qreal thickness = 1;
    };

    /// Joins `other`, its baseline at `at`; the extents become those of both.
    void add(const MathPicture& other, QPointF at);

    std::vector<Text> m_texts;
    std::vector<Stroke> m_strokes;
};

} // namespace hearth::ui
