// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/message_style.h"

#include "ui/style/fonts.h"
#include "ui/style/metrics.h"

#include <QFontInfo>
#include <QFontMetricsF>

#include <cmath>

namespace hearth::ui {

MessageStyle::MessageStyle(const QFont& base)
    : scale(std::max(0.5, QFontInfo(base).pixelSize() / qreal(metrics::kTextPx))), text(base)
{
    text.setPixelSize(px(metrics::kTextPx));
    mono = monoFont(px(metrics::kMonoPx));
    caption = text;
    caption.setPixelSize(px(metrics::kCaptionPx));
    textLine = px(metrics::kTextLinePx);
    monoLine = px(metrics::kMonoLinePx);
    captionLine = px(16);
    textAdvance = QFontMetricsF(text).horizontalAdvance(QStringLiteral("the quick brown fox jumps")) / 25.0;
    monoAdvance = QFontMetricsF(mono).horizontalAdvance(QStringLiteral("0000000000")) / 10.0;
}

int MessageStyle::px(qreal designPx) const
{
    return int(std::lround(designPx * scale));
}

QFont MessageStyle::headingFont(int level) const
{
    QFont font = text;
    font.setPixelSize(px(level <= 1 ? 18 : level == 2 ? 16 : metrics::kTextPx));
    font.setWeight(QFont::DemiBold);
    return font;
}

int MessageStyle::headingLine(int level) const
{
    return px(level <= 1 ? 26 : level == 2 ? 24 : metrics::kTextLinePx);
}

} // namespace hearth::ui
