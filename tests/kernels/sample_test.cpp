// SPDX-License-Identifier: Apache-2.0
//
// Sampling on the GPU chooses what core::Sampler chooses, for every kind of logits and every setting it takes; and the arithmetic that both
// share, against the mathematics.
#include "kernel_device.h"
#include "sample_cases.h"

#include "core/engine/sampler.h"
#include "kernels/ops/sample_chain.h"
#include "kernels/ops/sample_hip.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>
#include <random>
#include <set>

using namespace hearth;
using namespace hearth::kernels;
using core::Sampler;
using core::SamplingSettings;
using core::TokenId;
using namespace hearth::test;

namespace {

/// The kernels on the executor, launched as a back end would.
class GpuSampler {
public:
    explicit GpuSampler(int waveSize)
        : m_device(waveSize) {}

    /// nullopt when a launch failed (fault() says why), else the token or -1. `shift` floats lie before the logits: 1 ends their alignment.
    std::optional<std::int32_t> sample(const std::vector<float>& logits, const std::vector<TokenPenalty>& penalties, const SampleParams& params,
                                       std::size_t shift = 0) {
        const auto vocabulary = static_cast<std::int32_t>(logits.size());
        std::vector<float> shifted(shift);
        shifted.insert(shifted.end(), logits.begin(), logits.end());
        const SampleArgs args{.token = m_device.memory<std::int32_t>(1),
                              .logits = m_device.upload(shifted) + shift,
                              .scratch = m_device.memory<SampleScratch>(1),
                              .params = m_device.upload(std::vector{params}),
                              .penalties = penalties.empty() ? nullptr : m_device.upload(penalties),
                              .vocabulary = vocabulary,
                              .blocks = sampleBlocks(vocabulary)};
        if (!penalties.empty()) m_device.launch("hearth_sample_penalties", sampleGrid(vocabulary), kSampleThreads, args);
        m_device.launch("hearth_sample_maxima", sampleGrid(vocabulary), kSampleThreads, args);
        if (params.temperature < kGreedyTemperature) {
            m_device.launch("hearth_sample_greedy", sampleChooseGrid(), kSampleThreads, args);
        } else {
            m_device.launch("hearth_sample_histogram", sampleGrid(vocabulary), kSampleThreads, args);
            m_device.launch("hearth_sample_collect", sampleGrid(vocabulary), kSampleThreads, args);
            m_device.launch("hearth_sample_choose", sampleChooseGrid(), kSampleChooseThreads, args);
        }
        const std::int32_t token = m_device.read(args.token, 1)[0];
        const std::int32_t candidates = m_device.read(&args.scratch->candidateCount, 1)[0];
        m_device.releaseAll();
        if (!m_device.ok()) return std::nullopt;
        if (params.temperature >= kGreedyTemperature && candidates > kSampleMostCandidates) ++m_overflows;
        return token;
    }

    [[nodiscard]] const std::string& fault() const { return m_device.fault(); }
    [[nodiscard]] int overflows() const { return m_overflows; } ///< times that the list of candidates did not suffice

private:
    test::KernelDevice m_device;
    int m_overflows = 0;
};

SampleParams paramsFor(float temperature, std::int32_t topK, std::uint64_t draw) {
    SampleParams params;
    params.temperature = temperature;
    params.topK = topK;
    params.logMinP = -kInfinity;
    params.draw = draw;
    return params;
}

void addWaves() {
    QTest::addColumn<int>("wave");
    QTest::newRow("waves of 32") << 32;
    QTest::newRow("waves of 64") << 64;
}

} // namespace

