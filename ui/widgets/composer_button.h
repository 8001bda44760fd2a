// SPDX-License-Identifier: Apache-2.0
//
// ComposerButton: Send, Stop, Save: a painted button, filled with the accent or quiet. Thread: GUI.
#pragma once

#include "ui/style/icons.h"

#include <QAbstractButton>

#include <optional>

namespace hearth::ui {

class ComposerButton : public QAbstractButton {
    Q_OBJECT
public:
    enum class Look { Accent, Quiet, Floating };

    explicit ComposerButton(Look look, QWidget* parent = nullptr);

    void setGlyph(std::optional<IconName> glyph);
    [[nodiscard]] QSize sizeHint() const override;

protected:
    bool event(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    Look m_look;
    std::optional<IconName> m_glyph;
};

} // namespace hearth::ui
