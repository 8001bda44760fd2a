// SPDX-License-Identifier: Apache-2.0
//
// The executor itself: right kernels compute what they should with both wave sizes, every kind of mistake ends in a message, and the
// runtime over it keeps what kernels/hip/gpu_runtime.h promises.
#include "tests/support/gpu_executor/executor_runtime.h"
#include "tests/support/gpu_executor/executor_tables.h"
#include "tests/support/gpu_executor/test_kernels.h"

#include "kernels/quant/half.h"

#include <QTest>

#include <cmath>
#include <csignal>
#include <ctime>
#include <memory>
#include <numeric>
#include <optional>

#include <sys/wait.h>
#include <unistd.h>

using namespace hearth;
using kernels::GpuError;
using kernels::GpuGrid;
using test::ExecutorRuntime;
using test::ExecutorTestArgs;
using test::GpuCall;

namespace {

/// A runtime with one stream, and device memory as vectors.
class Device {
public:
    explicit Device(const hearth_executor::KernelTable& table)
        : runtime(table) {
        const kernels::CodeObject code = runtime.codeObject();
        if (!runtime.createStream(stream).ok() || !runtime.loadModule(module, code.image.data(), code.image.size()).ok()) qFatal("no device");
    }
    explicit Device(int waveSize)
        : Device(waveSize == 32 ? hearth_executor::hearth_executor_test_kernels_wave32() : hearth_executor::hearth_executor_test_kernels_wave64()) {}

    void* memory(const std::vector<float>& values) {
        void* address = nullptr;
        if (!runtime.allocate(address, values.size() * 4).ok() || !runtime.copyToDevice(address, values.data(), values.size() * 4, stream).ok())
            qFatal("no device memory");
        return address;
    }
    float* floats(const std::vector<float>& values) { return static_cast<float*>(memory(values)); }
    float* floats(std::size_t count) { return floats(std::vector<float>(count)); }
    std::vector<float> read(const void* from, std::size_t count) {
        std::vector<float> values(count);
        if (!runtime.copyToHost(values.data(), from, count * 4, stream).ok()) return {};
        return values;
    }
    GpuError launch(const char* kernel, GpuGrid grid, std::uint32_t threads, const ExecutorTestArgs& args) {
        kernels::GpuRuntime::Function function = nullptr;
        if (!runtime.findFunction(function, module, kernel).ok()) return GpuError::NoCodeObject;
        return runtime.launch(function, grid, threads, stream, &args).error;
    }
    /// Launches and waits.
    GpuError run(const char* kernel, GpuGrid grid, std::uint32_t threads, const ExecutorTestArgs& args) {
        const GpuError error = launch(kernel, grid, threads, args);
        return error == GpuError::None ? runtime.synchronize(stream).error : error;
    }

    ExecutorRuntime runtime;
    kernels::GpuRuntime::Stream stream = nullptr;
    kernels::GpuRuntime::Module module = nullptr;
};

void addWaves() {
    QTest::addColumn<int>("wave");
    QTest::newRow("waves of 32") << 32;
    QTest::newRow("waves of 64") << 64;
}

/// The executor's own words with both wave sizes, and AMD's for a family of each kind.
void addWords() {
    QTest::addColumn<QByteArray>("words");
    for (const char* words : {"32", "64", "gfx900", "gfx906", "gfx90a", "gfx1010", "gfx1030", "gfx1100", "gfx1200"}) QTest::newRow(words) << QByteArray(words);
}

std::optional<hearth_executor::KernelTable> tableOf(const QByteArray& words) {
    if (words == "32") return hearth_executor::hearth_executor_test_kernels_wave32();
    if (words == "64") return hearth_executor::hearth_executor_test_kernels_wave64();
    return hearth_executor::amdKernels(words.constData());
}

#define DEVICE_OR_SKIP                                                                                                 \
    QFETCH(QByteArray, words);                                                                                         \
    const auto table = tableOf(words);                                                                                 \
    if (!table) QSKIP("no clang was there to compile AMD's words");                                                    \
    Device device(*table);                                                                                             \
    [[maybe_unused]] const int wave = table->waveSize

std::vector<float> counted(std::size_t count) {
    std::vector<float> values(count);
    std::iota(values.begin(), values.end(), 0.0f);
    return values;
}

} // namespace

