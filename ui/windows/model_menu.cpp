// SPDX-License-Identifier: Apache-2.0
#include "ui/windows/model_menu.h"

#include "ui/models/model_list_model.h"

#include <QActionGroup>
#include <QFileInfo>
#include <QFontMetrics>

namespace hearth::ui {

namespace {

constexpr int kNamePx = 320;
constexpr int kReasonPx = 360;

QString escaped(QString text) {
    return text.replace(u'&', QStringLiteral("&&")).replace(u'\t', u' ').replace(u'\n', u' ');
}

} // namespace

ModelMenu::ModelMenu(const ModelListModel& models, std::vector<QAction*> commands, QWidget* parent)
    : QMenu(tr("&Model"), parent)
    , m_models(models)
    , m_commands(std::move(commands)) {
    setToolTipsVisible(true);
    connect(&models, &ModelListModel::modelReset, this, &ModelMenu::rebuild);
    rebuild();
}

void ModelMenu::setCurrentPath(const QString& path) {
    m_current = path;
    for (QAction* action : m_modelActions)
        action->setChecked(action->data().toString() == path);
}

void ModelMenu::showPlans(const std::function<QString(const core::ModelCard&)>& planOf) {
    for (std::size_t i = 0; i < m_modelActions.size(); ++i) {
        const core::ModelCard& card = m_models.cards()[i];
        const QString plan = card.usable ? planOf(card) : QString();
        if (!plan.isEmpty()) m_modelActions[i]->setToolTip(tr("%1\n%2").arg(m_modelActions[i]->data().toString(), plan));
    }
}

void ModelMenu::setScanning(bool scanning) {
    m_scanning = scanning;
    if (m_models.rowCount() == 0) rebuild();
}

void ModelMenu::rebuild() {
    clear();
    delete m_group;
    m_group = new QActionGroup(this);
    m_group->setExclusionPolicy(QActionGroup::ExclusionPolicy::ExclusiveOptional);
    m_modelActions.clear();
    const QFontMetrics widths(font());
    for (int row = 0; row < m_models.rowCount(); ++row) {
        const QModelIndex index = m_models.index(row);
        const QString path = index.data(ModelPathRole).toString();
        const bool usable = index.data(ModelUsableRole).toBool();
        const QString whyNot = index.data(ModelWhyNotRole).toString();
        const QString name = widths.elidedText(index.data(ModelNameRole).toString(), Qt::ElideMiddle, kNamePx);
        QStringList facts{index.data(ModelQuantRole).toString(), index.data(ModelSizeRole).toString()};
        facts.removeAll(QString());
        const QString right =
            usable ? facts.join(QStringLiteral(" · ")) : widths.elidedText(whyNot, Qt::ElideRight, kReasonPx);
        // What follows the tabulator stands in the column of the keys, flush right.
        auto* action = new QAction(escaped(name) + u'\t' + escaped(right), m_group);
        action->setData(path);
        action->setCheckable(usable);
        action->setChecked(usable && path == m_current);
        action->setEnabled(usable);
        action->setToolTip(usable ? path : tr("%1\n%2").arg(path, whyNot));
        connect(action, &QAction::triggered, this, [this, path] {
            setCurrentPath(m_current); // the tick follows what is loaded, not the click
            emit modelChosen(path);
        });
        m_modelActions.push_back(action);
        addAction(action);
    }
    if (m_modelActions.empty()) {
        QAction* empty = addAction(m_scanning ? tr("Looking for models…") : tr("No models found in the model folders"));
        empty->setEnabled(false);
    }
    addSeparator();
    for (QAction* command : m_commands)
        command ? addAction(command) : (void)addSeparator();
}

} // namespace hearth::ui
