// SPDX-License-Identifier: Apache-2.0
//
// The KV cache in f16 and q8_0, and attention over it (causal or not, windows, soft-caps, sinks) on every back end, judged by the reference back
// end and by figures worked out by hand.
#include "reference_backend.h"
#include "test_backends.h"

#include "kernels/quant/half.h"
#include "kernels/quant/q8_0.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace hearth::kernels;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

void addDevices() {
    QTest::addColumn<int>("device");
    for (const TestDevice device : kAllDevices) QTest::newRow(deviceName(device)) << int(device);
}

/// Host memory, for the reference.
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

constexpr std::uint16_t kHalfNan = 0x7e00;

/// Keys and values in memory of their own, at first NaN everywhere: reading what nobody has written shows.
struct Cache {
    std::vector<std::byte> keys;
    std::vector<std::byte> values;
    KvView view; ///< on the host

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

/// The same in a back end's memory.
struct DeviceCache {
    DeviceTensor keys;
    DeviceTensor values;
    KvView view;

    DeviceCache(const TestBackend& on, const Cache& host)
        : keys(on, shapeOf(host))
        , values(on, shapeOf(host))
        , view(host.view) {
        view.keys = keys.data();
        view.values = values.data();
        keys.write(host.keys);
        values.write(host.values);
    }

private:
    static TensorView shapeOf(const Cache& host) {
        return matrixView(nullptr, host.view.type == KvType::F16 ? DType::F16 : DType::Q8_0, host.view.kvHeads * host.view.capacity,
                          host.view.headDim);
    }
};

} // namespace

class KvCacheOpsTest : public QObject {
    Q_OBJECT