class GpuExecutorTest : public QObject {
    Q_OBJECT

private slots:
    void coordinates_data() { addWords(); }
    void coordinates() {
        DEVICE_OR_SKIP;
        float* const out = device.floats(3 * 2 * 2 * 96);
        QCOMPARE(device.run("hearth_test_coordinates", {3, 2, 2}, 96, {.out = out}), GpuError::None);
        const std::vector<float> got = device.read(out, 3 * 2 * 2 * 96);
        for (int z = 0; z < 2; ++z) {
            for (int y = 0; y < 2; ++y) {
                for (int x = 0; x < 3; ++x) {
                    for (int t = 0; t < 96; ++t)
                        QCOMPARE(got[std::size_t((x + 3 * (y + 2 * z)) * 96 + t)], float(x + 10 * y + 100 * z + 1000 * t));
                }
            }
        }
        QCOMPARE(device.runtime.kernelsRun(), std::uint64_t{1});
    }

    void reductions_data() { addWords(); }
    void reductions() {
        DEVICE_OR_SKIP;
        float* const out = device.floats(2);
        const float* const in = device.floats(counted(1000));
        for (int i = 0; i < 2; ++i) // upwards and downwards
            QCOMPARE(device.run("hearth_test_block_sum", {}, 256, {.out = out, .in = in, .count = 1000}), GpuError::None);
        QCOMPARE(device.read(out, 2), (std::vector<float>{2 * 499500.0f, 999.0f}));
    }

    void waveWords_data() { addWords(); }
    void waveWords() {
        DEVICE_OR_SKIP;
        float* const out = device.floats(256);
        QCOMPARE(device.run("hearth_test_wave", {}, 64, {.out = out, .in = device.floats(counted(64))}), GpuError::None);
        const std::vector<float> got = device.read(out, 256);
        for (int t = 0; t < 64; ++t) {
            const int base = t / wave * wave;
            QCOMPARE(got[std::size_t(t)], float(base + (t + 1 - base) % wave));
            QCOMPARE(got[std::size_t(64 + t)], float(8 * (t / 8 * 8) + 28));
            QCOMPARE(got[std::size_t(128 + t)], float(t % 2));
            QCOMPARE(got[std::size_t(192 + t)], float(base + 3));
        }
    }

    void matrixTiles_data() { addWords(); }
    void matrixTiles() {
        DEVICE_OR_SKIP;
        std::vector<float> in(512);
        for (std::size_t i = 0; i < in.size(); ++i) in[i] = float(i * 37 % 101) / 16.0f - 3.0f;
        float* const out = device.floats(256);
        QCOMPARE(device.run("hearth_test_tile", {}, std::uint32_t(wave), {.out = out, .in = device.floats(in)}), GpuError::None);
        const std::vector<float> got = device.read(out, 256);
        for (std::size_t m = 0; m < 16; ++m) {
            for (std::size_t n = 0; n < 16; ++n) {
                float sum = 0.0f; // exact: all are small multiples of 1/256
                for (std::size_t k = 0; k < 16; ++k) sum += in[m * 16 + k] * in[256 + n * 16 + k];
                QCOMPARE(got[m * 16 + n], sum);
            }
        }
    }

    void lastBlock_data() { addWords(); }
    void lastBlock() {
        DEVICE_OR_SKIP;
        float* const out = device.floats(8);
        for (int i = 0; i < 2; ++i) {
            int* const counter = static_cast<int*>(device.memory({0.0f}));
            QCOMPARE(device.run("hearth_test_last_block", {7}, 64, {.out = out, .counter = counter}), GpuError::None);
            QCOMPARE(device.read(out, 1)[0], 21.0f);
        }
    }

