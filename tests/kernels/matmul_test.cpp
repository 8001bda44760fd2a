// SPDX-License-Identifier: Apache-2.0
//
// Products and lookups of every weight format on every back end, judged by sums in double precision. Tolerances: kernels/ops/matmul.h.
// Memory of tests ends directly before forbidden memory, so a read past its end does not stay unseen.
#include "reference_backend.h"
#include "test_backends.h"

#include "kernels/quant/decode.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <functional>

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
                                  {64, 127, 5}, {129, 96, 8}, {40, 300, 17}, {70, 112, 17}, {130, 80, 12}};

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

void addFormatsAndDevices() {
    QTest::addColumn<int>("dtype");
    QTest::addColumn<int>("device");
    for (const DTypeInfo& type : allDTypes()) {
        if (!type.computes) continue;
        for (const TestDevice device : kAllDevices) {
            QTest::addRow("%s, %s", type.name.data(), deviceName(device)) << int(type.dtype) << int(device);
        }
    }
}

/// Formats that stand for all where only what happens after the sum is tested: a GPU's products of many rows take the executor a while.
bool forManyRows(DType dtype) {
    return dtype == DType::F32 || dtype == DType::F16 || dtype == DType::Q4_K || dtype == DType::IQ2_XXS;
}

void addDevices() {
    QTest::addColumn<int>("device");
    for (const TestDevice device : kAllDevices) QTest::newRow(deviceName(device)) << int(device);
}

/// A weight as a file holds it.
struct Weight {
    DType dtype;
    std::array<std::int64_t, 3> shape;
    GuardedBytes bytes;

    Weight(DType type, std::array<std::int64_t, 3> sizes, Numbers& numbers)
        : dtype(type)
        , shape(sizes)
        , bytes(size()) {
        fillWeight(bytes.data(), dtype, shape[0] * shape[1] * shape[2], numbers);
    }
    [[nodiscard]] std::uint64_t size() const { return bytesFor(dtype, static_cast<std::uint64_t>(shape[0] * shape[1] * shape[2])); }
    [[nodiscard]] TensorView on(const TestBackend& backend) { return adopted(backend, dtype, shape, {bytes.data(), size()}); }
    [[nodiscard]] std::vector<float> row(std::int64_t index) {
        std::vector<float> values(static_cast<std::size_t>(shape[2]));
        decodeRow(dtype, values.data(), bytes.data() + bytesFor(dtype, static_cast<std::uint64_t>(index * shape[2])), shape[2]);
        return values;
    }
};

enum class Activations : bool {
    Random,        ///< with an outlier, as real ones have
    HeldByEightBits, ///< rounding to 8 bits leaves nothing: products in 8 bits must be exact
};

std::vector<float> activations(std::int64_t count, Activations kind, Numbers& numbers) {
    std::vector<float> x = numbers.many(count);
    x[0] *= 30.0f;
    if (kind == Activations::Random) return x;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const float scale = 0x1p-9f * static_cast<float>(1 + i / 32 % 3);
        const auto whole = static_cast<float>(static_cast<int>(numbers.bits() % 255) - 127);
        x[i] = scale * (i % 32 == 5 ? 127.0f : whole);
    }
    return x;
}

/// What a product is by definition, and the size its error is measured by.
struct Expected {
    double exact = 0.0;
    double rounded = 0.0; ///< with the activations rounded to 8 bits
    double size = 0.0;    ///< |row| * |x|
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

double toleranceOf(ProductKind kind, Activations activations) {
    switch (kind) {
    case ProductKind::Float: return 2e-6;
    case ProductKind::Half: return 1.5e-3;
    // Twice eight bits: the rest of an element is at most 1/254 of its block's largest, and is rounded again.
    case ProductKind::RoundedTwice: return activations == Activations::Random ? 1e-4 : 1e-5;
    case ProductKind::Rounded: break;
    }
    return activations == Activations::Random ? 1e-2 : 1e-5;
}

} // namespace

class MatmulTest : public QObject {
    Q_OBJECT

