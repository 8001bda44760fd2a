// SPDX-License-Identifier: Apache-2.0
//
// PerformancePage: how much of the computer a model may use. Thread: GUI.
#pragma once

#include "ui/settings/settings_page.h"

namespace hearth::ui {

class PerformancePage : public SettingsPage {
    Q_OBJECT
public:
    PerformancePage(SettingBinder& binder, QWidget* parent);
};

} // namespace hearth::ui
