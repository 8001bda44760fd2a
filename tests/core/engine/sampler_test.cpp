// SPDX-License-Identifier: Apache-2.0
//
// Sampler: every link of the chain against figures worked out by hand, and the draw against its distribution.
#include "core/engine/sampler.h"

#include <QTest>

#include <cmath>
#include <limits>
#include <map>
#include <set>

using namespace hearth::core;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Everything off: draws from the softmax itself.
SamplingSettings plain(float temperature = 1.0f) {
    SamplingSettings settings;
    settings.temperature = temperature;
    settings.topK = 0;
    settings.topP = 1.0f;
    settings.minP = 0.0f;
    return settings;
}

std::vector<float> logitsOf(std::initializer_list<double> probabilities) {
    std::vector<float> logits;
    for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
    return logits;
}

/// How often each token is drawn in `draws` draws of one sampler.
std::map<TokenId, int> histogram(Sampler sampler, const std::vector<float>& logits, int draws) {
    std::map<TokenId, int> counts;
    for (int i = 0; i < draws; ++i) ++counts[sampler.sample(logits).value()];
    return counts;
}

std::set<TokenId> drawn(const SamplingSettings& settings, const std::vector<float>& logits, int draws = 2000) {
    std::set<TokenId> ids;
    for (const auto& [id, count] : histogram(Sampler(settings, 7), logits, draws)) ids.insert(id);
    return ids;
}

} // namespace

class SamplerTest : public QObject {
    Q_OBJECT

private slots:
    void temperatureZero_isArgmaxAndLowestIdOnTies() {
        Sampler sampler(plain(0.0f), 1);
        QCOMPARE(sampler.sample(std::vector<float>{0.0f, 3.0f, 3.0f, -1.0f}).value(), 1);
        QCOMPARE(sampler.sample(std::vector<float>{-5.0f, -4.0f}).value(), 1);
        QCOMPARE(sampler.sample(std::vector<float>{9.0f, 1.0f}).value(), 0);
    }

    void notFiniteLogits_areNeverChosen() {
        const std::vector<float> logits{NAN, -kInfinity, 0.5f, NAN};
        for (const float temperature : {0.0f, 1.0f}) QCOMPARE(Sampler(plain(temperature), 1).sample(logits).value(), 2);
        const std::vector<float> none{NAN, -kInfinity};
        for (const float temperature : {0.0f, 1.0f}) QVERIFY(!Sampler(plain(temperature), 1).sample(none).has_value());
    }

    void sameSeed_drawsTheSame() {
        const std::vector<float> logits = logitsOf({0.2, 0.2, 0.2, 0.2, 0.2});
        Sampler a(plain(), 42);
        Sampler b(plain(), 42);
        Sampler other(plain(), 43);
        int different = 0;
        for (int i = 0; i < 200; ++i) {
            const TokenId token = a.sample(logits).value();
            QCOMPARE(b.sample(logits).value(), token);
            different += other.sample(logits).value() != token;
        }
        QVERIFY(different > 100);
    }

    void draw_followsTheDistribution() {
        const auto counts = histogram(Sampler(plain(), 3), logitsOf({0.5, 0.3, 0.2}), 30000);
        // Four standard deviations of a binomial of 30,000 draws are under 0.012.
        QVERIFY(std::abs(counts.at(0) / 30000.0 - 0.5) < 0.012);
        QVERIFY(std::abs(counts.at(1) / 30000.0 - 0.3) < 0.012);
        QVERIFY(std::abs(counts.at(2) / 30000.0 - 0.2) < 0.012);
    }

    void temperature_sharpensAndFlattens() {
        // p^(1/T): at T = 0.5 the odds 0.8 : 0.2 become 16 : 1.
        const auto cold = histogram(Sampler(plain(0.5f), 3), logitsOf({0.8, 0.2}), 30000);
        QVERIFY(std::abs(cold.at(1) / 30000.0 - 1.0 / 17.0) < 0.01);
        // At T = 2 they become 2 : 1.
        const auto hot = histogram(Sampler(plain(2.0f), 3), logitsOf({0.8, 0.2}), 30000);
        QVERIFY(std::abs(hot.at(1) / 30000.0 - 1.0 / 3.0) < 0.012);
    }

    void filters_keepExactlyTheRightTokens_data() {
        QTest::addColumn<int>("topK");
        QTest::addColumn<float>("topP");
        QTest::addColumn<float>("minP");
        QTest::addColumn<float>("typicalP");
        QTest::addColumn<QList<int>>("kept");
        // Of the probabilities 0.1, 0.4, 0.05, 0.3, 0.15.
        QTest::newRow("nothing") << 0 << 1.0f << 0.0f << 1.0f << QList<int>{0, 1, 2, 3, 4};
        QTest::newRow("top-k 1") << 1 << 1.0f << 0.0f << 1.0f << QList<int>{1};
        QTest::newRow("top-k 3") << 3 << 1.0f << 0.0f << 1.0f << QList<int>{1, 3, 4};
        QTest::newRow("top-k beyond") << 99 << 1.0f << 0.0f << 1.0f << QList<int>{0, 1, 2, 3, 4};
        QTest::newRow("top-p 0.6") << 0 << 0.6f << 0.0f << 1.0f << QList<int>{1, 3};
        QTest::newRow("top-p 0.8") << 0 << 0.8f << 0.0f << 1.0f << QList<int>{1, 3, 4};
        QTest::newRow("top-p 0 keeps one") << 0 << 0.0f << 0.0f << 1.0f << QList<int>{1};
        QTest::newRow("min-p 0.3") << 0 << 1.0f << 0.3f << 1.0f << QList<int>{1, 3, 4};
        QTest::newRow("min-p 1") << 0 << 1.0f << 1.0f << 1.0f << QList<int>{1};
        // Entropy 1.393 nats; surprises 2.303, 0.916, 2.996, 1.204, 1.897: nearest are token 3, then 1, then 4.
        QTest::newRow("typical 0.2") << 0 << 1.0f << 0.0f << 0.2f << QList<int>{3};
        QTest::newRow("typical 0.6") << 0 << 1.0f << 0.0f << 0.6f << QList<int>{1, 3};
        QTest::newRow("top-k 3, top-p 0.8 of what remains") << 3 << 0.8f << 0.0f << 1.0f << QList<int>{1, 3};
    }
    void filters_keepExactlyTheRightTokens() {
        QFETCH(int, topK);
        QFETCH(float, topP);
        QFETCH(float, minP);
        QFETCH(float, typicalP);
        QFETCH(QList<int>, kept);
        SamplingSettings settings = plain();
        settings.topK = topK;
        settings.topP = topP;
        settings.minP = minP;
        settings.typicalP = typicalP;
        const auto ids = drawn(settings, logitsOf({0.1, 0.4, 0.05, 0.3, 0.15}));
        QCOMPARE(QList<int>(ids.begin(), ids.end()), kept);
    }

