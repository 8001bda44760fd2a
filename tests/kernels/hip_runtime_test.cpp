// SPDX-License-Identifier: Apache-2.0
//
// HIP's runtime opened by name: what is missing, what is too old, what each call hands on and how its errors are read. The
// libraries are the tests' own (tests/support/fake_hip): once one is loaded by its path, the dynamic loader finds it by name.
#include "kernels/hip/cuda_runtime.h"
#include "kernels/hip/gpu_error_codes.h"
#include "kernels/hip/hip_module.h"
#include "kernels/hip/hip_runtime.h"

#include <QElapsedTimer>
#include <QTest>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include <dlfcn.h>

using namespace hearth::kernels;

namespace {

int number(GpuReason reason) { return static_cast<int>(reason); }
int number(GpuError error) { return static_cast<int>(error); }

bool isInstalled(const char* library) {
    void* handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle != nullptr) ::dlclose(handle);
    return handle != nullptr;
}

bool anyHipInstalled() {
    return isInstalled("libamdhip64.so.7") || isInstalled("libamdhip64.so.6") || isInstalled("libamdhip64.so.5") || isInstalled("libamdhip64.so");
}

} // namespace

class HipRuntimeTest : public QObject {
    Q_OBJECT

private:
    std::unique_ptr<GpuRuntime> m_runtime; ///< of the HIP 7 of the tests

    void openNew() {
        if (m_runtime) return;
        QVERIFY(::dlopen(FAKE_HIP_7, RTLD_NOW | RTLD_LOCAL) != nullptr);
        RuntimeFailure failure;
        m_runtime = openHipRuntime(failure);
        QVERIFY(m_runtime);
        if (m_runtime->library().find("fake_hip_7") == std::string::npos) QSKIP("another HIP runtime of that name is loaded in this process");
    }

private slots:
    // In this order: a library that was loaded stays.
    void aa_withoutALibrary_isSaidAtOnce() {
        if (anyHipInstalled()) QSKIP("a HIP runtime is installed on this machine");
        const auto fastest = [](auto open) { // of twenty: the machine may be busy with something else
            qint64 best = std::numeric_limits<qint64>::max();
            for (int i = 0; i < 20; ++i) {
                RuntimeFailure failure;
                QElapsedTimer timer;
                timer.start();
                const bool opened = open(failure) != nullptr;
                best = std::min(best, timer.nsecsElapsed());
                if (opened || failure.reason != GpuReason::RuntimeMissing || !failure.detail.empty()) return std::numeric_limits<qint64>::max();
            }
            return best;
        };
        const qint64 hip = fastest(openHipRuntime);
        QVERIFY2(hip < 5'000'000, qPrintable(QString::number(hip)));
        if (isInstalled("libcuda.so.1")) return;
        const qint64 cuda = fastest(openCudaRuntime);
        QVERIFY2(cuda < 5'000'000, qPrintable(QString::number(cuda)));
    }

    void ab_hip5_hasTheOldPropertiesAndNoGraphs() {
        if (anyHipInstalled()) QSKIP("a HIP runtime is installed on this machine");
        QVERIFY(::dlopen(FAKE_HIP_5, RTLD_NOW | RTLD_LOCAL) != nullptr);
        RuntimeFailure failure;
        const auto runtime = openHipRuntime(failure);
        QVERIFY(runtime);
        QVERIFY(runtime->library().ends_with("libamdhip64.so.5"));
        GpuDeviceProperties properties;
        QVERIFY(runtime->deviceProperties(0, properties).ok());
        QCOMPARE(properties.arch, "gfx1100");
        void* handle = nullptr;
        QCOMPARE(number(runtime->beginCapture(nullptr).error), number(GpuError::Unsupported));
        QCOMPARE(number(runtime->endCapture(nullptr, handle).error), number(GpuError::Unsupported));
        QCOMPARE(number(runtime->instantiate(handle, nullptr).error), number(GpuError::Unsupported));
        QCOMPARE(number(runtime->launchGraph(nullptr, nullptr).error), number(GpuError::Unsupported));
        QCOMPARE(number(runtime->destroyGraph(nullptr).error), number(GpuError::Unsupported));
        QCOMPARE(number(runtime->destroyGraphExec(nullptr).error), number(GpuError::Unsupported));
    }

