// SPDX-License-Identifier: Apache-2.0
//
// ChatPage: what the model is told before every chat. Saved a moment after the last key, and when the page goes away.
// Thread: GUI.
#pragma once

#include "ui/settings/settings_page.h"

#include <QTimer>

class QPlainTextEdit;
class QPushButton;

namespace hearth::ui {

class ChatPage : public SettingsPage {
    Q_OBJECT
public:
    ChatPage(SettingBinder& binder, QWidget* parent);
    /// Hands on what was typed and not yet said.
    void commit();

private:
    void refresh();

    QPlainTextEdit* m_prompt;
    QPushButton* m_reset;
    QTimer m_timer;
};

} // namespace hearth::ui
