// SPDX-License-Identifier: Apache-2.0
//
// MessageStyle: fonts and sizes of the conversation, from the view's font, so that a larger interface font scales all of it.
// Thread: GUI.
#pragma once

#include <QFont>

namespace hearth::ui {

struct MessageStyle {
    explicit MessageStyle(const QFont& base);

    /// A size of the design (px at a 14-px font), scaled and whole.
    [[nodiscard]] int px(qreal designPx) const;
    [[nodiscard]] QFont headingFont(int level) const;
    [[nodiscard]] int headingLine(int level) const;

    qreal scale = 1.0;
    QFont text;
    QFont mono;
    QFont caption;
    int textLine = 0;    ///< px from baseline to baseline
    int monoLine = 0;
    int captionLine = 0;
    qreal textAdvance = 0; ///< mean width of a character, for estimates
    qreal monoAdvance = 0;
};

} // namespace hearth::ui
