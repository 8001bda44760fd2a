// SPDX-License-Identifier: Apache-2.0
//
// ModelsPage: the folders in which model files are looked for (models.folders, one path a line). Thread: GUI.
#pragma once

#include "ui/settings/settings_page.h"

#include <QStringList>

class QLabel;
class QListWidget;
class QPushButton;

namespace hearth::ui {

class ModelsPage : public SettingsPage {
    Q_OBJECT
public:
    ModelsPage(SettingBinder& binder, QWidget* parent);

    /// Ignores a folder that is listed already, and a path with a line break in it.
    void addFolder(const QString& path);

private:
    [[nodiscard]] QStringList folders() const;
    void askForFolder();
    void removeSelected();
    void refresh();

    QListWidget* m_list;
    QLabel* m_emptyText;
    QPushButton* m_remove;
};

} // namespace hearth::ui
