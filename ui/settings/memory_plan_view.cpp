// SPDX-License-Identifier: Apache-2.0
#include "ui/settings/memory_plan_view.h"

#include "ui/widgets/gauge.h"
#include "ui/widgets/status_text.h"

#include <QVBoxLayout>

#include <algorithm>

namespace hearth::ui {

namespace {

constexpr int kGap = 6;
constexpr int kGaugeGap = 2;

double share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

} // namespace

MemoryPlanView::MemoryPlanView(QWidget* parent)
    : Card({}, parent)
    , m_gpu(new ValueRow({}, this))
    , m_gpuGauge(new Gauge(this))
    , m_ram(new ValueRow(tr("Memory of the computer"), this))
    , m_ramGauge(new Gauge(this))
    , m_sentence(new MuteLabel(this)) {
    setObjectName(QStringLiteral("memoryPlan"));
    m_gpu->setObjectName(QStringLiteral("memoryPlan.gpu"));
    m_ram->setObjectName(QStringLiteral("memoryPlan.ram"));
    m_sentence->setObjectName(QStringLiteral("memoryPlan.sentence"));
    m_gpuGauge->setAccessibleName(tr("Planned memory of the graphics card"));
    m_ramGauge->setAccessibleName(tr("Planned memory of the computer"));
    const auto add = [this](QWidget* row, QWidget* gauge) {
        column()->addSpacing(kGap);
        column()->addWidget(row);
        column()->addSpacing(kGaugeGap);
        column()->addWidget(gauge);
    };
    add(m_gpu, m_gpuGauge);
    add(m_ram, m_ramGauge);
    column()->addSpacing(kGap);
    column()->addWidget(m_sentence);
    showPlan({}, std::nullopt, 0);
}

void MemoryPlanView::showPlan(const QString& modelName, const std::optional<ModelPlan>& planned, std::uint64_t ramTotal) {
    setTitle(modelName.isEmpty() ? tr("What fits where") : modelName);
    const bool hasGpu = planned && !planned->gpu.id.empty();
    m_gpu->setVisible(hasGpu);
    m_gpuGauge->setVisible(hasGpu);
    m_ram->setVisible(planned.has_value());
    m_ramGauge->setVisible(planned.has_value());
    if (!planned) {
        setBadge({});
        m_sentence->setText(tr("With a model chosen, this shows how much of it the graphics card and the memory will hold."));
        return;
    }
    const core::MemoryPlan& plan = planned->plan;
    if (!plan.fitsRam()) {
        setBadge(tr("too large"), Tone::Warning);
    } else if (plan.reason == core::PlanReason::Full) {
        setBadge(tr("fits the GPU"), Tone::Good);
    } else {
        setBadge(plan.onGpu() ? tr("partly on the GPU") : tr("on the processor"), Tone::Quiet);
    }
    if (hasGpu) showGpu(*planned);
    showRam(*planned, ramTotal);
    m_sentence->setText(QString::fromStdString(core::describe(plan)));
    setAccessibleDescription(m_sentence->text());
}

void MemoryPlanView::showGpu(const ModelPlan& planned) {
    const core::MemoryPlan& plan = planned.plan;
    const std::uint64_t total = planned.gpu.totalBytes;
    m_gpu->setName(QString::fromStdString(planned.gpu.name));
    const QString layers = tr("%1 of %2 layers").arg(plan.layersOnGpu()).arg(plan.layers);
    m_gpu->setValue(layers + QStringLiteral(" · ") + shareText(plan.gpu.total(), total));
    m_gpuGauge->setShares(share(plan.gpu.total(), total), share(planned.gpuOthers, total));
}

void MemoryPlanView::showRam(const ModelPlan& planned, std::uint64_t ramTotal) {
    const core::MemoryPlan& plan = planned.plan;
    m_ram->setValue(ramTotal > 0 ? shareText(plan.ramNeeded, ramTotal) : bytesText(plan.ramNeeded));
    const std::uint64_t others = ramTotal - std::min(ramTotal, plan.ramFree);
    m_ramGauge->setShares(share(plan.ramNeeded, ramTotal), share(others, ramTotal));
}

} // namespace hearth::ui
