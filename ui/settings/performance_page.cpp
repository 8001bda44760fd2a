// SPDX-License-Identifier: Apache-2.0
#include "ui/settings/performance_page.h"

#include "ui/settings/setting_row.h"

#include <QVBoxLayout>

namespace hearth::ui {

PerformancePage::PerformancePage(SettingBinder& binder, QWidget* parent)
    : SettingsPage(tr("Performance"), Switch::PerModel, binder, parent) {
    column()->addWidget(SettingRow::wholeNumber(this->binder(), QStringLiteral("engine.threads"),
                                                {tr("Threads"), tr("Automatic is one for each physical core.")}, 1, tr("Automatic"), widget()));
    column()->addWidget(SettingRow::wholeNumber(
        this->binder(), QStringLiteral("engine.contextLength"),
        {tr("Context length"), tr("In tokens. Longer remembers more of a chat and takes more memory. Automatic is what the model can do, at most 8,192.")},
        1024, tr("Automatic"), widget()));
    column()->addSpacing(8);
    addNote(tr("Both take effect when a model is loaded."));
}

} // namespace hearth::ui
