// SPDX-License-Identifier: Apache-2.0
//
// HipBackend::sample as a back end's steps use it: every kind of logits and setting, in recorded steps and in others, chooses what
// core::Sampler chooses; one recording serves what only differs in its numbers; and what goes wrong is a status.
#include "sample_cases.h"
#include "test_backends.h"

#include "core/engine/sampler.h"
#include "tests/support/gpu_executor/executor_runtime.h"

#include <QTest>

#include <optional>
#include <set>

using namespace hearth;
using namespace hearth::kernels;
using core::Sampler;
using core::SamplingSettings;
using core::TokenId;
using test::GpuCall;

namespace {

constexpr TestDevice kDevices[] = {TestDevice::Executor32, TestDevice::Executor64, TestDevice::Gpu};
constexpr std::int32_t kMostLogits = 6000;

SampleRequest requestOf(const Sampler::DeviceRequest& device, std::int32_t vocabulary) {
    return {device.penalties, device.params, vocabulary};
}

/// Chooses in steps that are the same but for their numbers: one row of logits, one token.
class Chooser {
public:
    explicit Chooser(const TestBackend& on)
        : m_on(on)
        , m_logits(on, DType::F32, {1, 1, kMostLogits})
        , m_token(on, DType::I32, {1, 1, 1}) {}

    Status choose(const std::vector<float>& logits, const SampleRequest& request, std::int32_t& token) {
        // What lies behind the vocabulary is larger than all of it.
        std::vector<float> row(kMostLogits, 1e38f);
        std::ranges::copy(logits, row.begin());
        m_logits.write(std::as_bytes(std::span(row)));
        return chooseAgain(request, request, token);
    }
    /// Of the logits that are there.
    Status chooseAgain(const SampleRequest& announced, const SampleRequest& request, std::int32_t& token) {
        constexpr std::int32_t kFed[] = {7};
        m_on->beginStep({});
        const std::span<std::byte> results = std::as_writable_bytes(std::span(&token, 1));
        if (!m_on->replayStep({.signature = 1, .tokens = kFed, .firstPosition = m_step++ % 200, .results = results, .sampling = &announced})) {
            m_on->sample(m_token, m_logits, request);
            m_on->download(results, m_token);
        }
        return m_on->endStep();
    }

private:
    const TestBackend& m_on;
    DeviceTensor m_logits;
    DeviceTensor m_token;
    std::int32_t m_step = 0;
};

} // namespace

class HipSampleTest : public QObject {
    Q_OBJECT

private slots:
    void choosesWhatTheSamplerChooses_data() {
        QTest::addColumn<int>("device");
        QTest::addColumn<bool>("recorded");
        for (const TestDevice device : kDevices) {
            for (const bool recorded : {false, true}) QTest::addRow("%s, %s", deviceName(device), recorded ? "recorded" : "launched") << int(device) << recorded;
        }
    }
    void choosesWhatTheSamplerChooses() {
        QFETCH(int, device);
        QFETCH(bool, recorded);
        const TestBackend on(static_cast<TestDevice>(device), recorded ? Recording::On : Recording::Off);
        if (!on.present()) QSKIP(on.absence().c_str());
        QVERIFY(on->samples());
        std::mt19937 random(21);
        Chooser chooser(on);
        std::set<std::int32_t> tokens;
        // Few vocabularies and settings with every kind of logits, so that recordings are used again, in an order that mixes them.
        std::vector<Sampler> samplers;
        for (int i = 0; i < 12; ++i) {
            Sampler& sampler = samplers.emplace_back(test::randomSettings(random), random());
            for (unsigned history = random() % 300; history > 0; --history) sampler.accept(static_cast<TokenId>(random() % 700));
        }
        for (int round = 0; round < 400; ++round) {
            const std::int32_t vocabulary = std::array{1, 333, 5003, kMostLogits}[random() % 4];
            const std::vector<float> logits = test::logitsOf(round % test::kKindCount, static_cast<std::size_t>(vocabulary), random);
            Sampler& sampler = samplers[random() % samplers.size()];
            const Sampler::DeviceRequest request = sampler.deviceRequest();
            const std::int32_t expected = sampler.sample(logits).value_or(-1);
            std::int32_t token = -2;
            const Status status = chooser.choose(logits, requestOf(request, vocabulary), token);
            QVERIFY2(status.ok(), status.place);
            QCOMPARE(token, expected);
            tokens.insert(token);
            // The list grows beyond what there was room for.
            for (int i = 0; i < 3; ++i) sampler.accept(static_cast<TokenId>(random() % 5000));
        }
        QVERIFY(tokens.size() > 100);
        if (!on.isExecutor()) return;
        QCOMPARE(on.executor().calls(GpuCall::LaunchGraph), std::uint64_t{recorded ? 400u : 0u});
        QVERIFY(on.executor().calls(GpuCall::BeginCapture) < 200);
    }