    /// Compares row t of out [tokens, rows] with the definition; an empty string is agreement.
    static QString disagreement(ProductKind kind, Activations activations, std::span<const float> out, Weight& weight, std::int64_t firstRow,
                                std::int64_t rows, std::span<const float> x) {
        const std::int64_t cols = weight.shape[2];
        const std::int64_t tokens = static_cast<std::int64_t>(x.size()) / cols;
        const bool rounds = kind == ProductKind::Rounded;
        std::vector<Q8Block> blocks(rounds ? static_cast<std::size_t>(cols / kQ8Elements) : 0);
        for (std::int64_t r = 0; r < rows; ++r) {
            const std::vector<float> row = weight.row(firstRow + r);
            for (std::int64_t t = 0; t < tokens; ++t) {
                if (rounds) quantizeRowToQ8(blocks.data(), x.data() + t * cols, cols);
                const Expected e = expectedProduct(row, x.data() + t * cols, blocks);
                const double got = out[static_cast<std::size_t>(t * rows + r)];
                const bool close = std::fabs(got - e.exact) <= toleranceOf(kind, activations) * e.size + 1e-30 &&
                                   (!rounds || std::fabs(got - e.rounded) <= 1e-5 * e.size + 1e-30);
                if (!close) {
                    return QString("row %1 of %2, token %3 of %4, %5 columns: %6; exact %7, off by %8 of the size %9")
                        .arg(r)
                        .arg(rows)
                        .arg(t)
                        .arg(tokens)
                        .arg(cols)
                        .arg(got)
                        .arg(e.exact)
                        .arg((got - e.exact) / e.size)
                        .arg(e.size);
                }
            }
        }
        return {};
    }

private slots:
    void product_data() {
        addFormatsAndDevices();
        for (const TestDevice device : kMatrixFamilies) {
            for (const DType dtype : {DType::F16, DType::Q4_K, DType::IQ4_NL})
                QTest::addRow("%s, %s", info(dtype).name.data(), deviceName(device)) << int(dtype) << int(device);
        }
    }
    void product() {
        QFETCH(int, dtype);
        BACKEND_OR_SKIP;
        const auto type = static_cast<DType>(dtype);
        Numbers numbers(static_cast<std::uint64_t>(dtype) + 1);
        for (const Shape& shape : shapesFor(type)) {
            if (on.device() >= TestDevice::Gfx90a && on.isExecutor() && shape.tokens <= 8) continue; // no matrix instructions
            const std::int64_t cols = shape.blocks * info(type).elementsPerBlock;
            Weight weight(type, {1, shape.rows, cols}, numbers);
            const TensorView weightView = weight.on(on);
            const ProductKind product = on.productKind(type, cols, shape.tokens);
            for (const Activations kind : {Activations::Random, Activations::HeldByEightBits}) {
                const bool rounds = product == ProductKind::Rounded || product == ProductKind::RoundedTwice;
                if (kind == Activations::HeldByEightBits && !rounds) continue;
                const std::vector<float> x = activations(shape.tokens * cols, kind, numbers);
                const DeviceTensor input(on, x, shape.tokens);
                const DeviceTensor out(on, DType::F32, {1, shape.tokens, shape.rows});
                on->beginStep({});
                on->matmul(out, weightView, input);
                QVERIFY(on->endStep().ok());
                const QString wrong = disagreement(product, kind, out.read(), weight, 0, shape.rows, x);
                QVERIFY2(wrong.isEmpty(), qPrintable(wrong));
            }
        }
    }

    void lookup_data() { addFormatsAndDevices(); }
    void lookup() {
        QFETCH(int, dtype);
        BACKEND_OR_SKIP;
        const auto type = static_cast<DType>(dtype);
        Numbers numbers(7);
        const std::int64_t cols = info(type).elementsPerBlock == 1 ? 33 : 2 * info(type).elementsPerBlock;
        constexpr std::int64_t kVocabulary = 11;
        Weight table(type, {1, kVocabulary, cols}, numbers);
        const TensorView tableView = table.on(on);
        const std::vector<std::int32_t> tokens{0, 10, 3, 3, 0};
        std::vector<float> expected(tokens.size() * static_cast<std::size_t>(cols));
        const DeviceTensor out(on, DType::F32, {1, 5, cols});
        ReferenceBackend reference;
        reference.embed(matrixView(expected.data(), DType::F32, 5, cols), matrixView(table.bytes.data(), type, kVocabulary, cols), tokens, 22.5f);
        on->beginStep({});
        on->embed(out, tableView, tokens, 22.5f);
        QVERIFY(on->endStep().ok());
        const std::vector<float> got = out.read();
        for (std::size_t i = 0; i < got.size(); ++i) {
            // A GPU multiplies before it adds a minimum, all in f32: an ulp or two of the largest part.
            const double tolerance = on.isCpu() || info(type).elementsPerBlock == 1 ? 0.0 : 1e-6 * 22.5 * 4.0;
            QVERIFY2(std::fabs(double(got[i]) - expected[i]) <= tolerance,
                     qPrintable(QString("%1: %2, not %3").arg(i).arg(double(got[i])).arg(double(expected[i]))));
        }

        for (const std::int32_t bad : {-1, 11}) {
            const std::vector<std::int32_t> outside{0, bad, 0, 0, 0};
            on->beginStep({});
            on->embed(out, tableView, outside, 1.0f);
            QCOMPARE(int(on->endStep().code), int(StatusCode::InvalidShape));
        }
    }

