// SPDX-License-Identifier: Apache-2.0
//
// The sentence for a plan. It says where the model runs and the two numbers that decided it.
#include "core/base/units.h"
#include "core/catalog/memory_plan.h"

#include <fmt/format.h>

#include <string_view>

namespace hearth::core {

namespace {

std::string gpuNumbers(const MemoryPlan& plan) {
    return fmt::format("{} of the {} that are free for models", formatBytes(plan.gpu.total()), formatBytes(plan.gpuUsable));
}

/// "24 of 32 layers"; of all layers what stays behind is the output.
std::string someLayers(const MemoryPlan& plan) {
    const std::int32_t count = plan.layersOnGpu();
    return count == plan.layers ? fmt::format("All {} layers, but not the output matrix,", count)
                                : fmt::format("{} of {} layers", count, plan.layers);
}

std::string ramNumbers(const MemoryPlan& plan) {
    if (plan.ramFree == std::numeric_limits<std::uint64_t>::max())
        return fmt::format("needs {} of memory", formatBytes(plan.ramNeeded));
    return fmt::format("needs {} of memory, {} are free", formatBytes(plan.ramNeeded), formatBytes(plan.ramFree));
}

std::string place(const MemoryPlan& plan) {
    switch (plan.reason) {
    case PlanReason::Full:
        return fmt::format("Fits the GPU, with {}", gpuNumbers(plan));
    case PlanReason::PartFits:
        return fmt::format("{} fit the GPU, with {}; the CPU computes the rest", someLayers(plan), gpuNumbers(plan));
    case PlanReason::PartWished:
        return fmt::format("{} on the GPU, as chosen, with {}; the CPU computes the rest", someLayers(plan),
                           gpuNumbers(plan));
    case PlanReason::PartLessThanWished:
        return fmt::format("{} fit the GPU, with {}; {} were asked for", someLayers(plan), gpuNumbers(plan),
                           plan.wishedLayers);
    case PlanReason::PartRight:
        return fmt::format("{} on the GPU, with {}; the CPU computes the rest, in which the GPU failed its test", someLayers(plan),
                           gpuNumbers(plan));
    case PlanReason::CpuWished:
        return fmt::format("CPU, as chosen: {}", ramNumbers(plan));
    case PlanReason::CpuNoGpu:
        return fmt::format("CPU: {}", ramNumbers(plan));
    case PlanReason::CpuGpuTooSmall:
        return fmt::format("CPU: one layer alone needs {} on the GPU, {} are free for models",
                           formatBytes(plan.leastGpuBytes), formatBytes(plan.gpuUsable));
    case PlanReason::CpuGpuLacks:
        return fmt::format("CPU, because Hearth's kernels for the GPU lack what this model needs: {}", ramNumbers(plan));
    case PlanReason::CpuGpuWrong:
        return fmt::format("CPU, because the GPU failed its test in what every layer needs: {}", ramNumbers(plan));
    }
    return {};
}

} // namespace

std::string describe(const MemoryPlan& plan) {
    constexpr std::string_view kFromDisk = "so it would read from the disk all the time";
    std::string where = place(plan);
    if (plan.keepsWrongParts() && plan.reason != PlanReason::PartRight) where += "; that leaves out layers in which the GPU failed its test";
    if (plan.q8CacheWrong) where += "; keys and values are f16, because the GPU failed its test with q8_0";
    if (plan.fitsRam()) return fmt::format("{}.", where);
    const bool said = plan.reason == PlanReason::CpuWished || plan.reason == PlanReason::CpuNoGpu || plan.reason == PlanReason::CpuGpuLacks ||
                      plan.reason == PlanReason::CpuGpuWrong;
    return said ? fmt::format("{}, {}.", where, kFromDisk)
                : fmt::format("{}; this {}, {}.", where, ramNumbers(plan), kFromDisk);
}

} // namespace hearth::core
