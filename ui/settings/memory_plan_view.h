// SPDX-License-Identifier: Apache-2.0
//
// MemoryPlanView: how much of a model the graphics card and the computer's memory will hold, as two bars and a sentence.
// Shows what it is given, at once. Thread: GUI.
#pragma once

#include "ui/models/memory_planning.h"
#include "ui/widgets/card.h"

namespace hearth::ui {

class Gauge;

class MemoryPlanView : public Card {
    Q_OBJECT
public:
    explicit MemoryPlanView(QWidget* parent = nullptr);

    /// No plan: says that there is no model to plan for. `ramTotal`: 0 = unknown.
    void showPlan(const QString& modelName, const std::optional<ModelPlan>& planned, std::uint64_t ramTotal);

private:
    void showGpu(const ModelPlan& planned);
    void showRam(const ModelPlan& planned, std::uint64_t ramTotal);

    ValueRow* m_gpu;
    Gauge* m_gpuGauge;
    ValueRow* m_ram;
    Gauge* m_ramGauge;
    MuteLabel* m_sentence;
};

} // namespace hearth::ui
