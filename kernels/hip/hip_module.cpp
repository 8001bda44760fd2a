// SPDX-License-Identifier: Apache-2.0
#include "kernels/hip/hip_module.h"

#include "kernels/hip/cuda_runtime.h"
#include "kernels/hip/hip_runtime.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace hearth::kernels {

namespace {

/// Before these, calls that Hearth makes had other meanings: HIP 5.0; CUDA 11.4 (graphs as they are used here).
constexpr int kOldestHip = 50'000'000;
constexpr int kOldestCuda = 11040;

/// FNV-1a over words of eight bytes. Source: Fowler, Noll, Vo, draft-eastlake-fnv.
std::uint64_t hashOf(std::span<const std::byte> image) {
    std::uint64_t hash = 14695981039346656037u;
    for (std::size_t at = 0; at < image.size(); at += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, image.data() + at, std::min(sizeof word, image.size() - at));
        hash = (hash ^ word) * 1099511628211u;
    }
    return hash;
}

class Module final : public GpuModule {
public:
    GpuInventory list(std::span<const GpuApi> apis) override {
        GpuInventory inventory;
        for (const GpuApi api : apis)
            listRuntime(api, inventory);
        return inventory;
    }

    std::uint64_t freeMemory(GpuApi api, int index) override {
        const Slot& slot = open(api);
        std::uint64_t free = 0;
        std::uint64_t total = 0;
        const bool known = slot.runtime && slot.runtime->useDevice(index).ok() && slot.runtime->memoryInfo(free, total).ok();
        return known ? free : 0;
    }

    std::unique_ptr<Backend> create(GpuApi api, int index, Status& status) override {
        Slot& slot = open(api);
        GpuDeviceProperties properties;
        if (!slot.runtime || !slot.runtime->deviceProperties(index, properties).ok()) {
            status = {StatusCode::DeviceLost, "deviceProperties"};
            return nullptr;
        }
        const CodeObject* code = findCodeObject(codeObjects(), properties.arch);
        if (code == nullptr) {
            status = {StatusCode::UnsupportedType, "findCodeObject"};
            return nullptr;
        }
        return createHipBackend(*slot.runtime, *code, {.device = index}, status);
    }

private:
    struct Slot {
        bool tried = false;
        std::unique_ptr<GpuRuntime> runtime;
        GpuRuntimeState state;
    };

    Slot& open(GpuApi api) {
        Slot& slot = m_slots[static_cast<std::size_t>(api)];
        if (slot.tried) return slot;
        slot.tried = true;
        slot.state.api = api;
        RuntimeFailure failure;
        slot.runtime = api == GpuApi::Hip ? openHipRuntime(failure) : openCudaRuntime(failure);
        slot.state.reason = failure.reason;
        slot.state.library = slot.runtime ? slot.runtime->library() : failure.library;
        slot.state.detail = failure.detail;
        slot.state.raw = failure.raw;
        if (!slot.runtime) return slot;
        const GpuResult version = slot.runtime->driverVersion(slot.state.driverVersion);
        if (!version.ok()) {
            refuse(slot, GpuReason::DriverError, version.raw);
        } else if (slot.state.driverVersion < (api == GpuApi::Hip ? kOldestHip : kOldestCuda)) {
            refuse(slot, GpuReason::RuntimeTooOld, 0);
        }
        return slot;
    }

    static void refuse(Slot& slot, GpuReason reason, int raw) {
        slot.state.reason = reason;
        slot.state.raw = raw;
        slot.runtime.reset();
    }

    void listRuntime(GpuApi api, GpuInventory& inventory) {
        const Slot& slot = open(api);
        GpuRuntimeState state = slot.state;
        int count = 0;
        if (slot.runtime) {
            const GpuResult counted = slot.runtime->deviceCount(count);
            state.raw = counted.raw;
            if (counted.error == GpuError::NoDevice || (counted.ok() && count == 0)) {
                state.reason = GpuReason::NoDevice;
            } else if (!counted.ok()) {
                state.reason = counted.error == GpuError::NoPermission ? GpuReason::NoPermission : GpuReason::DriverError;
            }
        }
        const bool usable = state.reason == GpuReason::Ok;
        inventory.runtimes.push_back(std::move(state));
        for (int index = 0; usable && index < count; ++index)
            inventory.devices.push_back(look(api, *slot.runtime, index));
    }

    static GpuDeviceState look(GpuApi api, GpuRuntime& runtime, int index) {
        GpuDeviceState device{.api = api, .index = index};
        if (const GpuResult result = runtime.deviceProperties(index, device.properties); !result.ok()) {
            device.reason = result.error == GpuError::DeviceLost ? GpuReason::DeviceLost : GpuReason::DriverError;
            device.raw = result.raw;
            return device;
        }
        const CodeObject* code = findCodeObject(codeObjects(), device.properties.arch);
        if (code == nullptr) {
            // A runtime from before the device names it with a blank or a general name.
            device.reason = device.properties.arch.empty() ? GpuReason::RuntimeTooOld : GpuReason::FamilyNotBuiltIn;
            return device;
        }
        device.codeObject = code->arch;
        device.codeHash = hashOf(code->image);
        return device;
    }

    std::array<Slot, 2> m_slots;
};

GpuModule* createModule() {
    return std::make_unique<Module>().release();
}

} // namespace

} // namespace hearth::kernels

extern "C" __attribute__((visibility("default"))) const hearth::kernels::GpuModuleApi* hearthGpuModule() {
    static constexpr hearth::kernels::GpuModuleApi kApi{hearth::kernels::kGpuModuleVersion, HEARTH_VERSION,
                                                        hearth::kernels::createModule};
    return &kApi;
}
