// SPDX-License-Identifier: Apache-2.0
#include "app/gpu_settings.h"

#include "core/engine/system_gpus.h"

namespace hearth::app {

GpuSettings::GpuSettings(std::filesystem::path dataFolder, QObject* parent)
    : QObject(parent)
    , m_dataFolder(std::move(dataFolder)) {}

void GpuSettings::setVerdicts(const QString& text) {
    const std::lock_guard lock(m_mutex);
    m_verdicts = text.toStdString();
}

std::unique_ptr<core::GpuAccess> GpuSettings::makeGpus() {
    std::string known;
    {
        const std::lock_guard lock(m_mutex);
        known = m_verdicts;
    }
    core::SystemGpuOptions options{.probe = core::probeCommand(kProbeArgument), .dataFolder = m_dataFolder};
    options.verdicts = std::make_unique<core::TextVerdictStore>(
        known, [this](const std::string& text) { emit verdictsChanged(QString::fromStdString(text)); });
    return std::make_unique<core::SystemGpus>(std::move(options));
}

} // namespace hearth::app
