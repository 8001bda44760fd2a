// SPDX-License-Identifier: Apache-2.0
//
// Products and lookups of every weight format on every path, judged by the reference back end. Tolerances: kernels/ops/matmul.h.
// Weights lie directly before forbidden memory, so a read past their end crashes the test.
#include "kernel_fixture.h"
#include "reference_backend.h"

#include "kernels/quant/decode.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace hearth::kernels;

namespace {

struct Shape {
    std::int64_t rows;
    std::int64_t blocks; ///< columns, in blocks of the format
    std::int64_t tokens;
};

constexpr Shape kBlockShapes[] = {{1, 1, 1},  {3, 1, 2},   {17, 2, 1},  {32, 3, 3}, {67, 1, 5},
                                  {64, 2, 8}, {131, 3, 1}, {33, 1, 19}, {96, 1, 64}};
/// Blocks of 32 may make rows that are no multiple of 64 or 256.
constexpr Shape kSmallBlockShapes[] = {{1, 1, 1},   {5, 1, 3},  {19, 3, 1},  {40, 28, 1},
                                       {64, 28, 9}, {31, 7, 4}, {33, 5, 21}, {128, 8, 33}};
constexpr Shape kFloatShapes[] = {{1, 1, 1},    {2, 3, 2},    {7, 17, 3},   {33, 64, 1},
                                  {64, 127, 5}, {129, 96, 8}, {40, 300, 17}};

std::span<const Shape> shapesFor(DType dtype) {
    switch (info(dtype).elementsPerBlock) {
    case 1:
        return kFloatShapes;
    case 32:
        return kSmallBlockShapes;
    default:
        return kBlockShapes;
    }
}

void addFormatsAndPaths() {
    QTest::addColumn<int>("dtype");
    QTest::addColumn<int>("path");
    for (const DTypeInfo& type : allDTypes()) {
        if (!type.computes) continue;
        for (const CpuPath path : kAllPaths) {
            QTest::addRow("%s, %s", type.name.data(), cpuPathName(path)) << int(type.dtype) << int(path);
        }
    }
}

/// What a product with 8-bit activations is by definition, and the size its error is measured by.
struct Expected {
    double exact = 0.0;
    double rounded = 0.0;
    double size = 0.0; ///< |row| * |x|
};

Expected expectedProduct(const std::vector<float>& row, const float* x, const std::vector<Q8Block>& blocks) {
    Expected e;
    double rowSquares = 0.0;
    double xSquares = 0.0;
    for (std::size_t c = 0; c < row.size(); ++c) {
        e.exact += double(row[c]) * x[c];
        if (!blocks.empty()) e.rounded += double(row[c]) * blocks[c / 32].scale * blocks[c / 32].q[c % 32];
        rowSquares += double(row[c]) * row[c];
        xSquares += double(x[c]) * x[c];
    }
    e.size = std::sqrt(rowSquares * xSquares);
    return e;
}

#define SKIP_WITHOUT(path, backend)                                                                                    \
    if ((backend) == nullptr) QSKIP(qPrintable(QString("this processor has no %1").arg(cpuPathName(path))))

} // namespace

class MatmulTest : public QObject {
    Q_OBJECT

    /// Compares out with the definition, value by value; an empty string is agreement.
    static QString disagreement(const CpuBackend& backend, const TensorView& out, const TensorView& weight,
                                const TensorView& x) {
        const bool rounds = backend.roundsActivations(weight.dtype, weight.cols());
        const std::int64_t cols = weight.cols();
        std::vector<float> row(static_cast<std::size_t>(cols));
        std::vector<Q8Block> blocks(rounds ? static_cast<std::size_t>(cols / kQ8Elements) : 0);
        for (std::int64_t t = 0; t < x.rows(); ++t) {
            if (rounds) quantizeRowToQ8(blocks.data(), x.f32() + t * cols, cols);
            for (std::int64_t r = 0; r < weight.rows(); ++r) {
                decodeRow(weight.dtype, row.data(), weight.rowRange(r, 1).data, cols);
                const Expected e = expectedProduct(row, x.f32() + t * cols, blocks);
                const double got = out.f32()[t * out.cols() + r];
                // Twice eight bits: the rest of an element is at most 1/254 of its block's largest, and is rounded again.
                const bool twice = rounds && CpuBackend::multipliesRest(weight.dtype);
                const double tolerance = (twice ? 1e-4 : rounds ? 1e-2 : 2e-6) * e.size + 1e-30;
                const bool close = std::fabs(got - e.exact) <= tolerance &&
                                   (!rounds || twice || std::fabs(got - e.rounded) <= 1e-5 * e.size + 1e-30);
                if (!close) {
                    return QString("row %1 of %2, token %3 of %4, %5 columns: %6; exact %7, with rounded activations "
                                   "%8, size %9")
                        .arg(r)
                        .arg(weight.rows())
                        .arg(t)
                        .arg(x.rows())
                        .arg(cols)
                        .arg(got)
                        .arg(e.exact)
                        .arg(e.rounded)
                        .arg(e.size);
                }
            }
        }
        return {};
    }

private slots:
    void product_data() { addFormatsAndPaths(); }
    void product() {
        QFETCH(int, dtype);
        QFETCH(int, path);
        CpuBackend* backend = backendFor(static_cast<CpuPath>(path));
        SKIP_WITHOUT(static_cast<CpuPath>(path), backend);
        const auto type = static_cast<DType>(dtype);
        Numbers numbers(static_cast<std::uint64_t>(dtype) + 1);
        for (const Shape& shape : shapesFor(type)) {
            const std::int64_t cols = shape.blocks * info(type).elementsPerBlock;
            GuardedBytes bytes(bytesFor(type, static_cast<std::uint64_t>(shape.rows * cols)));
            fillWeight(bytes.data(), type, shape.rows * cols, numbers);
            const TensorView weight = matrixView(bytes.data(), type, shape.rows, cols);
            GuardedBytes input(static_cast<std::size_t>(shape.tokens * cols) * 4);
            GuardedBytes output(static_cast<std::size_t>(shape.tokens * shape.rows) * 4);
            const TensorView x = matrixView(input.data(), DType::F32, shape.tokens, cols);
            const TensorView out = matrixView(output.data(), DType::F32, shape.tokens, shape.rows);
            for (std::int64_t i = 0; i < x.elements(); ++i)
                x.f32()[i] = numbers.next();
            x.f32()[0] *= 30.0f; // an outlier, as real activations have

            backend->beginStep({});
            backend->matmul(out, weight, x);
            QVERIFY(backend->endStep().ok());
            const QString wrong = disagreement(*backend, out, weight, x);
            QVERIFY2(wrong.isEmpty(), qPrintable(wrong));
        }
    }

