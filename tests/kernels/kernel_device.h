// SPDX-License-Identifier: Apache-2.0
//
// The executor as a device for tests of single kernels: memory that lives as long as the device, launches, and what came out.
// Errors stick: ok() is false from the first one on, fault() says what it was.
#pragma once

#include "tests/support/gpu_executor/executor_runtime.h"
#include "tests/support/gpu_executor/executor_tables.h"

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace hearth::test {

class KernelDevice {
public:
    explicit KernelDevice(int waveSize)
        : m_runtime(waveSize == 32 ? hearth_executor::hearth_executor_kernels_wave32() : hearth_executor::hearth_executor_kernels_wave64()) {
        const kernels::CodeObject code = m_runtime.codeObject();
        m_ok = m_runtime.createStream(m_stream).ok() && m_runtime.loadModule(m_module, code.image.data(), code.image.size()).ok();
    }
    KernelDevice(const KernelDevice&) = delete;
    KernelDevice& operator=(const KernelDevice&) = delete;
    ~KernelDevice() {
        releaseAll();
        static_cast<void>(m_runtime.unloadModule(m_module));
        static_cast<void>(m_runtime.destroyStream(m_stream));
    }

    [[nodiscard]] bool ok() const { return m_ok; }
    [[nodiscard]] const std::string& fault() const { return m_runtime.fault(); }

    /// Device memory of `count` values, poisoned.
    template <typename T>
    T* memory(std::size_t count) {
        void* address = nullptr;
        m_ok = m_ok && m_runtime.allocate(address, count * sizeof(T)).ok();
        if (address != nullptr) m_memory.push_back(address);
        return static_cast<T*>(address);
    }
    template <typename T>
    T* upload(const std::vector<T>& values) {
        T* const address = memory<T>(values.size());
        m_ok = m_ok && m_runtime.copyToDevice(address, values.data(), values.size() * sizeof(T), m_stream).ok();
        return address;
    }
    template <typename T>
    std::vector<T> read(const T* from, std::size_t count) {
        std::vector<T> values(count);
        m_ok = m_ok && m_runtime.copyToHost(values.data(), from, count * sizeof(T), m_stream).ok() && m_runtime.synchronize(m_stream).ok();
        return values;
    }
    void releaseAll() {
        m_ok = m_runtime.synchronize(m_stream).ok() && m_ok;
        for (void* address : m_memory) m_ok = m_runtime.release(address).ok() && m_ok;
        m_memory.clear();
    }

    template <typename Args>
    void launch(const char* kernel, const std::array<std::uint32_t, 3>& grid, int threads, const Args& args) {
        kernels::GpuRuntime::Function function = nullptr;
        m_ok = m_ok && m_runtime.findFunction(function, m_module, kernel).ok() &&
               m_runtime.launch(function, {grid[0], grid[1], grid[2]}, static_cast<std::uint32_t>(threads), m_stream, &args).ok();
    }

private:
    ExecutorRuntime m_runtime;
    kernels::GpuRuntime::Stream m_stream = nullptr;
    kernels::GpuRuntime::Module m_module = nullptr;
    std::vector<void*> m_memory;
    bool m_ok = false;
};

} // namespace hearth::test
