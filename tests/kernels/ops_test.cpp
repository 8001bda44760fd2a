// SPDX-License-Identifier: Apache-2.0
//
// Every operation but the products (matmul_test.cpp) and the KV cache's (kv_cache_ops_test.cpp) on every back end, judged by the reference back
// end with the tolerances of kernels/ops/*.h; and the promises of a step: sticky failures, cancelling, refused shapes.
#include "reference_backend.h"
#include "test_backends.h"

#include "kernels/quant/half.h"

#include <QTest>

#include <cmath>

using namespace hearth::kernels;

namespace {

void addDevices() {
    QTest::addColumn<int>("device");
    for (const TestDevice device : kAllDevices) QTest::newRow(deviceName(device)) << int(device);
}

/// Rows and columns: one, odd, prime, large enough to be shared between threads.
struct Shape {
    std::int64_t rows;
    std::int64_t cols;
};
constexpr Shape kShapes[] = {{1, 1}, {3, 5}, {2, 16}, {7, 127}, {1, 4096}, {61, 1031}, {100, 896}, {2, 17001}};

/// Host memory, for the reference.
TensorView view(std::vector<float>& values, std::int64_t rows) {
    return matrixView(values.data(), DType::F32, rows, static_cast<std::int64_t>(values.size()) / rows);
}

DeviceTensor emptyLike(const TestBackend& on, const DeviceTensor& other) {
    return {on, other.view().dtype, other.view().shape};
}

/// Largest difference; infinite where only one is NaN.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
    double largest = a.size() == b.size() ? 0.0 : HUGE_VAL;
    for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
        const bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
        const double difference = std::fabs(double(a[i]) - b[i]);
        if (!same) largest = std::max(largest, std::isnan(difference) ? HUGE_VAL : difference);
    }
    return largest;
}

double largestOf(const std::vector<float>& values) {
    double largest = 0.0;
    for (const float value : values) largest = std::max(largest, std::fabs(double(value)));
    return largest;
}

/// Keys and values in f16, for the reference and for a back end.
struct Cache {
    std::vector<std::uint16_t> keys;
    std::vector<std::uint16_t> values;
    DeviceTensor deviceKeys;
    DeviceTensor deviceValues;
    KvView host;
    KvView view;

    Cache(const TestBackend& on, std::int32_t kvHeads, std::int32_t capacity, std::int32_t headDim)
        : keys(static_cast<std::size_t>(kvHeads) * static_cast<std::size_t>(capacity * headDim))
        , values(keys.size())
        , deviceKeys(on, DType::F16, {1, kvHeads * capacity, headDim})
        , deviceValues(on, DType::F16, {1, kvHeads * capacity, headDim})
        , host{keys.data(), values.data(), kvHeads, capacity, headDim}
        , view{deviceKeys.data(), deviceValues.data(), kvHeads, capacity, headDim} {
        upload();
    }
    void upload() const {
        deviceKeys.write(std::as_bytes(std::span(keys)));
        deviceValues.write(std::as_bytes(std::span(values)));
    }
};

} // namespace

class OpsTest : public QObject {
    Q_OBJECT

    ReferenceBackend m_reference;

private slots:
    void rmsNorm_data() { addDevices(); }
    void rmsNorm() {
        BACKEND_OR_SKIP;
        Numbers numbers(1);
        for (const Shape& shape : kShapes) {
            std::vector<float> x = numbers.many(shape.rows * shape.cols, 3.0f);
            std::vector<float> weight = numbers.many(shape.cols);
            std::vector<float> expected(x.size());
            m_reference.rmsNorm(view(expected, shape.rows), view(x, shape.rows), view(weight, 1), 1e-5f);
            const DeviceTensor xThere(on, x, shape.rows);
            const DeviceTensor weightThere(on, weight, 1);
            const DeviceTensor out = emptyLike(on, xThere);
            on->beginStep({});
            on->rmsNorm(out, xThere, weightThere, 1e-5f);
            on->rmsNorm(xThere, xThere, weightThere, 1e-5f);
            QVERIFY(on->endStep().ok());
            const std::vector<float> got = out.read();
            QVERIFY2(distance(got, expected) <= 1e-5 * largestOf(expected),
                     qPrintable(QString("%1 x %2: %3").arg(shape.rows).arg(shape.cols).arg(distance(got, expected))));
            QVERIFY(xThere.read() == got);
        }
    }

