// SPDX-License-Identifier: Apache-2.0
#include "ui/settings/models_page.h"

#include "ui/settings/setting_binder.h"
#include "ui/settings/setting_row.h"
#include "ui/style/icons.h"

#include <QDir>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QShortcut>
#include <QVBoxLayout>

namespace hearth::ui {

namespace {

const auto kKey = QStringLiteral("models.folders");

} // namespace

ModelsPage::ModelsPage(SettingBinder& binder, QWidget* parent)
    : SettingsPage(tr("Models"), Switch::None, binder, parent)
    , m_list(new QListWidget(widget()))
    , m_emptyText(new QLabel(tr("No folders yet"), m_list))
    , m_remove(new QPushButton(tr("Remove"), widget())) {
    addNote(tr("GGUF files in these folders are offered in the Model menu, besides those in the program's own folder."));
    m_list->setObjectName(kKey);
    m_list->setProperty("field", true);
    m_list->setAccessibleName(tr("Folders with models"));
    m_list->setMinimumHeight(160);
    m_list->setTextElideMode(Qt::ElideMiddle);
    m_emptyText->setForegroundRole(QPalette::PlaceholderText);
    m_emptyText->setAttribute(Qt::WA_TransparentForMouseEvents);
    auto* over = new QVBoxLayout(m_list);
    over->addWidget(m_emptyText, 0, Qt::AlignCenter);
    auto* add = new QPushButton(tr("Add folder\u2026"), widget());
    add->setObjectName(QStringLiteral("addFolder"));
    add->setAutoDefault(false);
    m_remove->setObjectName(QStringLiteral("removeFolder"));
    m_remove->setAutoDefault(false);
    column()->addSpacing(12);
    column()->addWidget(m_list);
    column()->addSpacing(8);
    auto* row = new QHBoxLayout;
    row->setSpacing(8);
    row->addWidget(add);
    row->addWidget(m_remove);
    row->addStretch(1);
    column()->addLayout(row);
    column()->addSpacing(16);
    column()->addWidget(SettingRow::choice(this->binder(), QStringLiteral("models.otherStores"),
                                           {tr("Models of other programs"),
                                            tr("Files that Hugging Face, LM Studio, Jan, GPT4All, Ollama or llama.cpp have fetched are used where they are.")},
                                           {{QStringLiteral("use"), tr("Offer them too")}, {QStringLiteral("ignore"), tr("Leave them out")}}, widget()));

    connect(add, &QPushButton::clicked, this, &ModelsPage::askForFolder);
    connect(m_remove, &QPushButton::clicked, this, &ModelsPage::removeSelected);
    auto* deleteKey = new QShortcut(QKeySequence(Qt::Key_Delete), m_list);
    deleteKey->setContext(Qt::WidgetShortcut);
    connect(deleteKey, &QShortcut::activated, this, &ModelsPage::removeSelected);
    connect(m_list, &QListWidget::currentRowChanged, this, [this](int at) { m_remove->setEnabled(at >= 0); });
    connect(&binder, &SettingBinder::refreshed, this, [this](const QString& key) {
        if (key == kKey) refresh();
    });
    refresh();
}

QStringList ModelsPage::folders() const { return binder().value(kKey).toString().split(u'\n', Qt::SkipEmptyParts); }

void ModelsPage::addFolder(const QString& path) {
    const QString clean = QDir::cleanPath(path);
    QStringList all = folders();
    if (path.isEmpty() || clean.contains(u'\n') || all.contains(clean)) return;
    all.append(clean);
    binder().change(kKey, all.join(u'\n'));
    m_list->setCurrentRow(m_list->count() - 1);
}

void ModelsPage::askForFolder() {
    auto* dialog = new QFileDialog(this, tr("Folder with models"), QDir::homePath());
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QFileDialog::fileSelected, this, &ModelsPage::addFolder);
    dialog->open();
}

void ModelsPage::removeSelected() {
    const int at = m_list->currentRow();
    QStringList all = folders();
    if (at < 0 || at >= all.size()) return;
    all.removeAt(at);
    binder().change(kKey, all.join(u'\n'));
    m_list->setCurrentRow(qMin(at, m_list->count() - 1));
}

void ModelsPage::refresh() {
    m_list->clear();
    for (const QString& folder : folders()) {
        auto* entry = new QListWidgetItem(icon(IconName::Folder, IconTone::Mute), QDir::toNativeSeparators(folder), m_list);
        if (!QDir(folder).exists()) {
            entry->setIcon(icon(IconName::Warning, IconTone::Warning));
            entry->setToolTip(tr("This folder does not exist at the moment."));
        }
    }
    m_emptyText->setVisible(m_list->count() == 0);
    m_remove->setEnabled(m_list->currentRow() >= 0);
}

} // namespace hearth::ui
