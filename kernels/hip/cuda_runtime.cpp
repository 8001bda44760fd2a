// SPDX-License-Identifier: Apache-2.0
#include "kernels/hip/cuda_runtime.h"

#include "kernels/hip/gpu_error_codes.h"

#include <array>
#include <cctype>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::kernels {

namespace {

/// Numbers of CUdevice_attribute.
enum Attribute : int {
    kSharedMemoryPerBlock = 8,
    kWaveSize = 10,
    kMultiprocessors = 16,
    kIntegrated = 18,
    kMajor = 75,
    kMinor = 76,
};
constexpr unsigned kStreamNonBlocking = 1;
constexpr int kCaptureThreadLocal = 1;

using DevicePointer = unsigned long long;

struct CudaTable {
    int (*init)(unsigned);
    int (*driverGetVersion)(int*);
    int (*deviceGetCount)(int*);
    int (*deviceGet)(int*, int);
    int (*deviceGetName)(char*, int, int);
    int (*deviceTotalMem)(std::size_t*, int);
    int (*deviceGetAttribute)(int*, int, int);
    int (*deviceGetPciBusId)(char*, int, int);
    int (*primaryRetain)(void**, int);
    int (*primaryRelease)(int);
    int (*setCurrent)(void*);
    int (*memGetInfo)(std::size_t*, std::size_t*);
    int (*memAlloc)(DevicePointer*, std::size_t);
    int (*memFree)(DevicePointer);
    int (*memHostAlloc)(void**, std::size_t, unsigned);
    int (*memFreeHost)(void*);
    int (*streamCreate)(void**, unsigned);
    int (*streamDestroy)(void*);
    int (*streamSynchronize)(void*);
    int (*streamQuery)(void*);
    int (*streamWaitEvent)(void*, void*, unsigned);
    int (*eventCreate)(void**, unsigned);
    int (*eventDestroy)(void*);
    int (*eventRecord)(void*, void*);
    int (*eventQuery)(void*);
    int (*eventElapsedTime)(float*, void*, void*);
    int (*copyToDevice)(DevicePointer, const void*, std::size_t, void*);
    int (*copyToHost)(void*, DevicePointer, std::size_t, void*);
    int (*copyOnDevice)(DevicePointer, DevicePointer, std::size_t, void*);
    int (*memset)(DevicePointer, unsigned char, std::size_t, void*);
    int (*moduleLoadData)(void**, const void*);
    int (*moduleUnload)(void*);
    int (*moduleGetFunction)(void**, void*, const char*);
    int (*launchKernel)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**);
    // Graphs: absent from drivers before 11.4.
    int (*streamBeginCapture)(void*, int);
    int (*streamEndCapture)(void*, void**);
    int (*graphInstantiate)(void**, void*, unsigned long long);
    int (*graphLaunch)(void*, void*);
    int (*graphDestroy)(void*);
    int (*graphExecDestroy)(void*);
};

