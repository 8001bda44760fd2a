// SPDX-License-Identifier: Apache-2.0
//
// The operations that few models need (kernels/ops/special.h): the CPU back end against the reference in double precision.
#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/reference_backend.h"

#include <QTest>

#include <cmath>
#include <limits>
#include <numeric>
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
    void initTestCase() {
        m_cpu = CpuBackend::create({.threads = 2});
        QVERIFY(m_cpu != nullptr);
        for (const auto operation : {SpecialOperation::ClampedSwiGlu, SpecialOperation::ExpertBias,
                                     SpecialOperation::CopyColumns, SpecialOperation::WideHeads}) {
            QVERIFY(m_cpu->offers(operation));
            QVERIFY(!name(operation).empty());
        }
    }

    void clampedSwiGlu_data() { addShapes(); }
    void clampedSwiGlu() {
        QFETCH(int, rows);
        QFETCH(int, cols);
        std::vector<float> gate = noise(std::int64_t{rows} * cols, 5.0f, 1); // many beyond the limits
        std::vector<float> up = noise(std::int64_t{rows} * cols, 5.0f, 2);
        gate[0] = -100.0f;
        up.back() = 88.0f;
        std::vector<float> expected(gate.size());
        m_reference.clampedSwiGlu(view(expected, rows, cols), view(gate, rows, cols), view(up, rows, cols));
        std::vector<float> actual = gate; // in place
        m_cpu->beginStep({});
        m_cpu->clampedSwiGlu(view(actual, rows, cols), view(actual, rows, cols), view(up, rows, cols));
        QVERIFY(m_cpu->endStep().ok());
        for (std::size_t i = 0; i < actual.size(); ++i) {
            const double size = std::min(std::fabs(gate[i]), 7.0f) * (std::min(std::fabs(up[i]), 7.0f) + 1.0);
            QVERIFY2(std::fabs(actual[i] - expected[i]) <= 2e-6 * size,
                     qPrintable(QString("%1: %2, %3").arg(i).arg(actual[i]).arg(expected[i])));
        }
    }

    void clampedSwiGlu_keepsNaN() {
        std::vector<float> gate{std::numeric_limits<float>::quiet_NaN(), 1.0f};
        std::vector<float> up{1.0f, std::numeric_limits<float>::quiet_NaN()};
        m_cpu->beginStep({});
        m_cpu->clampedSwiGlu(view(gate, 1, 2), view(gate, 1, 2), view(up, 1, 2));
        QVERIFY(m_cpu->endStep().ok());
        QVERIFY(std::isnan(gate[0]) && std::isnan(gate[1]));
    }

    void addExpertBias_data() { addShapes(); }
    void addExpertBias() {
        QFETCH(int, rows);
        QFETCH(int, cols);
        constexpr std::int64_t kExperts = 5;
        constexpr std::int64_t kUsed = 3;
        std::vector<float> bias = noise(kExperts * cols, 1.0f, 3);
        std::vector<std::int32_t> ids(static_cast<std::size_t>(rows * kUsed));
        for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>((i * 7 + 4) % kExperts);
        std::vector<float> expected = noise(rows * kUsed * cols, 1.0f, 4);
        std::vector<float> actual = expected;
        const TensorView idView = matrixView(ids.data(), DType::I32, rows, kUsed);
        m_reference.addExpertBias(view(expected, rows * kUsed, cols), view(bias, kExperts, cols), idView);
        m_cpu->beginStep({});
        m_cpu->addExpertBias(view(actual, rows * kUsed, cols), view(bias, kExperts, cols), idView);
        QVERIFY(m_cpu->endStep().ok());
        QVERIFY(actual == expected);
    }

    void copyColumns_data() {
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("repeat");
        QTest::addColumn<int>("count");
        QTest::newRow("one") << 1 << 1 << 1;
        QTest::newRow("rows of heads") << 12 << 1 << 64;
        QTest::newRow("one row for four heads") << 12 << 4 << 8;
        QTest::newRow("many") << 700 << 7 << 200;
    }
    void copyColumns() {
        QFETCH(int, rows);
        QFETCH(int, repeat);
        QFETCH(int, count);
        const std::int64_t inCols = count + 5;
        const std::int64_t outCols = count + 9;
        std::vector<float> in = noise(rows / repeat * inCols, 1.0f, 5);
        std::vector<float> expected = noise(rows * outCols, 1.0f, 6);
        std::vector<float> actual = expected;
        m_reference.copyColumns(view(expected, rows, outCols), 7, view(in, rows / repeat, inCols), 2, count);
        m_cpu->beginStep({});
        m_cpu->copyColumns(view(actual, rows, outCols), 7, view(in, rows / repeat, inCols), 2, count);
        QVERIFY(m_cpu->endStep().ok());
        QVERIFY(actual == expected);
    }

    void wrongShapesAreRefused() {
        std::vector<float> a(12);
        std::vector<float> b(12);
        std::vector<std::int32_t> ids(4);
        const TensorView idView = matrixView(ids.data(), DType::I32, 2, 2);
        const auto refused = [&](const auto& operation) {
            m_cpu->beginStep({});
            operation();
            return m_cpu->endStep().code == StatusCode::InvalidShape;
        };
        QVERIFY(refused([&] { m_cpu->clampedSwiGlu(view(a, 3, 4), view(a, 3, 4), view(b, 4, 3)); }));
        QVERIFY(refused([&] { m_cpu->addExpertBias(view(a, 3, 4), view(b, 3, 4), idView); }));  // 3 rows for 4 ids
        QVERIFY(refused([&] { m_cpu->addExpertBias(view(a, 4, 3), view(b, 3, 4), idView); }));  // widths
        QVERIFY(refused([&] { m_cpu->copyColumns(view(a, 3, 4), 2, view(b, 3, 4), 0, 3); }));   // past the end of out
        QVERIFY(refused([&] { m_cpu->copyColumns(view(a, 3, 4), 0, view(b, 3, 4), 2, 3); }));   // past the end of in
        QVERIFY(refused([&] { m_cpu->copyColumns(view(a, 3, 4), 0, view(b, 2, 6), 0, 3); }));   // 3 rows of 2
        QVERIFY(refused([&] { m_cpu->copyColumns(view(a, 3, 4), -1, view(b, 3, 4), 0, 3); }));
    }

private:
    static void addShapes() {
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("cols");
        for (const auto& [rows, cols] : {std::pair{1, 1}, {1, 2880}, {3, 31}, {17, 640}, {130, 97}})
            QTest::addRow("%d x %d", rows, cols) << rows << cols;
    }

    std::unique_ptr<CpuBackend> m_cpu;
    ReferenceBackend m_reference;
};

QTEST_GUILESS_MAIN(SpecialOpsTest)
#include "special_ops_test.moc"