    void topP_overALargeVocabularyEqualsAFullSort() {
        std::vector<float> logits(50'000);
        for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(std::sin(static_cast<double>(i) * 12.9898) * 3.0);
        std::vector<std::pair<float, TokenId>> sorted;
        double sum = 0.0;
        for (std::size_t i = 0; i < logits.size(); ++i) {
            sorted.emplace_back(-logits[i], static_cast<TokenId>(i));
            sum += std::exp(logits[i]);
        }
        std::sort(sorted.begin(), sorted.end());
        std::set<TokenId> nucleus;
        double cumulative = 0.0;
        for (const auto& [negative, id] : sorted) {
            nucleus.insert(id);
            cumulative += std::exp(-negative) / sum;
            if (cumulative >= 0.3) break;
        }
        QVERIFY(nucleus.size() > 256); // more than the first head that is selected
        SamplingSettings settings = plain();
        settings.topP = 0.3f;
        for (const TokenId id : drawn(settings, logits, 100)) QVERIFY(nucleus.contains(id));
    }

    void repeatPenalty_dividesPositiveAndMultipliesNegative() {
        SamplingSettings settings = plain(0.0f);
        settings.repeatPenalty = 2.0f;
        Sampler sampler(settings, 1);
        sampler.accept(0);
        QCOMPARE(sampler.sample(std::vector<float>{1.9f, 1.0f}).value(), 1); // 0.95 < 1.0
        QCOMPARE(sampler.sample(std::vector<float>{2.1f, 1.0f}).value(), 0);
        QCOMPARE(sampler.sample(std::vector<float>{-0.6f, -1.0f}).value(), 1); // -1.2 < -1.0
    }

    void frequencyAndPresence_countWithinTheWindow() {
        SamplingSettings settings = plain(0.0f);
        settings.frequencyPenalty = 1.0f;
        settings.penaltyWindow = 3;
        Sampler sampler(settings, 1);
        sampler.accept(std::vector<TokenId>{0, 0, 0, 1, 1});
        // In the window: 0 once, 1 twice.
        QCOMPARE(sampler.sample(std::vector<float>{2.5f, 3.0f, 0.0f}).value(), 0); // 1.5 against 1.0
        settings.frequencyPenalty = 0.0f;
        settings.presencePenalty = 1.0f;
        Sampler presence(settings, 1);
        presence.accept(std::vector<TokenId>{0, 0, 0, 1, 1});
        QCOMPARE(presence.sample(std::vector<float>{2.5f, 3.0f, 0.0f}).value(), 1); // 1.5 against 2.0
    }

    void dry_punishesWhatWouldExtendARepetition() {
        SamplingSettings settings = plain(0.0f);
        settings.dryMultiplier = 1.0f;
        settings.dryBase = 2.0f;
        settings.dryAllowedLength = 2;
        const std::vector<float> logits{0.0f, 0.0f, 0.0f, 0.0f, 5.0f, 4.5f};
        // 1 2 3 4 ... 1 2 3: next 4 would extend a repetition of 3, punished by 2^(3-2) = 2.
        Sampler sampler(settings, 1);
        sampler.accept(std::vector<TokenId>{1, 2, 3, 4, 0, 1, 2, 3});
        QCOMPARE(sampler.sample(logits).value(), 5);
        // A repetition shorter than allowed is free.
        Sampler shorter(settings, 1);
        shorter.accept(std::vector<TokenId>{1, 3, 4, 0, 2, 3});
        QCOMPARE(shorter.sample(logits).value(), 4);
        // A breaker inside the repetition ends it.
        Sampler broken(settings, 1, {2});
        broken.accept(std::vector<TokenId>{1, 2, 3, 4, 0, 1, 2, 3});
        QCOMPARE(broken.sample(logits).value(), 4);
    }

    void xtc_dropsAllButTheLeastLikelyOfTheLikely() {
        SamplingSettings settings = plain();
        settings.xtcProbability = 1.0f;
        settings.xtcThreshold = 0.2f;
        const auto ids = drawn(settings, logitsOf({0.45, 0.3, 0.2000001, 0.05}));
        QCOMPARE(ids, (std::set<TokenId>{2, 3}));
    }
};

QTEST_GUILESS_MAIN(SamplerTest)
#include "sampler_test.moc"