/// The name of the first required function that is missing; empty when all are there.
std::string fill(CudaTable& table, const DynamicLibrary& library) {
    std::string missing;
    library.require(table.init, "cuInit", missing);
    library.require(table.driverGetVersion, "cuDriverGetVersion", missing);
    library.require(table.deviceGetCount, "cuDeviceGetCount", missing);
    library.require(table.deviceGet, "cuDeviceGet", missing);
    library.require(table.deviceGetName, "cuDeviceGetName", missing);
    library.require(table.deviceTotalMem, "cuDeviceTotalMem_v2", missing);
    library.require(table.deviceGetAttribute, "cuDeviceGetAttribute", missing);
    library.require(table.deviceGetPciBusId, "cuDeviceGetPCIBusId", missing);
    library.require(table.primaryRetain, "cuDevicePrimaryCtxRetain", missing);
    library.require(table.primaryRelease, "cuDevicePrimaryCtxRelease_v2", missing);
    library.require(table.setCurrent, "cuCtxSetCurrent", missing);
    library.require(table.memGetInfo, "cuMemGetInfo_v2", missing);
    library.require(table.memAlloc, "cuMemAlloc_v2", missing);
    library.require(table.memFree, "cuMemFree_v2", missing);
    library.require(table.memHostAlloc, "cuMemHostAlloc", missing);
    library.require(table.memFreeHost, "cuMemFreeHost", missing);
    library.require(table.streamCreate, "cuStreamCreate", missing);
    library.require(table.streamDestroy, "cuStreamDestroy_v2", missing);
    library.require(table.streamSynchronize, "cuStreamSynchronize", missing);
    library.require(table.streamQuery, "cuStreamQuery", missing);
    library.require(table.streamWaitEvent, "cuStreamWaitEvent", missing);
    library.require(table.eventCreate, "cuEventCreate", missing);
    library.require(table.eventDestroy, "cuEventDestroy_v2", missing);
    library.require(table.eventRecord, "cuEventRecord", missing);
    library.require(table.eventQuery, "cuEventQuery", missing);
    library.require(table.eventElapsedTime, "cuEventElapsedTime", missing);
    library.require(table.copyToDevice, "cuMemcpyHtoDAsync_v2", missing);
    library.require(table.copyToHost, "cuMemcpyDtoHAsync_v2", missing);
    library.require(table.copyOnDevice, "cuMemcpyDtoDAsync_v2", missing);
    library.require(table.memset, "cuMemsetD8Async", missing);
    library.require(table.moduleLoadData, "cuModuleLoadData", missing);
    library.require(table.moduleUnload, "cuModuleUnload", missing);
    library.require(table.moduleGetFunction, "cuModuleGetFunction", missing);
    library.require(table.launchKernel, "cuLaunchKernel", missing);
    library.find(table.streamBeginCapture, "cuStreamBeginCapture_v2");
    library.find(table.streamEndCapture, "cuStreamEndCapture");
    library.find(table.graphInstantiate, "cuGraphInstantiateWithFlags");
    library.find(table.graphLaunch, "cuGraphLaunch");
    library.find(table.graphDestroy, "cuGraphDestroy");
    library.find(table.graphExecDestroy, "cuGraphExecDestroy");
    return missing;
}

DevicePointer addressOf(const void* memory) {
    return reinterpret_cast<DevicePointer>(memory);
}

class CudaRuntime final : public GpuRuntime {
public:
    CudaRuntime(const CudaTable& table, std::string library)
        : m_cuda(table)
        , m_library(std::move(library)) {}
    ~CudaRuntime() override {
        for (const Context& context : m_contexts)
            m_cuda.primaryRelease(context.device);
    }

    const char* name() const override { return "CUDA"; }
    std::string library() const override { return m_library; }

    GpuResult driverVersion(int& version) override { return gpuResult(m_cuda.driverGetVersion(&version)); }
    GpuResult deviceCount(int& count) override {
        count = 0;
        return gpuResult(m_cuda.deviceGetCount(&count));
    }
    GpuResult deviceProperties(int device, GpuDeviceProperties& properties) override;
    GpuResult useDevice(int device) override;

    GpuResult memoryInfo(std::uint64_t& freeBytes, std::uint64_t& totalBytes) override {
        std::size_t unused = 0;
        std::size_t total = 0;
        const GpuResult result = gpuResult(m_cuda.memGetInfo(&unused, &total));
        freeBytes = unused;
        totalBytes = total;
        return result;
    }
    GpuResult allocate(void*& memory, std::uint64_t bytes) override {
        DevicePointer address = 0;
        const GpuResult result = gpuResult(m_cuda.memAlloc(&address, bytes));
        memory = reinterpret_cast<void*>(address);
        return result;
    }
    GpuResult release(void* memory) override { return gpuResult(m_cuda.memFree(addressOf(memory))); }
    GpuResult allocatePinned(void*& memory, std::uint64_t bytes) override {
        return gpuResult(m_cuda.memHostAlloc(&memory, bytes, 0));
    }
    GpuResult releasePinned(void* memory) override { return gpuResult(m_cuda.memFreeHost(memory)); }

