// SPDX-License-Identifier: Apache-2.0
//
// GpuSettings: the window's memory of what the tests of GPUs found, between the engine thread, which asks and tells, and the
// settings of the GUI thread, which keep it (gpu.verdicts).
// Thread: GUI, but for makeGpus(), which is the engine's.
#pragma once

#include "core/engine/gpu_access.h"

#include <QObject>
#include <QString>

#include <filesystem>
#include <memory>
#include <mutex>

namespace hearth::app {

class GpuSettings : public QObject {
    Q_OBJECT
public:
    /// `dataFolder`: where the mark of use lies.
    explicit GpuSettings(std::filesystem::path dataFolder, QObject* parent = nullptr);

    /// What the settings hold; before the first model is loaded.
    void setVerdicts(const QString& text);
    /// The machine's GPUs; probes by running this program again with --probe-gpu. This object must outlive them.
    [[nodiscard]] std::unique_ptr<core::GpuAccess> makeGpus();

    static constexpr const char* kProbeArgument = "--probe-gpu";

signals:
    /// Also from the engine thread: connect with a context object.
    void verdictsChanged(const QString& text);

private:
    std::filesystem::path m_dataFolder;
    std::mutex m_mutex;
    std::string m_verdicts;
};

} // namespace hearth::app
