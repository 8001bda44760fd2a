// SPDX-License-Identifier: Apache-2.0
//
// The About box: version, licence, where the data lies. Thread: GUI.
#pragma once

class QWidget;

namespace hearth::ui {

void showAbout(QWidget* parent);

} // namespace hearth::ui
