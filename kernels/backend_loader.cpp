// SPDX-License-Identifier: Apache-2.0
#include "kernels/backend_loader.h"

#include <cstdlib>
#include <string_view>
#include <system_error>

#include <dlfcn.h>

namespace hearth::kernels {

std::vector<GpuApi> requestedGpuApis() {
    const char* set = std::getenv("HEARTH_GPU");
    const std::string_view wish = set == nullptr ? "" : set;
    if (wish == "off") return {};
    if (wish == "hip") return {GpuApi::Hip};
    if (wish == "cuda") return {GpuApi::Cuda};
    return {GpuApi::Hip, GpuApi::Cuda};
}

std::vector<std::filesystem::path> BackendLoader::moduleFolders() {
    if (const char* folder = std::getenv("HEARTH_MODULE_DIR"); folder != nullptr && *folder != '\0') return {folder};
    std::error_code error;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) return {};
    const std::filesystem::path folder = program.parent_path();
    return {folder, folder.parent_path() / "lib" / "hearth"};
}

BackendLoader::BackendLoader(std::vector<std::filesystem::path> folders)
    : m_folders(std::move(folders)) {}

BackendLoader::~BackendLoader() = default;

bool BackendLoader::hasModule() const {
    std::error_code error;
    for (const std::filesystem::path& folder : m_folders) {
        if (std::filesystem::is_regular_file(folder / kGpuModuleFile, error)) return true;
    }
    return false;
}

const ModuleState& BackendLoader::module() {
    if (m_tried) return m_state;
    m_tried = true;
    m_state.reason = GpuReason::ModuleMissing;
    std::error_code error;
    for (const std::filesystem::path& folder : m_folders) {
        const std::filesystem::path file = folder / kGpuModuleFile;
        if (!std::filesystem::is_regular_file(file, error)) continue;
        // Never closed: back ends and driver threads may still run its code while the process ends.
        void* handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (handle == nullptr) {
            m_state.detail = ::dlerror();
            continue;
        }
        using Entry = const GpuModuleApi* (*)();
        const auto entry = reinterpret_cast<Entry>(::dlsym(handle, kGpuModuleEntry));
        const GpuModuleApi* api = entry == nullptr ? nullptr : entry();
        if (api == nullptr || api->version != kGpuModuleVersion || std::string_view(api->build) != HEARTH_VERSION) {
            m_state.detail = file.string();
            continue;
        }
        m_module.reset(api->create());
        m_state = {GpuReason::Ok, file.string()};
        break;
    }
    return m_state;
}

GpuInventory BackendLoader::list(std::span<const GpuApi> apis) {
    if (module().reason != GpuReason::Ok) return {};
    return m_module->list(apis);
}

std::uint64_t BackendLoader::freeMemory(GpuApi api, int index) {
    return module().reason == GpuReason::Ok ? m_module->freeMemory(api, index) : 0;
}

std::unique_ptr<Backend> BackendLoader::create(GpuApi api, int index, Status& status) {
    if (module().reason != GpuReason::Ok) {
        status = {StatusCode::DeviceLost, kGpuModuleEntry};
        return nullptr;
    }
    return m_module->create(api, index, status);
}

} // namespace hearth::kernels