class SampleTest : public QObject {
    Q_OBJECT

private slots:
    void choosesWhatTheSamplerChooses_data() {
        QTest::addColumn<int>("wave");
        QTest::addColumn<int>("kind");
        for (const int wave : {32, 64}) {
            for (int kind = 0; kind < kKindCount; ++kind) QTest::addRow("waves of %d, %s", wave, kKinds[kind]) << wave << kind;
        }
    }
    void choosesWhatTheSamplerChooses() {
        QFETCH(int, wave);
        QFETCH(int, kind);
        std::mt19937 random(static_cast<unsigned>(100 + kind));
        GpuSampler gpu(wave);
        std::set<std::int32_t> tokens;
        for (int round = 0; round < 150; ++round) {
            const std::size_t vocabulary = round % 25 == 0 ? 32'000 + random() % 500 : round % 3 == 0 ? 1 + random() % 9000 : 1 + random() % 600;
            const std::vector<float> logits = logitsOf(kind, vocabulary, random);
            const SamplingSettings settings = randomSettings(random);
            Sampler host(settings, random());
            std::vector<TokenId> history;
            for (unsigned i = random() % 300; i > 0; --i) history.push_back(static_cast<TokenId>(random() % (i % 3 == 0 ? 20 : vocabulary + 1)) - 1);
            host.accept(history);
            Sampler device = host;
            QVERIFY(device.fitsDevice());
            for (int draw = 0; draw < 2; ++draw) {
                const Sampler::DeviceRequest request = device.deviceRequest();
                const std::int32_t expected = host.sample(logits).value_or(-1);
                const std::optional<std::int32_t> got = gpu.sample(logits, request.penalties, request.params, random() % 2);
                QVERIFY2(got.has_value(), gpu.fault().c_str());
                QVERIFY2(*got == expected, qPrintable(QString("%1 tokens, temperature %2, top-k %3, top-p %4, min-p %5: %6, not %7")
                                                          .arg(vocabulary)
                                                          .arg(double(settings.temperature))
                                                          .arg(settings.topK)
                                                          .arg(double(settings.topP))
                                                          .arg(double(settings.minP))
                                                          .arg(*got)
                                                          .arg(expected)));
                tokens.insert(*got);
                device.countDeviceChoice();
                host.accept(expected);
                device.accept(expected);
            }
        }
        QVERIFY(tokens.size() > 30); // not always the same corner
        // Logits that hardly differ go the other way, the rest of a usual kind never does.
        if (kind == 2 || kind == 3 || kind == 7) QVERIFY(gpu.overflows() > 5);
        if (kind == 0 || kind == 6) QCOMPARE(gpu.overflows(), 0);
    }

    void wholeVocabularyOfAModel_data() { addWaves(); }
    void wholeVocabularyOfAModel() {
        QFETCH(int, wave);
        std::mt19937 random(7);
        GpuSampler gpu(wave);
        for (const std::size_t vocabulary : {128'256u, 300'000u}) {
            for (const int kind : {0, 2, 3}) {
                const std::vector<float> logits = logitsOf(kind, vocabulary, random);
                SamplingSettings settings;
                settings.topK = kind == 0 ? 40 : 1024;
                settings.minP = 0.0f;
                Sampler sampler(settings, random());
                const Sampler::DeviceRequest request = sampler.deviceRequest();
                const std::optional<std::int32_t> got = gpu.sample(logits, request.penalties, request.params);
                QVERIFY2(got.has_value(), gpu.fault().c_str());
                QCOMPARE(*got, sampler.sample(logits).value());
            }
        }
    }

    /// The ends of the draw, which no seed would hit: 0 is the likeliest token, the largest number the last that has any weight.
    void drawReachesBothEnds_data() { addWaves(); }
    void drawReachesBothEnds() {
        QFETCH(int, wave);
        GpuSampler gpu(wave);
        constexpr std::uint64_t kLast = (std::uint64_t{1} << 53) - 1;
        const std::vector<float> logits{1.0f, 3.0f, 2.0f, 2.0f, -100.0f};
        QCOMPARE(gpu.sample(logits, {}, paramsFor(1.0f, 5, 0)).value(), 1);
        QCOMPARE(gpu.sample(logits, {}, paramsFor(1.0f, 5, kLast)).value(), 0);
        QCOMPARE(gpu.sample(logits, {}, paramsFor(1.0f, 3, kLast)).value(), 3);
        const std::vector<float> equal(1000, 1.0f);
        for (const int token : {0, 1, 499, 999}) {
            // The first draw that belongs to the token, and the one before.
            const std::uint64_t first = ((std::uint64_t(token) << 53) + 999) / 1000;
            QCOMPARE(gpu.sample(equal, {}, paramsFor(1.0f, 1000, first)).value(), token);
            if (token > 0) QCOMPARE(gpu.sample(equal, {}, paramsFor(1.0f, 1000, first - 1)).value(), token - 1);
        }
    }