    void sumAndNorm_data() { addDevices(); }
    void sumAndNorm() {
        BACKEND_OR_SKIP;
        Numbers numbers(10);
        for (const Shape& shape : kShapes) {
            std::vector<float> x = numbers.many(shape.rows * shape.cols, 3.0f);
            std::vector<float> y = numbers.many(shape.rows * shape.cols, 3.0f);
            std::vector<float> weight = numbers.many(shape.cols);
            const DeviceTensor xThere(on, x, shape.rows);
            const DeviceTensor yThere(on, y, shape.rows);
            const DeviceTensor weightThere(on, weight, 1);
            const DeviceTensor out = emptyLike(on, xThere);
            on->beginStep({});
            on->addRmsNorm(out, xThere, yThere, weightThere, 1e-5f);
            QVERIFY(on->endStep().ok());
            std::vector<float> expected(x.size());
            m_reference.addRmsNorm(view(expected, shape.rows), view(x, shape.rows), view(y, shape.rows), view(weight, 1), 1e-5f);
            QVERIFY(xThere.read() == x);
            QVERIFY(distance(out.read(), expected) <= 1e-5 * largestOf(expected));
        }
    }

    void layerNorm_data() { addDevices(); }
    void layerNorm() {
        BACKEND_OR_SKIP;
        Numbers numbers(2);
        for (const Shape& shape : kShapes) {
            std::vector<float> x = numbers.many(shape.rows * shape.cols, 3.0f);
            for (float& value : x)
                value += 20.0f; // a mean far from zero, where a one-pass variance would lose its digits
            std::vector<float> weight = numbers.many(shape.cols);
            std::vector<float> bias = numbers.many(shape.cols);
            const DeviceTensor xThere(on, x, shape.rows);
            const DeviceTensor weightThere(on, weight, 1);
            const DeviceTensor biasThere(on, bias, 1);
            for (const bool withBias : {true, false}) {
                std::vector<float> expected(x.size());
                m_reference.layerNorm(view(expected, shape.rows), view(x, shape.rows), view(weight, 1),
                                      withBias ? view(bias, 1) : TensorView{}, 1e-5f);
                const DeviceTensor out = emptyLike(on, xThere);
                on->beginStep({});
                on->layerNorm(out, xThere, weightThere, withBias ? biasThere.view() : TensorView{}, 1e-5f);
                QVERIFY(on->endStep().ok());
                const double off = distance(out.read(), expected);
                QVERIFY2(off <= 1e-5 * largestOf(expected) + (shape.cols == 1 ? 1e-6 : 0.0),
                         qPrintable(QString("%1 x %2: %3").arg(shape.rows).arg(shape.cols).arg(off)));
            }
        }
    }

    void elementwise_data() { addDevices(); }
    void elementwise() {
        BACKEND_OR_SKIP;
        Numbers numbers(3);
        for (const Shape& shape : kShapes) {
            const std::vector<float> start = numbers.many(shape.rows * shape.cols, 10.0f);
            std::vector<float> other = numbers.many(shape.rows * shape.cols, 10.0f);
            std::vector<float> bias = numbers.many(shape.cols);
            const DeviceTensor otherThere(on, other, shape.rows);
            const DeviceTensor biasThere(on, bias, 1);
            /// operation(back end, x, other, bias)
            const auto agree = [&](double tolerance, auto&& operation) {
                std::vector<float> expected = start;
                operation(static_cast<Backend&>(m_reference), view(expected, shape.rows), view(other, shape.rows), view(bias, 1));
                const DeviceTensor x(on, start, shape.rows);
                on->beginStep({});
                operation(on.backend(), x.view(), otherThere.view(), biasThere.view());
                return on->endStep().ok() && distance(x.read(), expected) <= tolerance;
            };
            using View = const TensorView&;
            QVERIFY(agree(0.0, [](Backend& b, View x, View y, View) { b.add(x, y); }));
            QVERIFY(agree(0.0, [](Backend& b, View x, View, View v) { b.addBias(x, v); }));
            QVERIFY(agree(0.0, [](Backend& b, View x, View, View) { b.scale(x, -0.37f); }));
            for (const float cap : {1.0f, 5.0f, 30.0f}) {
                QVERIFY(agree(1e-6 * double(cap), [&](Backend& b, View x, View, View) { b.softcap(x, cap); }));
            }
        }
    }