    void words_data() { addWords(); }
    void words() {
        DEVICE_OR_SKIP;
        const std::vector<float> in{0.001f, 0.5f, 1.0f, 1.5f, 2.5f, 3.3f, 20.0f, 80.0f};
        float* const out = device.floats(80);
        QCOMPARE(device.run("hearth_test_words", {}, std::uint32_t(wave), {.out = out, .in = device.floats(in), .count = 8}), GpuError::None);
        const std::vector<float> got = device.read(out, 80);
        for (std::size_t i = 0; i < in.size(); ++i) {
            const double x = in[i];
            const double expected[] = {std::exp(x), std::log(x), 1 / x, 1 / std::sqrt(x), std::sqrt(x)};
            for (std::size_t w = 0; w < 5; ++w) QVERIFY(std::fabs(got[i * 10 + w] - expected[w]) <= 3e-7 * std::fabs(expected[w]));
            QCOMPARE(got[i * 10 + 5], float(std::nearbyint(x)));
            QVERIFY(std::fabs(got[i * 10 + 6] - std::tanh(x)) <= 1e-7);
            QCOMPARE(got[i * 10 + 7], kernels::halfToFloat(kernels::floatToHalf(in[i])));
            QCOMPARE(got[i * 10 + 8], float(1 * 2 + -1 * -2 + 127 * 127 + -128 * -128 + 5));
            QCOMPARE(got[i * 10 + 9], float(x * x - double(in[i] * in[i]))); // what rounding the square left out
        }
    }

    void mistakesAreFound_data() {
        QTest::addColumn<QString>("kernel");
        QTest::addColumn<int>("threads");
        QTest::addColumn<int>("count");
        QTest::addColumn<int>("wave");
        QTest::addColumn<QString>("message");
        struct Case {
            const char* kernel;
            int threads;
            int count;
            const char* message;
            int onlyWave = 0;
        };
        constexpr Case kCases[] = {
            {"hearth_test_barrier_of_some_waves", 128, 0, "another wave of the block to"},
            {"hearth_test_barrier_of_some_lanes", 64, 0, "other lanes of its wave to"},
            {"hearth_test_barriers_at_two_places", 128, 0, "another wave of the block to a barrier"},
            {"hearth_test_shuffle_after_some_ended", 64, 40, "other lanes of its wave to"},
            {"hearth_test_shuffle_against_barrier", 64, 0, "to a shuffle"},
            {"hearth_test_shuffles_at_two_places", 64, 0, "to a shuffle"},
            {"hearth_test_wide_mask", 64, 0, "the mask of shuffleXor leaves the wave"},
            {"hearth_test_half_wave", 16, 0, "a shuffle reads a lane that does not exist"},
            {"hearth_test_read", 64, 4097, "0 bytes behind the end of device allocation"},
            {"hearth_test_read", 64, -4097, "bytes before device allocation"},
            {"hearth_test_write", 64, 1, "0 bytes behind the end of device allocation"},
            {"hearth_test_unaligned", 1, 2, "an unaligned vector"},
            {"hearth_test_index", 1, 8, "an index outside its array"},
            {"hearth_test_stack", 1, 10000, "stack overflows"},
        };
        for (const Case& c : kCases) {
            for (const int wave : {32, 64}) QTest::addRow("%s, %d, %d", c.kernel, c.count, wave) << c.kernel << c.threads << c.count << wave << c.message;
        }
    }
    void mistakesAreFound() {
        QFETCH(QString, kernel);
        QFETCH(int, threads);
        QFETCH(int, count);
        QFETCH(int, wave);
        QFETCH(QString, message);
        Device device(wave);
        const ExecutorTestArgs args{.out = device.floats(128), .in = device.floats(4096 + 64), .count = count};
        const ExecutorTestArgs edge{.out = args.out + 64, .in = args.in, .count = count}; // its last 64 values
        QCOMPARE(device.run(qPrintable(kernel), {}, std::uint32_t(threads), count == 1 ? edge : args), GpuError::DeviceLost);
        const QString fault = QString::fromStdString(device.runtime.fault());
        QVERIFY2(fault.contains(message) && fault.contains(kernel), qPrintable(fault));
        // The device is lost for good, the executor is not.
        QCOMPARE(device.runtime.synchronize(device.stream).error, GpuError::DeviceLost);
        Device other(wave);
        float* const out = other.floats(64);
        QCOMPARE(other.run("hearth_test_read", {}, 64, {.out = out, .in = other.floats(counted(64))}), GpuError::None);
        QCOMPARE(other.read(out, 64), counted(64));
    }

