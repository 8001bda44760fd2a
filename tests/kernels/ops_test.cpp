// SPDX-License-Identifier: Apache-2.0
//
// Every operation but the products (matmul_test.cpp) on every path, judged by the reference back end with the tolerances of kernels/ops/*.h;
// and the promises of a step: sticky failures, cancelling, refused shapes.
#include "kernel_fixture.h"
#include "reference_backend.h"

#include "kernels/quant/half.h"
#include "kernels/quant/q8_0.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

using namespace hearth::kernels;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

void addPaths() {
    QTest::addColumn<int>("path");
    for (const CpuPath path : kAllPaths) QTest::newRow(cpuPathName(path)) << int(path);
}

#define BACKEND_OR_SKIP                                                                                                \
    QFETCH(int, path);                                                                                                 \
    CpuBackend* backend = backendFor(static_cast<CpuPath>(path));                                                      \
    if (backend == nullptr)                                                                                            \
    QSKIP(qPrintable(QString("this processor has no %1").arg(cpuPathName(static_cast<CpuPath>(path)))))

/// Rows and columns: one, odd, prime, large enough to be shared between threads.
struct Shape {
    std::int64_t rows;
    std::int64_t cols;
};
constexpr Shape kShapes[] = {{1, 1}, {3, 5}, {2, 16}, {7, 127}, {1, 4096}, {61, 1031}, {100, 896}};

TensorView view(std::vector<float>& values, std::int64_t rows) {
    return matrixView(values.data(), DType::F32, rows, static_cast<std::int64_t>(values.size()) / rows);
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

constexpr std::uint16_t kHalfNan = 0x7e00;

/// Keys and values in memory of their own, at first NaN everywhere: reading what nobody has written shows.
struct Cache {
    std::vector<std::byte> keys;
    std::vector<std::byte> values;
    KvView view;

    Cache(std::int32_t kvHeads, std::int32_t capacity, std::int32_t headDim, KvType type = KvType::F16)
        : keys(bytesFor(type == KvType::F16 ? DType::F16 : DType::Q8_0,
                        static_cast<std::uint64_t>(kvHeads) * static_cast<std::uint64_t>(capacity * headDim)))
        , values(keys.size())
        , view{keys.data(), values.data(), kvHeads, capacity, headDim, type} {
        const std::size_t step = type == KvType::F16 ? 2 : sizeof(BlockQ8_0);
        for (std::size_t i = 0; i < keys.size(); i += step) {
            std::memcpy(keys.data() + i, &kHalfNan, sizeof kHalfNan);
            std::memcpy(values.data() + i, &kHalfNan, sizeof kHalfNan);
        }
    }

    /// Random numbers at the first `positions` positions of every head.
    void fill(std::int32_t positions, Numbers& numbers, float keyDeviation) {
        const auto write = [&](std::byte* rows, std::int64_t row, float deviation) {
            for (std::int64_t i = row * view.headDim; i < (row + 1) * view.headDim; ++i) {
                if (view.type == KvType::F16) {
                    reinterpret_cast<std::uint16_t*>(rows)[i] = floatToHalf(numbers.next(deviation));
                    continue;
                }
                BlockQ8_0& block = reinterpret_cast<BlockQ8_0*>(rows)[i / 32];
                if (i % 32 == 0) block.d = floatToHalf(deviation / 40.0f * (1.0f + std::fabs(numbers.next(0.2f))));
                block.q[i % 32] = static_cast<std::int8_t>(std::clamp(numbers.next(40.0f), -127.0f, 127.0f));
            }
        };
        for (std::int64_t h = 0; h < view.kvHeads; ++h) {
            for (std::int64_t p = 0; p < positions; ++p) {
                write(keys.data(), h * view.capacity + p, keyDeviation);
                write(values.data(), h * view.capacity + p, 1.0f);
            }
        }
    }
};

} // namespace

class OpsTest : public QObject {
    Q_OBJECT

