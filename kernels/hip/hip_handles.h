// SPDX-License-Identifier: Apache-2.0
//
// One move-only owner per kind of GPU resource. Each keeps the runtime it came from and gives the resource back to it; errors while giving
// back are ignored, because a lost device gives back nothing and the driver cleans up with the process.
// Thread: the back end's.
#pragma once

#include "kernels/hip/gpu_runtime.h"

#include <utility>

namespace hearth::kernels {

/// Release: a GpuResult (GpuRuntime::*)(void*)
template <GpuResult (GpuRuntime::*Release)(void*)>
class GpuHandle {
public:
    GpuHandle() = default;
    GpuHandle(GpuRuntime& runtime, void* resource)
        : m_runtime(&runtime)
        , m_resource(resource) {}
    GpuHandle(GpuHandle&& other) noexcept
        : m_runtime(other.m_runtime)
        , m_resource(std::exchange(other.m_resource, nullptr)) {}
    GpuHandle& operator=(GpuHandle&& other) noexcept {
        if (this != &other) {
            reset();
            m_runtime = other.m_runtime;
            m_resource = std::exchange(other.m_resource, nullptr);
        }
        return *this;
    }
    ~GpuHandle() { reset(); }

    [[nodiscard]] void* get() const { return m_resource; }
    explicit operator bool() const { return m_resource != nullptr; }
    void reset() {
        if (m_resource != nullptr) static_cast<void>((m_runtime->*Release)(m_resource));
        m_resource = nullptr;
    }

private:
    GpuRuntime* m_runtime = nullptr;
    void* m_resource = nullptr;
};

using GpuStream = GpuHandle<&GpuRuntime::destroyStream>;
using GpuEvent = GpuHandle<&GpuRuntime::destroyEvent>;
using GpuModule = GpuHandle<&GpuRuntime::unloadModule>;
using GpuGraph = GpuHandle<&GpuRuntime::destroyGraph>;
using GpuGraphExec = GpuHandle<&GpuRuntime::destroyGraphExec>;
using GpuMemory = GpuHandle<&GpuRuntime::release>;
using PinnedMemory = GpuHandle<&GpuRuntime::releasePinned>;

} // namespace hearth::kernels