    /// Right counts pass: 64 threads that all reach the shuffle.
    void noMistakeNoMessage() {
        Device device(64);
        float* const out = device.floats(64);
        QCOMPARE(device.run("hearth_test_shuffle_after_some_ended", {}, 64, {.out = out, .count = 64}), GpuError::None);
        QCOMPARE(device.read(out, 64), std::vector<float>(64, 64.0f));
        QVERIFY(device.runtime.fault().empty());
    }

    void missingBarriersSpoilTheResult_data() { addWaves(); }
    void missingBarriersSpoilTheResult() {
        QFETCH(int, wave);
        Device device(wave);
        float* const out = device.floats(256);
        QCOMPARE(device.run("hearth_test_no_barrier", {}, 128, {.out = out}), GpuError::None);
        QVERIFY(device.read(out, 128) != std::vector<float>(128, 1.0f));
        bool spoiled = false;
        for (int i = 0; i < 2; ++i) {
            QCOMPARE(device.run("hearth_test_no_second_barrier", {}, 128, {.out = out}), GpuError::None);
            spoiled = spoiled || device.read(out, 128) != std::vector<float>(128, 6.0f);
        }
        QVERIFY(spoiled);
    }

    void sharedMemoryBeginsAsNan_data() { addWaves(); }
    void sharedMemoryBeginsAsNan() {
        QFETCH(int, wave);
        Device device(wave);
        float* const out = device.floats(64);
        for (int i = 0; i < 3; ++i) {
            QCOMPARE(device.run("hearth_test_shared_not_set", {2}, 64, {.out = out}), GpuError::None);
            const std::vector<float> got = device.read(out, 64);
            for (std::size_t t = 0; t < 64; ++t) QCOMPARE(std::isnan(got[t]), t % 2 == 1);
        }
    }

    void shufflesAreFast() {
        Device device(32);
        const ExecutorTestArgs args{.out = device.floats(256), .in = device.floats(counted(256))};
        QCOMPARE(device.run("hearth_test_ten_shuffles", {}, 256, args), GpuError::None);
        const std::clock_t start = std::clock(); // of this process: other tests run beside it
        constexpr int kBlocks = 200;
        QCOMPARE(device.run("hearth_test_ten_shuffles", {kBlocks}, 256, args), GpuError::None);
        const double microseconds = double(std::clock() - start) * 1e6 / CLOCKS_PER_SEC / kBlocks;
        qInfo("256 threads with 10 shuffles: %.1f us", microseconds);
        QVERIFY(microseconds < 1000.0);
    }

    // --- the runtime ---------------------------------------------------------------------------------------------------

    void launchesAreChecked() {
        Device device(32);
        float* const out = device.floats(256);
        std::vector<float> host(256);
        QCOMPARE(device.run("hearth_test_wave", {}, 32, {.out = out, .in = out}), GpuError::LaunchFailed);
        QCOMPARE(device.run("hearth_test_wave", {1, 70000, 1}, 64, {.out = out, .in = out}), GpuError::LaunchFailed);
        QCOMPARE(device.run("hearth_test_wave", {0, 1, 1}, 64, {.out = out, .in = out}), GpuError::LaunchFailed);
        QCOMPARE(device.run("hearth_test_wave", {}, 64, {.out = out, .in = host.data()}), GpuError::LaunchFailed);
        QCOMPARE(device.run("hearth_test_absent", {}, 64, {.out = out, .in = out}), GpuError::NoCodeObject);
        QVERIFY(!device.runtime.fault().empty());
        QCOMPARE(device.runtime.kernelsRun(), std::uint64_t{0});
    }

