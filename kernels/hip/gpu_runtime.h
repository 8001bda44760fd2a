// SPDX-License-Identifier: Apache-2.0
//
// GpuRuntime: the few calls of a GPU driver that Hearth makes, as one interface. HIP's runtime and NVIDIA's driver have the same shape, so
// one back end runs on either; the tests run it on an executor of their own and force every call to fail.
// Implementations open their library by name at run time: nothing here is linked.
// Thread: one at a time, except where said. Errors are values; the raw code is kept for logs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace hearth::kernels {

enum class GpuError : std::uint8_t {
    None,
    NotReady,       ///< query: still running
    NoDevice,
    NoPermission,
    OutOfMemory,
    NoCodeObject,   ///< the driver refuses the code object or does not find the kernel
    LaunchFailed,
    DeviceLost,     ///< reset, hung, fell off the bus; also every sticky error after a fault
    Unsupported,    ///< the call does not exist in this runtime
    Other,
};

struct [[nodiscard]] GpuResult {
    GpuError error = GpuError::None;
    int raw = 0; ///< the runtime's own code

    [[nodiscard]] bool ok() const { return error == GpuError::None; }
};

struct GpuDeviceProperties {
    std::string name;         ///< "Radeon RX 7900 XTX"
    std::string arch;         ///< "gfx1100", cut at ':'; "sm_90"
    std::string pciAddress;   ///< "0000:03:00.0"; empty when unknown
    std::uint64_t totalBytes = 0;
    int waveSize = 32;
    int multiprocessors = 0;  ///< compute units as the runtime counts them
    int ldsBytes = 0;         ///< shared memory a block may have
    bool integrated = false;
};

/// Blocks in x, y, z; all kernels have one-dimensional blocks.
struct GpuGrid {
    std::uint32_t x = 1, y = 1, z = 1;
};

class GpuRuntime {
public:
    using Stream = void*;
    using Event = void*;
    using Module = void*;
    using Function = void*;
    using Graph = void*;
    using GraphExec = void*;

    virtual ~GpuRuntime() = default;

    [[nodiscard]] virtual const char* name() const = 0;      ///< "HIP", "CUDA"
    [[nodiscard]] virtual std::string library() const = 0;   ///< the file that was opened
    virtual GpuResult driverVersion(int& version) = 0;
    virtual GpuResult deviceCount(int& count) = 0;
    virtual GpuResult deviceProperties(int device, GpuDeviceProperties& properties) = 0;
    /// Before any call below, on every thread that makes one.
    virtual GpuResult useDevice(int device) = 0;

    virtual GpuResult memoryInfo(std::uint64_t& freeBytes, std::uint64_t& totalBytes) = 0;
    virtual GpuResult allocate(void*& memory, std::uint64_t bytes) = 0;
    virtual GpuResult release(void* memory) = 0;
    virtual GpuResult allocatePinned(void*& memory, std::uint64_t bytes) = 0;
    virtual GpuResult releasePinned(void* memory) = 0;

    virtual GpuResult createStream(Stream& stream) = 0;
    virtual GpuResult destroyStream(Stream stream) = 0;
    virtual GpuResult synchronize(Stream stream) = 0;
    virtual GpuResult query(Stream stream) = 0; ///< None = all done, NotReady
    virtual GpuResult createEvent(Event& event) = 0;
    virtual GpuResult destroyEvent(Event event) = 0;
    virtual GpuResult recordEvent(Event event, Stream stream) = 0;
    virtual GpuResult queryEvent(Event event) = 0;
    virtual GpuResult waitEvent(Stream stream, Event event) = 0;
    virtual GpuResult elapsedMs(float& ms, Event from, Event to) = 0;

    /// Asynchronous when the host memory is pinned.
    virtual GpuResult copyToDevice(void* to, const void* from, std::uint64_t bytes, Stream stream) = 0;
    virtual GpuResult copyToHost(void* to, const void* from, std::uint64_t bytes, Stream stream) = 0;
    virtual GpuResult copyOnDevice(void* to, const void* from, std::uint64_t bytes, Stream stream) = 0;
    virtual GpuResult fill(void* memory, std::uint8_t value, std::uint64_t bytes, Stream stream) = 0;

    virtual GpuResult loadModule(Module& module, const void* image, std::size_t bytes) = 0;
    virtual GpuResult unloadModule(Module module) = 0;
    virtual GpuResult findFunction(Function& function, Module module, const char* kernel) = 0;
    /// Every kernel takes one struct by value; `arguments` points at it.
    virtual GpuResult launch(Function function, GpuGrid grid, std::uint32_t blockThreads, Stream stream, const void* arguments) = 0;

    virtual GpuResult beginCapture(Stream stream) = 0;
    virtual GpuResult endCapture(Stream stream, Graph& graph) = 0;
    virtual GpuResult instantiate(GraphExec& exec, Graph graph) = 0;
    virtual GpuResult launchGraph(GraphExec exec, Stream stream) = 0;
    virtual GpuResult destroyGraph(Graph graph) = 0;
    virtual GpuResult destroyGraphExec(GraphExec exec) = 0;

    /// The device hangs. A driver that is asked to free something waits for it, for ever: from here on every call that gives
    /// something back, or waits, answers DeviceLost without asking the driver. The end of the process gives it back.
    virtual void abandon() {}
};

} // namespace hearth::kernels
