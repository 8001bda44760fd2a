// SPDX-License-Identifier: Apache-2.0
//
// What of a model will lie where, for the window: settings in, a plan out, without asking a device. What there is comes from
// the engine's list of devices and from telemetry. Thread: any (plain values).
#pragma once

#include "core/catalog/memory_plan.h"
#include "core/engine/devices.h"
#include "core/engine/generation.h"
#include "core/telemetry/gpu_monitor.h"

#include <QString>
#include <QVariant>

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>

namespace hearth::ui {

/// What was last seen of the machine.
struct PlanRoom {
    core::DeviceList devices; ///< empty: nobody has looked yet
    core::GpuReport gpus;
    std::uint64_t ramFree = std::numeric_limits<std::uint64_t>::max(); ///< the largest number: unknown
    std::uint64_t ramTotal = 0;
};

struct ModelPlan {
    core::MemoryPlan plan;
    core::Device gpu;             ///< id empty: none can be used
    std::uint64_t gpuOthers = 0;  ///< bytes of it that others use
};

/// The settings as the engine takes them. `value` gives a setting's value by its key.
[[nodiscard]] core::LoadRequest loadRequest(const QString& path, const std::function<QVariant(const QString&)>& value);

/// nullopt for a request that the engine would refuse.
[[nodiscard]] std::optional<ModelPlan> planOf(const core::MemoryNeeds& needs, const PlanRoom& room, const core::LoadRequest& request);

} // namespace hearth::ui
