// SPDX-License-Identifier: Apache-2.0
//
// The GPU kernels of attention and of RoPE with the KV append on the executor, in the forms that a back end does not choose by itself: every
// number of splits, joined by the last block or afterwards, results in 8 bits, positions from device memory, both cache types, every head
// size with a kernel of its own. References are computed here, in double precision.
#include "kernel_device.h"

#include "kernels/ops/attention_hip.h"
#include "kernels/ops/rope.h"
#include "kernels/ops/rope_hip.h"
#include "kernels/quant/q8_0.h"
#include "kernels/quant/q8_activation.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

using namespace hearth;
using namespace hearth::kernels;

namespace {

constexpr std::uint8_t kUntouched = 0xff; // as halves: NaN

/// An attention, and where its rows lie in the cache.
struct Case {
    int rows, heads, kvHeads, headDim, first;
    bool q8 = false;
    int window = 0;
    float softcap = 0.0f;
    bool causal = true;
    bool sinks = false;
    float deviation = 1.0f; ///< of q: that of the scores
};

std::size_t rowBytes(int headDim, bool q8) {
    return static_cast<std::size_t>(q8 ? headDim / 32 * 34 : headDim * 2);
}

double cacheElement(const std::uint8_t* row, bool q8, int d) {
    if (q8) {
        BlockQ8_0 block;
        std::memcpy(&block, row + d / 32 * 34, sizeof block);
        return double(halfToFloat(block.d)) * block.q[d % 32];
    }
    std::uint16_t half = 0;
    std::memcpy(&half, row + 2 * d, sizeof half);
    return double(halfToFloat(half));
}

/// Random operands of a case, the expected result, and how a kernel's result is judged.
class Problem {
public:
    explicit Problem(const Case& c)
        : m_case(c)
        , m_capacity(c.first + c.rows + 3)
        , m_engine(static_cast<unsigned>(c.rows * 31 + c.heads * 7 + c.headDim + c.first)) {
        m_q.resize(static_cast<std::size_t>(c.rows * c.heads * c.headDim));
        for (float& value : m_q) value = m_normal(m_engine) * c.deviation;
        m_keys = randomCache();
        m_values = randomCache();
        if (c.sinks) {
            m_sinks.resize(static_cast<std::size_t>(c.heads));
            for (float& sink : m_sinks) sink = m_normal(m_engine) * 2.0f;
            m_sinks[0] = 30.0f;
        }
        m_expected.resize(m_q.size());
        for (int row = 0; row < c.rows; ++row) {
            for (int head = 0; head < c.heads; ++head) expect(row, head);
        }
    }

    /// The position is split between arguments and device memory.
    AttentionArgs arguments(test::KernelDevice& device) const {
        AttentionArgs args{};
        args.out = device.memory<float>(m_q.size());
        args.q = device.upload(m_q);
        args.keys = device.upload(m_keys);
        args.values = device.upload(m_values);
        args.sinks = m_sinks.empty() ? nullptr : device.upload(m_sinks);
        args.step = device.upload(std::vector<StepState>{{0, m_case.first / 2}});
        args.firstPosition = m_case.first - m_case.first / 2;
        args.scale = scale();
        args.softcap = m_case.softcap;
        args.rows = m_case.rows;
        args.heads = m_case.heads;
        args.kvHeads = m_case.kvHeads;
        args.headDim = m_case.headDim;
        args.capacity = m_capacity;
        args.window = m_case.window;
        args.causal = m_case.causal ? 1 : 0;
        return args;
    }

    [[nodiscard]] std::size_t count() const { return m_q.size(); }
    /// Of the largest |value|; infinite for a NaN.
    [[nodiscard]] double error(const std::vector<float>& got) const {
        double worst = got.size() == m_expected.size() ? 0.0 : std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < got.size(); ++i) {
            const double off = std::fabs(double(got[i]) - m_expected[i]);
            worst = std::isnan(off) ? std::numeric_limits<double>::infinity() : std::max(worst, off);
        }
        return worst / m_largest;
    }
    [[nodiscard]] QByteArray name() const {
        return QString("%1 rows, %2/%3 heads of %4 at %5, q8 %6, window %7, cap %8, causal %9")
                   .arg(m_case.rows).arg(m_case.heads).arg(m_case.kvHeads).arg(m_case.headDim).arg(m_case.first)
                   .arg(m_case.q8).arg(m_case.window).arg(double(m_case.softcap)).arg(m_case.causal).toUtf8();
    }

private:
    [[nodiscard]] float scale() const { return 1.0f / std::sqrt(float(m_case.headDim)); }
    [[nodiscard]] const std::uint8_t* cacheRow(const std::vector<std::uint8_t>& cache, int kvHead, int position) const {
        return cache.data() + static_cast<std::size_t>(kvHead * m_capacity + position) * rowBytes(m_case.headDim, m_case.q8);
    }

