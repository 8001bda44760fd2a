// SPDX-License-Identifier: Apache-2.0
//
// Theme: every colour of the window, in a light and a dark set (tokens of the design). Widgets that paint themselves ask
// Theme::current() in paintEvent; changing it emits themeChanged and repaints all. Thread: GUI.
#pragma once

#include <QColor>
#include <QObject>

namespace hearth::ui {

struct ThemeColors {
    bool dark = false;
    QColor page;        ///< conversation
    QColor side;        ///< lists, status panel, menu bar
    QColor panel;       ///< cards, composer, fields
    QColor line;        ///< borders, 1 px
    QColor text;
    QColor mute;        ///< captions, the quiet line
    QColor soft;        ///< the user's turn, chips, bar troughs
    QColor accent;      ///< the one action, selection, ours in a gauge
    QColor accentSoft;  ///< selected row
    QColor accentText;  ///< text on accent
    QColor good;        ///< in use
    QColor second;      ///< others' share in a gauge
    QColor warning;
    QColor error;
    QColor codeKeyword, codeString, codeFunction, codeComment;
};

enum class ThemeChoice : int { System, Light, Dark };

/// The design's tokens, but for code: its comments were 3.5 : 1 and its strings 4.46 : 1, so they are a little stronger here.
/// Text, mute, warning and error reach WCAG AA (4.5 : 1) on page, side, panel and soft, and code on page, side and panel
/// (tests/ui/widgets/theme_test.cpp).
[[nodiscard]] const ThemeColors& lightColors();
[[nodiscard]] const ThemeColors& darkColors();

class DesktopAppearance;

class Theme : public QObject {
    Q_OBJECT
public:
    static Theme& instance();
    [[nodiscard]] static const ThemeColors& current() { return instance().m_colors; }

    /// Applies palette, style sheet and fonts to the application; System follows the desktop live.
    void choose(ThemeChoice choice);
    [[nodiscard]] ThemeChoice choice() const { return m_choice; }

signals:
    void themeChanged();

private:
    Theme();
    void apply();

    ThemeChoice m_choice = ThemeChoice::System;
    ThemeColors m_colors;
    DesktopAppearance* m_appearance = nullptr; ///< child
    bool m_applied = false;
};

} // namespace hearth::ui