    void copiesAreChecked() {
        Device device(32);
        float* const out = device.floats(64);
        std::vector<float> host(64);
        QVERIFY(device.runtime.copyToDevice(out, host.data(), 256, device.stream).ok());
        QVERIFY(!device.runtime.copyToDevice(out + 1, host.data(), 256, device.stream).ok());
        QVERIFY(!device.runtime.copyToDevice(host.data(), out, 256, device.stream).ok());
        QVERIFY(!device.runtime.copyToHost(out, host.data(), 256, device.stream).ok());
        QVERIFY(!device.runtime.copyToHost(host.data(), out - 1, 256, device.stream).ok());
        QVERIFY(!device.runtime.copyOnDevice(out, out + 4, 32, device.stream).ok());
        QVERIFY(!device.runtime.fill(out, 0, 257, device.stream).ok());
        QVERIFY(!device.runtime.release(out + 1).ok());
        QVERIFY(device.runtime.release(out).ok());
        QVERIFY(!device.runtime.release(out).ok());
    }

    void freshMemoryIsNan() {
        Device device(32);
        void* memory = nullptr;
        QVERIFY(device.runtime.allocate(memory, 100).ok());
        for (const float value : device.read(memory, 25)) QVERIFY(std::isnan(value));
        for (const std::uint16_t half : {std::uint16_t(test::kPoison & 0xffffu), std::uint16_t(test::kPoison >> 16)}) {
            QVERIFY(std::isnan(kernels::halfToFloat(half)));
            QVERIFY(std::isnan(kernels::bf16ToFloat(half)));
        }
        QVERIFY(device.runtime.allocate(memory, std::uint64_t{5} << 30).error == GpuError::OutOfMemory);
    }

    /// Pinned copies happen when somebody waits, not when they are called.
    void workIsPutOffUntilSomebodyWaits() {
        Device device(32);
        void* pinned = nullptr;
        QVERIFY(device.runtime.allocatePinned(pinned, 256).ok());
        auto* const values = static_cast<float*>(pinned);
        std::fill_n(values, 64, 7.0f);
        float* const in = device.floats(64);
        float* const out = device.floats(64);
        QVERIFY(device.runtime.synchronize(device.stream).ok());
        QVERIFY(device.runtime.copyToDevice(in, pinned, 256, device.stream).ok());
        QCOMPARE(device.launch("hearth_test_read", {}, 64, {.out = out, .in = in}), GpuError::None);
        QVERIFY(device.runtime.copyToHost(pinned, out, 256, device.stream).ok());
        values[3] = 8.0f; // too early: the upload has not happened
        QCOMPARE(device.runtime.kernelsRun(), std::uint64_t{0});
        QCOMPARE(device.runtime.query(device.stream).error, GpuError::NotReady);
        QCOMPARE(device.runtime.query(device.stream).error, GpuError::None);
        QCOMPARE(values[2], 7.0f);
        QCOMPARE(values[3], 8.0f);
        QCOMPARE(device.runtime.kernelsRun(), std::uint64_t{1});
    }

    void eventsComeInOrder() {
        Device device(32);
        kernels::GpuRuntime::Event first = nullptr;
        kernels::GpuRuntime::Event second = nullptr;
        QVERIFY(device.runtime.createEvent(first).ok() && device.runtime.createEvent(second).ok());
        float ms = -1.0f;
        QVERIFY(!device.runtime.elapsedMs(ms, first, second).ok());
        QVERIFY(device.runtime.recordEvent(first, device.stream).ok());
        const ExecutorTestArgs args{.out = device.floats(256), .in = device.floats(counted(256))};
        QCOMPARE(device.launch("hearth_test_ten_shuffles", {}, 256, args), GpuError::None);
        QVERIFY(device.runtime.recordEvent(second, device.stream).ok());
        QCOMPARE(device.runtime.elapsedMs(ms, first, second).error, GpuError::NotReady);
        QCOMPARE(device.runtime.queryEvent(second).error, GpuError::NotReady);
        QCOMPARE(device.runtime.queryEvent(second).error, GpuError::None);
        QVERIFY(device.runtime.elapsedMs(ms, first, second).ok() && ms > 0.0f);
        QVERIFY(device.runtime.waitEvent(device.stream, first).ok());
        QVERIFY(device.runtime.destroyEvent(first).ok() && device.runtime.destroyEvent(second).ok());
        QVERIFY(!device.runtime.destroyEvent(second).ok());
    }