    ReferenceBackend m_reference;

private slots:
    void rmsNorm_data() { addPaths(); }
    void rmsNorm() {
        BACKEND_OR_SKIP;
        Numbers numbers(1);
        for (const Shape& shape : kShapes) {
            std::vector<float> x = numbers.many(shape.rows * shape.cols, 3.0f);
            std::vector<float> weight = numbers.many(shape.cols);
            std::vector<float> expected(x.size());
            m_reference.rmsNorm(view(expected, shape.rows), view(x, shape.rows), view(weight, 1), 1e-5f);
            std::vector<float> got(x.size());
            backend->beginStep({});
            backend->rmsNorm(view(got, shape.rows), view(x, shape.rows), view(weight, 1), 1e-5f);
            QVERIFY(distance(got, expected) <= 1e-5 * largestOf(expected));
            backend->rmsNorm(view(x, shape.rows), view(x, shape.rows), view(weight, 1), 1e-5f);
            QVERIFY(backend->endStep().ok());
            QVERIFY(x == got);
        }
    }

    void layerNorm_data() { addPaths(); }
    void layerNorm() {
        BACKEND_OR_SKIP;
        Numbers numbers(2);
        for (const Shape& shape : kShapes) {
            std::vector<float> x = numbers.many(shape.rows * shape.cols, 3.0f);
            for (float& value : x)
                value += 20.0f; // a mean far from zero, where a one-pass variance would lose its digits
            std::vector<float> weight = numbers.many(shape.cols);
            std::vector<float> bias = numbers.many(shape.cols);
            for (const bool withBias : {true, false}) {
                const TensorView biasView = withBias ? view(bias, 1) : TensorView{};
                std::vector<float> expected(x.size());
                std::vector<float> got(x.size());
                m_reference.layerNorm(view(expected, shape.rows), view(x, shape.rows), view(weight, 1), biasView,
                                      1e-5f);
                backend->beginStep({});
                backend->layerNorm(view(got, shape.rows), view(x, shape.rows), view(weight, 1), biasView, 1e-5f);
                QVERIFY(backend->endStep().ok());
                QVERIFY2(
                    distance(got, expected) <= 1e-5 * largestOf(expected) + (shape.cols == 1 ? 1e-6 : 0.0),
                    qPrintable(QString("%1 x %2: %3").arg(shape.rows).arg(shape.cols).arg(distance(got, expected))));
            }
        }
    }

    void elementwise_data() { addPaths(); }
    void elementwise() {
        BACKEND_OR_SKIP;
        Numbers numbers(3);
        for (const Shape& shape : kShapes) {
            const std::vector<float> start = numbers.many(shape.rows * shape.cols, 10.0f);
            std::vector<float> other = numbers.many(shape.rows * shape.cols, 10.0f);
            std::vector<float> bias = numbers.many(shape.cols);
            const auto agree = [&](double tolerance, auto&& operation) {
                std::vector<float> expected = start;
                std::vector<float> got = start;
                operation(static_cast<Backend&>(m_reference), view(expected, shape.rows));
                backend->beginStep({});
                operation(static_cast<Backend&>(*backend), view(got, shape.rows));
                return backend->endStep().ok() && distance(got, expected) <= tolerance;
            };
            QVERIFY(agree(0.0, [&](Backend& b, const TensorView& x) { b.add(x, view(other, shape.rows)); }));
            QVERIFY(agree(0.0, [&](Backend& b, const TensorView& x) { b.addBias(x, view(bias, 1)); }));
            QVERIFY(agree(0.0, [&](Backend& b, const TensorView& x) { b.scale(x, -0.37f); }));
            for (const float cap : {1.0f, 5.0f, 30.0f}) {
                QVERIFY(agree(1e-6 * double(cap), [&](Backend& b, const TensorView& x) { b.softcap(x, cap); }));
            }
        }
    }