    void properties_areRead() {
        openNew();
        qputenv("FAKE_HIP", "devices=2");
        int count = 0;
        QVERIFY(m_runtime->deviceCount(count).ok());
        QCOMPARE(count, 2);
        GpuDeviceProperties properties;
        QVERIFY(m_runtime->deviceProperties(1, properties).ok());
        QCOMPARE(properties.name, "Fake iGPU");
        QCOMPARE(properties.arch, "gfx1036"); // cut at ':'
        QCOMPARE(properties.pciAddress, "0000:a1:00.0");
        QCOMPARE(properties.totalBytes, std::uint64_t{8} << 30);
        QCOMPARE(properties.waveSize, 32);
        QCOMPARE(properties.multiprocessors, 48);
        QCOMPARE(properties.ldsBytes, 65536);
        QCOMPARE(properties.integrated, true);
        int version = 0;
        QVERIFY(m_runtime->driverVersion(version).ok());
        QCOMPARE(version, 60342131);
        std::uint64_t free = 0;
        std::uint64_t total = 0;
        QVERIFY(m_runtime->memoryInfo(free, total).ok());
        QVERIFY(free == std::uint64_t{20} << 30 && total == std::uint64_t{24} << 30);
    }

    void memoryAndLaunches_reachTheDevice() {
        openNew();
        qputenv("FAKE_HIP", "");
        GpuRuntime& hip = *m_runtime;
        void* memory = nullptr;
        void* other = nullptr;
        void* pinned = nullptr;
        void* stream = nullptr;
        void* module = nullptr;
        void* kernel = nullptr;
        QVERIFY(hip.useDevice(0).ok() && hip.createStream(stream).ok());
        QVERIFY(hip.allocate(memory, 64).ok() && hip.allocate(other, 64).ok() && hip.allocatePinned(pinned, 64).ok());
        std::array<int, 16> values{};
        for (int i = 0; i < 16; ++i) values[static_cast<std::size_t>(i)] = i;
        QVERIFY(hip.copyToDevice(memory, values.data(), 64, stream).ok());
        QVERIFY(hip.loadModule(module, "image", 5).ok());
        QVERIFY(hip.findFunction(kernel, module, "increment").ok());
        struct Arguments {
            void* values;
            int by;
        } const arguments{memory, 100};
        QVERIFY(hip.launch(kernel, {.x = 2}, 4, stream, &arguments).ok());
        QVERIFY(hip.copyOnDevice(other, memory, 64, stream).ok());
        QVERIFY(hip.fill(memory, 0xff, 4, stream).ok());
        std::array<int, 16> read{};
        QVERIFY(hip.copyToHost(read.data(), other, 64, stream).ok() && hip.synchronize(stream).ok());
        for (int i = 0; i < 16; ++i) QCOMPARE(read[static_cast<std::size_t>(i)], i < 8 ? i + 100 : i);
        QVERIFY(hip.copyToHost(read.data(), memory, 4, stream).ok());
        QCOMPARE(read[0], -1);
        void* from = nullptr;
        void* to = nullptr;
        float ms = 0;
        QVERIFY(hip.createEvent(from).ok() && hip.createEvent(to).ok() && hip.recordEvent(from, stream).ok() && hip.waitEvent(stream, from).ok());
        QVERIFY(hip.queryEvent(from).ok() && hip.elapsedMs(ms, from, to).ok() && ms == 1.5f && hip.query(stream).ok());
        void* graph = nullptr;
        void* exec = nullptr;
        QVERIFY(hip.beginCapture(stream).ok() && hip.endCapture(stream, graph).ok() && hip.instantiate(exec, graph).ok() && hip.launchGraph(exec, stream).ok());
        QVERIFY(hip.destroyGraphExec(exec).ok() && hip.destroyGraph(graph).ok());
        QVERIFY(hip.destroyEvent(from).ok() && hip.destroyEvent(to).ok() && hip.unloadModule(module).ok());
        QVERIFY(hip.release(memory).ok() && hip.release(other).ok() && hip.releasePinned(pinned).ok() && hip.destroyStream(stream).ok());
        QCOMPARE(number(hip.findFunction(kernel, module, "no such kernel").error), number(GpuError::NoCodeObject));
    }