    void lookup_data() { addFormatsAndPaths(); }
    void lookup() {
        QFETCH(int, dtype);
        QFETCH(int, path);
        CpuBackend* backend = backendFor(static_cast<CpuPath>(path));
        SKIP_WITHOUT(static_cast<CpuPath>(path), backend);
        const auto type = static_cast<DType>(dtype);
        Numbers numbers(7);
        const std::int64_t cols = info(type).elementsPerBlock == 1 ? 33 : 2 * info(type).elementsPerBlock;
        constexpr std::int64_t kVocabulary = 11;
        GuardedBytes bytes(bytesFor(type, static_cast<std::uint64_t>(kVocabulary * cols)));
        fillWeight(bytes.data(), type, kVocabulary * cols, numbers);
        const TensorView table = matrixView(bytes.data(), type, kVocabulary, cols);
        const std::vector<std::int32_t> tokens{0, 10, 3, 3, 0};
        std::vector<float> got(tokens.size() * static_cast<std::size_t>(cols));
        std::vector<float> expected(got.size());
        const TensorView out = matrixView(got.data(), DType::F32, 5, cols);
        ReferenceBackend reference;
        reference.embed(matrixView(expected.data(), DType::F32, 5, cols), table, tokens, 22.5f);
        backend->beginStep({});
        backend->embed(out, table, tokens, 22.5f);
        QVERIFY(backend->endStep().ok());
        QVERIFY(got == expected);

        for (const std::int32_t bad : {-1, 11}) {
            const std::vector<std::int32_t> outside{0, bad, 0, 0, 0};
            backend->beginStep({});
            backend->embed(out, table, outside, 1.0f);
            QCOMPARE(int(backend->endStep().code), int(StatusCode::InvalidShape));
        }
    }

    void sharedProductsAgreeWithSingleOnes_data() {
        QTest::addColumn<int>("path");
        for (const CpuPath path : kAllPaths)
            QTest::newRow(cpuPathName(path)) << int(path);
    }
    void sharedProductsAgreeWithSingleOnes() {
        QFETCH(int, path);
        CpuBackend* backend = backendFor(static_cast<CpuPath>(path));
        SKIP_WITHOUT(static_cast<CpuPath>(path), backend);
        Numbers numbers(3);
        constexpr std::int64_t kCols = 512;
        const DType types[] = {DType::Q4_K, DType::Q6_K, DType::F16, DType::Q5_0}; // none multiplies the rest
        const std::int64_t rows[] = {200, 64, 1, 33};
        for (const std::int64_t tokens : {1, 6, 40}) {
            std::vector<float> x = numbers.many(tokens * kCols);
            std::vector<std::unique_ptr<GuardedBytes>> bytes;
            std::vector<std::vector<float>> shared;
            std::vector<TensorView> weights;
            std::vector<TensorView> outs;
            for (int i = 0; i < 4; ++i) {
                bytes.push_back(
                    std::make_unique<GuardedBytes>(bytesFor(types[i], static_cast<std::uint64_t>(rows[i] * kCols))));
                fillWeight(bytes.back()->data(), types[i], rows[i] * kCols, numbers);
                weights.push_back(matrixView(bytes.back()->data(), types[i], rows[i], kCols));
                shared.emplace_back(static_cast<std::size_t>(tokens * rows[i]));
                outs.push_back(matrixView(shared.back().data(), DType::F32, tokens, rows[i]));
            }
            const TensorView input = matrixView(x.data(), DType::F32, tokens, kCols);
            backend->beginStep({});
            backend->matmulShared(outs, weights, input);
            for (std::size_t i = 0; i < 4; ++i) {
                const QString wrong = disagreement(*backend, outs[i], weights[i], input);
                QVERIFY2(wrong.isEmpty(), qPrintable(wrong));
            }
            QVERIFY(backend->endStep().ok());
        }
    }

