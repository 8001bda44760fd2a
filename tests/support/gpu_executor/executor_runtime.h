// SPDX-License-Identifier: Apache-2.0
//
// ExecutorRuntime: a GpuRuntime whose device is the executor (gpu_executor.h). What is asynchronous on a GPU is put off here until somebody
// waits for it: a host that reads a result too early finds the old bytes, one that writes into a pinned buffer too early spoils the upload.
// Host memory that a kernel or an unsuited copy is handed is an error, and the host may not touch device memory (executor_memory.h).
// An error of a kernel makes the device lost, as an illegal address does on a GPU; fault() says what it was.
// Each call can be made to fail; calls are counted by kind.
// Thread: one at a time.
#pragma once

#include "kernels/hip/gpu_runtime.h"
#include "kernels/hip/hip_backend.h"
#include "tests/support/gpu_executor/executor_memory.h"
#include "tests/support/gpu_executor/gpu_executor.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hearth::test {

enum class GpuCall : std::uint8_t {
    DriverVersion, DeviceCount, DeviceProperties, UseDevice, MemoryInfo,
    Allocate, Release, AllocatePinned, ReleasePinned,
    CreateStream, DestroyStream, Synchronize, Query,
    CreateEvent, DestroyEvent, RecordEvent, QueryEvent, WaitEvent, ElapsedMs,
    CopyToDevice, CopyToHost, CopyOnDevice, Fill,
    LoadModule, UnloadModule, FindFunction, Launch,
    BeginCapture, EndCapture, Instantiate, LaunchGraph, DestroyGraph, DestroyGraphExec,
};
inline constexpr std::size_t kGpuCalls = std::size_t(GpuCall::DestroyGraphExec) + 1;

class ExecutorRuntime final : public kernels::GpuRuntime {
public:
    struct Options {
        std::uint64_t totalBytes = std::uint64_t{4} << 30;
        int multiprocessors = 4;
    };

    explicit ExecutorRuntime(const hearth_executor::KernelTable& table);
    ExecutorRuntime(const hearth_executor::KernelTable& table, const Options& options);
    ~ExecutorRuntime() override;

    /// What loadModule() accepts.
    [[nodiscard]] kernels::CodeObject codeObject() const;

    /// What a kernel or a call did wrong first; empty when nothing did.
    [[nodiscard]] const std::string& fault() const { return m_fault; }
    [[nodiscard]] std::uint64_t calls(GpuCall call) const { return m_calls[std::size_t(call)]; }
    [[nodiscard]] std::uint64_t kernelsRun() const { return m_kernelsRun; } ///< those of graphs included
    [[nodiscard]] const ExecutorMemory& memory() const { return m_memory; }
    /// Streams, events, modules, graphs and allocations that nobody has given back.
    [[nodiscard]] std::size_t livingResources() const;

    /// The call of this kind that comes after `after` others returns `error`. DeviceLost stays: all calls but those that give back fail.
    void failCall(GpuCall call, std::uint64_t after, kernels::GpuError error);

    [[nodiscard]] const char* name() const override { return "executor"; }
    [[nodiscard]] std::string library() const override { return "executor"; }
    kernels::GpuResult driverVersion(int& version) override;
    kernels::GpuResult deviceCount(int& count) override;
    kernels::GpuResult deviceProperties(int device, kernels::GpuDeviceProperties& properties) override;
    kernels::GpuResult useDevice(int device) override;

    kernels::GpuResult memoryInfo(std::uint64_t& freeBytes, std::uint64_t& totalBytes) override;
    kernels::GpuResult allocate(void*& memory, std::uint64_t bytes) override;
    kernels::GpuResult release(void* memory) override;
    kernels::GpuResult allocatePinned(void*& memory, std::uint64_t bytes) override;
    kernels::GpuResult releasePinned(void* memory) override;

    kernels::GpuResult createStream(Stream& stream) override;
    kernels::GpuResult destroyStream(Stream stream) override;
    kernels::GpuResult synchronize(Stream stream) override;
    kernels::GpuResult query(Stream stream) override;
    kernels::GpuResult createEvent(Event& event) override;
    kernels::GpuResult destroyEvent(Event event) override;
    kernels::GpuResult recordEvent(Event event, Stream stream) override;
    kernels::GpuResult queryEvent(Event event) override;
    kernels::GpuResult waitEvent(Stream stream, Event event) override;
    kernels::GpuResult elapsedMs(float& ms, Event from, Event to) override;

