// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/status_panel.h"

#include "core/base/units.h"
#include "ui/style/metrics.h"
#include "ui/style/theme.h"
#include "ui/widgets/card.h"
#include "ui/widgets/gauge.h"
#include "ui/widgets/sparkline.h"
#include "ui/widgets/status_text.h"

#include <QPainter>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>

namespace hearth::ui {

namespace {

constexpr int kMargin = 14;
constexpr int kCardGap = 12;
constexpr int kGaugeGap = 2;
constexpr int kSpeedPoints = 60;
constexpr int kLoadPoints = 60;           ///< a minute at one sample a second
constexpr double kSpeedPointSeconds = 0.25; ///< shorter spans jump too much to be read
constexpr int kMinimumWidth = 220;


QString countText(int count) { return QString::fromStdString(core::formatCount(static_cast<std::uint64_t>(std::max(0, count)))); }

QString joined(const QStringList& parts) {
    QStringList present = parts;
    present.removeAll(QString());
    return present.join(QStringLiteral(" · "));
}

QString threadsText(int count) { return count == 1 ? StatusPanel::tr("1 thread") : StatusPanel::tr("%1 threads").arg(count); }

/// A sensor's row appears with its first value and stays: later gaps show a dash, and the card does not jump.
void showSensor(ValueRow* row, const QString& value) {
    if (!value.isEmpty()) row->setVisible(true);
    row->setValue(value);
}

double shareOf(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

} // namespace

StatusPanel::StatusPanel(QWidget* parent) : QScrollArea(parent) {
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setWidgetResizable(true);
    setMinimumWidth(kMinimumWidth);
    setFocusPolicy(Qt::NoFocus);
    setAccessibleName(tr("Status"));
    viewport()->setAutoFillBackground(false);

    auto* content = new QWidget(this);
    m_column = new QVBoxLayout(content);
    m_column->setContentsMargins(kMargin, kMargin, kMargin, kMargin);
    m_column->setSpacing(kCardGap);
    buildSpeedCard();
    m_gpuColumn = new QVBoxLayout;
    m_gpuColumn->setSpacing(kCardGap);
    m_column->addLayout(m_gpuColumn);
    m_noGpuCard = new Card(tr("No AMD GPU found"), content);
    m_noGpuReason = new MuteLabel(m_noGpuCard);
    m_noGpuCard->column()->addWidget(m_noGpuReason);
    m_noGpuRetry = buildRetry(m_noGpuCard);
    m_noGpuCard->column()->addWidget(m_noGpuRetry, 0, Qt::AlignLeft);
    m_noGpuCard->hide();
    m_column->addWidget(m_noGpuCard);
    m_environment = new MuteLabel(content);
    m_environment->setObjectName(QStringLiteral("environment"));
    m_environment->setContentsMargins(12, 0, 12, 0); // in line with the texts of the cards
    m_environment->hide();
    m_column->addWidget(m_environment);
    buildCpuCard();
    buildModelCard();
    m_column->addStretch(1);
    setWidget(content);
    content->setAutoFillBackground(false); // setWidget switches it on
    setModel(std::nullopt);
}

QSize StatusPanel::sizeHint() const { return {metrics::kStatusWidth, 400}; }

void StatusPanel::paintEvent(QPaintEvent*) {
    QPainter painter(viewport());
    painter.fillRect(viewport()->rect(), Theme::current().side);
}

// --- speed --------------------------------------------------------------------------------------------------------

void StatusPanel::buildSpeedCard() {
    auto* card = new Card(tr("Speed"));
    card->setObjectName(QStringLiteral("speed"));
    m_speed = new BigNumber(tr("tokens/s"), card);
    m_speedLine = new Sparkline(kSpeedPoints, card);
    m_speedLine->setAccessibleName(tr("Generation speed over time"));
    card->column()->addWidget(m_speed);
    card->column()->addSpacing(8);
    card->column()->addWidget(m_speedLine);
    card->column()->addSpacing(8);
    m_promptSpeed = card->addRow(tr("Prompt"));
    m_firstToken = card->addRow(tr("First token"));
    m_column->addWidget(card);
}

void StatusPanel::setStats(const core::GenerationStats& stats, bool live) {
    m_speed->setValue(speedText(generationSpeed(stats)));
    const QString prompt = speedText(promptSpeed(stats));
    m_promptSpeed->setValue(prompt.isEmpty() ? QString() : tr("%1 tokens/s").arg(prompt));
    m_firstToken->setValue(secondsText(stats.firstTokenSeconds));
    if (stats.contextLength > 0) showContext(stats.contextUsed, stats.contextLength);

    if (stats.generatedTokens < m_drawnTokens || stats.generationSeconds < m_drawnSeconds) {
        m_drawnTokens = 0;
        m_drawnSeconds = 0.0;
    }
    const double span = stats.generationSeconds - m_drawnSeconds;
    if (live && span >= kSpeedPointSeconds) {
        m_speedLine->append((stats.generatedTokens - m_drawnTokens) / span);
        m_drawnTokens = stats.generatedTokens;
        m_drawnSeconds = stats.generationSeconds;
    }
    if (!live) setIdle();
}

void StatusPanel::setIdle() {
    m_drawnTokens = 0;
    m_drawnSeconds = 0.0;
    // Back on the ground, once: the next reply starts from there.
    if (!m_speedLine->values().empty() && m_speedLine->values().back() > 0) m_speedLine->append(0);
}

// --- GPUs ---------------------------------------------------------------------------------------------------------

QPushButton* StatusPanel::buildRetry(QWidget* parent) {
    auto* button = new QPushButton(tr("Try the GPU again"), parent);
    button->setObjectName(QStringLiteral("retryGpu"));
    button->setAutoDefault(false);
    button->hide();
    connect(button, &QPushButton::clicked, this, &StatusPanel::gpuRetryRequested);
    return button;
}

StatusPanel::GpuCard StatusPanel::buildGpuCard() {
    GpuCard shown;
    shown.card = new Card(QString(), widget());
    shown.card->setObjectName(QStringLiteral("gpu%1").arg(m_gpuCards.size()));
    QVBoxLayout* column = shown.card->column();
    shown.detail = new MuteLabel(shown.card);
    column->addWidget(shown.detail);
    shown.reason = new MuteLabel(shown.card);
    shown.reason->setObjectName(QStringLiteral("reason"));
    shown.reason->setContentsMargins(0, 6, 0, 6);
    shown.reason->hide();
    column->addWidget(shown.reason);
    shown.retry = buildRetry(shown.card);
    column->addWidget(shown.retry, 0, Qt::AlignLeft);
    column->addSpacing(6);
    shown.load = shown.card->addRow(tr("Load"));
    shown.loadGauge = new Gauge(shown.card);
    shown.loadGauge->setAccessibleName(tr("GPU load"));
    column->addSpacing(kGaugeGap);
    column->addWidget(shown.loadGauge);
    column->addSpacing(6);
    shown.memory = shown.card->addRow(tr("Memory"));
    shown.memoryGauge = new Gauge(shown.card);
    shown.memoryGauge->setAccessibleName(tr("GPU memory"));
    column->addSpacing(kGaugeGap);
    column->addWidget(shown.memoryGauge);
    column->addSpacing(6);
    shown.clock = shown.card->addRow(tr("Clock"));
    shown.temperature = shown.card->addRow(tr("Temperature"));
    shown.power = shown.card->addRow(tr("Power"));
    for (ValueRow* sensor : {shown.clock, shown.temperature, shown.power}) sensor->hide();
    m_gpuColumn->addWidget(shown.card);
    return shown;
}

void StatusPanel::showSample(GpuCard& shown, const core::GpuSample& sample) {
    shown.load->setValue(percentText(sample.load));
    shown.loadGauge->setShares(sample.load.value_or(0.0f));
    QString memory;
    double ours = 0.0;
    double others = 0.0;
    if (sample.vramTotal && sample.vramUsed) {
        memory = shareText(*sample.vramUsed, *sample.vramTotal);
        const std::uint64_t mine = std::min(sample.vramOurs.value_or(0), *sample.vramUsed);
        if (sample.vramOurs) memory += tr(" · ours %1").arg(inUnitOf(mine, *sample.vramTotal));
        ours = shareOf(mine, *sample.vramTotal);
        others = shareOf(*sample.vramUsed - mine, *sample.vramTotal);
    } else if (sample.vramTotal) {
        memory = bytesText(*sample.vramTotal);
    }
    shown.memory->setValue(memory);
    shown.memoryGauge->setShares(ours, others);
    showSensor(shown.clock, sample.clockMhz ? tr("%1 MHz").arg(countText(static_cast<int>(*sample.clockMhz))) : QString());
    showSensor(shown.temperature, sample.temperature ? tr("%1 °C").arg(qRound(*sample.temperature)) : QString());
    showSensor(shown.power, sample.power ? tr("%1 W").arg(qRound(*sample.power)) : QString());
}

/// Whether it is used, and if not, why and what would help.
void StatusPanel::showDevice(GpuCard& shown, const core::Device& device) {
    using core::GpuReason;
    const bool works = m_model && m_model->device == device.id;
    QString reason;
    if (works) {
        shown.card->setBadge(tr("in use"), Card::Tone::Good);
    } else if (device.reason != GpuReason::Ok) {
        const bool wished = device.reason == GpuReason::UsersChoice || device.reason == GpuReason::HiddenByEnvironment;
        shown.card->setBadge(tr("not used"), wished ? Card::Tone::Quiet : Card::Tone::Warning);
        reason = QString::fromStdString(device.explanation);
    } else if (m_model && device.used) { // the model in use went elsewhere; its own card says why
        shown.card->setBadge(tr("not used"), m_model->fallback ? Card::Tone::Warning : Card::Tone::Quiet);
        reason = QString::fromStdString(m_model->backendReason);
    } else {
        shown.card->setBadge(device.used ? tr("ready") : tr("not used"), Card::Tone::Quiet);
        if (!device.used) reason = QString::fromStdString(device.explanation);
    }
    if (reason.isEmpty()) {
        reason = QString::fromStdString(core::limitsOf(device));
        if (!reason.isEmpty()) reason = reason.front().toUpper() + reason.mid(1) + u'.';
    }
    shown.reason->setText(reason);
    shown.reason->setVisible(!reason.isEmpty());
    const GpuReason failed = works || device.reason != GpuReason::Ok || !m_model || !device.used ? device.reason : m_model->gpuReason;
    shown.retry->setVisible(kernels::canTryAgain(failed));
}

void StatusPanel::fillGpuCard(GpuCard& shown, const Gpu& gpu) {
    const bool measured = gpu.sample.has_value();
    for (QWidget* part : std::initializer_list<QWidget*>{shown.load, shown.loadGauge, shown.memoryGauge}) part->setVisible(measured);
    QStringList details;
    if (gpu.device) {
        details << QString::fromStdString(gpu.device->family) << QString::fromStdString(gpu.device->api);
        showDevice(shown, *gpu.device);
    }
    if (gpu.sample) {
        shown.card->setTitle(QString::fromStdString(gpu.sample->name));
        details << QString::fromStdString(gpu.sample->pciAddress) << (gpu.sample->asleep ? tr("asleep") : QString());
        showSample(shown, *gpu.sample);
    } else {
        shown.card->setTitle(QString::fromStdString(gpu.device->name));
        if (gpu.device->id.contains(':') && gpu.device->id.contains('.')) details << QString::fromStdString(gpu.device->id); // a PCI address
        shown.memory->setValue(bytesText(gpu.device->totalBytes));
    }
    shown.detail->setText(joined(details));
}

std::vector<StatusPanel::Gpu> StatusPanel::gpus() const {
    std::vector<Gpu> all;
    for (const core::GpuSample& sample : m_report.cards) all.push_back({sample, std::nullopt});
    for (const core::Device& device : m_devices.devices) {
        if (device.id == core::kCpuDevice) continue;
        const auto same = [&](const Gpu& gpu) { return gpu.sample && !gpu.device && !gpu.sample->pciAddress.empty() && gpu.sample->pciAddress == device.id; };
        const auto found = std::find_if(all.begin(), all.end(), same);
        if (found != all.end()) {
            found->device = device;
        } else {
            all.push_back({std::nullopt, device});
        }
    }
    return all;
}

void StatusPanel::setGpu(const core::GpuReport& report) {
    m_report = report;
    showGpus();
}

void StatusPanel::setDevices(const core::DeviceList& devices) {
    if (devices.devices.empty()) return;
    m_devices = devices;
    showGpus();
}

void StatusPanel::showGpus() {
    const std::vector<Gpu> all = gpus();
    while (m_gpuCards.size() > all.size()) {
        delete m_gpuCards.back().card;
        m_gpuCards.pop_back();
    }
    while (m_gpuCards.size() < all.size()) m_gpuCards.push_back(buildGpuCard());
    for (std::size_t i = 0; i < all.size(); ++i) fillGpuCard(m_gpuCards[i], all[i]);

    // The reason may begin with the words that the card's title already says. What the engine found says more.
    const bool told = !m_devices.devices.empty() && !m_devices.gpuExplanation.empty();
    QString reason = QString::fromStdString(told ? m_devices.gpuExplanation : m_report.reason);
    const QString prefix = QStringLiteral("No AMD GPU found");
    if (reason.startsWith(prefix)) {
        reason = reason.mid(prefix.size());
        while (!reason.isEmpty() && (reason[0] == u':' || reason[0] == u'.' || reason[0].isSpace())) reason.remove(0, 1);
        if (!reason.isEmpty()) reason[0] = reason[0].toUpper();
    }
    m_noGpuReason->setText(reason);
    m_noGpuCard->setAccessibleDescription(reason);
    m_noGpuRetry->setVisible(told && kernels::canTryAgain(m_devices.gpuReason));
    m_noGpuCard->setVisible(all.empty() && (told || !reason.isEmpty()));
    m_environment->setText(m_devices.environment.empty() ? QString() : tr("The environment limits which graphics cards are seen: %1").arg(QString::fromStdString(m_devices.environment)));
    m_environment->setVisible(!m_devices.environment.empty());
}

// --- processor ----------------------------------------------------------------------------------------------------

void StatusPanel::buildCpuCard() {
    m_cpuCard = new Card(tr("Processor"));
    m_cpuCard->setObjectName(QStringLiteral("cpu"));
    QVBoxLayout* column = m_cpuCard->column();
    m_cpuDetail = new MuteLabel(m_cpuCard);
    column->addWidget(m_cpuDetail);
    column->addSpacing(6);
    m_cpuLoad = m_cpuCard->addRow(tr("Load"));
    m_cpuLine = new Sparkline(kLoadPoints, m_cpuCard);
    m_cpuLine->setMaximum(1.0);
    m_cpuLine->setAccessibleName(tr("Processor load over the last minute"));
    column->addSpacing(kGaugeGap);
    column->addWidget(m_cpuLine);
    column->addSpacing(6);
    m_cpuMemory = m_cpuCard->addRow(tr("Memory"));
    m_cpuMemoryGauge = new Gauge(m_cpuCard);
    m_cpuMemoryGauge->setAccessibleName(tr("Memory of the computer"));
    column->addSpacing(kGaugeGap);
    column->addWidget(m_cpuMemoryGauge);
    column->addSpacing(4);
    m_column->addWidget(m_cpuCard);
}

void StatusPanel::showCpuDetail() {
    // What the model really uses says more than what the processor could do.
    if (m_model && m_model->threads > 0) {
        m_cpuDetail->setText(joined({m_model->backend == "CPU" ? QString::fromStdString(m_model->backendDetail) : QString(),
                                     threadsText(m_model->threads)}));
        return;
    }
    const QString cores = m_cpuIdentity.physicalCores == 1 ? tr("1 core")
        : m_cpuIdentity.physicalCores > 1                            ? tr("%1 cores").arg(m_cpuIdentity.physicalCores)
                                                                     : QString();
    m_cpuDetail->setText(joined({cores, m_cpuIdentity.logicalCores > 0 ? threadsText(m_cpuIdentity.logicalCores) : QString()}));
}

void StatusPanel::showProcessorUse() {
    const bool works = m_model && m_model->threads > 0;
    m_cpuCard->setBadge(works ? tr("in use") : QString(), Card::Tone::Good);
}

void StatusPanel::setCpu(const core::CpuIdentity& identity, const core::CpuSample& sample) {
    m_cpuIdentity = identity;
    if (!identity.name.empty()) m_cpuCard->setTitle(QString::fromStdString(identity.name));
    showCpuDetail();
    m_cpuLoad->setValue(percentText(sample.load));
    if (sample.load) m_cpuLine->append(*sample.load);

    QString memory = sample.memoryUsed > 0 ? shareText(sample.memoryUsed, sample.memoryTotal) : bytesText(sample.memoryTotal);
    // Mapped pages of the model may be ours and yet count as free for the kernel.
    const std::uint64_t ours = std::min(sample.processMemory, sample.memoryTotal);
    if (!memory.isEmpty() && ours > 0) memory += tr(" · ours %1").arg(inUnitOf(ours, sample.memoryTotal));
    m_cpuMemory->setValue(memory);
    m_cpuMemoryGauge->setShares(shareOf(ours, sample.memoryTotal), shareOf(sample.memoryUsed - std::min(ours, sample.memoryUsed), sample.memoryTotal));
}

// --- model --------------------------------------------------------------------------------------------------------

void StatusPanel::buildModelCard() {
    m_modelCard = new Card(tr("Model"));
    m_modelCard->setObjectName(QStringLiteral("model"));
    QVBoxLayout* column = m_modelCard->column();
    m_noModelText = new MuteLabel(m_modelCard);
    m_noModelText->setText(tr("None is loaded."));
    column->addWidget(m_noModelText);
    m_architecture = m_modelCard->addRow(tr("Architecture"));
    m_quantization = m_modelCard->addRow(tr("Quantisation"));
    m_weights = m_modelCard->addRow(tr("Weights"));
    m_context = m_modelCard->addRow(tr("Context"));
    m_contextGauge = new Gauge(m_modelCard);
    m_contextGauge->setAccessibleName(tr("Context used"));
    column->addSpacing(kGaugeGap);
    column->addWidget(m_contextGauge);
    column->addSpacing(6);
    m_contextMemory = m_modelCard->addRow(tr("Context memory"));
    m_gpuLayers = m_modelCard->addRow(tr("Layers on GPU"));
    m_backend = m_modelCard->addRow(tr("Runs on"));
    column->addSpacing(4);
    m_backendReason = new MuteLabel(m_modelCard);
    column->addWidget(m_backendReason);
    m_column->addWidget(m_modelCard);
}

void StatusPanel::setModel(const std::optional<core::ModelInfo>& model) {
    m_model = model;
    m_noModelText->setVisible(!model);
    for (QWidget* part : std::initializer_list<QWidget*>{m_architecture, m_quantization, m_weights, m_context, m_contextGauge, m_contextMemory, m_backend}) {
        part->setVisible(model.has_value());
    }
    m_backendReason->setVisible(model && !model->backendReason.empty());
    m_gpuLayers->setVisible(model && model->gpuLayers > 0);
    showCpuDetail();
    showProcessorUse();
    showGpus();
    if (!model) return;
    m_gpuLayers->setValue(tr("%1 of %2").arg(model->gpuLayers).arg(model->layers));
    m_architecture->setValue(QString::fromStdString(model->architecture));
    m_quantization->setValue(QString::fromStdString(model->quantization));
    m_weights->setValue(bytesText(model->fileBytes));
    m_contextMemory->setValue(model->kvType.empty() || model->kvBytes == 0 ? bytesText(model->kvBytes) : tr("%1, %2").arg(bytesText(model->kvBytes), QString::fromStdString(model->kvType)));
    m_backend->setValue(joined({QString::fromStdString(model->backend), QString::fromStdString(model->backendDetail)}));
    m_backendReason->setText(QString::fromStdString(model->backendReason));
    showContext(0, model->contextLength);
}

void StatusPanel::showContext(int used, int total) {
    m_context->setValue(total > 0 ? tr("%1 of %2").arg(countText(used), countText(total)) : QString());
    m_contextGauge->setShares(total > 0 ? static_cast<double>(used) / total : 0.0);
}

} // namespace hearth::ui