    void everyCall_handsItsErrorOn_data() {
        QTest::addColumn<QString>("call");
        for (const char* call : {"hipDriverGetVersion", "hipGetDeviceCount", "hipSetDevice", "hipDeviceGetName", "properties", "hipDeviceTotalMem", "hipDeviceGetAttribute",
                                 "hipMemGetInfo", "hipMalloc", "hipHostMalloc", "hipStreamCreateWithFlags", "hipStreamDestroy", "hipStreamSynchronize", "hipStreamQuery",
                                 "hipStreamWaitEvent", "hipEventCreateWithFlags", "hipEventDestroy", "hipEventRecord", "hipEventQuery", "hipEventElapsedTime", "hipMemcpyAsync",
                                 "hipMemsetAsync", "hipModuleLoadData", "hipModuleUnload", "hipModuleGetFunction", "hipModuleLaunchKernel", "hipStreamBeginCapture",
                                 "hipStreamEndCapture", "hipGraphInstantiate", "hipGraphLaunch", "hipGraphDestroy", "hipGraphExecDestroy"})
            QTest::newRow(call) << call;
    }
    void everyCall_handsItsErrorOn() {
        openNew();
        QFETCH(QString, call);
        GpuRuntime& hip = *m_runtime;
        const auto runAll = [&] { // every call once; the codes of those that fail
            qputenv("FAKE_HIP", "");
            void* kernel = nullptr;
            void* memory = nullptr;
            if (!hip.findFunction(kernel, nullptr, "increment").ok() || !hip.allocate(memory, 64).ok()) return std::vector<GpuResult>();
            qputenv("FAKE_HIP", QStringLiteral("fail:%1=719").arg(call).toUtf8());
            void* out = nullptr;
            int value = 0;
            float ms = 0;
            std::uint64_t free = 0;
            std::uint64_t total = 0;
            GpuDeviceProperties properties;
            struct {
                void* values;
                int by;
            } const arguments{memory, 1};
            std::array<char, 64> host{};
            std::vector<GpuResult> results{hip.driverVersion(value), hip.deviceCount(value), hip.deviceProperties(0, properties), hip.useDevice(0), hip.memoryInfo(free, total)};
            const auto add = [&](GpuResult result) { results.push_back(result); };
            add(hip.createStream(out));
            add(hip.destroyStream(out));
            add(hip.synchronize(out));
            add(hip.query(out));
            add(hip.createEvent(out));
            add(hip.destroyEvent(out));
            add(hip.recordEvent(out, out));
            add(hip.queryEvent(out));
            add(hip.waitEvent(out, out));
            add(hip.elapsedMs(ms, out, out));
            add(hip.copyToDevice(memory, host.data(), 64, out));
            add(hip.fill(memory, 0, 64, out));
            add(hip.loadModule(out, "image", 5));
            add(hip.unloadModule(out));
            add(hip.findFunction(out, nullptr, "increment"));
            add(hip.launch(kernel, {}, 1, nullptr, &arguments));
            add(hip.beginCapture(out));
            add(hip.endCapture(out, out));
            add(hip.instantiate(out, out));
            add(hip.launchGraph(out, out));
            add(hip.destroyGraph(out));
            add(hip.destroyGraphExec(out));
            void* pinned = nullptr;
            add(hip.allocatePinned(pinned, 8));
            static_cast<void>(hip.releasePinned(pinned));
            void* more = nullptr;
            add(hip.allocate(more, 8));
            static_cast<void>(hip.release(more));
            static_cast<void>(hip.release(memory));
            return results;
        };
        const std::vector<GpuResult> results = runAll();
        qputenv("FAKE_HIP", "");
        QVERIFY(results.size() > 20);
        int failed = 0;
        for (const GpuResult& result : results) {
            if (result.ok()) continue;
            ++failed;
            QCOMPARE(number(result.error), number(GpuError::DeviceLost));
            QCOMPARE(result.raw, 719);
        }
        QCOMPARE(failed, 1);
    }

    void codes_areRead_data() {
        QTest::addColumn<int>("raw");
        QTest::addColumn<int>("error");
        const std::pair<int, GpuError> kCodes[] = {{0, GpuError::None}, {1, GpuError::Other}, {2, GpuError::OutOfMemory}, {100, GpuError::NoDevice}, {101, GpuError::NoDevice},
            {209, GpuError::NoCodeObject}, {500, GpuError::NoCodeObject}, {600, GpuError::NotReady}, {700, GpuError::DeviceLost}, {701, GpuError::LaunchFailed},
            {702, GpuError::DeviceLost}, {719, GpuError::DeviceLost}, {800, GpuError::NoPermission}, {801, GpuError::Unsupported}, {999, GpuError::Other}};
        for (const auto& [raw, error] : kCodes) QTest::addRow("%d", raw) << raw << number(error);
    }
    void codes_areRead() {
        QFETCH(int, raw);
        QFETCH(int, error);
        QCOMPARE(number(gpuErrorOf(raw)), error);
        QCOMPARE(gpuResult(raw).raw, raw);
    }

