// SPDX-License-Identifier: Apache-2.0
//
// What the main program and the GPU module (hearth_hip.so) say to each other. The module is a library of its own, opened at
// run time, so that a machine without a GPU never maps its code objects; one exported C function gives the versioned table.
// Both sides come from one build: the version says so, and a module of another build is refused.
#pragma once

#include "kernels/backend.h"
#include "kernels/gpu_reason.h"
#include "kernels/hip/gpu_runtime.h"
#include "kernels/hip/hip_backend.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace hearth::kernels {

enum class GpuApi : std::uint8_t { Hip, Cuda };

/// One runtime, whether it could be opened or not.
struct GpuRuntimeState {
    GpuApi api = GpuApi::Hip;
    GpuReason reason = GpuReason::Ok; ///< Ok, RuntimeMissing, RuntimeTooOld, NoDevice, NoPermission, DriverError
    std::string library;              ///< the file that was opened
    std::string detail;               ///< a missing function's name, the dynamic loader's message
    int raw = 0;                      ///< the runtime's code when it refused
    int driverVersion = 0;            ///< as the runtime counts: 60342131, 13000
};

/// One device that a runtime shows.
struct GpuDeviceState {
    GpuApi api = GpuApi::Hip;
    int index = 0; ///< the runtime's number
    GpuDeviceProperties properties;
    std::string codeObject;           ///< the embedded one that fits, "" for none
    std::uint64_t codeHash = 0;       ///< of its bytes: other kernels are judged anew
    GpuReason reason = GpuReason::Ok; ///< Ok, FamilyNotBuiltIn, RuntimeTooOld (it does not know the device), DriverError
    int raw = 0;
};

struct GpuInventory {
    std::vector<GpuRuntimeState> runtimes;
    std::vector<GpuDeviceState> devices;
};

/// The runtimes of this process. Thread: the engine's.
class GpuModule {
public:
    virtual ~GpuModule() = default;

    /// Opens the runtimes (once) and looks at their devices.
    [[nodiscard]] virtual GpuInventory list(std::span<const GpuApi> apis) = 0;
    /// Bytes that are free on a device of list(), 0 when it does not say. Wakes the device and makes a context on it.
    [[nodiscard]] virtual std::uint64_t freeMemory(GpuApi api, int index) = 0;
    /// A back end on a device of list(). nullptr with `status`. It must go before the module.
    [[nodiscard]] virtual std::unique_ptr<Backend> create(GpuApi api, int index, Status& status) = 0;
};

/// Raised with every change of a type that crosses: Backend, the structs above.
inline constexpr std::uint32_t kGpuModuleVersion = 2;
inline constexpr const char* kGpuModuleFile = "hearth_hip.so";
inline constexpr const char* kGpuModuleEntry = "hearthGpuModule";

struct GpuModuleApi {
    std::uint32_t version;
    const char* build;          ///< HEARTH_VERSION
    GpuModule* (*create)();     ///< the caller owns it
};

/// The code object for an architecture: the same name, or for NVIDIA the highest of the same major version that is not
/// later than the device (a cubin runs on later minor versions). nullptr when none fits.
[[nodiscard]] const CodeObject* findCodeObject(std::span<const CodeObject> objects, std::string_view arch);

/// The module's embedded code objects, one for each family that was built.
[[nodiscard]] std::span<const CodeObject> codeObjects();

} // namespace hearth::kernels