    void gatedActivations_data() { addDevices(); }
    void gatedActivations() {
        BACKEND_OR_SKIP;
        std::vector<float> gate;
        for (int i = -10000; i <= 8800; i += 7)
            gate.push_back(static_cast<float>(i) / 100.0f); // the whole range of exp
        for (const float special : {0.0f, -0.0f, 1e-30f, -1e-30f, 1e-7f, 88.0f, -100.0f, 1e4f, -1e4f})
            gate.push_back(special);
        Numbers numbers(4);
        std::vector<float> up = numbers.many(static_cast<std::int64_t>(gate.size()));
        const DeviceTensor upThere(on, up, 1);
        for (const bool gelu : {false, true}) {
            const auto apply = [&](Backend& b, const TensorView& out, const TensorView& in, const TensorView& factor) {
                if (gelu)
                    b.geGlu(out, in, factor);
                else
                    b.swiGlu(out, in, factor);
            };
            std::vector<float> expected(gate.size());
            apply(m_reference, view(expected, 1), view(gate, 1), view(up, 1));
            const DeviceTensor gateThere(on, gate, 1);
            const DeviceTensor out = emptyLike(on, gateThere);
            on->beginStep({});
            apply(on.backend(), out, gateThere, upThere);
            apply(on.backend(), gateThere, gateThere, upThere);
            QVERIFY(on->endStep().ok());
            const std::vector<float> got = out.read();
            QVERIFY(gateThere.read() == got);
            for (std::size_t i = 0; i < gate.size(); ++i) {
                const double tolerance = 2e-6 * std::fabs(double(gate[i]) * up[i]);
                QVERIFY2(std::fabs(double(got[i]) - expected[i]) <= tolerance,
                         qPrintable(QString("%1 at %2: %3, not %4")
                                        .arg(gelu ? "gelu" : "silu")
                                        .arg(double(gate[i]))
                                        .arg(double(got[i]))
                                        .arg(double(expected[i]))));
            }
        }
    }

    void rope_data() {
        QTest::addColumn<int>("device");
        QTest::addColumn<int>("kind");
        const char* kinds[] = {"plain", "linear", "factors", "YaRN", "YaRN with factors and magnitude"};
        for (const TestDevice device : kAllDevices) {
            for (int kind = 0; kind < 5; ++kind) QTest::addRow("%s, %s", deviceName(device), kinds[kind]) << int(device) << kind;
        }
    }
    void rope() {
        BACKEND_OR_SKIP;
        QFETCH(int, kind);
        Numbers numbers(5);
        std::vector<float> factors;
        for (int i = 0; i < 64; ++i) factors.push_back(1.0f + static_cast<float>(i) / 9.0f);
        for (const RopePairing pairing : {RopePairing::Interleaved, RopePairing::HalfSplit}) {
            for (const auto& [headDim, dims, heads] :
                 {std::array{64, 64, 3}, std::array{80, 20, 2}, std::array{2, 2, 1}, std::array{128, 128, 8},
                  std::array{6, 0, 2}}) {
                for (const auto& [first, tokens] :
                     {std::array{0, 1}, std::array{0, 7}, std::array{1000, 70}, std::array{100000, 2}}) {
                    RopeParams params{.pairing = pairing, .dims = dims};
                    if (kind == 1) params.positionScale = 0.25f;
                    if (kind == 2 || kind == 4) params.frequencyFactors = factors.data();
                    if (kind >= 3) {
                        params.base = 1e6f;
                        params.positionScale = 0.125f;
                        params.extensionFactor = 1.0f;
                        params.originalContext = 4096;
                    }
                    if (kind == 4) params.attentionFactor = 0.9f;
                    std::vector<float> expected = numbers.many(static_cast<std::int64_t>(tokens) * heads * headDim);
                    const double size = largestOf(expected);
                    const DeviceTensor x(on, expected, tokens);
                    m_reference.rope(view(expected, tokens), headDim, first, params);
                    on->beginStep({});
                    on->rope(x, headDim, first, params);
                    QVERIFY(on->endStep().ok());
                    const double off = distance(x.read(), expected);
                    QVERIFY2(off <= 1e-6 * size, qPrintable(QString("headDim %1 first %2: %3").arg(headDim).arg(first).arg(off)));
                }
            }
        }
    }

