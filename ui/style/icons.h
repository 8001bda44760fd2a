// SPDX-License-Identifier: Apache-2.0
//
// The line icons (resources/icons: 20-px grid, 1.6-px stroke, one colour). They are drawn in the theme's colours at the
// moment of painting, so they follow theme and device pixel ratio by themselves. Thread: GUI.
#pragma once

#include <QIcon>
#include <QString>

namespace hearth::ui {

enum class IconName : int {
    Archive,
    Check,
    ChevronDown,
    ChevronLeft,
    ChevronRight,
    ChevronUp,
    Close,
    Copy,
    Cpu,
    Error,
    Folder,
    Gpu,
    Info,
    Minus,
    Model,
    More,
    NewChat,
    Open,
    Pencil,
    Pin,
    Plus,
    Refresh,
    Search,
    Send,
    Settings,
    SidebarLeft,
    SidebarRight,
    Star,
    StarFilled,
    Stop,
    Trash,
    Undo,
    Warning,
};
inline constexpr int kIconCount = static_cast<int>(IconName::Warning) + 1;

enum class IconTone : int { Text, Mute, Accent, OnAccent, Good, Warning, Error };

[[nodiscard]] QIcon icon(IconName name, IconTone tone = IconTone::Text);
/// File name without folder and ending: "chevron-down".
[[nodiscard]] QString iconFileName(IconName name);
/// The program's own icon, in its own colours.
[[nodiscard]] QIcon applicationIcon();

} // namespace hearth::ui
