// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/telemetry_worker.h"

namespace hearth::ui {

TelemetryWorker::TelemetryWorker() {
    m_timer.setInterval(kIntervalMs);
    connect(&m_timer, &QTimer::timeout, this, &TelemetryWorker::sample);
}

void TelemetryWorker::start() {
    if (!m_cpu) m_cpu = std::make_unique<core::CpuMonitor>();
    if (!m_gpu) m_gpu = std::make_unique<core::GpuMonitor>();
    m_timer.start();
    sample();
}

void TelemetryWorker::stop() {
    m_timer.stop();
}

void TelemetryWorker::sample() {
    emit cpuSampled(m_cpu->identity(), m_cpu->sample());
    emit gpuSampled(m_gpu->sample());
}

TelemetryClient::TelemetryClient(QObject* parent)
    : TaskReceiver(parent)
    , m_worker(new TelemetryWorker) {
    m_thread.setObjectName("telemetry");
    m_worker->moveToThread(&m_thread);
    connect(&m_thread, &QThread::finished, m_worker, &QObject::deleteLater);
    relay(m_worker, &TelemetryWorker::cpuSampled, this,
          [this](const core::CpuIdentity& identity, const core::CpuSample& sample) {
              emit cpuSampled(identity, sample);
          });
    relay(m_worker, &TelemetryWorker::gpuSampled, this,
          [this](const core::GpuReport& report) { emit gpuSampled(report); });
}

TelemetryClient::~TelemetryClient() {
    if (m_thread.isRunning()) {
        shutdown();
    } else if (!m_thread.isFinished()) {
        delete m_worker; // the thread never ran, so nothing else will
    }
}

void TelemetryClient::setSampling(Sampling sampling) {
    if (sampling == m_sampling || m_thread.isFinished()) return;
    m_sampling = sampling;
    if (sampling == Sampling::On) {
        if (!m_thread.isRunning()) m_thread.start(QThread::LowPriority);
        postTask(m_worker, [worker = m_worker] { worker->start(); });
    } else {
        postTask(m_worker, [worker = m_worker] { worker->stop(); });
    }
}

void TelemetryClient::shutdown() {
    m_thread.quit();
    m_thread.wait();
}

} // namespace hearth::ui