    void sharedProductsAgreeWithSingleOnes_data() { addDevices(); }
    void sharedProductsAgreeWithSingleOnes() {
        BACKEND_OR_SKIP;
        Numbers numbers(3);
        constexpr std::int64_t kCols = 512;
        const DType types[] = {DType::Q4_K, DType::Q6_K, DType::F16, DType::Q5_0, DType::Q4_K}; // none multiplies the rest
        const std::int64_t rows[] = {200, 64, 1, 33, 7};
        for (const std::int64_t tokens : {1, 6, 40}) {
            for (const std::size_t count : {std::size_t{2}, std::size_t{3}, std::size_t{5}}) {
                const std::vector<float> x = activations(tokens * kCols, Activations::Random, numbers);
                const DeviceTensor input(on, x, tokens);
                std::vector<std::unique_ptr<Weight>> files;
                std::vector<std::unique_ptr<DeviceTensor>> tensors;
                std::vector<TensorView> weights;
                std::vector<TensorView> outs;
                for (std::size_t i = 0; i < count; ++i) {
                    // All of one type first, as in most models; mixed ones when there are five.
                    const DType type = count == 5 ? types[i] : types[0];
                    files.push_back(std::make_unique<Weight>(type, std::array{std::int64_t{1}, rows[i], kCols}, numbers));
                    weights.push_back(files.back()->on(on));
                    tensors.push_back(std::make_unique<DeviceTensor>(on, DType::F32, std::array{std::int64_t{1}, tokens, rows[i]}));
                    outs.push_back(tensors.back()->view());
                }
                on->beginStep({});
                on->matmulShared(outs, weights, input);
                QVERIFY(on->endStep().ok());
                for (std::size_t i = 0; i < count; ++i) {
                    const QString wrong = disagreement(on.productKind(files[i]->dtype, kCols, tokens), Activations::Random,
                                                       tensors[i]->read(), *files[i], 0, rows[i], x);
                    QVERIFY2(wrong.isEmpty(), qPrintable(wrong));
                }
            }
        }
    }

