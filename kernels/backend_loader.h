// SPDX-License-Identifier: Apache-2.0
//
// BackendLoader: finds the GPU module, opens it, lists the devices that it sees and makes back ends on them. The module
// (hearth_hip.so) lies beside the program, in ../lib/hearth from it, or where HEARTH_MODULE_DIR says. HEARTH_GPU = hip,
// cuda or off limits what is looked at; without it HIP comes first, then CUDA.
// A driver may hang or end the process when it is opened: core/engine/gpu_probe.h asks a child process first.
// Thread: the engine's.
#pragma once

#include "kernels/gpu_reason.h"
#include "kernels/hip/hip_module.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace hearth::kernels {

/// What HEARTH_GPU asks for. Empty = off. An unknown word counts as not set.
[[nodiscard]] std::vector<GpuApi> requestedGpuApis();

struct ModuleState {
    GpuReason reason = GpuReason::Ok; ///< Ok or ModuleMissing
    std::string detail;               ///< the file that was opened, or why it could not be
};

class BackendLoader {
public:
    /// Looks in the folders given; by default in those named above.
    explicit BackendLoader(std::vector<std::filesystem::path> folders = moduleFolders());
    ~BackendLoader();
    BackendLoader(const BackendLoader&) = delete;
    BackendLoader& operator=(const BackendLoader&) = delete;

    [[nodiscard]] static std::vector<std::filesystem::path> moduleFolders();

    /// Whether a module file is there at all; opens nothing.
    [[nodiscard]] bool hasModule() const;
    /// Opens the module; the same answer every time.
    [[nodiscard]] const ModuleState& module();
    /// Empty when the module cannot be opened.
    [[nodiscard]] GpuInventory list(std::span<const GpuApi> apis);
    [[nodiscard]] std::uint64_t freeMemory(GpuApi api, int index); ///< GpuModule::freeMemory
    /// nullptr with `status`. The back end must go before the loader.
    [[nodiscard]] std::unique_ptr<Backend> create(GpuApi api, int index, Status& status);

private:
    std::vector<std::filesystem::path> m_folders;
    bool m_tried = false;
    ModuleState m_state;
    std::unique_ptr<GpuModule> m_module;
};

} // namespace hearth::kernels
