// SPDX-License-Identifier: Apache-2.0
#include "kernels/hip/hip_runtime.h"

#include "kernels/hip/gpu_error_codes.h"

#include <array>
#include <cctype>
#include <cstring>
#include <string_view>
#include <utility>

namespace hearth::kernels {

namespace {

/// Numbers of hipDeviceAttribute_t that HIP 5.2 and 6.3 share.
enum Attribute : int {
    kIntegrated = 16,
    kMultiprocessors = 63,
    kSharedMemoryPerBlock = 74,
    kWaveSize = 87,
};
constexpr unsigned kStreamNonBlocking = 1;
constexpr int kCaptureThreadLocal = 1;
enum CopyKind : int { kToDevice = 1, kToHost = 2, kOnDevice = 3 };

/// Where gcnArchName lies in the two layouts of the properties, and more room than either takes.
constexpr std::size_t kArchOffsetR0600 = 1160;
constexpr std::size_t kArchOffsetOld = 396;
constexpr std::size_t kArchBytes = 256;
constexpr std::size_t kPropertiesRoom = 8192;

struct HipTable {
    int (*init)(unsigned);
    int (*driverGetVersion)(int*);
    int (*getDeviceCount)(int*);
    int (*setDevice)(int);
    int (*deviceGetName)(char*, int, int);
    int (*deviceTotalMem)(std::size_t*, int);
    int (*deviceGetAttribute)(int*, int, int);
    int (*deviceGetPciBusId)(char*, int, int);
    int (*getPropertiesR0600)(void*, int); ///< HIP 6 and later
    int (*getProperties)(void*, int);
    int (*memGetInfo)(std::size_t*, std::size_t*);
    int (*malloc)(void**, std::size_t);
    int (*free)(void*);
    int (*hostMalloc)(void**, std::size_t, unsigned);
    int (*hostFree)(void*);
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
    int (*memcpyAsync)(void*, const void*, std::size_t, int, void*);
    int (*memsetAsync)(void*, int, std::size_t, void*);
    int (*moduleLoadData)(void**, const void*);
    int (*moduleUnload)(void*);
    int (*moduleGetFunction)(void**, void*, const char*);
    int (*launchKernel)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**);
    // Graphs: absent from very old runtimes.
    int (*streamBeginCapture)(void*, int);
    int (*streamEndCapture)(void*, void**);
    int (*graphInstantiate)(void**, void*, void**, char*, std::size_t);
    int (*graphLaunch)(void*, void*);
    int (*graphDestroy)(void*);
    int (*graphExecDestroy)(void*);
};

/// The name of the first required function that is missing; empty when all are there.
std::string fill(HipTable& table, const DynamicLibrary& library) {
    std::string missing;
    library.require(table.init, "hipInit", missing);
    library.require(table.driverGetVersion, "hipDriverGetVersion", missing);
    library.require(table.getDeviceCount, "hipGetDeviceCount", missing);
    library.require(table.setDevice, "hipSetDevice", missing);
    library.require(table.deviceGetName, "hipDeviceGetName", missing);
    library.require(table.deviceTotalMem, "hipDeviceTotalMem", missing);
    library.require(table.deviceGetAttribute, "hipDeviceGetAttribute", missing);
    library.require(table.deviceGetPciBusId, "hipDeviceGetPCIBusId", missing);
    if (!library.find(table.getPropertiesR0600, "hipGetDevicePropertiesR0600")) {
        library.require(table.getProperties, "hipGetDeviceProperties", missing);
    }
    library.require(table.memGetInfo, "hipMemGetInfo", missing);
    library.require(table.malloc, "hipMalloc", missing);
    library.require(table.free, "hipFree", missing);
    library.require(table.hostMalloc, "hipHostMalloc", missing);
    library.require(table.hostFree, "hipHostFree", missing);
    library.require(table.streamCreate, "hipStreamCreateWithFlags", missing);
    library.require(table.streamDestroy, "hipStreamDestroy", missing);
    library.require(table.streamSynchronize, "hipStreamSynchronize", missing);
    library.require(table.streamQuery, "hipStreamQuery", missing);
    library.require(table.streamWaitEvent, "hipStreamWaitEvent", missing);
    library.require(table.eventCreate, "hipEventCreateWithFlags", missing);
    library.require(table.eventDestroy, "hipEventDestroy", missing);
    library.require(table.eventRecord, "hipEventRecord", missing);
    library.require(table.eventQuery, "hipEventQuery", missing);
    library.require(table.eventElapsedTime, "hipEventElapsedTime", missing);
    library.require(table.memcpyAsync, "hipMemcpyAsync", missing);
    library.require(table.memsetAsync, "hipMemsetAsync", missing);
    library.require(table.moduleLoadData, "hipModuleLoadData", missing);
    library.require(table.moduleUnload, "hipModuleUnload", missing);
    library.require(table.moduleGetFunction, "hipModuleGetFunction", missing);
    library.require(table.launchKernel, "hipModuleLaunchKernel", missing);
    library.find(table.streamBeginCapture, "hipStreamBeginCapture");
    library.find(table.streamEndCapture, "hipStreamEndCapture");
    library.find(table.graphInstantiate, "hipGraphInstantiate");
    library.find(table.graphLaunch, "hipGraphLaunch");
    library.find(table.graphDestroy, "hipGraphDestroy");
    library.find(table.graphExecDestroy, "hipGraphExecDestroy");
    return missing;
}

/// "gfx90a:sramecc+:xnack-" to "gfx90a"; empty when it is no name, so that a changed layout is noticed.
std::string archName(const char* field) {
    std::string_view text(field, ::strnlen(field, kArchBytes));
    text = text.substr(0, text.find(':'));
    if (!text.starts_with("gfx") || text.size() > 16) return {};
    for (const char c : text) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) return {};
    }
    return std::string(text);
}