    /// What a back end keeps of x from one product to the next must go when x changes, whoever changes it.
    void changedActivationsAreReadAnew_data() {
        QTest::addColumn<int>("device");
        QTest::addColumn<int>("tokens");
        for (const TestDevice device : kAllDevices) {
            for (const int tokens : {1, 3, 12}) QTest::addRow("%s, %d rows", deviceName(device), tokens) << int(device) << tokens;
        }
    }
    void changedActivationsAreReadAnew() {
        BACKEND_OR_SKIP;
        QFETCH(int, tokens);
        constexpr std::int64_t kCols = 128;
        Numbers numbers(19);
        Weight weight(DType::Q8_0, {1, kCols, kCols}, numbers);
        Weight table(DType::Q8_0, {1, 20, kCols}, numbers);
        const TensorView weightView = weight.on(on);
        const TensorView tableView = table.on(on);
        const std::vector<float> start = numbers.many(tokens * kCols);
        const DeviceTensor x(on, start, tokens);
        const DeviceTensor y(on, numbers.many(tokens * kCols), tokens);
        const DeviceTensor row(on, numbers.many(kCols), 1);
        const DeviceTensor other(on, DType::F32, {1, tokens, kCols});
        const std::vector<std::int32_t> ids(static_cast<std::size_t>(tokens), 7);
        const std::function<void()> changes[] = {
            [&] { on->add(x, y); },
            [&] { on->addBias(x, row); },
            [&] { on->scale(x, 0.5f); },
            [&] { on->softcap(x, 2.0f); },
            [&] { on->rmsNorm(x, x, row, 1e-5f); },
            [&] { on->layerNorm(x, x, row, {}, 1e-5f); },
            [&] { on->addRmsNorm(other, x, y, row, 1e-5f); },
            [&] { on->rope(x, 64, 3, {.dims = 64}); },
            [&] { on->swiGlu(x, x, y); },
            [&] { on->geGlu(x, x, y); },
            [&] { on->embed(x, tableView, ids, 1.0f); },
            [&] { on->matmul(x, weightView, y); },
            [&] { on->matmulAdd(x, weightView, y, {}, other); },
            [&] { on->gatedMatmul(x, weightView, weightView, y, GatedActivation::Silu, other); },
            [&] { on->upload(x, std::as_bytes(std::span(start))); },
            [&] { on->zero(x); },
        };
        for (std::size_t i = 0; i < std::size(changes); ++i) {
            x.write(std::as_bytes(std::span(start)));
            const DeviceTensor before(on, DType::F32, {1, tokens, kCols});
            const DeviceTensor after(on, DType::F32, {1, tokens, kCols});
            on->beginStep({});
            on->matmul(before, weightView, x);
            changes[i]();
            on->matmul(after, weightView, x);
            QVERIFY(on->endStep().ok());
            const QString wrong = disagreement(on.productKind(DType::Q8_0, kCols, tokens), Activations::Random, after.read(), weight, 0, kCols, x.read());
            QVERIFY2(wrong.isEmpty(), qPrintable(QString("change %1: %2").arg(i).arg(wrong)));
        }
    }

    void productIsAddedToTheResidual_data() { addFormatsAndDevices(); }
    void productIsAddedToTheResidual() {
        QFETCH(int, dtype);
        BACKEND_OR_SKIP;
        const auto type = static_cast<DType>(dtype);
        Numbers numbers(13);
        const std::int64_t cols = info(type).elementsPerBlock == 1 ? 96 : 256;
        constexpr std::int64_t kRows = 45;
        Weight weight(type, {1, kRows, cols}, numbers);
        const TensorView weightView = weight.on(on);
        for (const std::int64_t tokens : {1, 5, 12}) {
            if (tokens > 8 && !forManyRows(type)) continue;
            for (const bool withBias : {false, true}) {
                const std::vector<float> in = activations(tokens * cols, Activations::Random, numbers);
                const std::vector<float> start = numbers.many(tokens * kRows);
                const std::vector<float> biases = numbers.many(kRows);
                const DeviceTensor input(on, in, tokens);
                const DeviceTensor x(on, start, tokens);
                const DeviceTensor bias(on, biases, 1);
                const DeviceTensor scratch(on, DType::F32, {1, tokens, kRows});
                on->beginStep({});
                on->matmulAdd(x, weightView, input, withBias ? bias.view() : TensorView{}, scratch);
                QVERIFY(on->endStep().ok());
                const ProductKind kind = on.productKind(type, cols, tokens);
                const std::vector<float> got = x.read();
                for (std::int64_t r = 0; r < kRows; ++r) {
                    const std::vector<float> row = weight.row(r);
                    for (std::int64_t t = 0; t < tokens; ++t) {
                        const Expected e = expectedProduct(row, in.data() + t * cols, {});
                        const auto at = static_cast<std::size_t>(t * kRows + r);
                        const double expected = e.exact + start[at] + (withBias ? double(biases[static_cast<std::size_t>(r)]) : 0.0);
                        const double tolerance = toleranceOf(kind, Activations::Random) * e.size + 1e-6 * (1.0 + std::fabs(expected));
                        QVERIFY2(std::fabs(got[at] - expected) <= tolerance,
                                 qPrintable(QString("row %1, token %2: %3, not %4").arg(r).arg(t).arg(double(got[at])).arg(expected)));
                    }
                }
            }
        }
    }

