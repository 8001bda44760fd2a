// SPDX-License-Identifier: Apache-2.0
//
// ModelMenu: the Model menu of the menu bar and of the model button: a search box when there are many, favourites, the
// last used ones, then every other file that was found, each with quantization, size and where it would run; the unusable
// ones greyed with the reason; then the commands. A right click makes a model a favourite. Thread: GUI.
#pragma once

#include "core/catalog/memory_plan.h"
#include "core/catalog/model_library.h"

#include <QMenu>
#include <QString>
#include <QStringList>

#include <functional>
#include <optional>
#include <vector>

class QActionGroup;
class QLineEdit;

namespace hearth::ui {

class ModelListModel;

class ModelMenu : public QMenu {
    Q_OBJECT
public:
    /// With more models than this there is a search box.
    static constexpr int kManyModels = 10;

    using PlanOf = std::function<std::optional<core::MemoryPlan>(const core::ModelCard&)>;

    /// `commands` come below the list, in order; nullptr is a separator. `models` must outlive the menu.
    ModelMenu(const ModelListModel& models, std::vector<QAction*> commands, QWidget* parent = nullptr);

    /// The file that is loaded or being loaded: ticked.
    void setCurrentPath(const QString& path);
    /// Paths; recent: last used first. Those that were not found are passed over.
    void setAtHand(const QStringList& favourites, const QStringList& recent);
    /// Says at each model where it would run: in a word beside it, in numbers in its tool tip.
    void showPlans(const PlanOf& planOf);
    void setScanning(bool scanning);
    /// In the order of the menu.
    [[nodiscard]] std::vector<QAction*> modelActions() const { return m_modelActions; }

signals:
    void modelChosen(const QString& path);
    void favouriteToggled(const QString& path);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void showEvent(QShowEvent* event) override;

private:
    void rebuild();
    void addSearchBox();
    void addModel(const core::ModelCard& card, const QString& path);
    void filter(const QString& words);
    void describe(QAction& action, const core::ModelCard& card, const std::optional<core::MemoryPlan>& plan) const;
    [[nodiscard]] const core::ModelCard* cardOf(const QString& path) const;

    const ModelListModel& m_models;
    std::vector<QAction*> m_commands;
    std::vector<QAction*> m_modelActions; ///< children of m_group
    std::vector<QAction*> m_captions;
    QActionGroup* m_group = nullptr;
    QLineEdit* m_search = nullptr; ///< only with many models
    QString m_current;
    QStringList m_favourites;
    QStringList m_recent;
    bool m_scanning = false;
};

/// "fits GPU", "24 of 32 on GPU", "CPU", "CPU, from disk".
[[nodiscard]] QString verdict(const core::MemoryPlan& plan);

} // namespace hearth::ui
