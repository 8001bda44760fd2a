// SPDX-License-Identifier: Apache-2.0
//
// SettingsPage: a scrolling page of the settings dialog with a heading and, where settings may differ per model, the
// switch "for all models / only for this one". Thread: GUI.
#pragma once

#include <QScrollArea>
#include <QString>

class QVBoxLayout;

namespace hearth::ui {

class SettingBinder;

class SettingsPage : public QScrollArea {
    Q_OBJECT
public:
    enum class Switch : int { None, PerModel };

    SettingsPage(const QString& title, Switch perModel, SettingBinder& binder, QWidget* parent);
    [[nodiscard]] QString title() const { return m_title; }

protected:
    [[nodiscard]] SettingBinder& binder() const { return m_binder; }
    [[nodiscard]] QVBoxLayout* column() const { return m_column; }
    void addCaption(const QString& text);
    void addNote(const QString& text);
    void addLine();

private:
    void addSwitch();

    QString m_title;
    SettingBinder& m_binder;
    QVBoxLayout* m_column;
};

} // namespace hearth::ui