    void gatedActivations_data() { addPaths(); }
    void gatedActivations() {
        BACKEND_OR_SKIP;
        std::vector<float> gate;
        for (int i = -10000; i <= 8800; i += 7)
            gate.push_back(static_cast<float>(i) / 100.0f); // the whole range of exp
        for (const float special : {0.0f, -0.0f, 1e-30f, -1e-30f, 1e-7f, 88.0f, -100.0f, 1e4f, -1e4f})
            gate.push_back(special);
        Numbers numbers(4);
        std::vector<float> up = numbers.many(static_cast<std::int64_t>(gate.size()));
        for (const bool gelu : {false, true}) {
            const auto apply = [&](Backend& b, std::vector<float>& out, std::vector<float>& in) {
                if (gelu)
                    b.geGlu(view(out, 1), view(in, 1), view(up, 1));
                else
                    b.swiGlu(view(out, 1), view(in, 1), view(up, 1));
            };
            std::vector<float> expected(gate.size());
            std::vector<float> got(gate.size());
            apply(m_reference, expected, gate);
            backend->beginStep({});
            apply(*backend, got, gate);
            std::vector<float> inPlace = gate;
            apply(*backend, inPlace, inPlace);
            QVERIFY(backend->endStep().ok());
            QVERIFY(inPlace == got);
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
        QTest::addColumn<int>("path");
        QTest::addColumn<int>("kind");
        const char* kinds[] = {"plain", "linear", "factors", "YaRN", "YaRN with factors and magnitude"};
        for (const CpuPath path : kAllPaths) {
            for (int kind = 0; kind < 5; ++kind)
                QTest::addRow("%s, %s", cpuPathName(path), kinds[kind]) << int(path) << kind;
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
                    std::vector<float> got = expected;
                    const double size = largestOf(expected);
                    m_reference.rope(view(expected, tokens), headDim, first, params);
                    backend->beginStep({});
                    backend->rope(view(got, tokens), headDim, first, params);
                    std::vector<float> again = got;
                    QVERIFY(backend->endStep().ok());
                    QVERIFY2(
                        distance(got, expected) <= 1e-6 * size,
                        qPrintable(
                            QString("headDim %1 first %2: %3").arg(headDim).arg(first).arg(distance(got, expected))));
                }
            }
        }
    }

    /// Layers of one step may rotate differently (gemma3 has two bases): the kept table must not serve the wrong one.
    void ropeTablesAreNotMixedUp() {
        CpuBackend* backend = backendFor(CpuPath::Portable);
        Numbers numbers(6);
        const std::vector<float> start = numbers.many(4 * 32);
        const RopeParams kinds[] = {
            {.dims = 32}, {.dims = 32, .base = 1e6f}, {.dims = 16}, {.pairing = RopePairing::HalfSplit, .dims = 32}};
        backend->beginStep({});
        for (int round = 0; round < 2; ++round) {
            for (const RopeParams& params : kinds) {
                for (const std::int32_t first : {0, 9}) {
                    std::vector<float> expected = start;
                    std::vector<float> got = start;
                    m_reference.rope(view(expected, 4), 32, first, params);
                    backend->rope(view(got, 4), 32, first, params);
                    QVERIFY(distance(got, expected) <= 1e-5);
                }
            }
        }
        QVERIFY(backend->endStep().ok());
    }

    void appendKv_data() {
        QTest::addColumn<int>("path");
        QTest::addColumn<int>("type");
        for (const CpuPath path : kAllPaths) {
            QTest::addRow("%s, f16", cpuPathName(path)) << int(path) << int(KvType::F16);
            QTest::addRow("%s, q8_0", cpuPathName(path)) << int(path) << int(KvType::Q8_0);
        }
    }
    void appendKv() {
        BACKEND_OR_SKIP;
        QFETCH(int, type);
        const bool blocks = type == int(KvType::Q8_0);
        Numbers numbers(7);
        for (const int headDim : blocks ? std::vector{32, 64, 96} : std::vector{1, 20, 64}) {
            Cache expected(3, 11, headDim, static_cast<KvType>(type));
            Cache got(3, 11, headDim, static_cast<KvType>(type));
            for (const auto& [first, tokens] : {std::array{0, 4}, std::array{4, 1}, std::array{5, 6}}) {
                std::vector<float> k = numbers.many(static_cast<std::int64_t>(tokens) * 3 * headDim);
                std::vector<float> v = numbers.many(static_cast<std::int64_t>(tokens) * 3 * headDim, 1e-5f);
                k[0] = 1e6f;
                v[0] = -kInfinity;
                if (blocks) {
                    for (int i = 0; i < 32; ++i) k[static_cast<std::size_t>(headDim + i)] = 0.0f;    // no scale at all
                    for (int i = 0; i < 32; ++i) v[static_cast<std::size_t>(headDim + i)] *= 1e-3f;  // one too small for f16
                    for (int i = 0; i < 32; ++i) v[static_cast<std::size_t>(2 * headDim + i)] = float(i) - 0.5f; // ties
                    v[static_cast<std::size_t>(2 * headDim + 31)] = 127.0f;
                }
                m_reference.appendKv(expected.view, view(k, tokens), view(v, tokens), first);
                backend->beginStep({});
                backend->appendKv(got.view, view(k, tokens), view(v, tokens), first);
                QVERIFY(backend->endStep().ok());
            }
            QVERIFY(got.keys == expected.keys);
            QVERIFY(got.values == expected.values);
            std::vector<float> one(static_cast<std::size_t>(3 * headDim));
            backend->beginStep({});
            backend->appendKv(got.view, view(one, 1), view(one, 1), 11); // one past the end
            QCOMPARE(int(backend->endStep().code), int(StatusCode::InvalidShape));
        }
    }

    /// Blocks worked out by hand, so that the reference is judged too.
    void knownBlocks_data() { addPaths(); }
    void knownBlocks() {
        BACKEND_OR_SKIP;
        std::vector<float> k(32);
        std::vector<float> v(32);
        k[0] = -254.0f; // d = 2
        k[1] = 5.0f;    // 2.5 -> 3
        k[2] = -5.0f;   // -2.5 -> -3
        k[3] = 4.9f;    // 2.45 -> 2
        k[31] = 254.0f;
        v[0] = 1.0f;
        v[7] = std::numeric_limits<float>::quiet_NaN();
        Cache cache(1, 2, 32, KvType::Q8_0);
        const std::vector<std::byte> before = cache.keys;
        backend->beginStep({});
        backend->appendKv(cache.view, view(k, 1), view(v, 1), 1);
        QVERIFY(backend->endStep().ok());
        QVERIFY(std::equal(before.begin(), before.begin() + sizeof(BlockQ8_0), cache.keys.begin())); // position 0
        const auto* keys = reinterpret_cast<const BlockQ8_0*>(cache.keys.data()) + 1;
        QCOMPARE(halfToFloat(keys->d), 2.0f);
        QCOMPARE(int(keys->q[0]), -127);
        QCOMPARE(int(keys->q[1]), 3);
        QCOMPARE(int(keys->q[2]), -3);
        QCOMPARE(int(keys->q[3]), 2);
        QCOMPARE(int(keys->q[4]), 0);
        QCOMPARE(int(keys->q[31]), 127);
        QVERIFY(std::isnan(halfToFloat(reinterpret_cast<const BlockQ8_0*>(cache.values.data())[1].d)));

        std::fill(k.begin(), k.end(), kInfinity); // the largest that there is, not infinity
        backend->beginStep({});
        backend->appendKv(cache.view, view(k, 1), view(k, 1), 0);
        QVERIFY(backend->endStep().ok());
        QCOMPARE(halfToFloat(reinterpret_cast<const BlockQ8_0*>(cache.keys.data())->d), 65504.0f);
    }

    void attention_data() {
        QTest::addColumn<int>("path");
        QTest::addColumn<int>("heads");
        QTest::addColumn<int>("kvHeads");
        QTest::addColumn<int>("headDim");
        QTest::addColumn<int>("tokens");
        QTest::addColumn<int>("first");
        QTest::addColumn<int>("window");
        QTest::addColumn<double>("softcap");
        struct Case {
            int heads, kvHeads, headDim, tokens, first, window;
            double softcap;
        };
        constexpr Case kCases[] = {
            {1, 1, 1, 1, 0, 0, 0},      {1, 1, 64, 1, 3000, 0, 0},  {4, 2, 20, 7, 0, 0, 0},
            {14, 2, 64, 1, 700, 0, 0},  {14, 2, 64, 33, 5, 0, 0},   {9, 1, 80, 3, 31, 0, 0},
            {32, 8, 128, 1, 513, 0, 0}, {8, 8, 96, 19, 100, 0, 0},  {2, 1, 256, 40, 0, 8, 0},
            {4, 2, 32, 1, 900, 64, 0},  {4, 4, 48, 65, 64, 0, 5.0}, {6, 2, 16, 10, 33, 9, 20.0},
            {17, 1, 32, 2, 300, 0, 0},  {2, 2, 8, 50, 0, 1, 0},     {3, 3, 64, 21, 30, 16, 4.0},
        };
        for (const CpuPath path : kAllPaths) {
            for (const Case& c : kCases) {
                QTest::addRow("%s, %d/%d heads of %d, %d tokens at %d, window %d, cap %g", cpuPathName(path), c.heads,
                              c.kvHeads, c.headDim, c.tokens, c.first, c.window, c.softcap)
                    << int(path) << c.heads << c.kvHeads << c.headDim << c.tokens << c.first << c.window << c.softcap;
            }
        }
    }
    void attention() {
        BACKEND_OR_SKIP;
        QFETCH(int, heads);
        QFETCH(int, kvHeads);
        QFETCH(int, headDim);
        QFETCH(int, tokens);
        QFETCH(int, first);
        QFETCH(int, window);
        QFETCH(double, softcap);
        Numbers numbers(8);
        const int positions = first + tokens;
        std::vector<float> q = numbers.many(std::int64_t{tokens} * heads * headDim, 1.5f);
        std::vector<float> sinks = numbers.many(heads, 3.0f);
        sinks[0] = -kInfinity; // takes no weight
        for (const KvType type : {KvType::F16, KvType::Q8_0}) {
            if (type == KvType::Q8_0 && headDim % 32 != 0) continue;
            Cache cache(kvHeads, positions + 3, headDim, type);
            cache.fill(positions, numbers, 1.5f);
            for (const bool causal : {true, false}) {
                for (const bool withSinks : {false, true}) {
                    std::vector<float> expected(q.size());
                    std::vector<float> got(q.size());
                    const AttentionParams params{.heads = heads,
                                                 .scale = 1.0f / std::sqrt(float(headDim)),
                                                 .softcap = float(softcap),
                                                 .window = window,
                                                 .causal = causal,
                                                 .sinks = withSinks ? view(sinks, 1) : TensorView{}};
                    m_reference.attention(view(expected, tokens), view(q, tokens), cache.view, first, params);
                    backend->beginStep({});
                    backend->attention(view(got, tokens), view(q, tokens), cache.view, first, params);
                    QVERIFY(backend->endStep().ok());
                    const double off = distance(got, expected);
                    QVERIFY2(off <= 2e-5 * 4.0, // values up to about 4
                             qPrintable(QString("%1 with %2%3%4")
                                            .arg(off)
                                            .arg(type == KvType::F16 ? "f16" : "q8_0")
                                            .arg(causal ? "" : ", not causal")
                                            .arg(withSinks ? ", sinks" : "")));
                }
            }
        }
    }

    /// Figures worked out by hand, so that the reference is judged too.
    void attentionOfKnownNumbers_data() { addPaths(); }
    void attentionOfKnownNumbers() {
        BACKEND_OR_SKIP;
        // Keys are 0, so every score is 0 and every visible position weighs the same; values are their position.
        Cache cache(1, 8, 32);
        std::vector<float> k(4 * 32);
        std::vector<float> v;
        for (int i = 0; i < 4 * 32; ++i) v.push_back(float(i / 32));
        std::vector<float> q(4 * 32, 1.0f);
        std::vector<float> out(4 * 32);
        std::vector<float> sink{std::log(4.0f)}; // as heavy as four positions
        const auto run = [&](Backend& on, AttentionParams params) {
            params.heads = 1;
            params.scale = 1.0f;
            on.beginStep({});
            on.appendKv(cache.view, view(k, 4), view(v, 4), 0);
            on.attention(view(out, 4), view(q, 4), cache.view, 0, params);
            return on.endStep().ok() ? std::vector{out[0], out[32], out[64], out[96]} : std::vector<float>{};
        };
        const auto near = [](const std::vector<float>& a, const std::vector<float>& b) { return distance(a, b) < 1e-6; };
        for (Backend* on : {static_cast<Backend*>(backend), static_cast<Backend*>(&m_reference)}) {
            QVERIFY(near(run(*on, {}), {0.0f, 0.5f, 1.0f, 1.5f}));
            QVERIFY(near(run(*on, {.causal = false}), {1.5f, 1.5f, 1.5f, 1.5f}));
            QVERIFY(near(run(*on, {.window = 2}), {0.0f, 0.5f, 1.5f, 2.5f}));
            QVERIFY(near(run(*on, {.window = 2, .causal = false}), {1.5f, 1.5f, 2.0f, 2.5f}));
            QVERIFY(near(run(*on, {.sinks = view(sink, 1)}), {0.0f, 1.0f / 6.0f, 3.0f / 7.0f, 6.0f / 8.0f}));
            QVERIFY(near(run(*on, {.softcap = 1.0f, .sinks = view(sink, 1)}), {0.0f, 1.0f / 6.0f, 3.0f / 7.0f, 6.0f / 8.0f}));
        }
        sink[0] = 500.0f; // takes everything, and overflows nothing
        QVERIFY(near(run(*backend, {.sinks = view(sink, 1)}), {0.0f, 0.0f, 0.0f, 0.0f}));
        std::vector<float> two(2);
        QVERIFY(run(*backend, {.sinks = view(two, 1)}).empty()); // not one for each head
        cache.view.type = KvType::Q8_0;
        cache.view.headDim = 16; // half a block
        std::vector<float> half(16);
        backend->beginStep({});
        backend->appendKv(cache.view, view(half, 1), view(half, 1), 0);
        QCOMPARE(int(backend->endStep().code), int(StatusCode::InvalidShape));
    }

    void attentionOfHopelessScoresIsZero_data() { addPaths(); }
    void attentionOfHopelessScoresIsZero() {
        BACKEND_OR_SKIP;
        Cache cache(1, 40, 16);
        std::vector<float> ones(40 * 16, 1.0f);
        m_reference.appendKv(cache.view, view(ones, 40), view(ones, 40), 0);
        std::vector<float> q(16, -kInfinity);
        std::vector<float> got(16, 5.0f);
        backend->beginStep({});
        backend->attention(view(got, 1), view(q, 1), cache.view, 39, {.heads = 1, .scale = 1.0f});
        QVERIFY(backend->endStep().ok());
        for (const float value : got) QCOMPARE(value, 0.0f);
        std::vector<float> sink{2.0f}; // has all the weight then
        std::fill(got.begin(), got.end(), 5.0f);
        backend->beginStep({});
        backend->attention(view(got, 1), view(q, 1), cache.view, 39, {.heads = 1, .scale = 1.0f, .sinks = view(sink, 1)});
        QVERIFY(backend->endStep().ok());
        for (const float value : got) QCOMPARE(value, 0.0f);
        // Large scores on both sides: exp must neither overflow nor leave only zeros.
        std::fill(q.begin(), q.end(), 1e4f);
        backend->beginStep({});
        backend->attention(view(got, 1), view(q, 1), cache.view, 39, {.heads = 1, .scale = 1.0f});
        QVERIFY(backend->endStep().ok());
        for (const float value : got) QVERIFY(std::fabs(value - 1.0f) < 1e-5f);
    }

    void mixtureOfExperts_data() { addPaths(); }
    void mixtureOfExperts() {
        BACKEND_OR_SKIP;
        Numbers numbers(9);
        for (const auto& [tokens, experts, k] : {std::array{1, 4, 2}, std::array{7, 128, 8}, std::array{3, 1, 1},
                                                 std::array{70, 60, 4}, std::array{2, 5, 5}}) {
            std::vector<float> logits = numbers.many(std::int64_t{tokens} * experts, 3.0f);
            if (experts > 2) logits[0] = logits[2]; // a tie
            for (const bool renormalise : {false, true}) {
                std::vector<std::int32_t> expectedIds(static_cast<std::size_t>(tokens * k));
                std::vector<std::int32_t> ids(expectedIds.size());
                std::vector<float> expected(expectedIds.size());
                std::vector<float> weights(expectedIds.size());
                const auto idView = [&, k = k, tokens = tokens](std::vector<std::int32_t>& v) {
                    return TensorView{v.data(), DType::I32, {1, tokens, k}};
                };
                m_reference.moeRoute(idView(expectedIds), view(expected, tokens), view(logits, tokens), renormalise);
                backend->beginStep({});
                backend->moeRoute(idView(ids), view(weights, tokens), view(logits, tokens), renormalise);
                QVERIFY(ids == expectedIds);
                QVERIFY(distance(weights, expected) <= 1e-6);

                std::vector<float> x = numbers.many(std::int64_t{tokens} * k * 37);
                std::vector<float> expectedSum(static_cast<std::size_t>(tokens * 37));
                std::vector<float> sum(expectedSum.size());
                m_reference.moeCombine(view(expectedSum, tokens), view(x, tokens * k), view(weights, tokens));
                backend->moeCombine(view(sum, tokens), view(x, tokens * k), view(weights, tokens));
                QVERIFY(backend->endStep().ok());
                QVERIFY(distance(sum, expectedSum) <= 3e-6);
            }
        }
    }

    void memoryIsZeroAndMoves() {
        CpuBackend* backend = backendFor(CpuPath::Portable);
        const std::unique_ptr<Buffer> buffer = backend->allocate(4096 * 4);
        QVERIFY(buffer != nullptr);
        QCOMPARE(buffer->bytes(), std::uint64_t{4096 * 4});
        const TensorView all = matrixView(buffer->data(), DType::F32, 4, 1024);
        std::vector<float> values(4096, 1.0f);
        const std::span<std::byte> bytes = std::as_writable_bytes(std::span(values));
        backend->beginStep({});
        backend->download(bytes, all);
        QVERIFY(values == std::vector<float>(4096, 0.0f));
        values[77] = 3.0f;
        backend->upload(all, bytes);
        QCOMPARE(all.f32()[77], 3.0f);
        backend->zero(all);
        QCOMPARE(all.f32()[77], 0.0f);
        QVERIFY(backend->endStep().ok());
        backend->beginStep({});
        backend->upload(all, bytes.first(8));
        QCOMPARE(int(backend->endStep().code), int(StatusCode::InvalidShape));
        QVERIFY(backend->allocate(std::uint64_t{1} << 60) == nullptr);
    }

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

    void failureSticksUntilTheNextStep() {
        CpuBackend* backend = backendFor(CpuPath::Portable);
        std::vector<float> x(8, 1.0f);
        std::vector<float> y(4, 1.0f);
        backend->beginStep({});
        backend->add(view(x, 1), view(y, 1)); // shapes differ
        backend->scale(view(x, 1), 2.0f);     // must not happen
        const Status status = backend->endStep();
        QCOMPARE(int(status.code), int(StatusCode::InvalidShape));
        QCOMPARE(QString(status.place), QString("add"));
        QCOMPARE(x[0], 1.0f);
        backend->beginStep({});
        backend->scale(view(x, 1), 2.0f);
        QVERIFY(backend->endStep().ok());
        QCOMPARE(x[0], 2.0f);
    }

    void stopRequestEndsTheStep() {
        CpuBackend* backend = backendFor(CpuPath::Portable);
        std::vector<float> x(8, 1.0f);
        std::stop_source before;
        before.request_stop();
        backend->beginStep(before.get_token());
        backend->scale(view(x, 1), 2.0f);
        QCOMPARE(int(backend->endStep().code), int(StatusCode::Cancelled));
        QCOMPARE(x[0], 1.0f);

        // In the middle of products that would take minutes: the step ends because tasks are dropped.
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

QTEST_GUILESS_MAIN(OpsTest)
#include "ops_test.moc"
