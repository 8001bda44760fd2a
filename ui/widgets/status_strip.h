// SPDX-License-Identifier: Apache-2.0
//
// StatusStrip: the status panel in one line, for the status bar when the panel is folded:
// "71.4 tokens/s · CPU 93 % · 1.2 of 8.0 GB". What is not known is left out. Thread: GUI.
#pragma once

#include "core/engine/generation.h"
#include "core/telemetry/cpu_monitor.h"

#include "ui/widgets/card.h"

#include <QString>

namespace hearth::ui {

class StatusStrip : public FigureLabel {
    Q_OBJECT
public:
    explicit StatusStrip(QWidget* parent = nullptr);

    void setCpu(const core::CpuIdentity& identity, const core::CpuSample& sample);
    void setStats(const core::GenerationStats& stats, bool live);

private:
    void compose();

    QString m_speed;
    QString m_load;
    QString m_memory;
};

} // namespace hearth::ui