    /// Layers of one step may rotate differently (gemma3 has two bases): a kept table must not serve the wrong one.
    void ropeTablesAreNotMixedUp_data() { addDevices(); }
    void ropeTablesAreNotMixedUp() {
        BACKEND_OR_SKIP;
        Numbers numbers(6);
        const std::vector<float> start = numbers.many(4 * 32);
        const RopeParams kinds[] = {
            {.dims = 32}, {.dims = 32, .base = 1e6f}, {.dims = 16}, {.pairing = RopePairing::HalfSplit, .dims = 32}};
        std::vector<std::unique_ptr<DeviceTensor>> tensors;
        std::vector<std::vector<float>> expected;
        for (int i = 0; i < 16; ++i) tensors.push_back(std::make_unique<DeviceTensor>(on, start, 4));
        on->beginStep({});
        for (int round = 0; round < 2; ++round) {
            for (const RopeParams& params : kinds) {
                for (const std::int32_t first : {0, 9}) {
                    on->rope(*tensors[expected.size()], 32, first, params);
                    expected.push_back(start);
                    m_reference.rope(view(expected.back(), 4), 32, first, params);
                }
            }
        }
        QVERIFY(on->endStep().ok());
        for (std::size_t i = 0; i < expected.size(); ++i) QVERIFY(distance(tensors[i]->read(), expected[i]) <= 1e-5);
    }

    void ropeAndAppend_data() { addDevices(); }
    void ropeAndAppend() {
        BACKEND_OR_SKIP;
        Numbers numbers(12);
        for (const RopePairing pairing : {RopePairing::Interleaved, RopePairing::HalfSplit}) {
            for (const auto& [headDim, dims, heads, kvHeads] : {std::array{64, 64, 4, 2}, std::array{80, 32, 3, 3}, std::array{10, 6, 2, 1}}) {
                for (const auto& [first, tokens] : {std::array{0, 7}, std::array{7, 1}, std::array{9, 2}}) {
                    const RopeParams params{.pairing = pairing, .dims = dims};
                    Cache cache(on, kvHeads, 11, headDim);
                    std::vector<float> q = numbers.many(std::int64_t{tokens} * heads * headDim);
                    std::vector<float> k = numbers.many(std::int64_t{tokens} * kvHeads * headDim);
                    std::vector<float> v = numbers.many(std::int64_t{tokens} * kvHeads * headDim);
                    const DeviceTensor qThere(on, q, tokens);
                    const DeviceTensor kThere(on, k, tokens);
                    const DeviceTensor vThere(on, v, tokens);
                    m_reference.ropeAndAppend(view(q, tokens), view(k, tokens), view(v, tokens), cache.host, first, params);
                    on->beginStep({});
                    on->ropeAndAppend(qThere, kThere, vThere, cache.view, first, params);
                    QVERIFY(on->endStep().ok());
                    QVERIFY(distance(qThere.read(), q) <= 1e-6 * largestOf(q));
                    QVERIFY(cache.deviceValues.read<std::uint16_t>() == cache.values);
                    // A rotated key may lie between two halves and fall to the other side.
                    const std::vector<std::uint16_t> keys = cache.deviceKeys.read<std::uint16_t>();
                    for (std::size_t i = 0; i < keys.size(); ++i) {
                        const double expected = halfToFloat(cache.keys[i]);
                        QVERIFY(std::fabs(halfToFloat(keys[i]) - expected) <= std::fabs(expected) / 1024.0 + 1e-6);
                    }
                }
            }
        }
    }