    void gatedPairOfProducts_data() { addFormatsAndDevices(); }
    void gatedPairOfProducts() {
        QFETCH(int, dtype);
        BACKEND_OR_SKIP;
        const auto type = static_cast<DType>(dtype);
        Numbers numbers(17);
        const std::int64_t cols = info(type).elementsPerBlock == 1 ? 64 : 256;
        constexpr std::int64_t kRows = 38;
        Weight gate(type, {1, kRows, cols}, numbers);
        Weight up(type, {1, kRows, cols}, numbers);
        const TensorView gateView = gate.on(on);
        const TensorView upView = up.on(on);
        for (const std::int64_t tokens : {1, 3, 11}) {
            if (tokens > 8 && !forManyRows(type)) continue;
            for (const GatedActivation activation : {GatedActivation::Silu, GatedActivation::GeluTanh}) {
                const std::vector<float> in = numbers.many(tokens * cols, 0.2f);
                const DeviceTensor input(on, in, tokens);
                const DeviceTensor out(on, DType::F32, {1, tokens, kRows});
                const DeviceTensor scratch(on, DType::F32, {1, tokens, kRows});
                on->beginStep({});
                on->gatedMatmul(out, gateView, upView, input, activation, scratch);
                QVERIFY(on->endStep().ok());
                const double tolerance = toleranceOf(on.productKind(type, cols, tokens), Activations::Random);
                const std::vector<float> got = out.read();
                for (std::int64_t r = 0; r < kRows; ++r) {
                    const std::vector<float> gateRow = gate.row(r);
                    const std::vector<float> upRow = up.row(r);
                    for (std::int64_t t = 0; t < tokens; ++t) {
                        const Expected g = expectedProduct(gateRow, in.data() + t * cols, {});
                        const Expected u = expectedProduct(upRow, in.data() + t * cols, {});
                        const double inner = std::sqrt(2.0 / 3.14159265358979323846) * (g.exact + 0.044715 * std::pow(g.exact, 3));
                        const double activated = activation == GatedActivation::Silu ? g.exact / (1.0 + std::exp(-g.exact))
                                                                                     : 0.5 * g.exact * (1.0 + std::tanh(inner));
                        // Neither activation is steeper than 1.13.
                        const double bound = 1.13 * tolerance * g.size * (std::fabs(u.exact) + tolerance * u.size) +
                                             tolerance * u.size * std::fabs(activated) + 4e-6 * std::fabs(activated * u.exact) + 1e-6;
                        const double value = got[static_cast<std::size_t>(t * kRows + r)];
                        QVERIFY2(std::fabs(value - activated * u.exact) <= bound,
                                 qPrintable(QString("row %1, token %2: %3, not %4").arg(r).arg(t).arg(value).arg(activated * u.exact)));
                    }
                }
            }
        }
    }

