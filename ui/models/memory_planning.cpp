// SPDX-License-Identifier: Apache-2.0
#include "ui/models/memory_planning.h"

#include <QFile>

#include <algorithm>

namespace hearth::ui {

namespace {

/// Free bytes as a load would find them: what our own model takes is given back first. 0 = unknown.
std::uint64_t freeOn(const core::Device& device, const core::GpuReport& gpus) {
    const auto card = std::ranges::find(gpus.cards, device.id, &core::GpuSample::pciAddress);
    if (card == gpus.cards.end() || !card->vramTotal || !card->vramUsed || !card->vramOurs) return device.freeBytes;
    const std::uint64_t others = *card->vramUsed - std::min(*card->vramUsed, *card->vramOurs);
    return *card->vramTotal - std::min(*card->vramTotal, others);
}

} // namespace

core::LoadRequest loadRequest(const QString& path, const std::function<QVariant(const QString&)>& value) {
    core::LoadRequest request;
    request.path = QFile::encodeName(path).toStdString();
    request.contextLength = value(QStringLiteral("engine.contextLength")).toInt();
    request.threads = value(QStringLiteral("engine.threads")).toInt();
    request.device = value(QStringLiteral("engine.device")).toString().toStdString();
    request.gpuLayers = value(QStringLiteral("engine.gpuLayers")).toInt();
    request.kvType = value(QStringLiteral("engine.kvType")).toString().toStdString();
    return request;
}

std::optional<ModelPlan> planOf(const core::MemoryNeeds& needs, const PlanRoom& room, const core::LoadRequest& request) {
    const auto wishes = core::wishesOf(request);
    if (!wishes) return std::nullopt;
    core::DeviceList list = room.devices;
    core::choose(list, request.device);
    const core::Device* used = list.used();
    ModelPlan planned;
    core::MemoryRoom memory;
    if (used != nullptr && used->id != core::kCpuDevice) {
        planned.gpu = *used;
        memory = core::roomOn(used, freeOn(*used, room.gpus));
        planned.gpuOthers = memory.gpuTotal - std::min(memory.gpuTotal, memory.gpuFree);
    }
    memory.ramFree = room.ramFree;
    planned.plan = core::planMemory(needs, memory, *wishes);
    return planned;
}

} // namespace hearth::ui