    /// NaN where nothing has been written.
    std::vector<std::uint8_t> randomCache() {
        const std::size_t bytes = rowBytes(m_case.headDim, m_case.q8);
        std::vector<std::uint8_t> cache(static_cast<std::size_t>(m_case.kvHeads * m_capacity) * bytes, kUntouched);
        for (int head = 0; head < m_case.kvHeads; ++head) {
            for (int position = 0; position < m_case.first + m_case.rows; ++position) {
                std::uint8_t* row = cache.data() + static_cast<std::size_t>(head * m_capacity + position) * bytes;
                if (m_case.q8) {
                    for (int b = 0; b < m_case.headDim / 32; ++b) {
                        BlockQ8_0 block;
                        block.d = floatToHalf(std::fabs(m_normal(m_engine)) * 0.02f + 0.001f);
                        for (std::int8_t& q : block.q) q = static_cast<std::int8_t>(static_cast<int>(m_engine() % 255) - 127);
                        std::memcpy(row + b * 34, &block, sizeof block);
                    }
                    continue;
                }
                for (int d = 0; d < m_case.headDim; ++d) {
                    const std::uint16_t half = floatToHalf(m_normal(m_engine));
                    std::memcpy(row + 2 * d, &half, sizeof half);
                }
            }
        }
        return cache;
    }

    void expect(int row, int head) {
        const int position = m_case.first + row;
        const int begin = m_case.window > 0 ? std::max(0, position - m_case.window + 1) : 0;
        const int end = (m_case.causal ? position : m_case.first + m_case.rows - 1) + 1;
        const int kvHead = head / (m_case.heads / m_case.kvHeads);
        const std::size_t at = static_cast<std::size_t>((row * m_case.heads + head) * m_case.headDim);
        const bool sinks = !m_sinks.empty();
        const double sink = sinks ? double(m_sinks[static_cast<std::size_t>(head)]) : 0.0;
        double largest = sinks ? sink : -std::numeric_limits<double>::infinity();
        std::vector<double> weights;
        for (int j = begin; j < end; ++j) {
            const std::uint8_t* key = cacheRow(m_keys, kvHead, j);
            double score = 0.0;
            for (int d = 0; d < m_case.headDim; ++d) score += double(m_q[at + static_cast<std::size_t>(d)]) * cacheElement(key, m_case.q8, d);
            score *= double(scale());
            if (m_case.softcap > 0.0f) score = double(m_case.softcap) * std::tanh(score / double(m_case.softcap));
            weights.push_back(score);
            largest = std::max(largest, score);
        }
        double total = sinks ? std::exp(sink - largest) : 0.0;
        for (double& weight : weights) total += weight = std::exp(weight - largest);
        for (int d = 0; d < m_case.headDim; ++d) {
            double sum = 0.0;
            for (int j = begin; j < end; ++j) {
                const double value = cacheElement(cacheRow(m_values, kvHead, j), m_case.q8, d);
                sum += weights[static_cast<std::size_t>(j - begin)] * value;
                m_largest = std::max(m_largest, std::fabs(value));
            }
            m_expected[at + static_cast<std::size_t>(d)] = sum / total;
        }
    }

    Case m_case;
    int m_capacity;
    std::mt19937 m_engine;
    std::normal_distribution<float> m_normal;
    std::vector<float> m_q;
    std::vector<float> m_sinks;
    std::vector<std::uint8_t> m_keys;
    std::vector<std::uint8_t> m_values;
    std::vector<double> m_expected;
    double m_largest = 0.0;
};

enum class Join : bool { LastBlock, Afterwards };

