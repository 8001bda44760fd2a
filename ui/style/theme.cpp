// SPDX-License-Identifier: Apache-2.0
#include "ui/style/theme.h"

#include "ui/style/desktop_appearance.h"
#include "ui/style/fonts.h"
#include "ui/style/metrics.h"

#include <QApplication>
#include <QFile>
#include <QPalette>
#include <QStyleFactory>
#include <QToolTip>

#include <array>
#include <utility>

static void initializeResources() {
    Q_INIT_RESOURCE(resources);
}

namespace hearth::ui {

namespace {

QPalette paletteOf(const ThemeColors& colors) {
    QPalette palette;
    palette.setColor(QPalette::Window, colors.side);
    palette.setColor(QPalette::WindowText, colors.text);
    palette.setColor(QPalette::Base, colors.panel);
    palette.setColor(QPalette::AlternateBase, colors.soft);
    palette.setColor(QPalette::Text, colors.text);
    palette.setColor(QPalette::PlaceholderText, colors.mute);
    palette.setColor(QPalette::Button, colors.panel);
    palette.setColor(QPalette::ButtonText, colors.text);
    palette.setColor(QPalette::BrightText, colors.accentText);
    palette.setColor(QPalette::ToolTipBase, colors.panel);
    palette.setColor(QPalette::ToolTipText, colors.text);
    palette.setColor(QPalette::Highlight, colors.accent);
    palette.setColor(QPalette::HighlightedText, colors.accentText);
    palette.setColor(QPalette::Link, colors.accent);
    palette.setColor(QPalette::LinkVisited, colors.accent);
    palette.setColor(QPalette::Light, colors.panel);
    palette.setColor(QPalette::Midlight, colors.soft);
    palette.setColor(QPalette::Mid, colors.line);
    palette.setColor(QPalette::Dark, colors.line);
    palette.setColor(QPalette::Shadow, colors.dark ? colors.side : colors.line);
    QColor faded = colors.text;
    faded.setAlphaF(0.4f);
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) palette.setColor(QPalette::Disabled, role, faded);
    palette.setColor(QPalette::Disabled, QPalette::Highlight, colors.soft);
    palette.setColor(QPalette::Disabled, QPalette::HighlightedText, faded);
    return palette;
}

/// resources/themes/hearth.qss with its @names replaced.
QString styleSheetOf(const ThemeColors& colors) {
    QFile file(QStringLiteral(":/hearth/themes/hearth.qss"));
    if (!file.open(QIODevice::ReadOnly)) return {};
    QString sheet = QString::fromUtf8(file.readAll());
    // A name that begins another one comes after it.
    const std::array<std::pair<const char*, QString>, 11> names{{
        {"@accent-soft", colors.accentSoft.name()},
        {"@accent-text", colors.accentText.name()},
        {"@accent", colors.accent.name()},
        {"@line", colors.line.name()},
        {"@mute", colors.mute.name()},
        {"@page", colors.page.name()},
        {"@panel", colors.panel.name()},
        {"@side", colors.side.name()},
        {"@soft", colors.soft.name()},
        {"@text", colors.text.name()},
        {"@theme", colors.dark ? QStringLiteral("dark") : QStringLiteral("light")},
    }};
    for (const auto& [name, value] : names) sheet.replace(QLatin1String(name), value);
    return sheet;
}

} // namespace

const ThemeColors& lightColors() {
    static const ThemeColors kColors{
        .dark = false,
        .page = QColor(0xFBFAF8),
        .side = QColor(0xF3F1ED),
        .panel = QColor(0xFFFFFF),
        .line = QColor(0xE4E0DA),
        .text = QColor(0x1F1D1A),
        .mute = QColor(0x6E6962),
        .soft = QColor(0xEEEBE5),
        .accent = QColor(0xC8502B),
        .accentSoft = QColor(0xF8E4DB),
        .accentText = QColor(0xFFFFFF),
        .good = QColor(0x2F7D4F),
        .second = QColor(0x3B7DD8),
        .warning = QColor(0x8A5A00),
        .error = QColor(0xB3261E),
        .codeKeyword = QColor(0x9A3E8E),
        .codeString = QColor(0x2D794C),
        .codeFunction = QColor(0x2B62B8),
        .codeComment = QColor(0x726D65),
    };
    return kColors;
}

const ThemeColors& darkColors() {
    static const ThemeColors kColors{
        .dark = true,
        .page = QColor(0x191816),
        .side = QColor(0x141311),
        .panel = QColor(0x211F1C),
        .line = QColor(0x34312C),
        .text = QColor(0xECE8E1),
        .mute = QColor(0x9C968C),
        .soft = QColor(0x2A2824),
        .accent = QColor(0xF0794E),
        .accentSoft = QColor(0x3A251B),
        .accentText = QColor(0x1F1D1A),
        .good = QColor(0x5DBB83),
        .second = QColor(0x7DB0F5),
        .warning = QColor(0xE5B567),
        .error = QColor(0xF28B82),
        .codeKeyword = QColor(0xD69AD0),
        .codeString = QColor(0x8CCB9F),
        .codeFunction = QColor(0x8AB4F2),
        .codeComment = QColor(0x8D877C),
    };
    return kColors;
}

Theme& Theme::instance() {
    static Theme theme;
    return theme;
}

Theme::Theme() : m_colors(lightColors()) {
    // Before there is an application there is no desktop to ask; choose() asks later.
    if (!qApp) return;
    m_appearance = new DesktopAppearance(this);
    if (m_appearance->prefersDark()) m_colors = darkColors();
}

void Theme::choose(ThemeChoice choice) {
    m_choice = choice;
    if (!m_appearance) m_appearance = new DesktopAppearance(this);
    connect(m_appearance, &DesktopAppearance::prefersDarkChanged, this, &Theme::apply, Qt::UniqueConnection);
    apply();
}

void Theme::apply() {
    const bool dark = m_choice == ThemeChoice::Dark || (m_choice == ThemeChoice::System && m_appearance->prefersDark());
    if (m_applied && dark == m_colors.dark) return;
    initializeResources();
    m_colors = dark ? darkColors() : lightColors();
    if (!m_applied) {
        QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
        QApplication::setFont(textFont(metrics::kTextPx));
        m_applied = true;
    }
    const QPalette palette = paletteOf(m_colors);
    QApplication::setPalette(palette);
    QToolTip::setPalette(palette);
    qApp->setStyleSheet(styleSheetOf(m_colors));
    emit themeChanged();
}

} // namespace hearth::ui
