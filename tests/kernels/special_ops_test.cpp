// SPDX-License-Identifier: Apache-2.0
//
// The operations that few models need (kernels/ops/special.h): every back end against the reference in double precision.
#include "reference_backend.h"
#include "test_backends.h"

#include <QTest>

#include <cmath>
#include <limits>
#include <random>

using namespace hearth::kernels;

namespace {

TensorView view(std::vector<float>& values, std::int64_t rows, std::int64_t cols) {
    return matrixView(values.data(), DType::F32, rows, cols);
}

std::vector<float> noise(std::int64_t count, float deviation, unsigned seed) {
    std::mt19937 engine(seed);
    std::normal_distribution<float> normal(0.0f, deviation);
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = normal(engine);
    return values;
}

} // namespace

class SpecialOpsTest : public QObject {
    Q_OBJECT

private slots:
    void offers_data() { addDevices(); }
    void offers() {
        BACKEND_OR_SKIP;
        for (const auto operation : {SpecialOperation::ClampedSwiGlu, SpecialOperation::ExpertBias, SpecialOperation::CopyColumns,
                                     SpecialOperation::WideHeads}) {
            QCOMPARE(on->offers(operation), on.isCpu() || isOnEveryGpu(operation));
            QVERIFY(!name(operation).empty());
        }
    }

    void clampedSwiGlu_data() { addShapesAndDevices(); }
    void clampedSwiGlu() {
        QFETCH(int, rows);
        QFETCH(int, cols);
        BACKEND_OR_SKIP;
        std::vector<float> gate = noise(std::int64_t{rows} * cols, 5.0f, 1); // many beyond the limits
        std::vector<float> up = noise(std::int64_t{rows} * cols, 5.0f, 2);
        gate[0] = -100.0f;
        up.back() = 88.0f;
        std::vector<float> expected(gate.size());
        m_reference.clampedSwiGlu(view(expected, rows, cols), view(gate, rows, cols), view(up, rows, cols));
        const DeviceTensor x(on, gate, rows);
        const DeviceTensor y(on, up, rows);
        on->beginStep({});
        on->clampedSwiGlu(x, x, y); // in place
        QVERIFY(on->endStep().ok());
        const std::vector<float> actual = x.read();
        for (std::size_t i = 0; i < actual.size(); ++i) {
            const double size = std::min(std::fabs(gate[i]), 7.0f) * (std::min(std::fabs(up[i]), 7.0f) + 1.0);
            QVERIFY2(std::fabs(actual[i] - expected[i]) <= 2e-6 * size, qPrintable(QString("%1: %2, %3").arg(i).arg(actual[i]).arg(expected[i])));
        }
    }

    void clampedSwiGlu_keepsNaN_data() { addDevices(); }
    void clampedSwiGlu_keepsNaN() {
        BACKEND_OR_SKIP;
        const std::vector<float> gate{std::numeric_limits<float>::quiet_NaN(), 1.0f};
        const std::vector<float> up{1.0f, std::numeric_limits<float>::quiet_NaN()};
        const DeviceTensor x(on, gate, 1);
        const DeviceTensor y(on, up, 1);
        on->beginStep({});
        on->clampedSwiGlu(x, x, y);
        QVERIFY(on->endStep().ok());
        for (const float value : x.read()) QVERIFY(std::isnan(value));
    }

    void addExpertBias_data() { addShapesAndDevices(); }
    void addExpertBias() {
        QFETCH(int, rows);
        QFETCH(int, cols);
        BACKEND_OR_SKIP;
        constexpr std::int64_t kExperts = 5;
        constexpr std::int64_t kUsed = 3;
        std::vector<float> bias = noise(kExperts * cols, 1.0f, 3);
        std::vector<std::int32_t> ids(static_cast<std::size_t>(rows * kUsed));
        for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>((i * 7 + 4) % kExperts);
        std::vector<float> expected = noise(rows * kUsed * cols, 1.0f, 4);
        const DeviceTensor x(on, expected, rows * kUsed);
        const DeviceTensor biases(on, bias, kExperts);
        const DeviceTensor chosen(on, ids, rows);
        m_reference.addExpertBias(view(expected, rows * kUsed, cols), view(bias, kExperts, cols), matrixView(ids.data(), DType::I32, rows, kUsed));
        on->beginStep({});
        on->addExpertBias(x, biases, chosen);
        QVERIFY(on->endStep().ok());
        QVERIFY(x.read() == expected);
    }