    void graphsReplay_data() { addWaves(); }
    void graphsReplay() {
        QFETCH(int, wave);
        Device device(wave);
        ExecutorRuntime& runtime = device.runtime;
        void* pinned = nullptr;
        QVERIFY(runtime.allocatePinned(pinned, 256).ok());
        auto* const values = static_cast<float*>(pinned);
        float* const in = device.floats(64);
        float* const out = device.floats(2);
        QVERIFY(runtime.synchronize(device.stream).ok());
        QVERIFY(runtime.beginCapture(device.stream).ok());
        QVERIFY(runtime.copyToDevice(in, pinned, 256, device.stream).ok());
        QCOMPARE(device.launch("hearth_test_block_sum", {}, 256, {.out = out, .in = in, .count = 64}), GpuError::None);
        QVERIFY(runtime.copyToHost(pinned, out, 8, device.stream).ok());
        QCOMPARE(runtime.synchronize(device.stream).error, GpuError::Unsupported);
        std::vector<float> pageable(64);
        QCOMPARE(runtime.copyToHost(pageable.data(), in, 256, device.stream).error, GpuError::Unsupported);
        void* memory = nullptr;
        QCOMPARE(runtime.allocate(memory, 4).error, GpuError::Unsupported);
        kernels::GpuRuntime::Graph graph = nullptr;
        kernels::GpuRuntime::GraphExec exec = nullptr;
        QVERIFY(runtime.endCapture(device.stream, graph).ok());
        QVERIFY(runtime.instantiate(exec, graph).ok());
        QVERIFY(runtime.destroyGraph(graph).ok());
        QCOMPARE(runtime.kernelsRun(), std::uint64_t{0}); // recording runs nothing
        float total = 0.0f;
        for (const float each : {1.0f, 2.5f, -4.0f}) {
            std::fill_n(values, 64, each);
            QVERIFY(runtime.launchGraph(exec, device.stream).ok());
            QVERIFY(runtime.synchronize(device.stream).ok());
            total += 64 * each;
            QCOMPARE(values[0], total);
            QCOMPARE(values[1], each);
        }
        QCOMPARE(runtime.kernelsRun(), std::uint64_t{3});
        QCOMPARE(runtime.calls(GpuCall::Launch), std::uint64_t{1});
        QCOMPARE(runtime.calls(GpuCall::LaunchGraph), std::uint64_t{3});
        QVERIFY(runtime.destroyGraphExec(exec).ok());
        QCOMPARE(runtime.livingResources(), std::size_t{2 + 2 + 1}); // stream, module; in, out; pinned
    }

    void callsFailWhenTold() {
        Device device(32);
        ExecutorRuntime& runtime = device.runtime;
        void* memory = nullptr;
        runtime.failCall(GpuCall::Allocate, 1, GpuError::OutOfMemory);
        QVERIFY(runtime.allocate(memory, 16).ok());
        QCOMPARE(runtime.allocate(memory, 16).error, GpuError::OutOfMemory);
        QVERIFY(memory == nullptr);
        QVERIFY(runtime.allocate(memory, 16).ok());
        runtime.failCall(GpuCall::Launch, 0, GpuError::DeviceLost);
        QCOMPARE(device.run("hearth_test_coordinates", {}, 96, {.out = device.floats(96)}), GpuError::DeviceLost);
        QCOMPARE(runtime.synchronize(device.stream).error, GpuError::DeviceLost);
        QCOMPARE(runtime.allocate(memory, 16).error, GpuError::DeviceLost);
        QVERIFY(runtime.destroyStream(device.stream).ok());
        QVERIFY(runtime.fault().empty()); // an injected error is nobody's mistake
    }

    /// A child process looks into device memory and dies of it.
    void hostMayNotTouchDeviceMemory() {
        Device device(32);
        const float* const out = device.floats(64);
        QVERIFY(device.runtime.synchronize(device.stream).ok());
        const pid_t child = fork();
        if (child == 0) {
            signal(SIGSEGV, SIG_DFL);
            _exit(static_cast<const volatile float*>(out)[3] == 0.0f ? 1 : 2);
        }
        int status = 0;
        QCOMPARE(waitpid(child, &status, 0), child);
        QVERIFY(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    }
};

QTEST_GUILESS_MAIN(GpuExecutorTest)
#include "gpu_executor_test.moc"