    void oneRecordingServesAWholeReply() {
        const TestBackend on(TestDevice::Executor32, Recording::On);
        std::mt19937 random(22);
        Chooser chooser(on);
        SamplingSettings settings;
        settings.repeatPenalty = 1.2f;
        Sampler sampler(settings, 5);
        for (int i = 0; i < 50; ++i) {
            sampler.accept(i);
            const std::vector<float> logits = test::logitsOf(0, 1000, random);
            const Sampler::DeviceRequest request = sampler.deviceRequest();
            std::int32_t token = -2;
            QVERIFY(chooser.choose(logits, requestOf(request, 1000), token).ok());
            QCOMPARE(token, sampler.sample(logits).value());
        }
        QCOMPARE(on.executor().calls(GpuCall::BeginCapture), std::uint64_t{1});
        QCOMPARE(on.executor().calls(GpuCall::LaunchGraph), std::uint64_t{50});
    }

    void whatDoesNotFitIsRefused_data() {
        QTest::addColumn<bool>("recorded");
        QTest::newRow("launched") << false;
        QTest::newRow("recorded") << true;
    }
    void whatDoesNotFitIsRefused() {
        QFETCH(bool, recorded);
        const TestBackend on(TestDevice::Executor64, recorded ? Recording::On : Recording::Off);
        Chooser chooser(on);
        const std::vector<float> logits(100, 1.0f);
        const std::array penalties{TokenPenalty{1, 1.0f}};
        SampleRequest good;
        good.params.temperature = 1.0f;
        good.params.topK = 5;
        good.params.draw = 0;
        good.vocabulary = 100;
        const auto refused = [&](auto&& change) {
            SampleRequest request = good;
            change(request);
            std::int32_t token = -2;
            const bool was = chooser.choose(logits, request, token).code == StatusCode::InvalidShape && token == -2;
            // The next choice is as good as ever.
            return was && chooser.choose(logits, good, token).ok() && token == 0;
        };
        QVERIFY(refused([](SampleRequest& r) { r.params.topK = 0; }));
        QVERIFY(refused([](SampleRequest& r) { r.params.topK = kSampleMostK + 1; }));
        QVERIFY(refused([](SampleRequest& r) { r.params.temperature = test::kNan; }));
        QVERIFY(refused([](SampleRequest& r) { r.vocabulary = 0; }));
        QVERIFY(refused([](SampleRequest& r) { r.vocabulary = kMostLogits + 1; }));
        QVERIFY(refused([&](SampleRequest& r) { r.penalties = penalties; }));
        QVERIFY(refused([](SampleRequest& r) { r.params.penalties = 1; }));
        if (!recorded) return;
        // Recorded under one choice and made by another: the recording would take the other's numbers.
        SampleRequest other = good;
        other.vocabulary = 50;
        std::int32_t token = -2;
        QCOMPARE(int(chooser.chooseAgain(other, good, token).code), int(StatusCode::InvalidShape));
        QCOMPARE(token, -2);
    }

    /// Each allocation that a choice makes fails once, also the ones for a longer list in mid-reply.
    void memoryThatIsNotThereIsAStatus_data() {
        QTest::addColumn<bool>("recorded");
        QTest::newRow("launched") << false;
        QTest::newRow("recorded") << true;
    }
    void memoryThatIsNotThereIsAStatus() {
        QFETCH(bool, recorded);
        for (const GpuCall call : {GpuCall::Allocate, GpuCall::AllocatePinned}) {
            int failures = 0;
            for (std::uint64_t n = 0;; ++n) {
                const TestBackend on(TestDevice::Executor32, recorded ? Recording::On : Recording::Off);
                Chooser chooser(on);
                const std::vector<float> logits(100, 1.0f);
                on.executor().failCall(call, n, GpuError::OutOfMemory);
                int here = 0;
                for (const int listed : {0, 3, 70, 500}) {
                    std::vector<TokenPenalty> penalties;
                    for (int i = 0; i < listed; ++i) penalties.push_back({i, 1.0f});
                    SampleRequest request{.penalties = penalties, .params = {}, .vocabulary = 100};
                    request.params.penalties = listed;
                    std::int32_t token = -2;
                    Status status = chooser.choose(logits, request, token);
                    if (!status.ok()) {
                        ++here;
                        QCOMPARE(int(status.code), int(StatusCode::OutOfMemory));
                        status = chooser.choose(logits, request, token);
                        QVERIFY2(status.ok(), status.place);
                    }
                    QCOMPARE(token, listed < 100 ? listed : 0);
                }
                failures += here;
                if (here == 0) break; // the n-th was never asked for
            }
            QVERIFY(failures >= 3);
        }
    }
};

QTEST_GUILESS_MAIN(HipSampleTest)
#include "hip_sample_test.moc"
