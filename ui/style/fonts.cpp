// SPDX-License-Identifier: Apache-2.0
#include "ui/style/fonts.h"

#include <QFontDatabase>
#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>

namespace hearth::ui {

namespace {

QString interfaceFamily() {
    static const QString kFamily = QFontDatabase::hasFamily(QStringLiteral("Inter"))
        ? QStringLiteral("Inter")
        : QFontDatabase::systemFont(QFontDatabase::GeneralFont).family();
    return kFamily;
}

qreal digitCell(const QFontMetricsF& metrics) {
    qreal widest = 0;
    for (char16_t digit = u'0'; digit <= u'9'; ++digit) widest = std::max(widest, metrics.horizontalAdvance(QChar(digit)));
    return widest;
}

/// Calls visit(text, isDigit) for each digit and for each longest run without digits.
template <class Visit>
void forEachRun(const QString& text, Visit visit) {
    qsizetype start = 0;
    for (qsizetype i = 0; i <= text.size(); ++i) {
        const bool digit = i < text.size() && text[i] >= u'0' && text[i] <= u'9';
        if (i < text.size() && !digit) continue;
        if (i > start) visit(text.mid(start, i - start), false);
        if (digit) visit(text.mid(i, 1), true);
        start = i + 1;
    }
}

} // namespace

QFont textFont(int pixelSize, QFont::Weight weight) {
    QFont font(interfaceFamily());
    font.setPixelSize(pixelSize);
    font.setWeight(weight);
    return font;
}

QFont monoFont(int pixelSize) {
    QFont font = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    font.setFamilies({QStringLiteral("JetBrains Mono"), font.family(), QStringLiteral("monospace")});
    font.setStyleHint(QFont::Monospace);
    font.setFixedPitch(true);
    font.setPixelSize(pixelSize);
    return font;
}

QFont sectionFont() {
    QFont font = textFont(11, QFont::DemiBold);
    font.setLetterSpacing(QFont::AbsoluteSpacing, 0.5);
    return font;
}

qreal figuresWidth(const QFontMetricsF& metrics, const QString& text) {
    const qreal cell = digitCell(metrics);
    qreal width = 0;
    forEachRun(text, [&](const QString& run, bool digit) { width += digit ? cell : metrics.horizontalAdvance(run); });
    return width;
}

void drawFigures(QPainter& painter, const QRectF& rect, Qt::Alignment alignment, const QString& text) {
    const QFontMetricsF metrics(painter.font(), painter.device());
    QString shown = text;
    qreal width = figuresWidth(metrics, shown);
    if (width > rect.width() + 0.5) {
        shown = metrics.elidedText(text, Qt::ElideRight, rect.width());
        width = figuresWidth(metrics, shown);
    }
    const qreal cell = digitCell(metrics);
    const qreal baseline = rect.top() + (rect.height() - metrics.height()) / 2 + metrics.ascent();
    qreal x = alignment.testFlag(Qt::AlignRight) ? rect.right() - width : rect.left();
    forEachRun(shown, [&](const QString& run, bool digit) {
        const qreal advance = metrics.horizontalAdvance(run);
        painter.drawText(QPointF(digit ? x + (cell - advance) / 2 : x, baseline), run);
        x += digit ? cell : advance;
    });
}

} // namespace hearth::ui