    void ropeAppendAttention_data() { addDevices(); }
    void ropeAppendAttention() {
        BACKEND_OR_SKIP;
        Numbers numbers(13);
        constexpr std::int32_t kCapacity = 320;
        struct Shape {
            std::int32_t headDim, dims, heads, kvHeads;
        };
        // Groups of one, four, eleven heads (cut into passes); odd head sizes; nothing rotated.
        for (const Shape& shape : {Shape{64, 64, 8, 2}, Shape{80, 32, 3, 3}, Shape{128, 128, 11, 1}, Shape{256, 64, 2, 1}, Shape{10, 6, 4, 2}, Shape{32, 0, 2, 2}}) {
            for (const RopePairing pairing : {RopePairing::Interleaved, RopePairing::HalfSplit}) {
                Cache cache(on, shape.kvHeads, kCapacity, shape.headDim);
                std::int32_t first = 0;
                // A prompt, single steps, few rows, and steps far in, where the positions are split; of some only the last row is wanted.
                for (const auto& [tokens, wanted] : {std::array{5, 1}, std::array{1, 1}, std::array{1, 1}, std::array{3, 2}, std::array{290, 1}, std::array{1, 1}}) {
                    const RopeParams params{.pairing = pairing, .dims = shape.dims};
                    const AttentionParams attention{shape.heads, 0.125f, 0.0f, 0};
                    std::vector<float> q = numbers.many(std::int64_t{tokens} * shape.heads * shape.headDim);
                    std::vector<float> k = numbers.many(std::int64_t{tokens} * shape.kvHeads * shape.headDim);
                    std::vector<float> v = numbers.many(std::int64_t{tokens} * shape.kvHeads * shape.headDim);
                    std::vector<float> expected(static_cast<std::size_t>(wanted * shape.heads * shape.headDim));
                    const DeviceTensor qThere(on, q, tokens);
                    const DeviceTensor kThere(on, k, tokens);
                    const DeviceTensor vThere(on, v, tokens);
                    const DeviceTensor out(on, DType::F32, {1, wanted, shape.heads * shape.headDim});
                    m_reference.ropeAppendAttention(view(expected, wanted), view(q, tokens), view(k, tokens), view(v, tokens), cache.host, first, params,
                                                    attention);
                    on->beginStep({});
                    on->ropeAppendAttention(out, qThere, kThere, vThere, cache.view, first, params, attention);
                    QVERIFY(on->endStep().ok());
                    const double off = distance(out.read(), expected);
                    QVERIFY2(off <= 2e-3 * largestOf(expected),
                             qPrintable(QString("head size %1, %2 rows at %3: %4").arg(shape.headDim).arg(tokens).arg(first).arg(off)));
                    QVERIFY(cache.deviceValues.read<std::uint16_t>() == cache.values);
                    const std::vector<std::uint16_t> keys = cache.deviceKeys.read<std::uint16_t>();
                    for (std::size_t i = 0; i < keys.size(); ++i) {
                        const double there = halfToFloat(cache.keys[i]);
                        QVERIFY(std::fabs(halfToFloat(keys[i]) - there) <= std::fabs(there) / 1024.0 + 1e-6);
                    }
                    first += tokens;
                }
            }
        }
    }

    void mixtureOfExperts_data() { addDevices(); }
    void mixtureOfExperts() {
        BACKEND_OR_SKIP;
        Numbers numbers(9);
        for (const auto& [tokens, experts, k] : {std::array{1, 4, 2}, std::array{7, 128, 8}, std::array{3, 1, 1},
                                                 std::array{70, 60, 4}, std::array{2, 5, 5}}) {
            std::vector<float> logits = numbers.many(std::int64_t{tokens} * experts, 3.0f);
            if (experts > 2) logits[0] = logits[2]; // a tie
            const DeviceTensor logitsThere(on, logits, tokens);
            for (const bool renormalise : {false, true}) {
                std::vector<std::int32_t> expectedIds(static_cast<std::size_t>(tokens * k));
                std::vector<float> expected(expectedIds.size());
                m_reference.moeRoute({expectedIds.data(), DType::I32, {1, tokens, k}}, view(expected, tokens), view(logits, tokens),
                                     renormalise);
                const DeviceTensor ids(on, DType::I32, {1, tokens, k});
                const DeviceTensor weights(on, DType::F32, {1, tokens, k});
                std::vector<float> x = numbers.many(std::int64_t{tokens} * k * 37);
                const DeviceTensor xThere(on, x, tokens * k);
                const DeviceTensor sum(on, DType::F32, {1, tokens, 37});
                on->beginStep({});
                on->moeRoute(ids, weights, logitsThere, renormalise);
                on->moeCombine(sum, xThere, weights);
                QVERIFY(on->endStep().ok());
                QVERIFY(ids.read<std::int32_t>() == expectedIds);
                std::vector<float> got = weights.read();
                QVERIFY(distance(got, expected) <= 1e-6);
                std::vector<float> expectedSum(static_cast<std::size_t>(tokens * 37));
                m_reference.moeCombine(view(expectedSum, tokens), view(x, tokens * k), view(got, tokens));
                QVERIFY(distance(sum.read(), expectedSum) <= 3e-6);
            }
        }
    }

