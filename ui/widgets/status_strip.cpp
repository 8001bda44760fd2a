// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/status_strip.h"

#include "ui/widgets/status_text.h"

#include <QStringList>

namespace hearth::ui {

StatusStrip::StatusStrip(QWidget* parent) : FigureLabel(parent) {
    setContentsMargins(12, 0, 0, 0); // in line with the sidebar's rows
}

void StatusStrip::setCpu(const core::CpuIdentity& identity, const core::CpuSample& sample) {
    m_load = percentText(sample.load);
    m_memory = sample.memoryUsed > 0 ? shareText(sample.memoryUsed, sample.memoryTotal) : QString();
    setToolTip(QString::fromStdString(identity.name).toHtmlEscaped());
    compose();
}

void StatusStrip::setStats(const core::GenerationStats& stats, bool) {
    m_speed = speedText(generationSpeed(stats));
    compose();
}

void StatusStrip::compose() {
    QStringList parts;
    if (!m_speed.isEmpty()) parts << tr("%1 tokens/s").arg(m_speed);
    if (!m_load.isEmpty()) parts << tr("CPU %1").arg(m_load);
    if (!m_memory.isEmpty()) parts << m_memory;
    setText(parts.join(QStringLiteral(" · ")));
}

} // namespace hearth::ui
