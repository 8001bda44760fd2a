// SPDX-License-Identifier: Apache-2.0
#include "app/cli/commands.h"
#include "app/cli/engine_setup.h"
#include "core/base/units.h"
#include "core/engine/gpu_probe.h"
#include "core/telemetry/cpu_monitor.h"

#include <fmt/format.h>

namespace hearth::app::cli {

namespace {

void print(const core::Device& gpu) {
    std::string facts = gpu.id;
    if (!gpu.family.empty()) facts += fmt::format(", {}", gpu.family);
    if (!gpu.api.empty()) facts += fmt::format(" through {}", gpu.api);
    if (gpu.totalBytes > 0) facts += fmt::format(", {} of memory", core::formatBytes(gpu.totalBytes));
    if (gpu.freeBytes > 0) facts += fmt::format(", {} free", core::formatBytes(gpu.freeBytes));
    if (gpu.integrated) facts += ", integrated";
    fmt::print("GPU  {}  {}\n     {}\n", gpu.name, gpu.used ? "in use" : "not used", facts);
    if (!gpu.codeObject.empty()) fmt::print("     kernels: {}\n", gpu.codeObject);
    if (gpu.testMs > 0 && gpu.reason == core::GpuReason::Ok) {
        const std::string limits = core::limitsOf(gpu);
        fmt::print("     {} ({} ms, when it was first used)\n", limits.empty() ? "its self-test found nothing wrong" : limits, gpu.testMs);
    }
    if (!gpu.used) fmt::print("     {}\n", gpu.explanation);
}

} // namespace

int devices(bool tryAgain) {
    core::Engine engine(engineOptions(""));
    if (tryAgain) engine.retryGpus();
    const auto list = engine.devices();
    if (!list) return report(list.error());
    const core::CpuIdentity cpu = core::CpuMonitor().identity();
    const core::Device& processor = list->devices.front();
    fmt::print("CPU  {}  {}\n     {} cores, {} threads, {} of memory\n     path: {}\n", processor.name, processor.explanation, cpu.physicalCores,
               cpu.logicalCores, core::formatBytes(processor.totalBytes), processor.family);
    for (auto gpu = list->devices.begin() + 1; gpu != list->devices.end(); ++gpu) print(*gpu);
    if (list->devices.size() == 1) fmt::print("GPU  none\n     {}\n", list->gpuExplanation);
    if (!list->environment.empty()) fmt::print("     environment: {}\n", list->environment);
    return 0;
}

int probeGpu(const std::vector<std::string>& skippedIds) {
    kernels::BackendLoader loader;
    return core::answerProbe(loader, skippedIds);
}

} // namespace hearth::app::cli
