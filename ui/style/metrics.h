// SPDX-License-Identifier: Apache-2.0
//
// Every size (px at 1x, on a 4-px grid) and duration of the window.
#pragma once

namespace hearth::ui::metrics {

inline constexpr int kGrid = 4;
inline constexpr int kFieldRadius = 8;
inline constexpr int kCardRadius = 10;
inline constexpr int kComposerRadius = 12;
inline constexpr int kSidebarWidth = 264;
inline constexpr int kStatusWidth = 284;
inline constexpr int kReadingWidth = 660;
inline constexpr int kStatusFoldWidth = 1000;   ///< below: the status panel folds into the status bar
inline constexpr int kSidebarFoldWidth = 720;   ///< below: the sidebar folds into a button
inline constexpr int kTextPx = 14;
inline constexpr int kTextLinePx = 21;
inline constexpr int kCaptionPx = 12;
inline constexpr int kBigNumberPx = 24;
inline constexpr int kMonoPx = 13;
inline constexpr int kMonoLinePx = 20;
inline constexpr int kIconPx = 20;
inline constexpr int kMotionMs = 120;

} // namespace hearth::ui::metrics