    void expertsMultiplyTheirOwnTokens_data() {
        QTest::addColumn<int>("path");
        QTest::addColumn<int>("dtype");
        QTest::addColumn<int>("tokens");
        QTest::addColumn<bool>("rowPerPair");
        for (const CpuPath path : kAllPaths) {
            for (const DType dtype : {DType::F32, DType::Q8_0, DType::Q4_K, DType::MXFP4}) {
                for (const int tokens : {1, 9, 50}) {
                    for (const bool rowPerPair : {false, true}) {
                        QTest::addRow("%s, %s, %d tokens, %s", cpuPathName(path), info(dtype).name.data(), tokens,
                                      rowPerPair ? "a row for each pair" : "a row for each token")
                            << int(path) << int(dtype) << tokens << rowPerPair;
                    }
                }
            }
        }
    }
    void expertsMultiplyTheirOwnTokens() {
        QFETCH(int, path);
        QFETCH(int, dtype);
        QFETCH(int, tokens);
        QFETCH(bool, rowPerPair);
        CpuBackend* backend = backendFor(static_cast<CpuPath>(path));
        SKIP_WITHOUT(static_cast<CpuPath>(path), backend);
        const auto type = static_cast<DType>(dtype);
        constexpr std::int64_t kExperts = 6, kRows = 37, kCols = 256, kChoices = 2;
        Numbers numbers(11);
        GuardedBytes bytes(bytesFor(type, kExperts * kRows * kCols));
        fillWeight(bytes.data(), type, kExperts * kRows * kCols, numbers);
        const TensorView weight{bytes.data(), type, {kExperts, kRows, kCols}};
        const std::int64_t inputRows = rowPerPair ? tokens * kChoices : tokens;
        std::vector<float> input = numbers.many(inputRows * kCols);
        std::vector<std::int32_t> chosen(static_cast<std::size_t>(tokens * kChoices));
        for (std::size_t i = 0; i < chosen.size(); ++i)
            chosen[i] = static_cast<std::int32_t>(numbers.bits() % (kExperts - 1)); // one is never used
        std::vector<float> got(chosen.size() * kRows);
        const TensorView ids{chosen.data(), DType::I32, {1, tokens, kChoices}};
        backend->beginStep({});
        backend->matmulExperts(matrixView(got.data(), DType::F32, tokens * kChoices, kRows), weight,
                               matrixView(input.data(), DType::F32, inputRows, kCols), ids);
        QVERIFY(backend->endStep().ok());
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            const TensorView expert =
                matrixView(bytes.data() + bytesFor(type, static_cast<std::uint64_t>(chosen[i] * kRows * kCols)), type,
                           kRows, kCols);
            const std::size_t inputRow = rowPerPair ? i : i / kChoices;
            const QString wrong =
                disagreement(*backend, matrixView(got.data() + i * kRows, DType::F32, 1, kRows), expert,
                             matrixView(input.data() + inputRow * kCols, DType::F32, 1, kCols));
            QVERIFY2(wrong.isEmpty(), qPrintable(wrong));
        }

        chosen.back() = kExperts;
        backend->beginStep({});
        backend->matmulExperts(matrixView(got.data(), DType::F32, tokens * kChoices, kRows), weight,
                               matrixView(input.data(), DType::F32, inputRows, kCols), ids);
        QCOMPARE(int(backend->endStep().code), int(StatusCode::InvalidShape));
    }

    /// A row longer than one thread's share and more rows than one chunk, with threads of every number.
    void largeProductOnAnyNumberOfThreads() {
        constexpr std::int64_t kRows = 1000, kCols = 2048;
        Numbers numbers(5);
        GuardedBytes bytes(bytesFor(DType::Q4_0, kRows * kCols));
        fillWeight(bytes.data(), DType::Q4_0, kRows * kCols, numbers);
        const TensorView weight = matrixView(bytes.data(), DType::Q4_0, kRows, kCols);
        std::vector<float> x = numbers.many(2 * kCols);
        for (const int threads : {1, 2, 5}) {
            const std::unique_ptr<CpuBackend> backend = CpuBackend::create({.threads = threads, .forcedPath = {}});
            QCOMPARE(backend->deviceInfo().threads, threads);
            std::vector<float> got(2 * kRows);
            const TensorView out = matrixView(got.data(), DType::F32, 2, kRows);
            backend->beginStep({});
            backend->matmul(out, weight, matrixView(x.data(), DType::F32, 2, kCols));
            QVERIFY(backend->endStep().ok());
            const QString wrong = disagreement(*backend, out, weight, matrixView(x.data(), DType::F32, 2, kCols));
            QVERIFY2(wrong.isEmpty(), qPrintable(wrong));
        }
    }
};

QTEST_GUILESS_MAIN(MatmulTest)
#include "matmul_test.moc"