    void copyColumns_data() {
        QTest::addColumn<int>("device");
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("repeat");
        QTest::addColumn<int>("count");
        QTest::addColumn<int>("apart");
        for (const TestDevice device : kAllDevices) {
            const auto row = [&](const char* what, int rows, int repeat, int count, int apart) {
                QTest::addRow("%s, %s", what, deviceName(device)) << int(device) << rows << repeat << count << apart;
            };
            row("one", 1, 1, 1, 5);
            row("rows of heads", 12, 1, 64, 8); // in fours
            row("one row for four heads", 12, 4, 8, 5);
            row("many", 700, 7, 200, 3);
            row("wide", 2, 1, 2051, 1);
        }
    }
    void copyColumns() {
        QFETCH(int, rows);
        QFETCH(int, repeat);
        QFETCH(int, count);
        QFETCH(int, apart);
        BACKEND_OR_SKIP;
        const std::int64_t inCols = count + apart;
        const std::int64_t outCols = count + 2 * apart;
        std::vector<float> in = noise(rows / repeat * inCols, 1.0f, 5);
        std::vector<float> expected = noise(rows * outCols, 1.0f, 6);
        const DeviceTensor from(on, in, rows / repeat);
        const DeviceTensor to(on, expected, rows);
        const std::int64_t inFrom = apart / 2;
        m_reference.copyColumns(view(expected, rows, outCols), apart, view(in, rows / repeat, inCols), inFrom, count);
        on->beginStep({});
        on->copyColumns(to, apart, from, inFrom, count);
        QVERIFY(on->endStep().ok());
        QVERIFY(to.read() == expected);
    }

    void wrongShapesAreRefused_data() { addDevices(); }
    void wrongShapesAreRefused() {
        BACKEND_OR_SKIP;
        std::vector<float> a(12);
        std::vector<float> b(12);
        std::vector<std::int32_t> ids(4);
        const TensorView idView = matrixView(ids.data(), DType::I32, 2, 2);
        const auto refused = [&](const auto& operation) {
            on->beginStep({});
            operation();
            return on->endStep().code == StatusCode::InvalidShape;
        };
        QVERIFY(refused([&] { on->clampedSwiGlu(view(a, 3, 4), view(a, 3, 4), view(b, 4, 3)); }));
        QVERIFY(refused([&] { on->addExpertBias(view(a, 3, 4), view(b, 3, 4), idView); })); // 3 rows for 4 ids
        QVERIFY(refused([&] { on->addExpertBias(view(a, 4, 3), view(b, 3, 4), idView); })); // widths
        QVERIFY(refused([&] { on->copyColumns(view(a, 3, 4), 2, view(b, 3, 4), 0, 3); }));  // past the end of out
        QVERIFY(refused([&] { on->copyColumns(view(a, 3, 4), 0, view(b, 3, 4), 2, 3); }));  // past the end of in
        QVERIFY(refused([&] { on->copyColumns(view(a, 3, 4), 0, view(b, 2, 6), 0, 3); }));  // 3 rows of 2
        QVERIFY(refused([&] { on->copyColumns(view(a, 3, 4), -1, view(b, 3, 4), 0, 3); }));
    }

private:
    static void addDevices() {
        QTest::addColumn<int>("device");
        for (const TestDevice device : kAllDevices) QTest::newRow(deviceName(device)) << int(device);
    }
    static void addShapesAndDevices() {
        QTest::addColumn<int>("device");
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("cols");
        for (const TestDevice device : kAllDevices) {
            for (const auto& [rows, cols] : {std::pair{1, 1}, {1, 2880}, {3, 31}, {17, 640}, {130, 97}})
                QTest::addRow("%d x %d, %s", rows, cols, deviceName(device)) << int(device) << rows << cols;
        }
    }

    ReferenceBackend m_reference;
};

QTEST_GUILESS_MAIN(SpecialOpsTest)
#include "special_ops_test.moc"