    void refusedInit_isARefusal_data() {
        QTest::addColumn<int>("raw");
        QTest::addColumn<int>("reason");
        QTest::newRow("no device") << 100 << number(GpuReason::NoDevice);
        QTest::newRow("no permission") << 800 << number(GpuReason::NoPermission);
        QTest::newRow("anything else") << 303 << number(GpuReason::DriverError);
    }
    void refusedInit_isARefusal() {
        openNew();
        QFETCH(int, raw);
        QFETCH(int, reason);
        qputenv("FAKE_HIP", QStringLiteral("fail:hipInit=%1").arg(raw).toUtf8());
        RuntimeFailure failure;
        QVERIFY(!openHipRuntime(failure));
        qputenv("FAKE_HIP", "");
        QCOMPARE(number(failure.reason), reason);
        QCOMPARE(failure.raw, raw);
        QVERIFY(!failure.library.empty());
    }

    void aHangingDevice_isLeftBehind() {
        openNew();
        qputenv("FAKE_HIP", "");
        static const std::byte kImage[4]{};
        Status status;
        auto backend = createHipBackend(*m_runtime, {"gfx1100", kImage}, {.device = 0, .watchdogMs = 100}, status);
        QVERIFY2(backend, status.place);
        auto buffer = backend->allocate(4096);
        QVERIFY(buffer);
        qputenv("FAKE_HIP", "hang-device-work");
        QElapsedTimer timer;
        timer.start();
        backend->beginStep({});
        std::array<std::byte, 16> bytes{};
        const TensorView view = matrixView(buffer->data(), DType::F32, 1, 4);
        backend->zero(view);
        backend->download(bytes, view);
        status = backend->endStep();
        QCOMPARE(static_cast<int>(status.code), static_cast<int>(StatusCode::DeviceLost));
        QCOMPARE(std::string(status.place), kWatchdogPlace);
        QVERIFY2(timer.elapsed() >= 100 && timer.elapsed() < 5000, qPrintable(QString::number(timer.elapsed())));
        timer.restart();
        buffer.reset(); // a free that asked the driver would never come back
        backend.reset();
        m_runtime.reset();
        QVERIFY(timer.elapsed() < 5000);
        qputenv("FAKE_HIP", "");
    }

    void anUploadToAHangingDevice_ends() {
        openNew();
        qputenv("FAKE_HIP", "");
        static const std::byte kImage[4]{};
        Status status;
        auto backend = createHipBackend(*m_runtime, {"gfx1100", kImage}, {.device = 0, .watchdogMs = 100}, status);
        QVERIFY2(backend, status.place);
        qputenv("FAKE_HIP", "hang-device-work");
        QElapsedTimer timer;
        timer.start();
        backend->beginStep({});
        const std::array<std::byte, 1024> file{};
        QVERIFY(backend->adoptWeight(DType::F32, {1, 1, 256}, file).data == nullptr);
        status = backend->endStep();
        QCOMPARE(static_cast<int>(status.code), static_cast<int>(StatusCode::DeviceLost));
        QVERIFY2(timer.elapsed() >= 100 && timer.elapsed() < 5000, qPrintable(QString::number(timer.elapsed())));
        backend.reset();
        m_runtime.reset();
        qputenv("FAKE_HIP", "");
    }

    void codeObject_isTheDevicesOwn() {
        static const std::byte kImage[1]{};
        const CodeObject objects[] = {{"gfx1100", kImage}, {"gfx1101", kImage}, {"sm_80", kImage}, {"sm_86", kImage}, {"sm_90", kImage}};
        const auto chosen = [&](const char* arch) {
            const CodeObject* found = findCodeObject(objects, arch);
            return found == nullptr ? std::string() : std::string(found->arch);
        };
        QCOMPARE(chosen("gfx1100"), "gfx1100");
        QCOMPARE(chosen("gfx1102"), ""); // AMD's are for one chip
        QCOMPARE(chosen("gfx110"), "");
        QCOMPARE(chosen(""), "");
        QCOMPARE(chosen("sm_90"), "sm_90");
        QCOMPARE(chosen("sm_89"), "sm_86"); // the nearest of the same major version
        QCOMPARE(chosen("sm_80"), "sm_80");
        QCOMPARE(chosen("sm_75"), "");
        QCOMPARE(chosen("sm_100"), "");
        QCOMPARE(chosen("sm_"), "");
    }
};

QTEST_GUILESS_MAIN(HipRuntimeTest)
#include "hip_runtime_test.moc"
