// SPDX-License-Identifier: Apache-2.0
//
// AppearancePage: the look of the window. Thread: GUI.
#pragma once

#include "ui/settings/settings_page.h"

namespace hearth::ui {

class AppearancePage : public SettingsPage {
    Q_OBJECT
public:
    AppearancePage(SettingBinder& binder, QWidget* parent);
};

} // namespace hearth::ui
