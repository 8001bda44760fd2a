// SPDX-License-Identifier: Apache-2.0
#include "ui/settings/appearance_page.h"

#include "ui/settings/setting_row.h"

#include <QVBoxLayout>

namespace hearth::ui {

AppearancePage::AppearancePage(SettingBinder& binder, QWidget* parent)
    : SettingsPage(tr("Appearance"), Switch::None, binder, parent) {
    column()->addWidget(SettingRow::choice(this->binder(), QStringLiteral("ui.theme"), {tr("Theme"), tr("System follows the desktop.")},
                                           {{QStringLiteral("system"), tr("System")},
                                            {QStringLiteral("light"), tr("Light")},
                                            {QStringLiteral("dark"), tr("Dark")}},
                                           widget()));
    column()->addWidget(SettingRow::choice(this->binder(), QStringLiteral("chat.titles"),
                                           {tr("Titles of new chats"), tr("The model makes one after its first reply, when it has nothing else to do.")},
                                           {{QStringLiteral("model"), tr("By the model")}, {QStringLiteral("words"), tr("First words")}}, widget()));
}

} // namespace hearth::ui
