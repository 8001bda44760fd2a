// SPDX-License-Identifier: Apache-2.0
#include "ui/settings/performance_page.h"

#include "core/base/units.h"
#include "ui/settings/memory_plan_view.h"
#include "ui/settings/setting_binder.h"
#include "ui/settings/setting_row.h"

#include <QComboBox>
#include <QFile>
#include <QSignalBlocker>
#include <QVBoxLayout>

#include <algorithm>

namespace hearth::ui {

namespace {

constexpr int kDeviceWidth = 220;

const auto kContext = QStringLiteral("engine.contextLength");
const auto kDevice = QStringLiteral("engine.device");
const auto kLayers = QStringLiteral("engine.gpuLayers");
const auto kKvType = QStringLiteral("engine.kvType");
const auto kThreads = QStringLiteral("engine.threads");

QString deviceText(const core::Device& device) {
    QString text = QString::fromStdString(device.name);
    if (device.totalBytes > 0) text += QStringLiteral(" · ") + QString::fromStdString(core::formatBytes(device.totalBytes));
    return device.reason == core::GpuReason::Ok ? text : PerformancePage::tr("%1 (cannot be used now)").arg(text);
}

} // namespace

PerformancePage::PerformancePage(SettingBinder& binder, QWidget* parent)
    : SettingsPage(tr("Performance"), Switch::PerModel, binder, parent)
    , m_model(new QComboBox(widget()))
    , m_plan(new MemoryPlanView(widget())) {
    m_model->setObjectName(QStringLiteral("planModel"));
    m_model->setAccessibleName(tr("Model to plan for"));
    m_model->setFocusPolicy(Qt::StrongFocus);
    m_model->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_model->setVisible(false);
    column()->addSpacing(12);
    column()->addWidget(m_model);
    column()->addSpacing(8);
    column()->addWidget(m_plan);
    column()->addSpacing(8);

    column()->addWidget(SettingRow::wholeNumber(
        binder, kContext,
        {tr("Context length"), tr("In tokens. Longer remembers more of a chat and takes more memory. Automatic is what the model can do, at most 8,192.")},
        1024, tr("Automatic"), widget()));
    column()->addWidget(SettingRow::choice(
        binder, kKvType, {tr("Memory of the context"), tr("8 bits take about half the memory of 16 and are a little less exact.")},
        {{QStringLiteral("f16"), tr("16 bits")}, {QStringLiteral("q8_0"), tr("8 bits")}}, widget()));
    m_device = SettingRow::choice(binder, kDevice, {tr("Runs on"), tr("Automatic is the graphics card with the most free memory, the processor where none can be used.")},
                                  {{QString(), tr("Automatic")}}, widget());
    m_device->findChild<QComboBox*>(kDevice)->setFixedWidth(kDeviceWidth);
    column()->addWidget(m_device);
    column()->addWidget(SettingRow::wholeNumber(
        binder, kLayers, {tr("Layers on the graphics card"), tr("Automatic is as many as fit; the processor computes the others. 0 is none.")}, 1, tr("Automatic"), widget()));
    column()->addWidget(SettingRow::wholeNumber(binder, kThreads, {tr("Threads"), tr("Of the processor. Automatic is one for each physical core.")}, 1,
                                                tr("Automatic"), widget()));
    column()->addSpacing(8);
    addNote(tr("All of this takes effect when a model is loaded."));

    connect(&binder, &SettingBinder::refreshed, this, [this](const QString& key) {
        if (key.startsWith(QStringLiteral("engine."))) showPlan();
    });
    connect(m_model, &QComboBox::currentIndexChanged, this, &PerformancePage::showPlan);
    showDevices();
    showPlan();
}

void PerformancePage::setModels(const std::vector<core::ModelCard>& cards, const QString& current) {
    m_cards.clear();
    std::ranges::copy_if(cards, std::back_inserter(m_cards), [](const core::ModelCard& card) { return card.needs.has_value(); });
    const QSignalBlocker quiet(m_model);
    m_model->clear();
    for (const core::ModelCard& card : m_cards)
        m_model->addItem(QString::fromStdString(card.name), QFile::decodeName(card.path.c_str()));
    m_model->setCurrentIndex(std::max(0, m_model->findData(current)));
    m_model->setVisible(m_cards.size() > 1);
    showPlan();
}

void PerformancePage::setRoom(const PlanRoom& room) {
    m_room = room;
    showDevices();
    showPlan();
}

void PerformancePage::showDevices() {
    std::vector<SettingRow::Choice> choices{{QString(), tr("Automatic")}};
    for (const core::Device& device : m_room.devices.devices) {
        if (device.id != core::kCpuDevice) choices.push_back({QString::fromStdString(device.id), deviceText(device)});
    }
    choices.push_back({QString::fromUtf8(core::kCpuDevice.data(), static_cast<qsizetype>(core::kCpuDevice.size())), tr("Processor")});
    m_device->setChoices(choices);
}

void PerformancePage::showPlan() {
    const int at = m_model->currentIndex();
    if (at < 0 || at >= static_cast<int>(m_cards.size())) return m_plan->showPlan({}, std::nullopt, 0);
    const core::ModelCard& card = m_cards[static_cast<std::size_t>(at)];
    const auto request = loadRequest({}, [this](const QString& key) { return binder().value(key); });
    m_plan->showPlan(m_cards.size() > 1 ? tr("What fits where") : QString::fromStdString(card.name), planOf(*card.needs, m_room, request), m_room.ramTotal);
}

} // namespace hearth::ui
