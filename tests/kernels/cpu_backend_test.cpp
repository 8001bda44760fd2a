// SPDX-License-Identifier: Apache-2.0
//
// What only the CPU back end promises: weights stay in the file's memory, a stop request ends products that are under way, and it says what
// it is.
#include "kernel_fixture.h"

#include <QTest>

#include <cstring>
#include <thread>

using namespace hearth::kernels;

namespace {

TensorView view(std::vector<float>& values, std::int64_t rows) {
    return matrixView(values.data(), DType::F32, rows, static_cast<std::int64_t>(values.size()) / rows);
}

} // namespace

class CpuBackendTest : public QObject {
    Q_OBJECT

private slots:
    void adoptedWeightIsTheFilesMemory() {
        CpuBackend* backend = backendFor(CpuPath::Portable);
        alignas(32) std::byte file[18 * 8 + 1] = {};
        const std::span<const std::byte> bytes(file, 18 * 8);
        QCOMPARE(backend->adoptWeight(DType::Q4_0, {1, 4, 64}, bytes).data, static_cast<void*>(file));
        QVERIFY(backend->adoptWeight(DType::Q4_0, {1, 5, 64}, bytes).data == nullptr); // too short
        QVERIFY(backend->adoptWeight(DType::Q4_0, {1, 4, 33}, bytes).data == nullptr); // half a block
        QVERIFY(backend->adoptWeight(DType::I32, {1, 1, 4}, bytes).data == nullptr);
        const TensorView moved =
            backend->adoptWeight(DType::Q4_0, {1, 4, 64}, std::span<const std::byte>(file + 1, 18 * 8));
        QVERIFY(moved.data != nullptr && moved.data != file + 1);
        QCOMPARE(std::memcmp(moved.data, file + 1, 18 * 8), 0);
    }

    /// In the middle of products that would take minutes: the step ends because tasks are dropped.
    void stopRequestEndsProductsUnderWay() {
        CpuBackend* backend = backendFor(CpuPath::Portable);
        std::vector<float> weight(std::size_t{4096} * 512, 0.5f);
        std::vector<float> input(std::size_t{512} * 512, 0.5f);
        std::vector<float> output(std::size_t{512} * 4096);
        std::stop_source during;
        backend->beginStep(during.get_token());
        std::thread stopper([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            during.request_stop();
        });
        for (int i = 0; i < 100000; ++i) backend->matmul(view(output, 512), view(weight, 4096), view(input, 512));
        stopper.join();
        QCOMPARE(int(backend->endStep().code), int(StatusCode::Cancelled));
    }

    void deviceSaysWhatItIs() {
        const std::unique_ptr<CpuBackend> best = CpuBackend::create();
        QVERIFY(best != nullptr);
        QCOMPARE(best->path(), bestCpuPath());
        const DeviceInfo device = best->deviceInfo();
        QVERIFY(!device.name.empty());
        QCOMPARE(QString::fromStdString(device.isa), QString(cpuPathName(bestCpuPath())));
        QCOMPARE(device.threads, physicalCoreCount());
        QVERIFY(device.totalBytes > 0);
        for (const CpuPath path : kAllPaths) QCOMPARE(backendFor(path) != nullptr, cpuPathSupported(path));
    }
};

QTEST_GUILESS_MAIN(CpuBackendTest)
#include "cpu_backend_test.moc"