class HipRuntime final : public GpuRuntime {
public:
    HipRuntime(const HipTable& table, std::string library)
        : m_hip(table)
        , m_library(std::move(library)) {}

    const char* name() const override { return "HIP"; }
    std::string library() const override { return m_library; }

    GpuResult driverVersion(int& version) override { return gpuResult(m_hip.driverGetVersion(&version)); }
    GpuResult deviceCount(int& count) override {
        count = 0;
        return gpuResult(m_hip.getDeviceCount(&count));
    }
    GpuResult deviceProperties(int device, GpuDeviceProperties& properties) override;
    GpuResult useDevice(int device) override { return gpuResult(m_hip.setDevice(device)); }

    GpuResult memoryInfo(std::uint64_t& freeBytes, std::uint64_t& totalBytes) override {
        std::size_t unused = 0;
        std::size_t total = 0;
        const GpuResult result = gpuResult(m_hip.memGetInfo(&unused, &total));
        freeBytes = unused;
        totalBytes = total;
        return result;
    }
    GpuResult allocate(void*& memory, std::uint64_t bytes) override { return gpuResult(m_hip.malloc(&memory, bytes)); }
    GpuResult release(void* memory) override { return gpuResult(m_hip.free(memory)); }
    GpuResult allocatePinned(void*& memory, std::uint64_t bytes) override {
        return gpuResult(m_hip.hostMalloc(&memory, bytes, 0));
    }
    GpuResult releasePinned(void* memory) override { return gpuResult(m_hip.hostFree(memory)); }

    GpuResult createStream(Stream& stream) override { return gpuResult(m_hip.streamCreate(&stream, kStreamNonBlocking)); }
    GpuResult destroyStream(Stream stream) override { return gpuResult(m_hip.streamDestroy(stream)); }
    GpuResult synchronize(Stream stream) override { return gpuResult(m_hip.streamSynchronize(stream)); }
    GpuResult query(Stream stream) override { return gpuResult(m_hip.streamQuery(stream)); }
    GpuResult createEvent(Event& event) override { return gpuResult(m_hip.eventCreate(&event, 0)); }
    GpuResult destroyEvent(Event event) override { return gpuResult(m_hip.eventDestroy(event)); }
    GpuResult recordEvent(Event event, Stream stream) override { return gpuResult(m_hip.eventRecord(event, stream)); }
    GpuResult queryEvent(Event event) override { return gpuResult(m_hip.eventQuery(event)); }
    GpuResult waitEvent(Stream stream, Event event) override { return gpuResult(m_hip.streamWaitEvent(stream, event, 0)); }
    GpuResult elapsedMs(float& ms, Event from, Event to) override {
        return gpuResult(m_hip.eventElapsedTime(&ms, from, to));
    }

    GpuResult copyToDevice(void* to, const void* from, std::uint64_t bytes, Stream stream) override {
        return gpuResult(m_hip.memcpyAsync(to, from, bytes, kToDevice, stream));
    }
    GpuResult copyToHost(void* to, const void* from, std::uint64_t bytes, Stream stream) override {
        return gpuResult(m_hip.memcpyAsync(to, from, bytes, kToHost, stream));
    }
    GpuResult copyOnDevice(void* to, const void* from, std::uint64_t bytes, Stream stream) override {
        return gpuResult(m_hip.memcpyAsync(to, from, bytes, kOnDevice, stream));
    }
    GpuResult fill(void* memory, std::uint8_t value, std::uint64_t bytes, Stream stream) override {
        return gpuResult(m_hip.memsetAsync(memory, value, bytes, stream));
    }

