// SPDX-License-Identifier: Apache-2.0
//
// GenerationPage: how the next word is chosen, and for how long. Thread: GUI.
#pragma once

#include "ui/settings/settings_page.h"

namespace hearth::ui {

class GenerationPage : public SettingsPage {
    Q_OBJECT
public:
    GenerationPage(SettingBinder& binder, QWidget* parent);
};

} // namespace hearth::ui