/// Runs the rows kernel twice over the same scratch, and says what is wrong; empty when nothing is.
QByteArray wrongInRows(test::KernelDevice& device, const Case& c, int splits, Join join) {
    const Problem problem(c);
    AttentionArgs args = problem.arguments(device);
    args.splits = splits;
    args.partials = device.memory<float>(attentionPartialBytes(c.rows, c.heads, c.headDim, splits) / sizeof(float));
    const auto counters = static_cast<std::size_t>(attentionCounters(c.rows, c.heads, c.kvHeads, c.headDim));
    if (join == Join::LastBlock) args.counters = device.upload(std::vector<int>(counters));
    const std::size_t count = problem.count();
    const bool inBits = c.headDim % 32 == 0;
    if (inBits)
        args.q8 = {device.memory<std::int8_t>(count),  device.memory<std::int8_t>(count),  device.memory<float>(count / 32),
                   device.memory<float>(count / 32), device.memory<float>(count / 16), device.memory<float>(count / 16)};
    for (int time = 0; time < 2; ++time) {
        device.launch(attentionRowsKernel(c.heads, c.kvHeads, c.headDim, c.q8), attentionRowsGrid(args), kAttentionThreads, args);
        if (join == Join::Afterwards) device.launch(attentionJoinKernel(c.headDim), attentionJoinGrid(args), kAttentionThreads, args);
    }
    const std::vector<float> out = device.read(args.out, count);
    QByteArray wrong;
    if (const double error = problem.error(out); !(error <= 2e-5)) wrong += "error " + QByteArray::number(error) + ' ';
    if (join == Join::LastBlock) {
        for (const int counter : device.read(args.counters, counters)) {
            if (counter != 0) wrong += "counter ";
        }
    }
    if (inBits) {
        std::vector<Q8Block> expected(count / 32);
        quantizeRowToQ8(expected.data(), out.data(), static_cast<std::int64_t>(count));
        const auto q = device.read(args.q8.q, count);
        const auto scale = device.read(args.q8.scale, count / 32);
        for (std::size_t b = 0; b < expected.size(); ++b) {
            if (expected[b].scale != scale[b] || std::memcmp(expected[b].q, q.data() + b * 32, 32) != 0) wrong += "bits ";
        }
    }
    if (!device.ok()) wrong += device.fault().c_str();
    device.releaseAll();
    if (!wrong.isEmpty()) wrong = problem.name() + ", " + QByteArray::number(splits) + " splits: " + wrong;
    return wrong;
}

QByteArray wrongInTiles(test::KernelDevice& device, const Case& c) {
    const Problem problem(c);
    const AttentionArgs args = problem.arguments(device);
    device.launch(attentionTilesKernel(c.headDim, c.q8), attentionTilesGrid(args), static_cast<int>(attentionTilesThreads(c.headDim)), args);
    const double error = problem.error(device.read(args.out, problem.count()));
    QByteArray wrong;
    if (!(error <= 2e-3)) wrong += "error " + QByteArray::number(error) + ' ';
    if (!device.ok()) wrong += device.fault().c_str();
    device.releaseAll();
    return wrong.isEmpty() ? wrong : problem.name() + ": " + wrong;
}

void addWaves() {
    QTest::addColumn<int>("wave");
    QTest::newRow("waves of 32") << 32;
    QTest::newRow("waves of 64") << 64;
}

#define VERIFY_NOTHING_WRONG(expression)                                                                                                  \
    do {                                                                                                                                  \
        const QByteArray wrong = expression;                                                                                              \
        QVERIFY2(wrong.isEmpty(), wrong.constData());                                                                                     \
    } while (false)

} // namespace

class AttentionKernelsTest : public QObject {
    Q_OBJECT

private slots:
    void rowsOfEveryHeadSizeAndGroup_data() { addWaves(); }
    void rowsOfEveryHeadSizeAndGroup() {
        QFETCH(int, wave);
        test::KernelDevice device(wave);
        for (const int headDim : {2, 8, 30, 32, 64, 80, 96, 128, 130, 192, 256}) {
            for (const int group : {1, 2, 3, 7, 12, 17}) {
                if (group > 7 && headDim > 64) continue;
                VERIFY_NOTHING_WRONG(wrongInRows(device, {1, group * 2, 2, headDim, 0}, 1, Join::LastBlock));
                VERIFY_NOTHING_WRONG(wrongInRows(device, {1, group, 1, headDim, 300}, 5, Join::LastBlock));
                if (headDim % 32 == 0) VERIFY_NOTHING_WRONG(wrongInRows(device, {2, group, 1, headDim, 137, true}, 5, Join::LastBlock));
            }
        }
    }

