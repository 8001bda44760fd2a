// SPDX-License-Identifier: Apache-2.0
#include "ui/windows/model_menu.h"

#include "ui/models/model_list_model.h"
#include "ui/style/icons.h"

#include <QActionGroup>
#include <QContextMenuEvent>
#include <QFile>
#include <QFontMetrics>
#include <QKeyEvent>
#include <QLineEdit>
#include <QWidgetAction>

#include <algorithm>

namespace hearth::ui {

namespace {

constexpr int kNamePx = 320;
constexpr int kReasonPx = 360;
constexpr int kRecentShown = 4;

QString escaped(QString text) {
    return text.replace(u'&', QStringLiteral("&&")).replace(u'\t', u' ').replace(u'\n', u' ');
}

QString pathOf(const core::ModelCard& card) { return QFile::decodeName(card.path.c_str()); }

} // namespace

QString verdict(const core::MemoryPlan& plan) {
    if (!plan.onGpu()) return plan.fitsRam() ? ModelMenu::tr("CPU") : ModelMenu::tr("CPU, from disk");
    if (plan.reason == core::PlanReason::Full) return ModelMenu::tr("fits GPU");
    return ModelMenu::tr("%1 of %2 on GPU").arg(plan.layersOnGpu()).arg(plan.layers);
}

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

void ModelMenu::setAtHand(const QStringList& favourites, const QStringList& recent) {
    if (favourites == m_favourites && recent == m_recent) return;
    m_favourites = favourites;
    m_recent = recent;
    rebuild();
}

const core::ModelCard* ModelMenu::cardOf(const QString& path) const {
    const auto& cards = m_models.cards();
    const auto found = std::ranges::find_if(cards, [&path](const core::ModelCard& card) { return pathOf(card) == path; });
    return found == cards.end() ? nullptr : &*found;
}

void ModelMenu::describe(QAction& action, const core::ModelCard& card, const std::optional<core::MemoryPlan>& plan) const {
    const QFontMetrics widths(font());
    const QString name = widths.elidedText(QString::fromStdString(card.name), Qt::ElideMiddle, kNamePx);
    const QModelIndex index = m_models.index(int(&card - m_models.cards().data()));
    QStringList facts{index.data(ModelQuantRole).toString(), index.data(ModelSizeRole).toString()};
    if (plan) facts << verdict(*plan);
    facts.removeAll(QString());
    const QString whyNot = index.data(ModelWhyNotRole).toString();
    const QString right = card.usable ? facts.join(QStringLiteral(" · ")) : widths.elidedText(whyNot, Qt::ElideRight, kReasonPx);
    // What follows the tabulator stands in the column of the keys, flush right.
    action.setText(escaped(name) + u'\t' + escaped(right));
    const QString path = pathOf(card);
    const QString detail = card.usable ? (plan ? QString::fromStdString(core::describe(*plan)) : QString()) : whyNot;
    action.setToolTip(detail.isEmpty() ? path : tr("%1\n%2").arg(path, detail));
}

void ModelMenu::showPlans(const PlanOf& planOf) {
    for (QAction* action : m_modelActions) {
        const core::ModelCard* card = cardOf(action->data().toString());
        if (card && card->usable) describe(*action, *card, planOf(*card));
    }
}

void ModelMenu::setScanning(bool scanning) {
    m_scanning = scanning;
    if (m_models.rowCount() == 0) rebuild();
}

void ModelMenu::addModel(const core::ModelCard& card, const QString& path) {
    auto* action = new QAction(m_group);
    action->setData(path);
    describe(*action, card, std::nullopt);
    action->setCheckable(card.usable);
    action->setChecked(card.usable && path == m_current);
    action->setEnabled(card.usable);
    if (m_favourites.contains(path) && path != m_current) action->setIcon(ui::icon(IconName::StarFilled, IconTone::Accent));
    connect(action, &QAction::triggered, this, [this, path] {
        setCurrentPath(m_current); // the tick follows what is loaded, not the click
        emit modelChosen(path);
    });
    m_modelActions.push_back(action);
    addAction(action);
}

void ModelMenu::addSearchBox() {
    m_search = new QLineEdit;
    m_search->setObjectName(QStringLiteral("modelSearch"));
    m_search->setPlaceholderText(tr("Search models"));
    m_search->setAccessibleName(tr("Search models"));
    m_search->setClearButtonEnabled(true);
    m_search->installEventFilter(this);
    connect(m_search, &QLineEdit::textChanged, this, &ModelMenu::filter);
    auto* box = new QWidgetAction(this);
    box->setDefaultWidget(m_search); // the action's now
    addAction(box);
}

void ModelMenu::rebuild() {
    clear();
    m_search = nullptr;
    delete m_group;
    m_group = new QActionGroup(this);
    m_group->setExclusionPolicy(QActionGroup::ExclusionPolicy::ExclusiveOptional);
    m_modelActions.clear();
    m_captions.clear();
    const auto& cards = m_models.cards();
    if (int(cards.size()) > kManyModels) addSearchBox();

    QStringList shown;
    const auto addAll = [&](const QString& caption, const QStringList& paths, qsizetype most) {
        QAction* title = nullptr;
        qsizetype count = 0;
        for (const QString& path : paths) {
            const core::ModelCard* card = cardOf(path);
            if (!card || shown.contains(path) || count == most) continue;
            if (!title && !caption.isEmpty()) m_captions.push_back(title = addSection(caption));
            addModel(*card, path);
            shown << path;
            ++count;
        }
    };
    addAll(tr("Favourites"), m_favourites, m_favourites.size());
    addAll(tr("Last used"), m_recent, kRecentShown);
    QStringList rest;
    for (const core::ModelCard& card : cards)
        rest << pathOf(card);
    addAll(shown.isEmpty() ? QString() : tr("All models"), rest, rest.size());
    if (m_modelActions.empty()) {
        QAction* empty = addAction(m_scanning ? tr("Looking for models…") : tr("No models found in the model folders"));
        empty->setEnabled(false);
    }
    addSeparator();
    for (QAction* command : m_commands)
        command ? addAction(command) : (void)addSeparator();
}

void ModelMenu::filter(const QString& words) {
    const QStringList wanted = words.split(u' ', Qt::SkipEmptyParts);
    for (QAction* action : m_modelActions) {
        const QString text = action->text() + u' ' + action->data().toString();
        action->setVisible(std::ranges::all_of(wanted, [&text](const QString& word) { return text.contains(word, Qt::CaseInsensitive); }));
    }
    for (QAction* caption : m_captions)
        caption->setVisible(wanted.isEmpty());
}

bool ModelMenu::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_search && event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent*>(event)->key();
        const auto first = std::ranges::find_if(m_modelActions, [](const QAction* action) { return action->isVisible() && action->isEnabled(); });
        if (first != m_modelActions.end() && key == Qt::Key_Down) {
            setFocus();
            setActiveAction(*first);
            return true;
        }
        if (first != m_modelActions.end() && (key == Qt::Key_Return || key == Qt::Key_Enter)) {
            close();
            (*first)->trigger();
            return true;
        }
    }
    return QMenu::eventFilter(watched, event);
}

void ModelMenu::contextMenuEvent(QContextMenuEvent* event) {
    const QAction* action = actionAt(event->pos());
    if (std::ranges::find(m_modelActions, action) == m_modelActions.end()) return QMenu::contextMenuEvent(event);
    const QString path = action->data().toString();
    close(); // the list is about to be another
    emit favouriteToggled(path);
}

void ModelMenu::showEvent(QShowEvent* event) {
    QMenu::showEvent(event);
    if (!m_search) return;
    m_search->clear();
    m_search->setFocus();
}

} // namespace hearth::ui