    ReferenceBackend m_reference;

private slots:
    void appendKv_data() {
        QTest::addColumn<int>("device");
        QTest::addColumn<int>("type");
        for (const TestDevice device : kAllDevices) {
            QTest::addRow("%s, f16", deviceName(device)) << int(device) << int(KvType::F16);
            QTest::addRow("%s, q8_0", deviceName(device)) << int(device) << int(KvType::Q8_0);
        }
    }
    void appendKv() {
        BACKEND_OR_SKIP;
        QFETCH(int, type);
        const bool blocks = type == int(KvType::Q8_0);
        Numbers numbers(7);
        for (const int headDim : blocks ? std::vector{32, 64, 96} : std::vector{1, 6, 20, 64}) {
            if (!on.isCpu() && headDim % 2 != 0) continue; // no model has such heads: refused
            Cache expected(3, 11, headDim, static_cast<KvType>(type));
            const DeviceCache got(on, Cache(3, 11, headDim, static_cast<KvType>(type)));
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
                const DeviceTensor kThere(on, k, tokens);
                const DeviceTensor vThere(on, v, tokens);
                on->beginStep({});
                on->appendKv(got.view, kThere, vThere, first);
                QVERIFY(on->endStep().ok());
            }
            QVERIFY(got.keys.read<std::byte>() == expected.keys);
            QVERIFY(got.values.read<std::byte>() == expected.values);
            const DeviceTensor one(on, std::vector<float>(static_cast<std::size_t>(3 * headDim)), 1);
            on->beginStep({});
            on->appendKv(got.view, one, one, 11); // one past the end
            QCOMPARE(int(on->endStep().code), int(StatusCode::InvalidShape));
        }
    }

    /// Blocks worked out by hand, so that the reference is judged too.
    void knownBlocks_data() { addDevices(); }
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
        const Cache before(1, 2, 32, KvType::Q8_0);
        const DeviceCache cache(on, before);
        const auto append = [&](const std::vector<float>& key, const std::vector<float>& value, std::int32_t position) {
            const DeviceTensor keyThere(on, key, 1);
            const DeviceTensor valueThere(on, value, 1);
            on->beginStep({});
            on->appendKv(cache.view, keyThere, valueThere, position);
            return on->endStep().ok();
        };
        QVERIFY(append(k, v, 1));
        std::vector<BlockQ8_0> blocks = cache.keys.read<BlockQ8_0>();
        QCOMPARE(std::memcmp(blocks.data(), before.keys.data(), sizeof(BlockQ8_0)), 0); // position 0
        const BlockQ8_0* const keys = &blocks[1];
        QCOMPARE(halfToFloat(keys->d), 2.0f);
        QCOMPARE(int(keys->q[0]), -127);
        QCOMPARE(int(keys->q[1]), 3);
        QCOMPARE(int(keys->q[2]), -3);
        QCOMPARE(int(keys->q[3]), 2);
        QCOMPARE(int(keys->q[4]), 0);
        QCOMPARE(int(keys->q[31]), 127);
        QVERIFY(std::isnan(halfToFloat(cache.values.read<BlockQ8_0>()[1].d)));

        std::fill(k.begin(), k.end(), kInfinity); // the largest that there is, not infinity
        QVERIFY(append(k, k, 0));
        QCOMPARE(halfToFloat(cache.keys.read<BlockQ8_0>()[0].d), 65504.0f);
    }

    void attention_data() {
        QTest::addColumn<int>("device");
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
            {17, 1, 32, 2, 300, 0, 0},  {4, 2, 10, 5, 47, 0, 0},  {2, 2, 8, 50, 0, 1, 0},     {3, 3, 64, 21, 30, 16, 4.0},
            // More rows than a block of the CPU has; whole tiles of positions that a window has left or that are still to come.
            {8, 2, 64, 150, 70, 0, 0},  {4, 1, 40, 210, 0, 70, 0},
        };
        for (const TestDevice device : kAllDevices) {
            for (const Case& c : kCases) {
                QTest::addRow("%s, %d/%d heads of %d, %d tokens at %d, window %d, cap %g", deviceName(device), c.heads,
                              c.kvHeads, c.headDim, c.tokens, c.first, c.window, c.softcap)
                    << int(device) << c.heads << c.kvHeads << c.headDim << c.tokens << c.first << c.window << c.softcap;
            }
        }
        // Prompts, whose scores go through matrix instructions.
        for (const TestDevice device : kMatrixFamilies) {
            for (const Case& c : kCases) {
                if (c.tokens < 9) continue;
                QTest::addRow("%s, %d/%d heads of %d, %d tokens at %d, window %d, cap %g", deviceName(device), c.heads,
                              c.kvHeads, c.headDim, c.tokens, c.first, c.window, c.softcap)
                    << int(device) << c.heads << c.kvHeads << c.headDim << c.tokens << c.first << c.window << c.softcap;
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
        const DeviceTensor qThere(on, q, tokens);
        const DeviceTensor sinksThere(on, sinks, 1);
        // A GPU computes prompts on matrix tiles, queries and weights in f16.
        const double tolerance = on.isCpu() || tokens < 9 ? 2e-5 : 1.5e-3;
        for (const KvType type : {KvType::F16, KvType::Q8_0}) {
            if (type == KvType::Q8_0 && headDim % 32 != 0) continue;
            Cache cache(kvHeads, positions + 3, headDim, type);
            cache.fill(positions, numbers, 1.5f);
            const DeviceCache there(on, cache);
            for (const bool causal : {true, false}) {
                for (const bool withSinks : {false, true}) {
                    if (on.isExecutor() && causal == withSinks) continue; // each of them once
                    std::vector<float> expected(q.size());
                    AttentionParams params{.heads = heads,
                                                 .scale = 1.0f / std::sqrt(float(headDim)),
                                                 .softcap = float(softcap),
                                                 .window = window,
                                                 .causal = causal,
                                                 .sinks = withSinks ? view(sinks, 1) : TensorView{}};
                    m_reference.attention(view(expected, tokens), view(q, tokens), cache.view, first, params);
                    const DeviceTensor out(on, std::vector<float>(q.size(), 5.0f), tokens);
                    if (withSinks) params.sinks = sinksThere;
                    on->beginStep({});
                    on->attention(out, qThere, there.view, first, params);
                    const Status status = on->endStep();
                    if (!on.isCpu() && headDim % 2 != 0) { // no model has such heads: refused, not computed wrongly
                        QCOMPARE(int(status.code), int(StatusCode::InvalidShape));
                        continue;
                    }
                    QVERIFY(status.ok());
                    const double off = distance(out.read(), expected);
                    QVERIFY2(off <= tolerance * 4.0, // values up to about 4
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
    void attentionOfKnownNumbers_data() { addDevices(); }
    void attentionOfKnownNumbers() {
        BACKEND_OR_SKIP;
        // Keys are 0, so every score is 0 and every visible position weighs the same; values are their position.
        Cache cache(1, 8, 32);
        const DeviceCache there(on, cache);
        std::vector<float> k(4 * 32);
        std::vector<float> v;
        for (int i = 0; i < 4 * 32; ++i) v.push_back(float(i / 32));
        std::vector<float> q(4 * 32, 1.0f);
        const DeviceTensor kThere(on, k, 4);
        const DeviceTensor vThere(on, v, 4);
        const DeviceTensor qThere(on, q, 4);
        const auto firstOfRows = [](const std::vector<float>& out) { return std::vector{out[0], out[32], out[64], out[96]}; };
        /// Empty when it is refused. `sinks` may be empty.
        const auto run = [&](AttentionParams params, const std::vector<float>& sinks = {}) {
            params.heads = 1;
            params.scale = 1.0f;
            std::optional<DeviceTensor> sinksThere;
            if (!sinks.empty()) params.sinks = sinksThere.emplace(on, sinks, 1);
            const DeviceTensor out(on, DType::F32, {1, 4, 32});
            on->beginStep({});
            on->appendKv(there.view, kThere, vThere, 0);
            on->attention(out, qThere, there.view, 0, params);
            return on->endStep().ok() ? firstOfRows(out.read()) : std::vector<float>{};
        };
        const auto judged = [&](AttentionParams params, std::vector<float> sinks = {}) {
            params.heads = 1;
            params.scale = 1.0f;
            if (!sinks.empty()) params.sinks = view(sinks, 1);
            std::vector<float> out(4 * 32);
            m_reference.appendKv(cache.view, view(k, 4), view(v, 4), 0);
            m_reference.attention(view(out, 4), view(q, 4), cache.view, 0, params);
            return firstOfRows(out);
        };
        const auto near = [](const std::vector<float>& a, const std::vector<float>& b) { return distance(a, b) < 1e-6; };
        const std::vector<float> sink{std::log(4.0f)}; // as heavy as four positions
        struct Known {
            AttentionParams params;
            std::vector<float> sinks;
            std::vector<float> expected;
        };
        const Known knowns[] = {
            {{}, {}, {0.0f, 0.5f, 1.0f, 1.5f}},
            {{.causal = false}, {}, {1.5f, 1.5f, 1.5f, 1.5f}},
            {{.window = 2}, {}, {0.0f, 0.5f, 1.5f, 2.5f}},
            {{.window = 2, .causal = false}, {}, {1.5f, 1.5f, 2.0f, 2.5f}},
            {{}, sink, {0.0f, 1.0f / 6.0f, 3.0f / 7.0f, 6.0f / 8.0f}},
            {{.softcap = 1.0f}, sink, {0.0f, 1.0f / 6.0f, 3.0f / 7.0f, 6.0f / 8.0f}},
            {{}, {500.0f}, {0.0f, 0.0f, 0.0f, 0.0f}}, // takes everything, and overflows nothing
        };
        for (const Known& known : knowns) {
            QVERIFY(near(run(known.params, known.sinks), known.expected));
            QVERIFY(near(judged(known.params, known.sinks), known.expected));
        }
        QVERIFY(run({}, {0.0f, 0.0f}).empty()); // not one for each head
        KvView half = there.view;
        half.type = KvType::Q8_0;
        half.headDim = 16; // half a block
        const DeviceTensor row(on, std::vector<float>(16), 1);
        on->beginStep({});
        on->appendKv(half, row, row, 0);
        QCOMPARE(int(on->endStep().code), int(StatusCode::InvalidShape));
    }

    void attentionOfHopelessScoresIsZero_data() { addDevices(); }
    void attentionOfHopelessScoresIsZero() {
        BACKEND_OR_SKIP;
        Cache cache(1, 40, 16);
        std::vector<float> ones(40 * 16, 1.0f);
        m_reference.appendKv(cache.view, view(ones, 40), view(ones, 40), 0);
        const DeviceCache there(on, cache);
        const DeviceTensor sink(on, std::vector<float>{2.0f}, 1);
        const auto attend = [&](float query, const TensorView& sinks) {
            const DeviceTensor q(on, std::vector<float>(16, query), 1);
            const DeviceTensor out(on, DType::F32, {1, 1, 16});
            on->beginStep({});
            on->attention(out, q, there.view, 39, {.heads = 1, .scale = 1.0f, .sinks = sinks});
            return on->endStep().ok() ? out.read() : std::vector<float>();
        };
        QCOMPARE(attend(-kInfinity, {}), std::vector<float>(16, 0.0f));
        QCOMPARE(attend(-kInfinity, sink), std::vector<float>(16, 0.0f)); // the sink has all the weight
        // Large scores on both sides: exp must neither overflow nor leave only zeros.
        QVERIFY(distance(attend(1e4f, {}), std::vector<float>(16, 1.0f)) < 1e-5);
    }
};

QTEST_GUILESS_MAIN(KvCacheOpsTest)
#include "kv_cache_ops_test.moc"