    GpuResult createStream(Stream& stream) override { return gpuResult(m_cuda.streamCreate(&stream, kStreamNonBlocking)); }
    GpuResult destroyStream(Stream stream) override { return gpuResult(m_cuda.streamDestroy(stream)); }
    GpuResult synchronize(Stream stream) override { return gpuResult(m_cuda.streamSynchronize(stream)); }
    GpuResult query(Stream stream) override { return gpuResult(m_cuda.streamQuery(stream)); }
    GpuResult createEvent(Event& event) override { return gpuResult(m_cuda.eventCreate(&event, 0)); }
    GpuResult destroyEvent(Event event) override { return gpuResult(m_cuda.eventDestroy(event)); }
    GpuResult recordEvent(Event event, Stream stream) override { return gpuResult(m_cuda.eventRecord(event, stream)); }
    GpuResult queryEvent(Event event) override { return gpuResult(m_cuda.eventQuery(event)); }
    GpuResult waitEvent(Stream stream, Event event) override { return gpuResult(m_cuda.streamWaitEvent(stream, event, 0)); }
    GpuResult elapsedMs(float& ms, Event from, Event to) override {
        return gpuResult(m_cuda.eventElapsedTime(&ms, from, to));
    }

    GpuResult copyToDevice(void* to, const void* from, std::uint64_t bytes, Stream stream) override {
        return gpuResult(m_cuda.copyToDevice(addressOf(to), from, bytes, stream));
    }
    GpuResult copyToHost(void* to, const void* from, std::uint64_t bytes, Stream stream) override {
        return gpuResult(m_cuda.copyToHost(to, addressOf(from), bytes, stream));
    }
    GpuResult copyOnDevice(void* to, const void* from, std::uint64_t bytes, Stream stream) override {
        return gpuResult(m_cuda.copyOnDevice(addressOf(to), addressOf(from), bytes, stream));
    }
    GpuResult fill(void* memory, std::uint8_t value, std::uint64_t bytes, Stream stream) override {
        return gpuResult(m_cuda.memset(addressOf(memory), value, bytes, stream));
    }

    GpuResult loadModule(Module& module, const void* image, std::size_t) override {
        return gpuResult(m_cuda.moduleLoadData(&module, image));
    }
    GpuResult unloadModule(Module module) override { return gpuResult(m_cuda.moduleUnload(module)); }
    GpuResult findFunction(Function& function, Module module, const char* kernel) override {
        return gpuResult(m_cuda.moduleGetFunction(&function, module, kernel));
    }
    GpuResult launch(Function function, GpuGrid grid, std::uint32_t blockThreads, Stream stream,
                     const void* arguments) override {
        void* parameters[] = {const_cast<void*>(arguments)};
        return gpuResult(m_cuda.launchKernel(function, grid.x, grid.y, grid.z, blockThreads, 1, 1, 0, stream, parameters, nullptr));
    }

    GpuResult beginCapture(Stream stream) override {
        return hasGraphs() ? gpuResult(m_cuda.streamBeginCapture(stream, kCaptureThreadLocal)) : kUnsupported;
    }
    GpuResult endCapture(Stream stream, Graph& graph) override {
        return hasGraphs() ? gpuResult(m_cuda.streamEndCapture(stream, &graph)) : kUnsupported;
    }
    GpuResult instantiate(GraphExec& exec, Graph graph) override {
        return hasGraphs() ? gpuResult(m_cuda.graphInstantiate(&exec, graph, 0)) : kUnsupported;
    }
    GpuResult launchGraph(GraphExec exec, Stream stream) override {
        return hasGraphs() ? gpuResult(m_cuda.graphLaunch(exec, stream)) : kUnsupported;
    }
    GpuResult destroyGraph(Graph graph) override {
        return hasGraphs() ? gpuResult(m_cuda.graphDestroy(graph)) : kUnsupported;
    }
    GpuResult destroyGraphExec(GraphExec exec) override {
        return hasGraphs() ? gpuResult(m_cuda.graphExecDestroy(exec)) : kUnsupported;
    }

private:
    static constexpr GpuResult kUnsupported{GpuError::Unsupported, 0};

