// SPDX-License-Identifier: Apache-2.0
#include "tests/support/gpu_executor/executor_runtime.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <sys/mman.h>

namespace hearth::test {

using kernels::GpuError;
using kernels::GpuGrid;
using kernels::GpuResult;

namespace {

constexpr GpuResult kDone{};

/// Is the page of this address mapped in the process?
bool mapped(std::uintptr_t address) {
    unsigned char resident = 0;
    return mincore(reinterpret_cast<void*>(address / 4096 * 4096), 1, &resident) == 0 || errno != ENOMEM;
}

} // namespace

ExecutorRuntime::ExecutorRuntime(const hearth_executor::KernelTable& table)
    : ExecutorRuntime(table, Options{}) {}

ExecutorRuntime::ExecutorRuntime(const hearth_executor::KernelTable& table, const Options& options)
    : m_table(table)
    , m_options(options)
    , m_arch("executor" + std::to_string(table.waveSize)) {}

ExecutorRuntime::~ExecutorRuntime() = default;

kernels::CodeObject ExecutorRuntime::codeObject() const {
    return {m_arch.c_str(), std::as_bytes(std::span(m_arch))};
}

std::size_t ExecutorRuntime::livingResources() const {
    return m_streams.size() + m_events.size() + m_graphs.size() + m_execs.size() + m_modules.size() + m_memory.living(MemoryKind::Device) +
           m_memory.living(MemoryKind::Pinned);
}

void ExecutorRuntime::failCall(GpuCall call, std::uint64_t after, GpuError error) {
    m_injections[std::size_t(call)] = {m_calls[std::size_t(call)] + after, error};
}

GpuResult ExecutorRuntime::enter(GpuCall call, WhenLost whenLost) {
    const std::uint64_t number = m_calls[std::size_t(call)]++;
    const Injection& injection = m_injections[std::size_t(call)];
    if (number == injection.after) {
        m_lost = m_lost || injection.error == GpuError::DeviceLost;
        if (m_lost) m_queue.clear();
        return {injection.error, 1};
    }
    if (m_lost && whenLost == WhenLost::Fails) return {GpuError::DeviceLost, 2};
    return kDone;
}

GpuResult ExecutorRuntime::misuse(const char* call, std::string what, GpuError error) {
    what = std::string(call) + ": " + what;
    std::fprintf(stderr, "executor: %s\n", what.c_str());
    if (m_fault.empty()) m_fault = std::move(what);
    return {error, 3};
}

bool ExecutorRuntime::capturing() const {
    for (const auto& [handle, stream] : m_streams) {
        if (stream->capture != nullptr) return true;
    }
    return false;
}

GpuResult ExecutorRuntime::whileNotCapturing(const char* call) {
    return capturing() ? misuse(call, "not while a stream is captured", GpuError::Unsupported) : kDone;
}

GpuResult ExecutorRuntime::checkStream(const char* call, Stream stream) {
    return m_streams.contains(stream) ? kDone : misuse(call, "no such stream");
}

GpuResult ExecutorRuntime::enqueue(const char* call, Stream stream, Work work) {
    const auto found = m_streams.find(stream);
    if (found == m_streams.end()) return misuse(call, "no such stream");
    if (found->second->capture != nullptr) {
        found->second->capture->push_back(std::move(work));
    } else {
        m_queue.push_back(std::move(work));
        m_polled = false;
    }
    return kDone;
}

GpuResult ExecutorRuntime::drain() {
    if (m_lost) return {GpuError::DeviceLost, 2};
    if (m_queue.empty()) return kDone;
    m_memory.open();
    std::string wrong;
    while (!m_queue.empty() && wrong.empty()) {
        const Work work = std::move(m_queue.front());
        m_queue.pop_front();
        wrong = work();
    }
    m_memory.close();
    if (wrong.empty()) return kDone;
    std::fprintf(stderr, "executor: %s\n", wrong.c_str());
    if (m_fault.empty()) m_fault = std::move(wrong);
    m_queue.clear();
    m_lost = true;
    return {GpuError::DeviceLost, 4};
}

// --- device ------------------------------------------------------------------------------------------------------------

GpuResult ExecutorRuntime::driverVersion(int& version) {
    version = 1;
    return enter(GpuCall::DriverVersion);
}

GpuResult ExecutorRuntime::deviceCount(int& count) {
    count = 1;
    return enter(GpuCall::DeviceCount);
}

GpuResult ExecutorRuntime::deviceProperties(int device, kernels::GpuDeviceProperties& properties) {
    const GpuResult result = enter(GpuCall::DeviceProperties);
    if (!result.ok()) return result;
    if (device != 0) return {GpuError::NoDevice, 5};
    properties = {.name = "Executor with waves of " + std::to_string(m_table.waveSize),
                  .arch = m_arch,
                  .pciAddress = {},
                  .totalBytes = m_options.totalBytes,
                  .waveSize = m_table.waveSize,
                  .multiprocessors = m_options.multiprocessors,
                  .ldsBytes = 64 << 10,
                  .integrated = false};
    return kDone;
}

GpuResult ExecutorRuntime::useDevice(int device) {
    const GpuResult result = enter(GpuCall::UseDevice);
    return result.ok() && device != 0 ? GpuResult{GpuError::NoDevice, 5} : result;
}

// --- memory ------------------------------------------------------------------------------------------------------------

GpuResult ExecutorRuntime::memoryInfo(std::uint64_t& freeBytes, std::uint64_t& totalBytes) {
    totalBytes = m_options.totalBytes;
    freeBytes = totalBytes - std::min(totalBytes, m_memory.bytesLiving(MemoryKind::Device));
    return enter(GpuCall::MemoryInfo);
}

GpuResult ExecutorRuntime::allocate(void*& memory, std::uint64_t bytes) {
    memory = nullptr;
    if (const GpuResult result = enter(GpuCall::Allocate); !result.ok()) return result;
    if (const GpuResult result = whileNotCapturing("allocate"); !result.ok()) return result;
    const std::uint64_t used = m_memory.bytesLiving(MemoryKind::Device);
    if (bytes > m_options.totalBytes - std::min(used, m_options.totalBytes)) return {GpuError::OutOfMemory, 6};
    memory = m_memory.allocate(bytes, MemoryKind::Device);
    return memory == nullptr ? GpuResult{GpuError::OutOfMemory, 7} : kDone;
}

GpuResult ExecutorRuntime::release(void* memory) {
    const GpuResult result = enter(GpuCall::Release, WhenLost::StillWorks);
    if (!m_lost) static_cast<void>(drain()); // as drivers do: the device may still be reading
    if (!m_memory.release(memory, MemoryKind::Device)) return misuse("release", "no living device allocation begins there");
    return result;
}

GpuResult ExecutorRuntime::allocatePinned(void*& memory, std::uint64_t bytes) {
    memory = nullptr;
    if (const GpuResult result = enter(GpuCall::AllocatePinned); !result.ok()) return result;
    if (const GpuResult result = whileNotCapturing("allocatePinned"); !result.ok()) return result;
    memory = m_memory.allocate(bytes, MemoryKind::Pinned);
    return memory == nullptr ? GpuResult{GpuError::OutOfMemory, 7} : kDone;
}

GpuResult ExecutorRuntime::releasePinned(void* memory) {
    const GpuResult result = enter(GpuCall::ReleasePinned, WhenLost::StillWorks);
    if (!m_lost) static_cast<void>(drain());
    if (!m_memory.release(memory, MemoryKind::Pinned)) return misuse("releasePinned", "no living pinned allocation begins there");
    return result;
}

GpuResult ExecutorRuntime::copyToDevice(void* to, const void* from, std::uint64_t bytes, Stream stream) {
    if (const GpuResult result = enter(GpuCall::CopyToDevice); !result.ok()) return result;
    if (const GpuResult result = checkStream("copyToDevice", stream); !result.ok()) return result;
    if (!m_memory.contains(to, bytes, MemoryKind::Device)) return misuse("copyToDevice", "the target is not inside a device allocation");
    if (m_memory.contains(from, bytes, MemoryKind::Pinned)) {
        return enqueue("copyToDevice", stream, [=] {
            std::memcpy(to, from, bytes);
            return std::string();
        });
    }
    if (m_memory.known(reinterpret_cast<std::uintptr_t>(from))) return misuse("copyToDevice", "the source is not host memory, or too short");
    if (const GpuResult result = whileNotCapturing("copyToDevice from memory that is not pinned"); !result.ok()) return result;
    const auto* const source = static_cast<const std::byte*>(from);
    return enqueue("copyToDevice", stream, [=, staged = std::vector<std::byte>(source, source + bytes)] {
        std::memcpy(to, staged.data(), bytes);
        return std::string();
    });
}

GpuResult ExecutorRuntime::copyToHost(void* to, const void* from, std::uint64_t bytes, Stream stream) {
    if (const GpuResult result = enter(GpuCall::CopyToHost); !result.ok()) return result;
    if (!m_memory.contains(from, bytes, MemoryKind::Device)) return misuse("copyToHost", "the source is not inside a device allocation");
    const bool pinned = m_memory.contains(to, bytes, MemoryKind::Pinned);
    if (!pinned && m_memory.known(reinterpret_cast<std::uintptr_t>(to))) return misuse("copyToHost", "the target is not host memory, or too short");
    if (!pinned) {
        if (const GpuResult result = whileNotCapturing("copyToHost into memory that is not pinned"); !result.ok()) return result;
    }
    const GpuResult result = enqueue("copyToHost", stream, [=] {
        std::memcpy(to, from, bytes);
        return std::string();
    });
    return result.ok() && !pinned ? drain() : result;
}

GpuResult ExecutorRuntime::copyOnDevice(void* to, const void* from, std::uint64_t bytes, Stream stream) {
    if (const GpuResult result = enter(GpuCall::CopyOnDevice); !result.ok()) return result;
    if (!m_memory.contains(to, bytes, MemoryKind::Device) || !m_memory.contains(from, bytes, MemoryKind::Device))
        return misuse("copyOnDevice", "not inside device allocations");
    const auto* const source = static_cast<const std::byte*>(from);
    const auto* const target = static_cast<const std::byte*>(to);
    if (source < target + bytes && target < source + bytes && bytes > 0) return misuse("copyOnDevice", "source and target overlap");
    return enqueue("copyOnDevice", stream, [=] {
        std::memcpy(to, from, bytes);
        return std::string();
    });
}

GpuResult ExecutorRuntime::fill(void* memory, std::uint8_t value, std::uint64_t bytes, Stream stream) {
    if (const GpuResult result = enter(GpuCall::Fill); !result.ok()) return result;
    if (!m_memory.contains(memory, bytes, MemoryKind::Device)) return misuse("fill", "not inside a device allocation");
    return enqueue("fill", stream, [=] {
        std::memset(memory, value, bytes);
        return std::string();
    });
}

// --- streams and events ------------------------------------------------------------------------------------------------

template <typename State>
GpuResult ExecutorRuntime::destroy(Living<State>& states, GpuCall kind, void* handle, const char* call) {
    const GpuResult result = enter(kind, WhenLost::StillWorks);
    if (!m_lost) static_cast<void>(drain());
    return states.erase(handle) == 1 ? result : misuse(call, "no such handle");
}

GpuResult ExecutorRuntime::createStream(Stream& stream) {
    stream = nullptr;
    if (const GpuResult result = enter(GpuCall::CreateStream); !result.ok()) return result;
    auto state = std::make_shared<StreamState>();
    stream = state.get();
    m_streams.emplace(stream, std::move(state));
    return kDone;
}

GpuResult ExecutorRuntime::destroyStream(Stream stream) {
    return destroy(m_streams, GpuCall::DestroyStream, stream, "destroyStream");
}

GpuResult ExecutorRuntime::synchronize(Stream stream) {
    if (const GpuResult result = enter(GpuCall::Synchronize); !result.ok()) return result;
    if (const GpuResult result = checkStream("synchronize", stream); !result.ok()) return result;
    if (const GpuResult result = whileNotCapturing("synchronize"); !result.ok()) return result;
    return drain();
}

GpuResult ExecutorRuntime::query(Stream stream) {
    if (const GpuResult result = enter(GpuCall::Query); !result.ok()) return result;
    if (const GpuResult result = checkStream("query", stream); !result.ok()) return result;
    if (const GpuResult result = whileNotCapturing("query"); !result.ok()) return result;
    if (!m_queue.empty() && !std::exchange(m_polled, true)) return {GpuError::NotReady, 8};
    return drain();
}

GpuResult ExecutorRuntime::createEvent(Event& event) {
    event = nullptr;
    if (const GpuResult result = enter(GpuCall::CreateEvent); !result.ok()) return result;
    auto state = std::make_shared<EventState>();
    event = state.get();
    m_events.emplace(event, std::move(state));
    return kDone;
}

GpuResult ExecutorRuntime::destroyEvent(Event event) {
    return destroy(m_events, GpuCall::DestroyEvent, event, "destroyEvent");
}

GpuResult ExecutorRuntime::recordEvent(Event event, Stream stream) {
    if (const GpuResult result = enter(GpuCall::RecordEvent); !result.ok()) return result;
    const auto found = m_events.find(event);
    if (found == m_events.end()) return misuse("recordEvent", "no such event");
    const std::shared_ptr<EventState> state = found->second;
    state->recorded = true;
    state->reached = false;
    return enqueue("recordEvent", stream, [state] {
        state->reached = true;
        state->when = std::chrono::steady_clock::now();
        return std::string();
    });
}

GpuResult ExecutorRuntime::queryEvent(Event event) {
    if (const GpuResult result = enter(GpuCall::QueryEvent); !result.ok()) return result;
    const auto found = m_events.find(event);
    if (found == m_events.end()) return misuse("queryEvent", "no such event");
    if (found->second->reached) return kDone;
    if (!std::exchange(m_polled, true)) return {GpuError::NotReady, 8};
    return drain();
}

GpuResult ExecutorRuntime::waitEvent(Stream stream, Event event) {
    if (const GpuResult result = enter(GpuCall::WaitEvent); !result.ok()) return result;
    if (!m_events.contains(event)) return misuse("waitEvent", "no such event");
    return checkStream("waitEvent", stream); // all streams run in the order of the calls: an event recorded before has been reached
}

GpuResult ExecutorRuntime::elapsedMs(float& ms, Event from, Event to) {
    if (const GpuResult result = enter(GpuCall::ElapsedMs); !result.ok()) return result;
    const auto begin = m_events.find(from);
    const auto end = m_events.find(to);
    if (begin == m_events.end() || end == m_events.end() || !begin->second->recorded || !end->second->recorded)
        return misuse("elapsedMs", "an event that was never recorded");
    if (!begin->second->reached || !end->second->reached) return {GpuError::NotReady, 8};
    ms = std::chrono::duration<float, std::milli>(end->second->when - begin->second->when).count();
    return kDone;
}

// --- kernels -----------------------------------------------------------------------------------------------------------

GpuResult ExecutorRuntime::loadModule(Module& module, const void* image, std::size_t bytes) {
    module = nullptr;
    if (const GpuResult result = enter(GpuCall::LoadModule); !result.ok()) return result;
    if (bytes != m_arch.size() || std::memcmp(image, m_arch.data(), bytes) != 0) return {GpuError::NoCodeObject, 9};
    auto state = std::make_shared<ModuleState>();
    module = state.get();
    m_modules.emplace(module, std::move(state));
    return kDone;
}

GpuResult ExecutorRuntime::unloadModule(Module module) {
    return destroy(m_modules, GpuCall::UnloadModule, module, "unloadModule");
}

GpuResult ExecutorRuntime::findFunction(Function& function, Module module, const char* kernel) {
    function = nullptr;
    if (const GpuResult result = enter(GpuCall::FindFunction); !result.ok()) return result;
    if (!m_modules.contains(module)) return misuse("findFunction", "no such module");
    function = const_cast<hearth_executor::Kernel*>(findKernel(m_table, kernel));
    return function == nullptr ? GpuResult{GpuError::NoCodeObject, 10} : kDone;
}

std::string ExecutorRuntime::hostAddressIn(const void* arguments, std::size_t bytes) const {
    for (std::size_t at = 0; at + sizeof(std::uintptr_t) <= bytes; at += sizeof(std::uintptr_t)) {
        std::uintptr_t word = 0;
        std::memcpy(&word, static_cast<const std::byte*>(arguments) + at, sizeof word);
        // Two small numbers side by side look like a low address. Heap, stack and libraries of a program that may lie anywhere are high up,
        // but a GPU's real driver, loaded by another row, reserves what is low.
        if (word >> 46 != 1 || m_memory.known(word) || !mapped(word)) continue;
        const std::string what = m_memory.describe(word);
        return "the argument at byte " + std::to_string(at) + " is " + (what.empty() ? "an address of the host" : what);
    }
    return {};
}

GpuResult ExecutorRuntime::launch(Function function, GpuGrid grid, std::uint32_t blockThreads, Stream stream, const void* arguments) {
    if (const GpuResult result = enter(GpuCall::Launch); !result.ok()) return result;
    if (function == nullptr) return misuse("launch", "no kernel");
    const auto& kernel = *static_cast<const hearth_executor::Kernel*>(function);
    if (static_cast<int>(blockThreads) != kernel.threads) {
        return misuse(kernel.name, "launched with blocks of " + std::to_string(blockThreads) + ", built for " + std::to_string(kernel.threads),
                      GpuError::LaunchFailed);
    }
    if (grid.x < 1 || grid.y < 1 || grid.z < 1 || grid.x > 0x7fffffffu || grid.y > 0xffffu || grid.z > 0xffffu)
        return misuse(kernel.name, "a grid that GPUs refuse", GpuError::LaunchFailed);
    // Blocks of 16 bytes, so that the copy is aligned like the struct.
    struct alignas(16) Unit {
        std::byte bytes[16];
    };
    std::vector<Unit> copy((kernel.argumentBytes + sizeof(Unit) - 1) / sizeof(Unit));
    std::memcpy(copy.data(), arguments, kernel.argumentBytes);
    if (kernel.clearPadding != nullptr) { // else what lies between the fields may look like an address
        kernel.clearPadding(copy.data());
        const std::string host = hostAddressIn(copy.data(), kernel.argumentBytes);
        if (!host.empty()) return misuse(kernel.name, host, GpuError::LaunchFailed);
    }
    return enqueue(kernel.name, stream, [this, &kernel, grid, copy = std::move(copy)] {
        ++m_kernelsRun;
        const auto nameOf = [this](std::uintptr_t address) { return m_memory.describe(address); };
        if (auto wrong = runGrid(m_table, kernel, {grid.x, grid.y, grid.z}, copy.data(), nameOf)) return *std::move(wrong);
        const std::string damage = m_memory.damage();
        return damage.empty() ? damage : std::string(kernel.name) + ": " + damage;
    });
}

// --- graphs ------------------------------------------------------------------------------------------------------------

GpuResult ExecutorRuntime::beginCapture(Stream stream) {
    if (const GpuResult result = enter(GpuCall::BeginCapture); !result.ok()) return result;
    if (const GpuResult result = checkStream("beginCapture", stream); !result.ok()) return result;
    if (const GpuResult result = whileNotCapturing("beginCapture"); !result.ok()) return result;
    auto graph = std::make_unique<GraphState>();
    m_streams.at(stream)->capture = &graph->work;
    m_recording = std::move(graph);
    return kDone;
}

GpuResult ExecutorRuntime::endCapture(Stream stream, Graph& graph) {
    graph = nullptr;
    const GpuResult entered = enter(GpuCall::EndCapture);
    const auto found = m_streams.find(stream);
    if (found == m_streams.end() || found->second->capture == nullptr) return misuse("endCapture", "the stream is not being captured");
    found->second->capture = nullptr;
    std::unique_ptr<GraphState> recorded = std::move(m_recording);
    if (!entered.ok()) return entered;
    graph = recorded.get();
    m_graphs.emplace(graph, std::move(recorded));
    return kDone;
}

GpuResult ExecutorRuntime::instantiate(GraphExec& exec, Graph graph) {
    exec = nullptr;
    if (const GpuResult result = enter(GpuCall::Instantiate); !result.ok()) return result;
    const auto found = m_graphs.find(graph);
    if (found == m_graphs.end()) return misuse("instantiate", "no such graph");
    auto state = std::make_shared<ExecState>();
    state->work = found->second->work;
    exec = state.get();
    m_execs.emplace(exec, std::move(state));
    return kDone;
}

GpuResult ExecutorRuntime::launchGraph(GraphExec exec, Stream stream) {
    if (const GpuResult result = enter(GpuCall::LaunchGraph); !result.ok()) return result;
    const auto found = m_execs.find(exec);
    if (found == m_execs.end()) return misuse("launchGraph", "no such graph");
    for (const Work& work : found->second->work) {
        if (const GpuResult result = enqueue("launchGraph", stream, work); !result.ok()) return result;
    }
    return kDone;
}

GpuResult ExecutorRuntime::destroyGraph(Graph graph) {
    return destroy(m_graphs, GpuCall::DestroyGraph, graph, "destroyGraph");
}

GpuResult ExecutorRuntime::destroyGraphExec(GraphExec exec) {
    return destroy(m_execs, GpuCall::DestroyGraphExec, exec, "destroyGraphExec");
}

} // namespace hearth::test