    void rowsOfEveryKind_data() { addWaves(); }
    void rowsOfEveryKind() {
        QFETCH(int, wave);
        test::KernelDevice device(wave);
        for (const bool q8 : {false, true}) {
            for (const int splits : {1, 3, 33}) {
                for (const Join join : {Join::LastBlock, Join::Afterwards}) {
                    VERIFY_NOTHING_WRONG(wrongInRows(device, {3, 8, 2, 64, 500, q8, 0, 30.0f}, splits, join));
                    VERIFY_NOTHING_WRONG(wrongInRows(device, {3, 8, 2, 64, 500, q8, 100}, splits, join));
                    VERIFY_NOTHING_WRONG(wrongInRows(device, {8, 8, 2, 64, 5, q8, 7, 2.0f, true, true}, splits, join));
                    VERIFY_NOTHING_WRONG(wrongInRows(device, {8, 8, 2, 64, 200, q8, 0, 0.0f, false}, splits, join));
                    VERIFY_NOTHING_WRONG(wrongInRows(device, {4, 4, 4, 128, 700, q8, 0, 0.0f, true, true, 8.0f}, splits, join));
                    VERIFY_NOTHING_WRONG(wrongInRows(device, {4, 4, 4, 128, 700, q8, 1, 50.0f, true, true, 50.0f}, splits, join));
                }
            }
        }
    }

    /// Thousands of positions in as many splits as the host chooses, and in as many as there may be.
    void longRows_data() { addWaves(); }
    void longRows() {
        QFETCH(int, wave);
        test::KernelDevice device(wave);
        QCOMPARE(attentionSplits(4096, 1, 32, 8, 128, 132), 33);
        QCOMPARE(attentionSplits(32, 1, 32, 8, 128, 132), 1);
        QCOMPARE(attentionSplits(1 << 20, 1, 1, 1, 256, 1000), kAttentionMaxSplits);
        VERIFY_NOTHING_WRONG(wrongInRows(device, {1, 4, 1, 128, 4095}, 33, Join::LastBlock));
        VERIFY_NOTHING_WRONG(wrongInRows(device, {1, 4, 1, 128, 9000}, kAttentionMaxSplits, Join::LastBlock));
        VERIFY_NOTHING_WRONG(wrongInRows(device, {1, 8, 1, 256, 3000}, 17, Join::Afterwards));
        VERIFY_NOTHING_WRONG(wrongInRows(device, {33, 4, 2, 16, 0}, 1, Join::LastBlock)); // a prompt of a tiny model
    }

    void bucketsAreFew() {
        QCOMPARE(attentionBucket(1, 4096), 256);
        QCOMPARE(attentionBucket(256, 4096), 256);
        QCOMPARE(attentionBucket(257, 4096), 512);
        QCOMPARE(attentionBucket(4000, 4096), 4096);
        QCOMPARE(attentionBucket(2049, 3000), 3000);
        QCOMPARE(attentionBucket(7, 100), 100);
    }

    void tiles_data() { addWaves(); }
    void tiles() {
        QFETCH(int, wave);
        test::KernelDevice device(wave);
        for (const int headDim : {64, 80, 96, 128, 192, 256}) {
            for (const bool q8 : {false, true}) {
                if (attentionTilesKernel(headDim, q8) == nullptr) continue;
                VERIFY_NOTHING_WRONG(wrongInTiles(device, {9, 3, 1, headDim, 0, q8}));
                VERIFY_NOTHING_WRONG(wrongInTiles(device, {1, 2, 1, headDim, 5, q8}));
                VERIFY_NOTHING_WRONG(wrongInTiles(device, {64, 2, 2, headDim, 0, q8}));
                VERIFY_NOTHING_WRONG(wrongInTiles(device, {33, 4, 2, headDim, 61, q8}));
                VERIFY_NOTHING_WRONG(wrongInTiles(device, {17, 7, 1, headDim, 200, q8, 50}));
                VERIFY_NOTHING_WRONG(wrongInTiles(device, {40, 2, 1, headDim, 100, q8, 16, 20.0f, true, true}));
                VERIFY_NOTHING_WRONG(wrongInTiles(device, {19, 4, 4, headDim, 77, q8, 0, 0.0f, false, true}));
                VERIFY_NOTHING_WRONG(wrongInTiles(device, {12, 2, 1, headDim, 5, q8, 0, 0.0f, true, true, 4.0f}));
                VERIFY_NOTHING_WRONG(wrongInTiles(device, {70, 1, 1, headDim, 0, q8, 1}));
            }
        }
        QVERIFY(attentionTilesKernel(32, false) == nullptr);
        QVERIFY(attentionTilesKernel(80, true) == nullptr);
    }

