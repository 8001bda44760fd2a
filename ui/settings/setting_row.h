// SPDX-License-Identifier: Apache-2.0
//
// SettingRow: one setting: its name, a sentence about it, the field, and Reset when there is something to take back.
// Each function makes the field for one kind of value; the range comes from the schema. Thread: GUI.
#pragma once

#include <QString>
#include <QWidget>

#include <functional>
#include <vector>

class QComboBox;
class QToolButton;
class QVBoxLayout;

namespace hearth::ui {

class MuteLabel;
class SettingBinder;

class SettingRow : public QWidget {
    Q_OBJECT
public:
    struct Text {
        QString title;
        QString hint;
    };
    struct Choice {
        QString value;
        QString text;
        bool operator==(const Choice&) const = default;
    };

    /// `zeroText`: what the smallest value means, for example "Off" or "Automatic"; empty = just that number.
    static SettingRow* wholeNumber(SettingBinder& binder, const QString& key, const Text& text, int step, const QString& zeroText, QWidget* parent);
    static SettingRow* decimalNumber(SettingBinder& binder, const QString& key, const Text& text, double step, QWidget* parent);
    /// A whole number of any size, -1 when the field is empty.
    static SettingRow* optionalNumber(SettingBinder& binder, const QString& key, const Text& text, const QString& emptyText, QWidget* parent);
    static SettingRow* choice(SettingBinder& binder, const QString& key, const Text& text, const std::vector<Choice>& choices, QWidget* parent);
    /// Other choices for a row that choice() made. The setting keeps its value: what is no longer among them is shown as missing.
    void setChoices(const std::vector<Choice>& choices);

private:
    SettingRow(SettingBinder& binder, const QString& key, const Text& text, QWidget* parent);
    /// `show` writes the binder's value into the field; it is called now and whenever the value may have changed.
    void setField(QWidget* field, std::function<void()> show);
    void refresh();

    SettingBinder& m_binder;
    QString m_key;
    QString m_title;
    QVBoxLayout* m_texts;
    QToolButton* m_reset;
    std::function<void()> m_show;
    QComboBox* m_choices = nullptr; ///< of choice()
};

} // namespace hearth::ui
