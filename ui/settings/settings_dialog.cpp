// SPDX-License-Identifier: Apache-2.0
#include "ui/settings/settings_dialog.h"

#include "ui/settings/appearance_page.h"
#include "ui/settings/chat_page.h"
#include "ui/settings/generation_page.h"
#include "ui/settings/models_page.h"
#include "ui/settings/performance_page.h"
#include "ui/settings/setting_binder.h"

#include <QHBoxLayout>
#include <QListWidget>
#include <QPushButton>
#include <QStackedWidget>
#include <QVBoxLayout>

namespace hearth::ui {

namespace {

constexpr int kTitlesWidth = 160;
constexpr QSize kSize(720, 620);

} // namespace

SettingsDialog::SettingsDialog(const QMap<QString, QVariant>& effective, const QString& modelName,
                               const QMap<QString, QVariant>& modelOverrides, QWidget* parent)
    : QDialog(parent)
    , m_binder(new SettingBinder(effective, modelName, modelOverrides, this))
    , m_chatPage(nullptr)
    , m_performancePage(nullptr)
    , m_titles(new QListWidget(this))
    , m_pages(new QStackedWidget(this)) {
    setWindowTitle(tr("Settings"));
    m_titles->setObjectName(QStringLiteral("titles"));
    m_titles->setProperty("titles", true);
    m_titles->setAccessibleName(tr("Groups of settings"));
    m_titles->setFixedWidth(kTitlesWidth);
    m_titles->setFrameShape(QFrame::NoFrame);

    addPage(new ModelsPage(*m_binder, m_pages));
    addPage(new GenerationPage(*m_binder, m_pages));
    m_performancePage = new PerformancePage(*m_binder, m_pages);
    addPage(m_performancePage);
    m_chatPage = new ChatPage(*m_binder, m_pages);
    addPage(m_chatPage);
    addPage(new AppearancePage(*m_binder, m_pages));

    auto* closeButton = new QPushButton(tr("Close"), this);
    closeButton->setAutoDefault(false); // Return belongs to the fields
    auto* buttons = new QHBoxLayout;
    buttons->setContentsMargins(24, 12, 16, 16);
    buttons->addStretch(1);
    buttons->addWidget(closeButton);
    auto* right = new QVBoxLayout;
    right->setSpacing(0);
    right->addWidget(m_pages, 1);
    right->addLayout(buttons);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(0);
    row->addWidget(m_titles);
    row->addLayout(right, 1);
    resize(kSize);

    connect(m_titles, &QListWidget::currentRowChanged, m_pages, &QStackedWidget::setCurrentIndex);
    connect(closeButton, &QPushButton::clicked, this, &QDialog::close);
    connect(m_binder, &SettingBinder::settingChanged, this, &SettingsDialog::settingChanged);
    connect(m_binder, &SettingBinder::settingReset, this, &SettingsDialog::settingReset);
    m_titles->setCurrentRow(0);
}

void SettingsDialog::addPage(SettingsPage* page) {
    m_titles->addItem(page->title());
    m_pages->addWidget(page);
}

void SettingsDialog::setModels(const std::vector<core::ModelCard>& cards, const QString& current) {
    m_performancePage->setModels(cards, current);
}

void SettingsDialog::setRoom(const PlanRoom& room) {
    m_performancePage->setRoom(room);
}

void SettingsDialog::showPage(const QString& title) {
    const QList<QListWidgetItem*> found = m_titles->findItems(title, Qt::MatchExactly);
    if (!found.isEmpty()) m_titles->setCurrentItem(found.first());
}

void SettingsDialog::done(int result) {
    // A number that is still being typed counts as typed.
    if (QWidget* field = focusWidget()) field->clearFocus();
    m_chatPage->commit();
    QDialog::done(result);
}

} // namespace hearth::ui