    /// A back end may norm the row in the products that read it, and round what a gated one writes for the next.
    void normBeforeProducts_data() { addFormatsAndDevices(); }
    void normBeforeProducts() {
        QFETCH(int, dtype);
        BACKEND_OR_SKIP;
        const auto type = static_cast<DType>(dtype);
        Numbers numbers(23);
        struct Case {
            std::int64_t cols;
            std::int64_t rows;
        };
        const std::int64_t unit = std::max<std::int64_t>(32, info(type).elementsPerBlock);
        std::vector<Case> cases{{unit, 38}, {3 * unit, 64}};
        // More rows than the device takes in one turn, and more columns than a block holds.
        if (type == DType::Q4_0 || type == DType::Q4_K) cases.insert(cases.end(), {{256, 1100}, {8192 + 512, 33}});
        for (const Case& size : cases) {
            Weight first(type, {1, size.rows, size.cols}, numbers);
            Weight second(type, {1, 7, size.cols}, numbers);
            Weight down(DType::Q8_0, {1, 3, size.rows / 32 * 32}, numbers);
            const std::vector<float> in = activations(size.cols, Activations::Random, numbers);
            const std::vector<float> normWeights = numbers.many(size.cols);
            double squares = 0.0;
            for (const float value : in) squares += double(value) * value;
            const double factor = 1.0 / std::sqrt(squares / double(size.cols) + 0.5);
            std::vector<float> normed(in.size());
            for (std::size_t c = 0; c < in.size(); ++c) normed[c] = static_cast<float>(in[c] * factor * normWeights[c]);

            const DeviceTensor x(on, in, 1);
            const DeviceTensor weights(on, normWeights, 1);
            const DeviceTensor h(on, DType::F32, {1, 1, size.cols});
            const DeviceTensor products(on, DType::F32, {1, 1, size.rows});
            const DeviceTensor others(on, DType::F32, {1, 1, 7});
            const DeviceTensor gated(on, DType::F32, {1, 1, size.rows});
            const DeviceTensor scratch(on, DType::F32, {1, 1, size.rows});
            const DeviceTensor last(on, DType::F32, {1, 1, 3});
            const TensorView firstView = first.on(on);
            const TensorView secondView = second.on(on);
            const TensorView downView = down.on(on);
            on->beginStep({});
            on->rmsNormForProducts(h, x, weights, 0.5f);
            on->matmulShared(std::array<TensorView, 2>{products, others}, std::array{firstView, secondView}, h);
            on->gatedMatmul(gated, firstView, firstView, h, GatedActivation::Silu, scratch);
            TensorView wide = gated; // as many as the next product has columns
            wide.shape = {1, 1, down.shape[2]};
            on->matmul(last, downView, wide);
            QVERIFY(on->endStep().ok());

            const ProductKind kind = on.productKind(type, size.cols, 1);
            // The norm's own rounding moves what is rounded to 8 bits: there only the exact product is a measure.
            const ProductKind judged = kind == ProductKind::Rounded ? ProductKind::Half : kind;
            const double tolerance = kind == ProductKind::Rounded ? toleranceOf(kind, Activations::Random) : 2.0 * toleranceOf(judged, Activations::Random);
            const auto verify = [&](const std::vector<float>& got, Weight& weight) {
                for (std::int64_t r = 0; r < weight.shape[1]; ++r) {
                    const Expected e = expectedProduct(weight.row(r), normed.data(), {});
                    if (std::fabs(double(got[static_cast<std::size_t>(r)]) - e.exact) > tolerance * e.size + 1e-6) {
                        return QString("row %1 of %2, %3 columns: %4, not %5").arg(r).arg(weight.shape[1]).arg(size.cols).arg(double(got[static_cast<std::size_t>(r)])).arg(e.exact);
                    }
                }
                return QString();
            };
            QCOMPARE(verify(products.read(), first), QString());
            QCOMPARE(verify(others.read(), second), QString());
            const std::vector<float> gates = gated.read();
            for (std::int64_t r = 0; r < size.rows; ++r) {
                const Expected e = expectedProduct(first.row(r), normed.data(), {});
                const double activated = e.exact / (1.0 + std::exp(-e.exact));
                const double bound = 1.13 * tolerance * e.size * (std::fabs(e.exact) + tolerance * e.size) + tolerance * e.size * std::fabs(activated) + 1e-5;
                const double value = gates[static_cast<std::size_t>(r)];
                QVERIFY2(std::fabs(value - activated * e.exact) <= bound, qPrintable(QString("gated row %1: %2, not %3").arg(r).arg(value).arg(activated * e.exact)));
            }
            const QString wrong = disagreement(on.productKind(DType::Q8_0, down.shape[2], 1), Activations::Random, last.read(), down, 0, 3,
                                               std::span(gates).first(static_cast<std::size_t>(down.shape[2])));
            QVERIFY2(wrong.isEmpty(), qPrintable("after the gated pair: " + wrong));
        }
    }

    /// Who reads the norm after x has changed has broken its contract: that must not end in numbers.
    void normReadTooLateFails_data() {
        QTest::addColumn<int>("device");
        for (const TestDevice device : {TestDevice::Executor32, TestDevice::Executor64, TestDevice::Gpu}) QTest::newRow(deviceName(device)) << int(device);
    }
    void normReadTooLateFails() {
        BACKEND_OR_SKIP;
        Numbers numbers(29);
        for (const DType type : {DType::Q4_0, DType::Q8_0}) { // with a kernel of its own, and without
            Weight weight(type, {1, 32, 64}, numbers);
            const TensorView weightView = weight.on(on);
            const DeviceTensor x(on, numbers.many(64), 1);
            const DeviceTensor normWeight(on, numbers.many(64), 1);
            const DeviceTensor h(on, DType::F32, {1, 1, 64});
            const DeviceTensor out(on, DType::F32, {1, 1, 32});
            on->beginStep({});
            on->rmsNormForProducts(h, x, normWeight, 0.5f);
            on->scale(x, 2.0f);
            on->matmul(out, weightView, h);
            QCOMPARE(int(on->endStep().code), int(StatusCode::InvalidShape));
        }
    }

