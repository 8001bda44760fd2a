// SPDX-License-Identifier: Apache-2.0
//
// PerformancePage: how much of the computer a model may use, and what of it would then lie where, planned anew with every
// change. Thread: GUI.
#pragma once

#include "core/catalog/model_library.h"
#include "ui/models/memory_planning.h"
#include "ui/settings/settings_page.h"

#include <vector>

class QComboBox;

namespace hearth::ui {

class MemoryPlanView;
class SettingRow;

class PerformancePage : public SettingsPage {
    Q_OBJECT
public:
    PerformancePage(SettingBinder& binder, QWidget* parent);

    void setModels(const std::vector<core::ModelCard>& cards, const QString& current);
    void setRoom(const PlanRoom& room);

private:
    void showDevices();
    void showPlan();

    std::vector<core::ModelCard> m_cards; ///< usable ones
    PlanRoom m_room;
    QComboBox* m_model;
    MemoryPlanView* m_plan;
    SettingRow* m_device = nullptr;
};

} // namespace hearth::ui
