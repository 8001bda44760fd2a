// SPDX-License-Identifier: Apache-2.0
//
// SettingsDialog: the settings in groups, one page class per group. Changes apply at once: every one is a signal, there
// is nothing to confirm. Values are checked against core/store/settings_schema.h. Thread: GUI.
#pragma once

#include "core/catalog/model_library.h"
#include "ui/models/memory_planning.h"

#include <QDialog>
#include <QMap>
#include <QString>
#include <QVariant>

#include <vector>

class QListWidget;
class QStackedWidget;

namespace hearth::ui {

class ChatPage;
class PerformancePage;
class SettingBinder;
class SettingsPage;

class SettingsDialog : public QDialog {
    Q_OBJECT
public:
    /// effective       every setting's value for all models, keyed as in the schema
    /// modelName       the loaded model; empty when there is none
    /// modelOverrides  the values that hold for this model only
    SettingsDialog(const QMap<QString, QVariant>& effective, const QString& modelName, const QMap<QString, QVariant>& modelOverrides,
                   QWidget* parent = nullptr);

    /// Shows the page with this title, for example "Models".
    void showPage(const QString& title);
    void done(int result) override;

    /// The models that may be planned for, and which of them first (a path; empty = the first one).
    void setModels(const std::vector<core::ModelCard>& cards, const QString& current);
    /// What is there now; any number of times.
    void setRoom(const PlanRoom& room);

signals:
    void settingChanged(const QString& key, const QVariant& value, bool forModelOnly);
    void settingReset(const QString& key, bool forModelOnly);

private:
    void addPage(SettingsPage* page);

    SettingBinder* m_binder;
    ChatPage* m_chatPage;
    PerformancePage* m_performancePage;
    QListWidget* m_titles;
    QStackedWidget* m_pages;
};

} // namespace hearth::ui