    /// At any position a pair turns as its angle in double precision says, be the frequencies plain, factored or stretched.
    void ropeFarOut_data() { addWaves(); }
    void ropeFarOut() {
        QFETCH(int, wave);
        test::KernelDevice device(wave);
        std::mt19937 engine(5);
        std::normal_distribution<float> normal(0.0f, 3.0f);
        std::vector<float> factors(128);
        for (std::size_t i = 0; i < factors.size(); ++i) factors[i] = 1.0f + 0.3f * float(i);
        RopeParams plain;
        RopeParams yarn;
        yarn.base = 500000.0f;
        yarn.extensionFactor = 1.0f;
        yarn.originalContext = 4096;
        yarn.positionScale = 0.25f;
        RopeParams factored;
        factored.frequencyFactors = factors.data();
        factored.attentionFactor = 1.19f;
        RopeParams fast; // more than a turn at each position
        fast.positionScale = 9.7f;
        for (RopeParams params : {plain, yarn, factored, fast}) {
            for (const RopePairing pairing : {RopePairing::Interleaved, RopePairing::HalfSplit}) {
                for (const auto& [headDim, dims] : {std::array{128, 128}, std::array{96, 64}, std::array{6, 4}}) {
                    for (const int first : {0, 777, 99'999, 1'000'321}) {
                        params.pairing = pairing;
                        params.dims = dims;
                        constexpr int kRows = 3;
                        constexpr int kHeads = 5;
                        std::vector<float> x(static_cast<std::size_t>(kRows * kHeads * headDim));
                        for (float& value : x) value = normal(engine);
                        std::vector<std::uint64_t> turns(static_cast<std::size_t>(dims / 2));
                        makeRopeTurns(turns.data(), params);
                        std::vector<double> radians(turns.size());
                        ropeFrequencies(radians.data(), params);
                        RopeAppendArgs args{};
                        args.q = device.upload(x);
                        args.turns = device.upload(turns);
                        args.step = device.upload(std::vector<StepState>{{0, first - first / 3}});
                        args.firstPosition = first / 3;
                        args.magnitude = static_cast<float>(ropeMagnitude(params));
                        args.heads = kHeads;
                        args.headDim = headDim;
                        args.dims = dims;
                        args.interleaved = pairing == RopePairing::Interleaved ? 1 : 0;
                        device.launch("hearth_rope_append", ropeAppendGrid(args, kRows), kRopeThreads, args);
                        const std::vector<float> got = device.read(static_cast<const float*>(args.q), x.size());
                        QVERIFY2(device.ok(), device.fault().c_str());
                        device.releaseAll();
                        for (int head = 0; head < kRows * kHeads; ++head) {
                            const std::size_t at = static_cast<std::size_t>(head * headDim);
                            for (int i = 0; i < dims / 2; ++i) {
                                const std::size_t a = at + static_cast<std::size_t>(args.interleaved != 0 ? 2 * i : i);
                                const std::size_t b = at + static_cast<std::size_t>(args.interleaved != 0 ? 2 * i + 1 : i + dims / 2);
                                const double angle = double(first + head / kHeads) * radians[static_cast<std::size_t>(i)];
                                const double c = std::cos(angle) * ropeMagnitude(params);
                                const double s = std::sin(angle) * ropeMagnitude(params);
                                const double length = std::hypot(double(x[a]), double(x[b]));
                                QVERIFY(std::fabs(double(got[a]) - (double(x[a]) * c - double(x[b]) * s)) <= 1e-6 * length);
                                QVERIFY(std::fabs(double(got[b]) - (double(x[a]) * s + double(x[b]) * c)) <= 1e-6 * length);
                            }
                            for (int d = dims; d < headDim; ++d) {
                                QCOMPARE(got[at + static_cast<std::size_t>(d)], x[at + static_cast<std::size_t>(d)]);
                            }
                        }
                    }
                }
            }
        }
    }

    /// q8_0 blocks: rounding of ties, too small and too large a scale, NaN; keys are rotated first; other positions stay.
    void appendOfBlocks_data() { addWaves(); }
    void appendOfBlocks() {
        QFETCH(int, wave);
        test::KernelDevice device(wave);
        constexpr int kHeads = 3;
        constexpr int kHeadDim = 64;
        constexpr int kCapacity = 9;
        constexpr int kFirst = 4;
        std::mt19937 engine(6);
        std::normal_distribution<float> normal;
        std::vector<float> k(kHeads * kHeadDim);
        std::vector<float> v(k.size());
        for (float& value : k) value = normal(engine);
        for (std::size_t i = 0; i < v.size(); ++i) v[i] = i < 32 ? float(i) - 0.5f : i < 64 ? 1e-9f : i < 96 ? 0.0f : i < 128 ? 1e9f : normal(engine);
        v[31] = 127.0f;
        v[130] = std::numeric_limits<float>::quiet_NaN();
        RopeParams params;
        params.dims = kHeadDim;
        std::vector<std::uint64_t> turns(kHeadDim / 2);
        makeRopeTurns(turns.data(), params);
        const std::vector<std::uint8_t> before(kHeads * kCapacity * rowBytes(kHeadDim, true), kUntouched);
        RopeAppendArgs args{};
        args.k = device.upload(k);
        args.v = device.upload(v);
        std::uint8_t* const keysThere = device.upload(before);
        std::uint8_t* const valuesThere = device.upload(before);
        args.keys = keysThere;
        args.values = valuesThere;
        args.turns = device.upload(turns);
        args.magnitude = 1.0f;
        args.firstPosition = kFirst;
        args.kvHeads = kHeads;
        args.headDim = kHeadDim;
        args.dims = kHeadDim;
        args.interleaved = 1;
        args.capacity = kCapacity;
        args.cacheIsQ8 = 1;
        device.launch("hearth_rope_append", ropeAppendGrid(args, 1), kRopeThreads, args);
        const std::vector<std::uint8_t> keys = device.read(keysThere, before.size());
        const std::vector<std::uint8_t> values = device.read(valuesThere, before.size());
        QVERIFY2(device.ok(), device.fault().c_str());

        const auto blockOf = [](const std::vector<std::uint8_t>& cache, int head, int b) {
            BlockQ8_0 block;
            std::memcpy(&block, cache.data() + static_cast<std::size_t>((head * kCapacity + kFirst) * 2 + b) * sizeof block, sizeof block);
            return block;
        };
        BlockQ8_0 block = blockOf(values, 0, 0); // d = 1
        QCOMPARE(halfToFloat(block.d), 1.0f);
        for (int i = 0; i < 31; ++i) QCOMPARE(int(block.q[i]), i == 0 ? -1 : i); // -0.5 -> -1, 0.5 -> 1, 1.5 -> 2
        QCOMPARE(int(block.q[31]), 127);
        QCOMPARE(int(blockOf(values, 0, 1).d), 0); // too small for f16
        QCOMPARE(int(blockOf(values, 0, 1).q[3]), 0);
        QCOMPARE(int(blockOf(values, 1, 0).d), 0);
        QCOMPARE(halfToFloat(blockOf(values, 1, 1).d), 65504.0f);
        QCOMPARE(int(blockOf(values, 1, 1).q[0]), 127);
        QVERIFY(std::isnan(halfToFloat(blockOf(values, 2, 0).d)));
        QVERIFY(!std::isnan(halfToFloat(blockOf(values, 2, 1).d)));

        std::vector<RopeTurn> table(kHeadDim / 2);
        makeRopeTable(table.data(), kFirst, 1, params);
        ropeRow(k.data(), kHeads, kHeadDim, table.data(), params);
        for (int i = 0; i < kHeads * kHeadDim; ++i) {
            block = blockOf(keys, i / kHeadDim, i % kHeadDim / 32);
            const double step = double(halfToFloat(block.d));
            QVERIFY(std::fabs(step * block.q[i % 32] - double(k[static_cast<std::size_t>(i)])) <= step * 0.57); // half a step, and f16's rounding of it
        }
        const std::size_t bytes = rowBytes(kHeadDim, true);
        for (std::size_t i = 0; i < before.size(); ++i) {
            if (i / bytes % kCapacity != kFirst) QVERIFY(keys[i] == kUntouched && values[i] == kUntouched);
        }
    }
};

QTEST_GUILESS_MAIN(AttentionKernelsTest)
#include "attention_kernels_test.moc"