    void expertsMultiplyTheirOwnTokens_data() {
        QTest::addColumn<int>("device");
        QTest::addColumn<int>("dtype");
        QTest::addColumn<int>("tokens");
        QTest::addColumn<bool>("rowPerPair");
        for (const TestDevice device : kAllDevices) {
            for (const DType dtype : {DType::F32, DType::F16, DType::Q8_0, DType::Q4_K, DType::MXFP4, DType::IQ2_XS}) {
                for (const int tokens : {1, 9, 50}) {
                    for (const bool rowPerPair : {false, true}) {
                        QTest::addRow("%s, %s, %d tokens, %s", deviceName(device), info(dtype).name.data(), tokens,
                                      rowPerPair ? "a row for each pair" : "a row for each token")
                            << int(device) << int(dtype) << tokens << rowPerPair;
                    }
                }
            }
        }
    }
    void expertsMultiplyTheirOwnTokens() {
        BACKEND_OR_SKIP;
        QFETCH(int, dtype);
        QFETCH(int, tokens);
        QFETCH(bool, rowPerPair);
        const auto type = static_cast<DType>(dtype);
        constexpr std::int64_t kExperts = 6, kRows = 37, kCols = 256, kChoices = 2;
        Numbers numbers(11);
        Weight weight(type, {kExperts, kRows, kCols}, numbers);
        const TensorView weightView = weight.on(on);
        const std::int64_t inputRows = rowPerPair ? tokens * kChoices : tokens;
        const std::vector<float> input = numbers.many(inputRows * kCols);
        std::vector<std::int32_t> chosen(static_cast<std::size_t>(tokens * kChoices));
        for (std::size_t i = 0; i < chosen.size(); ++i)
            chosen[i] = static_cast<std::int32_t>(numbers.bits() % (kExperts - 1)); // one is never used
        const DeviceTensor ids(on, chosen, tokens);
        const DeviceTensor x(on, input, inputRows);
        const DeviceTensor out(on, DType::F32, {1, tokens * kChoices, kRows});
        on->beginStep({});
        on->matmulExperts(out, weightView, x, ids);
        QVERIFY(on->endStep().ok());
        const std::vector<float> got = out.read();
        // The CPU gives the rest of the rounding to dense products only.
        const ProductKind dense = on.productKind(type, kCols, tokens);
        const ProductKind kind = on.isCpu() && dense == ProductKind::RoundedTwice ? ProductKind::Rounded : dense;
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            const std::size_t inputRow = rowPerPair ? i : i / kChoices;
            const QString wrong = disagreement(kind, Activations::Random, std::span(got).subspan(i * kRows, kRows), weight, chosen[i] * kRows, kRows,
                                               std::span(input).subspan(inputRow * kCols, kCols));
            QVERIFY2(wrong.isEmpty(), qPrintable(wrong));
        }
        if (!on.isCpu()) return; // ids in device memory are the router's own: nobody reads them back to check

        chosen.back() = kExperts;
        const DeviceTensor bad(on, chosen, tokens);
        on->beginStep({});
        on->matmulExperts(out, weightView, x, bad);
        QCOMPARE(int(on->endStep().code), int(StatusCode::InvalidShape));
    }

    /// A row longer than one thread's share and more rows than one chunk, with threads of every number.
    void largeProductOnAnyNumberOfThreads() {
        constexpr std::int64_t kRows = 1000, kCols = 2048;
        Numbers numbers(5);
        Weight weight(DType::Q4_0, {1, kRows, kCols}, numbers);
        const TestBackend on(TestDevice::Portable); // where the memory is
        std::vector<float> x = numbers.many(2 * kCols);
        for (const int threads : {1, 2, 5}) {
            const std::unique_ptr<CpuBackend> backend = CpuBackend::create({.threads = threads, .forcedPath = {}});
            QCOMPARE(backend->deviceInfo().threads, threads);
            std::vector<float> got(2 * kRows);
            backend->beginStep({});
            backend->matmul(matrixView(got.data(), DType::F32, 2, kRows), weight.on(on), matrixView(x.data(), DType::F32, 2, kCols));
            QVERIFY(backend->endStep().ok());
            const ProductKind kind = backend->roundsActivations(DType::Q4_0, kCols) ? ProductKind::Rounded : ProductKind::Float;
            const QString wrong = disagreement(kind, Activations::Random, got, weight, 0, kRows, x);
            QVERIFY2(wrong.isEmpty(), qPrintable(wrong));
        }
    }
};

QTEST_GUILESS_MAIN(MatmulTest)
#include "matmul_test.moc"
