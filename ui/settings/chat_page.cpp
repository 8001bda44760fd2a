// SPDX-License-Identifier: Apache-2.0
#include "ui/settings/chat_page.h"

#include "ui/settings/setting_binder.h"

#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalBlocker>
#include <QVBoxLayout>

namespace hearth::ui {

namespace {

constexpr int kPauseMs = 500;
const auto kKey = QStringLiteral("chat.systemPrompt");

} // namespace

ChatPage::ChatPage(SettingBinder& binder, QWidget* parent)
    : SettingsPage(tr("Chat"), Switch::PerModel, binder, parent), m_prompt(new QPlainTextEdit(widget())), m_reset(new QPushButton(tr("Reset"), widget())) {
    addCaption(tr("System prompt"));
    addNote(tr("Told to the model before every chat: who it is, how it should answer."));
    m_prompt->setObjectName(kKey);
    m_prompt->setProperty("field", true);
    m_prompt->setAccessibleName(tr("System prompt"));
    m_prompt->setPlaceholderText(tr("None"));
    m_prompt->setTabChangesFocus(true);
    m_prompt->setMinimumHeight(160);
    m_reset->setObjectName(QStringLiteral("reset.") + kKey);
    m_reset->setAutoDefault(false);
    column()->addSpacing(8);
    column()->addWidget(m_prompt);
    column()->addSpacing(8);
    column()->addWidget(m_reset, 0, Qt::AlignLeft);

    m_timer.setSingleShot(true);
    m_timer.setInterval(kPauseMs);
    connect(&m_timer, &QTimer::timeout, this, &ChatPage::commit);
    connect(m_prompt, &QPlainTextEdit::textChanged, &m_timer, qOverload<>(&QTimer::start));
    connect(m_reset, &QPushButton::clicked, this, [this] {
        commit();
        this->binder().reset(kKey);
    });
    connect(&binder, &SettingBinder::aboutToChangeTarget, this, &ChatPage::commit);
    connect(&binder, &SettingBinder::refreshed, this, [this](const QString& key) {
        if (key == kKey) refresh();
    });
    refresh();
}

void ChatPage::commit() {
    m_timer.stop();
    binder().change(kKey, m_prompt->toPlainText());
}

void ChatPage::refresh() {
    const QString text = binder().value(kKey).toString();
    // Only another text: setting the same one would move the cursor and forget what can be undone.
    if (text != m_prompt->toPlainText()) {
        const QSignalBlocker quiet(m_prompt);
        m_prompt->setPlainText(text);
    }
    m_reset->setVisible(binder().differs(kKey));
    m_reset->setToolTip(binder().target() == SettingBinder::Target::ThisModel ? tr("Back to the text for all models") : tr("Back to none"));
}

} // namespace hearth::ui
