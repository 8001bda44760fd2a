// SPDX-License-Identifier: Apache-2.0
//
// DeviceArena: memory for many tensors in few allocations. A driver hands out pages of 2 MB; a model has hundreds of small tensors.
// Nothing is given back one by one; all of it goes with the arena. Thread: the back end's.
#pragma once

#include "kernels/hip/hip_handles.h"
#include "kernels/hip/planes.h"

#include <cstdint>
#include <vector>

namespace hearth::kernels {

class DeviceArena {
public:
    DeviceArena(GpuRuntime& runtime, std::uint64_t slabBytes)
        : m_runtime(runtime)
        , m_slabBytes(slabBytes) {}

    /// nullptr with `result` when the driver has no more. Aligned to 256 bytes.
    [[nodiscard]] std::byte* allocate(std::uint64_t bytes, GpuResult& result) {
        if (m_slabBytes == 0) return takeAll(bytes, result);
        const std::uint64_t size = (bytes + kDeviceAlignment - 1) / kDeviceAlignment * kDeviceAlignment;
        for (Slab& slab : m_slabs) {
            if (slab.bytes - slab.used >= size) return take(slab, size);
        }
        const std::uint64_t slabBytes = size > m_slabBytes / 2 ? size : m_slabBytes;
        void* memory = nullptr;
        result = m_runtime.allocate(memory, slabBytes);
        if (!result.ok()) return nullptr;
        m_slabs.push_back({GpuMemory(m_runtime, memory), slabBytes, 0});
        return take(m_slabs.back(), size);
    }

private:
    struct Slab {
        GpuMemory memory;
        std::uint64_t bytes = 0;
        std::uint64_t used = 0;
    };

    std::byte* takeAll(std::uint64_t bytes, GpuResult& result) {
        void* memory = nullptr;
        result = m_runtime.allocate(memory, bytes);
        if (result.ok()) m_slabs.push_back({GpuMemory(m_runtime, memory), bytes, bytes});
        return static_cast<std::byte*>(memory);
    }
    static std::byte* take(Slab& slab, std::uint64_t size) {
        std::byte* at = static_cast<std::byte*>(slab.memory.get()) + slab.used;
        slab.used += size;
        return at;
    }

    GpuRuntime& m_runtime;
    std::uint64_t m_slabBytes;
    std::vector<Slab> m_slabs;
};

} // namespace hearth::kernels
