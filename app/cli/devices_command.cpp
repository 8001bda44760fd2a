// SPDX-License-Identifier: Apache-2.0
#include "app/cli/commands.h"
#include "core/base/units.h"
#include "core/telemetry/cpu_monitor.h"
#include "core/telemetry/gpu_monitor.h"
#include "kernels/cpu/cpu_features.h"

#include <fmt/format.h>

namespace hearth::app::cli {

int devices() {
    core::CpuMonitor cpu;
    const core::CpuSample memory = cpu.sample();
    const kernels::CpuPath path = kernels::bestCpuPath();
    fmt::print("CPU  {}  in use\n     {} cores, {} threads, {} of memory\n     path: {}\n", cpu.identity().name, cpu.identity().physicalCores,
               cpu.identity().logicalCores, core::formatBytes(memory.memoryTotal), kernels::cpuPathName(path));
    const core::GpuReport gpus = core::GpuMonitor().sample();
    for (const core::GpuSample& card : gpus.cards) {
        fmt::print("GPU  {}  not used: this version of Hearth has no GPU back end yet\n     {}", card.name, card.pciAddress);
        if (card.vramTotal) fmt::print(", {} of memory", core::formatBytes(*card.vramTotal));
        fmt::print("\n");
    }
    if (gpus.cards.empty()) fmt::print("GPU  {}\n", gpus.reason);
    return 0;
}

} // namespace hearth::app::cli