    [[nodiscard]] bool hasGraphs() const {
        return m_cuda.streamBeginCapture != nullptr && m_cuda.streamEndCapture != nullptr && m_cuda.graphInstantiate != nullptr &&
               m_cuda.graphLaunch != nullptr && m_cuda.graphDestroy != nullptr && m_cuda.graphExecDestroy != nullptr;
    }

    struct Context {
        int index = 0;
        int device = 0; ///< the driver's handle
        void* context = nullptr;
    };

    CudaTable m_cuda;
    std::string m_library;
    std::vector<Context> m_contexts; ///< retained primary contexts
};

GpuResult CudaRuntime::useDevice(int device) {
    for (const Context& context : m_contexts) {
        if (context.index == device) return gpuResult(m_cuda.setCurrent(context.context));
    }
    Context context{.index = device};
    if (const int raw = m_cuda.deviceGet(&context.device, device); raw != 0) return gpuResult(raw);
    if (const int raw = m_cuda.primaryRetain(&context.context, context.device); raw != 0) return gpuResult(raw);
    m_contexts.push_back(context);
    return gpuResult(m_cuda.setCurrent(context.context));
}

GpuResult CudaRuntime::deviceProperties(int device, GpuDeviceProperties& properties) {
    int handle = 0;
    if (const int raw = m_cuda.deviceGet(&handle, device); raw != 0) return gpuResult(raw);
    std::array<char, 256> text{};
    if (const int raw = m_cuda.deviceGetName(text.data(), static_cast<int>(text.size()) - 1, handle); raw != 0) return gpuResult(raw);
    properties.name = text.data();

    text.fill('\0');
    properties.pciAddress.clear();
    if (m_cuda.deviceGetPciBusId(text.data(), static_cast<int>(text.size()) - 1, handle) == 0) {
        for (const char c : std::string_view(text.data()))
            properties.pciAddress += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    std::size_t total = 0;
    if (const int raw = m_cuda.deviceTotalMem(&total, handle); raw != 0) return gpuResult(raw);
    properties.totalBytes = total;

    int integrated = 0;
    int major = 0;
    int minor = 0;
    const std::array wanted{std::pair{kWaveSize, &properties.waveSize}, std::pair{kMultiprocessors, &properties.multiprocessors},
                            std::pair{kSharedMemoryPerBlock, &properties.ldsBytes}, std::pair{kIntegrated, &integrated},
                            std::pair{kMajor, &major}, std::pair{kMinor, &minor}};
    for (const auto& [attribute, value] : wanted) {
        if (const int raw = m_cuda.deviceGetAttribute(value, attribute, handle); raw != 0) return gpuResult(raw);
    }
    properties.integrated = integrated != 0;
    properties.arch = "sm_" + std::to_string(major) + std::to_string(minor);
    return {};
}

} // namespace

std::unique_ptr<GpuRuntime> openCudaRuntime(RuntimeFailure& failure) {
    failure = {};
    DynamicLibrary library;
    if (!library.open({"libcuda.so.1"})) {
        failure.reason = GpuReason::RuntimeMissing;
        failure.detail = library.complaint();
        return nullptr;
    }
    failure.library = library.file();
    CudaTable table{};
    failure.detail = fill(table, library);
    if (!failure.detail.empty()) {
        failure.reason = GpuReason::RuntimeTooOld;
        return nullptr;
    }
    failure.raw = table.init(0);
    if (failure.raw != 0) {
        const GpuError error = gpuErrorOf(failure.raw);
        failure.reason = error == GpuError::NoDevice       ? GpuReason::NoDevice
                         : error == GpuError::NoPermission ? GpuReason::NoPermission
                                                           : GpuReason::DriverError;
        return nullptr;
    }
    return std::make_unique<CudaRuntime>(table, failure.library);
}

} // namespace hearth::kernels
