// SPDX-License-Identifier: Apache-2.0
//
// StatusPanel: the right column: speed, each GPU and why it is not used, or why there is none, processor, model. Shows what it is given;
// a value that nobody measured is a dash, never a zero. StatusStrip says the same in one line for the status bar.
// Thread: GUI.
#pragma once

#include "core/engine/devices.h"
#include "core/engine/generation.h"
#include "core/telemetry/cpu_monitor.h"
#include "core/telemetry/gpu_monitor.h"

#include <QScrollArea>
#include <QString>

#include <optional>
#include <vector>

class QPushButton;
class QVBoxLayout;

namespace hearth::ui {

class BigNumber;
class Card;
class Gauge;
class MuteLabel;
class Sparkline;
class ValueRow;

class StatusPanel : public QScrollArea {
    Q_OBJECT
public:
    explicit StatusPanel(QWidget* parent = nullptr);

    void setCpu(const core::CpuIdentity& identity, const core::CpuSample& sample);
    void setGpu(const core::GpuReport& report);
    /// What the engine knows of the devices; an empty list changes nothing.
    void setDevices(const core::DeviceList& devices);
    void setModel(const std::optional<core::ModelInfo>& model);
    /// `live`: the reply still streams.
    void setStats(const core::GenerationStats& stats, bool live);
    /// Nothing is generated: the figures of the last reply stay, the line stops.
    void setIdle();

    [[nodiscard]] QSize sizeHint() const override;

signals:
    void gpuRetryRequested();

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    /// One graphics card: what the kernel's driver measures, what the engine knows, or both.
    struct Gpu {
        std::optional<core::GpuSample> sample;
        std::optional<core::Device> device;
    };
    struct GpuCard {
        Card* card = nullptr;
        MuteLabel* detail = nullptr;
        MuteLabel* reason = nullptr; ///< why it is not used, or what it is kept from
        QPushButton* retry = nullptr;
        ValueRow* load = nullptr;
        Gauge* loadGauge = nullptr;
        ValueRow* memory = nullptr;
        Gauge* memoryGauge = nullptr;
        ValueRow* clock = nullptr;
        ValueRow* temperature = nullptr;
        ValueRow* power = nullptr;
    };

    void buildSpeedCard();
    void buildCpuCard();
    void buildModelCard();
    GpuCard buildGpuCard();
    void showGpus();
    void fillGpuCard(GpuCard& shown, const Gpu& gpu);
    void showDevice(GpuCard& shown, const core::Device& device);
    void showSample(GpuCard& shown, const core::GpuSample& sample);
    [[nodiscard]] std::vector<Gpu> gpus() const;
    void showProcessorUse();
    [[nodiscard]] QPushButton* buildRetry(QWidget* parent);
    void showContext(int used, int total);
    void showCpuDetail();

    QVBoxLayout* m_column;

    BigNumber* m_speed = nullptr;
    Sparkline* m_speedLine = nullptr;
    ValueRow* m_promptSpeed = nullptr;
    ValueRow* m_firstToken = nullptr;
    int m_drawnTokens = 0;        ///< of the reply under way, at the line's last point
    double m_drawnSeconds = 0.0;

    QVBoxLayout* m_gpuColumn = nullptr;
    std::vector<GpuCard> m_gpuCards;
    Card* m_noGpuCard = nullptr;
    MuteLabel* m_noGpuReason = nullptr;
    QPushButton* m_noGpuRetry = nullptr;
    MuteLabel* m_environment = nullptr; ///< variables that hide devices
    core::GpuReport m_report;
    core::DeviceList m_devices;

    Card* m_cpuCard = nullptr;
    MuteLabel* m_cpuDetail = nullptr;
    ValueRow* m_cpuLoad = nullptr;
    Sparkline* m_cpuLine = nullptr;
    ValueRow* m_cpuMemory = nullptr;
    Gauge* m_cpuMemoryGauge = nullptr;
    core::CpuIdentity m_cpuIdentity;

    Card* m_modelCard = nullptr;
    MuteLabel* m_noModelText = nullptr;
    ValueRow* m_architecture = nullptr;
    ValueRow* m_quantization = nullptr;
    ValueRow* m_weights = nullptr;
    ValueRow* m_context = nullptr;
    Gauge* m_contextGauge = nullptr;
    ValueRow* m_contextMemory = nullptr;
    ValueRow* m_gpuLayers = nullptr;
    ValueRow* m_backend = nullptr;
    MuteLabel* m_backendReason = nullptr;
    std::optional<core::ModelInfo> m_model;
};

} // namespace hearth::ui