    GpuResult loadModule(Module& module, const void* image, std::size_t) override {
        return gpuResult(m_hip.moduleLoadData(&module, image));
    }
    GpuResult unloadModule(Module module) override { return gpuResult(m_hip.moduleUnload(module)); }
    GpuResult findFunction(Function& function, Module module, const char* kernel) override {
        return gpuResult(m_hip.moduleGetFunction(&function, module, kernel));
    }
    GpuResult launch(Function function, GpuGrid grid, std::uint32_t blockThreads, Stream stream,
                     const void* arguments) override {
        void* parameters[] = {const_cast<void*>(arguments)};
        return gpuResult(m_hip.launchKernel(function, grid.x, grid.y, grid.z, blockThreads, 1, 1, 0, stream, parameters, nullptr));
    }

    GpuResult beginCapture(Stream stream) override {
        return hasGraphs() ? gpuResult(m_hip.streamBeginCapture(stream, kCaptureThreadLocal)) : kUnsupported;
    }
    GpuResult endCapture(Stream stream, Graph& graph) override {
        return hasGraphs() ? gpuResult(m_hip.streamEndCapture(stream, &graph)) : kUnsupported;
    }
    GpuResult instantiate(GraphExec& exec, Graph graph) override {
        return hasGraphs() ? gpuResult(m_hip.graphInstantiate(&exec, graph, nullptr, nullptr, 0)) : kUnsupported;
    }
    GpuResult launchGraph(GraphExec exec, Stream stream) override {
        return hasGraphs() ? gpuResult(m_hip.graphLaunch(exec, stream)) : kUnsupported;
    }
    GpuResult destroyGraph(Graph graph) override {
        return hasGraphs() ? gpuResult(m_hip.graphDestroy(graph)) : kUnsupported;
    }
    GpuResult destroyGraphExec(GraphExec exec) override {
        return hasGraphs() ? gpuResult(m_hip.graphExecDestroy(exec)) : kUnsupported;
    }

private:
    static constexpr GpuResult kUnsupported{GpuError::Unsupported, 0};

    [[nodiscard]] bool hasGraphs() const {
        return m_hip.streamBeginCapture != nullptr && m_hip.streamEndCapture != nullptr && m_hip.graphInstantiate != nullptr &&
               m_hip.graphLaunch != nullptr && m_hip.graphDestroy != nullptr && m_hip.graphExecDestroy != nullptr;
    }

    HipTable m_hip;
    std::string m_library;
};

GpuResult HipRuntime::deviceProperties(int device, GpuDeviceProperties& properties) {
    std::array<char, kArchBytes> text{};
    if (const int raw = m_hip.deviceGetName(text.data(), static_cast<int>(text.size()) - 1, device); raw != 0) {
        return gpuResult(raw);
    }
    properties.name = text.data();

    alignas(16) std::array<char, kPropertiesRoom> structure{};
    const bool isNew = m_hip.getPropertiesR0600 != nullptr;
    const int raw = isNew ? m_hip.getPropertiesR0600(structure.data(), device) : m_hip.getProperties(structure.data(), device);
    if (raw != 0) return gpuResult(raw);
    properties.arch = archName(structure.data() + (isNew ? kArchOffsetR0600 : kArchOffsetOld));

    text.fill('\0');
    properties.pciAddress.clear();
    if (m_hip.deviceGetPciBusId(text.data(), static_cast<int>(text.size()) - 1, device) == 0) {
        for (const char c : std::string_view(text.data()))
            properties.pciAddress += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    std::size_t total = 0;
    if (const int answer = m_hip.deviceTotalMem(&total, device); answer != 0) return gpuResult(answer);
    properties.totalBytes = total;

    int integrated = 0;
    const std::array wanted{std::pair{kWaveSize, &properties.waveSize}, std::pair{kMultiprocessors, &properties.multiprocessors},
                            std::pair{kSharedMemoryPerBlock, &properties.ldsBytes}, std::pair{kIntegrated, &integrated}};
    for (const auto& [attribute, value] : wanted) {
        if (const int answer = m_hip.deviceGetAttribute(value, attribute, device); answer != 0) return gpuResult(answer);
    }
    properties.integrated = integrated != 0;
    return {};
}

} // namespace

std::unique_ptr<GpuRuntime> openHipRuntime(RuntimeFailure& failure) {
    failure = {};
    DynamicLibrary library;
    if (!library.open({"libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5", "libamdhip64.so",
                       "/opt/rocm/lib/libamdhip64.so.7", "/opt/rocm/lib/libamdhip64.so.6", "/opt/rocm/lib/libamdhip64.so.5",
                       "/opt/rocm/lib/libamdhip64.so"})) {
        failure.reason = GpuReason::RuntimeMissing;
        failure.detail = library.complaint();
        return nullptr;
    }
    failure.library = library.file();
    HipTable table{};
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
    return std::make_unique<HipRuntime>(table, failure.library);
}

} // namespace hearth::kernels