    kernels::GpuResult copyToDevice(void* to, const void* from, std::uint64_t bytes, Stream stream) override;
    kernels::GpuResult copyToHost(void* to, const void* from, std::uint64_t bytes, Stream stream) override;
    kernels::GpuResult copyOnDevice(void* to, const void* from, std::uint64_t bytes, Stream stream) override;
    kernels::GpuResult fill(void* memory, std::uint8_t value, std::uint64_t bytes, Stream stream) override;

    kernels::GpuResult loadModule(Module& module, const void* image, std::size_t bytes) override;
    kernels::GpuResult unloadModule(Module module) override;
    kernels::GpuResult findFunction(Function& function, Module module, const char* kernel) override;
    kernels::GpuResult launch(Function function, kernels::GpuGrid grid, std::uint32_t blockThreads, Stream stream,
                              const void* arguments) override;

    kernels::GpuResult beginCapture(Stream stream) override;
    kernels::GpuResult endCapture(Stream stream, Graph& graph) override;
    kernels::GpuResult instantiate(GraphExec& exec, Graph graph) override;
    kernels::GpuResult launchGraph(GraphExec exec, Stream stream) override;
    kernels::GpuResult destroyGraph(Graph graph) override;
    kernels::GpuResult destroyGraphExec(GraphExec exec) override;

private:
    /// Something that a stream does; what it did wrong, or empty.
    using Work = std::function<std::string()>;
    struct StreamState {
        std::vector<Work>* capture = nullptr; ///< the graph that is being recorded
    };
    struct EventState {
        bool recorded = false;
        bool reached = true;
        std::chrono::steady_clock::time_point when;
    };
    struct GraphState {
        std::vector<Work> work;
    };
    struct ExecState {
        std::vector<Work> work;
    };
    struct ModuleState {};
    template <typename State>
    using Living = std::map<const void*, std::shared_ptr<State>>; // shared with the work that uses them
    struct Injection {
        std::uint64_t after = std::numeric_limits<std::uint64_t>::max();
        kernels::GpuError error = kernels::GpuError::None;
    };
    enum class WhenLost : std::uint8_t { Fails, StillWorks };

    /// Counts the call; not ok when it is to fail or the device is lost.
    kernels::GpuResult enter(GpuCall call, WhenLost whenLost = WhenLost::Fails);
    /// A misuse by the host: remembered like a fault.
    kernels::GpuResult misuse(const char* call, std::string what, kernels::GpuError error = kernels::GpuError::Other);
    kernels::GpuResult enqueue(const char* call, Stream stream, Work work);
    kernels::GpuResult drain();
    [[nodiscard]] bool capturing() const;
    /// The first argument that is an address of the host, or empty.
    [[nodiscard]] std::string hostAddressIn(const void* arguments, std::size_t bytes) const;
    kernels::GpuResult checkStream(const char* call, Stream stream);
    kernels::GpuResult whileNotCapturing(const char* call);
    template <typename State>
    kernels::GpuResult destroy(Living<State>& states, GpuCall kind, void* handle, const char* call);

    hearth_executor::KernelTable m_table;
    Options m_options;
    std::string m_arch;
    ExecutorMemory m_memory;
    std::deque<Work> m_queue; ///< of all streams, in the order of the calls: one of the orders that are allowed
    Living<StreamState> m_streams;
    Living<EventState> m_events;
    Living<GraphState> m_graphs;
    std::unique_ptr<GraphState> m_recording;
    Living<ExecState> m_execs;
    Living<ModuleState> m_modules;
    std::array<std::uint64_t, kGpuCalls> m_calls{};
    std::array<Injection, kGpuCalls> m_injections{};
    std::uint64_t m_kernelsRun = 0;
    std::string m_fault;
    bool m_lost = false;
    bool m_polled = false; ///< the first question after new work is answered NotReady
};

} // namespace hearth::test
