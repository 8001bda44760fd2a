// SPDX-License-Identifier: Apache-2.0
//
// TelemetryWorker samples the processor and the graphics cards once a second, and not at all while nobody looks.
// TelemetryClient owns its thread, which is started with the first look.
// Thread: telemetry (worker), GUI (client).
#pragma once

#include "ui/bridge/meta_types.h"
#include "ui/bridge/task_event.h"

#include <QObject>
#include <QThread>
#include <QTimer>

#include <memory>

namespace hearth::ui {

class TelemetryWorker : public TaskReceiver {
    Q_OBJECT
public:
    static constexpr int kIntervalMs = 1000;

    TelemetryWorker();

    void start();
    void stop();

signals:
    void cpuSampled(const hearth::core::CpuIdentity& identity, const hearth::core::CpuSample& sample);
    void gpuSampled(const hearth::core::GpuReport& report);

private:
    void sample();

    QTimer m_timer{this};
    std::unique_ptr<core::CpuMonitor> m_cpu; ///< made at the first start: it reads files
    std::unique_ptr<core::GpuMonitor> m_gpu;
};

class TelemetryClient : public TaskReceiver {
    Q_OBJECT
public:
    explicit TelemetryClient(QObject* parent = nullptr);
    ~TelemetryClient() override;

    enum class Sampling { Off, On };
    void setSampling(Sampling sampling);
    void shutdown();

signals:
    void cpuSampled(const hearth::core::CpuIdentity& identity, const hearth::core::CpuSample& sample);
    void gpuSampled(const hearth::core::GpuReport& report);

private:
    QThread m_thread;
    TelemetryWorker* m_worker; ///< lives on m_thread and is deleted there
    Sampling m_sampling = Sampling::Off;
};

} // namespace hearth::ui