    void memoryIsZeroAndMoves_data() { addDevices(); }
    void memoryIsZeroAndMoves() {
        BACKEND_OR_SKIP;
        const std::unique_ptr<Buffer> buffer = on->allocate(4096 * 4);
        QVERIFY(buffer != nullptr);
        QCOMPARE(buffer->bytes(), std::uint64_t{4096 * 4});
        const TensorView all = matrixView(buffer->data(), DType::F32, 4, 1024);
        std::vector<float> values(4096, 1.0f);
        const std::span<std::byte> bytes = std::as_writable_bytes(std::span(values));
        on->beginStep({});
        on->download(bytes, all);
        QVERIFY(on->endStep().ok());
        QVERIFY(values == std::vector<float>(4096, 0.0f));
        values[77] = 3.0f;
        on->beginStep({});
        on->upload(all, bytes);
        std::vector<float> back(4096, 1.0f);
        on->download(std::as_writable_bytes(std::span(back)), all);
        QVERIFY(on->endStep().ok());
        QVERIFY(back == values);
        on->beginStep({});
        on->zero(all.rowRange(0, 1));
        on->download(std::as_writable_bytes(std::span(back)), all);
        QVERIFY(on->endStep().ok());
        QVERIFY(back == std::vector<float>(4096, 0.0f));
        on->beginStep({});
        on->upload(all, bytes.first(8));
        QCOMPARE(int(on->endStep().code), int(StatusCode::InvalidShape));
        QVERIFY(on->allocate(std::uint64_t{1} << 60) == nullptr);
    }

    void weightsThatDoNotFitAreRefused_data() { addDevices(); }
    void weightsThatDoNotFitAreRefused() {
        BACKEND_OR_SKIP;
        alignas(32) const std::array<std::byte, 18 * 8> file{};
        QVERIFY(on->adoptWeight(DType::Q4_0, {1, 4, 64}, file).data != nullptr);
        QVERIFY(on->adoptWeight(DType::Q4_0, {1, 3, 64}, file).data != nullptr); // a longer file is no harm
        QVERIFY(on->adoptWeight(DType::Q4_0, {1, 5, 64}, file).data == nullptr); // too short
        QVERIFY(on->adoptWeight(DType::Q4_0, {1, 4, 33}, file).data == nullptr); // half a block
        QVERIFY(on->adoptWeight(DType::I32, {1, 1, 4}, file).data == nullptr);
    }

    void failureSticksUntilTheNextStep_data() { addDevices(); }
    void failureSticksUntilTheNextStep() {
        BACKEND_OR_SKIP;
        const DeviceTensor x(on, std::vector<float>(8, 1.0f), 1);
        const DeviceTensor y(on, std::vector<float>(4, 1.0f), 1);
        on->beginStep({});
        on->add(x, y);       // shapes differ
        on->scale(x, 2.0f);  // must not happen
        const Status status = on->endStep();
        QCOMPARE(int(status.code), int(StatusCode::InvalidShape));
        QCOMPARE(QString(status.place), QString("add"));
        QCOMPARE(x.read()[0], 1.0f);
        on->beginStep({});
        on->scale(x, 2.0f);
        QVERIFY(on->endStep().ok());
        QCOMPARE(x.read()[0], 2.0f);
    }

    void stopRequestEndsTheStep_data() { addDevices(); }
    void stopRequestEndsTheStep() {
        BACKEND_OR_SKIP;
        const DeviceTensor x(on, std::vector<float>(8, 1.0f), 1);
        std::stop_source stop;
        stop.request_stop();
        on->beginStep(stop.get_token());
        on->scale(x, 2.0f);
        QCOMPARE(int(on->endStep().code), int(StatusCode::Cancelled));
        QCOMPARE(x.read()[0], 1.0f);
        on->beginStep({});
        on->scale(x, 2.0f);
        QVERIFY(on->endStep().ok());
        QCOMPARE(x.read()[0], 2.0f);
    }
};

QTEST_GUILESS_MAIN(OpsTest)
#include "ops_test.moc"