    /// The search by digits: values that differ late in their bits, and more of the k-th value than the list can hold.
    void manyOfTheLastValueThatFits_data() { addWaves(); }
    void manyOfTheLastValueThatFits() {
        QFETCH(int, wave);
        std::mt19937 random(9);
        GpuSampler gpu(wave);
        std::vector<float> logits;
        logits.insert(logits.end(), 1000, 5.03f);
        logits.insert(logits.end(), 3500, 5.0f);
        logits.insert(logits.end(), 4500, 4.99f);
        for (const int topK : {900, 1000, 1001, 1024}) {
            std::ranges::shuffle(logits, random);
            std::vector<int> order(logits.size());
            std::iota(order.begin(), order.end(), 0);
            std::ranges::stable_sort(order, std::greater<>(), [&](int id) { return logits[std::size_t(id)]; });
            constexpr std::uint64_t kLast = (std::uint64_t{1} << 53) - 1;
            const std::optional<std::int32_t> got = gpu.sample(logits, {}, paramsFor(1.0f, topK, kLast));
            QVERIFY2(got.has_value(), gpu.fault().c_str());
            QCOMPARE(*got, order[std::size_t(topK - 1)]);
        }
        QCOMPARE(gpu.overflows(), 4);
    }

    void settingsThatNeedTheHostAreRefused() {
        const auto fits = [](auto&& change) {
            SamplingSettings settings;
            change(settings);
            return Sampler(settings, 1).fitsDevice();
        };
        QVERIFY(fits([](SamplingSettings&) {}));
        QVERIFY(fits([](SamplingSettings& s) { s.topK = 1024; }));
        QVERIFY(!fits([](SamplingSettings& s) { s.topK = 1025; }));
        QVERIFY(!fits([](SamplingSettings& s) { s.topK = 0; }));
        QVERIFY(!fits([](SamplingSettings& s) { s.typicalP = 0.9f; }));
        QVERIFY(!fits([](SamplingSettings& s) { s.xtcProbability = 0.5f; }));
        QVERIFY(!fits([](SamplingSettings& s) { s.dryMultiplier = 0.5f; }));
        // Greedy, only the penalties count.
        QVERIFY(fits([](SamplingSettings& s) { s.temperature = 0.0f, s.topK = 0, s.typicalP = 0.9f, s.xtcProbability = 0.5f; }));
        QVERIFY(!fits([](SamplingSettings& s) { s.temperature = 0.0f, s.dryMultiplier = 0.5f; }));
    }

    void weightIsTheExponential() {
        constexpr double kOne = 0x1p42;
        QCOMPARE(sampleWeight(0.0f), std::uint64_t{1} << 42);
        QCOMPARE(sampleWeight(-0.0f), std::uint64_t{1} << 42);
        for (const float far : {-31.0f, -1e4f, -3e38f, -kInfinity, kNan}) QCOMPARE(sampleWeight(far), std::uint64_t{0});
        std::uint64_t before = sampleWeight(0.0f);
        for (float x = -1e-9f; x > -32.0f; x = x * 1.0001f - 1e-7f) {
            const std::uint64_t weight = sampleWeight(x);
            QVERIFY(weight <= before); // never rises
            before = weight;
            const double expected = std::exp(static_cast<double>(x)) * kOne;
            QVERIFY2(std::abs(static_cast<double>(weight) - expected) <= 2e-8 * expected + 1.0, qPrintable(QString::number(double(x))));
        }
    }

    void sharesAndTargetsAreExact() {
        __extension__ using Wide = unsigned __int128;
        std::mt19937_64 random(3);
        for (int i = 0; i < 100'000; ++i) {
            const std::uint64_t total = random() >> (1 + random() % 60);
            const std::uint64_t topP = random() >> (32 + random() % 32);
            const std::uint64_t draw = random() >> (11 + (i % 3 == 0 ? random() % 53 : 0));
            QCOMPARE(sampleShare(total, topP), static_cast<std::uint64_t>((Wide(total) * topP + 0xffffffffu) >> 32));
            QCOMPARE(sampleTarget(total, draw), static_cast<std::uint64_t>((Wide(total) * draw) >> 53));
            if (total > 0) QVERIFY(sampleTarget(total, draw) < total);
        }
        QCOMPARE(sampleShare(std::uint64_t{1} << 62, kSampleWhole), std::uint64_t{1} << 62);
    }
};

QTEST_GUILESS_MAIN(SampleTest)
#include "sample_test.moc"
