// SPDX-License-Identifier: Apache-2.0
//
// What a screen reader sees of MessageView: a list whose items are the messages ("You: ...", "Reply: ..."). Thread: GUI.
#pragma once

namespace hearth::ui {

/// Makes Qt ask for these interfaces; harmless when repeated.
void installMessageViewAccessibility();

} // namespace hearth::ui
