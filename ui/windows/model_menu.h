// SPDX-License-Identifier: Apache-2.0
//
// ModelMenu: the Model menu of the menu bar and of the model button: every file that was found, with size and
// quantization, the unusable ones greyed with the reason, then the commands. Thread: GUI.
#pragma once

#include "core/catalog/model_library.h"

#include <QMenu>
#include <QString>

#include <functional>
#include <vector>

class QActionGroup;

namespace hearth::ui {

class ModelListModel;

class ModelMenu : public QMenu {
    Q_OBJECT
public:
    /// `commands` come below the list, in order; nullptr is a separator. `models` must outlive the menu.
    ModelMenu(const ModelListModel& models, std::vector<QAction*> commands, QWidget* parent = nullptr);

    /// The file that is loaded or being loaded: ticked.
    void setCurrentPath(const QString& path);
    /// Says at each model what `planOf` says of its card; nothing for an empty text.
    void showPlans(const std::function<QString(const core::ModelCard&)>& planOf);
    void setScanning(bool scanning);
    [[nodiscard]] std::vector<QAction*> modelActions() const { return m_modelActions; }

signals:
    void modelChosen(const QString& path);

private:
    void rebuild();

    const ModelListModel& m_models;
    std::vector<QAction*> m_commands;
    std::vector<QAction*> m_modelActions; ///< children of m_group
    QActionGroup* m_group = nullptr;
    QString m_current;
    bool m_scanning = false;
};

} // namespace hearth::ui
