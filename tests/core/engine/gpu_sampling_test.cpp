// SPDX-License-Identifier: Apache-2.0
//
// Replies whose tokens the GPU chooses: the whole engine on HipBackend, its kernels on the executor with both wave sizes (and on a real GPU
// with HEARTH_TEST_GPU=1), in recorded steps and in others. The judge is the same engine on the same back end, told to sample on the CPU.
#include "core/base/log.h"
#include "core/engine/sampler.h"
#include "kernels/hip/hip_backend.h"
#include "tests/core/engine/engine_test_support.h"
#include "tests/kernels/test_backends.h"
#include "tests/support/fake_gpus.h"
#include "tests/support/gpu_executor/executor_runtime.h"
#include "tests/support/gpu_executor/executor_tables.h"
#include "tests/support/tiny_model.h"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>
#include <functional>
#include <limits>
#include <set>

using namespace hearth;
using namespace hearth::test;
using core::FinishReason;
using core::SamplingSettings;
using kernels::GpuError;
using kernels::Recording;
using kernels::TestDevice;

namespace {

/// The GPU of the test: one device, back ends on `runtime`, or on a real card where it is null.
class OneGpu final : public core::GpuAccess {
public:
    OneGpu(ExecutorRuntime* runtime, Recording recording)
        : m_runtime(runtime)
        , m_recording(recording) {}

    core::Result<core::DeviceList> list(std::string_view wanted, std::stop_token) override {
        core::GpuProbe probe;
        if (!m_avoided) probe.devices.push_back(fakeGpu());
        return core::makeDeviceList({.cpuName = "Test CPU", .cpuPath = "AVX2"}, probe, wanted);
    }
    std::unique_ptr<kernels::Backend> open(const core::Device&, kernels::Status& status) override {
        std::string absence;
        if (m_runtime == nullptr) return kernels::openRealGpu(absence);
        return createHipBackend(*m_runtime, m_runtime->codeObject(), {.weightSlabBytes = 0, .recordSteps = m_recording == Recording::On}, status);
    }
    std::uint64_t freeMemory(const core::Device&) override { return std::uint64_t{4} << 30; }
    void close() override {}
    void avoid(const std::string&, core::GpuReason) override { m_avoided = true; }
    void tryAgain() override { m_avoided = false; }

private:
    ExecutorRuntime* m_runtime;
    Recording m_recording;
    bool m_avoided = false;
};

/// An engine with a model on such a GPU.
class GpuEngine {
public:
    GpuEngine(TestDevice device, Recording recording, bool sampleOnGpu) {
        if (device == TestDevice::Gpu) {
            if (kernels::openRealGpu(m_absence) == nullptr) return;
        } else {
            m_runtime = std::make_unique<ExecutorRuntime>(device == TestDevice::Executor32 ? hearth_executor::hearth_executor_kernels_wave32()
                                                                                           : hearth_executor::hearth_executor_kernels_wave64());
        }
        core::EngineOptions options;
        options.gpus = [runtime = m_runtime.get(), recording] { return std::make_unique<OneGpu>(runtime, recording); };
        options.sampleOnGpu = sampleOnGpu;
        m_engine = std::make_unique<core::Engine>(options);
    }
    ~GpuEngine() {
        m_engine.reset();
        if (m_runtime != nullptr && !m_runtime->fault().empty()) QTest::qFail(m_runtime->fault().c_str(), __FILE__, __LINE__);
    }
    GpuEngine(const GpuEngine&) = delete;
    GpuEngine& operator=(const GpuEngine&) = delete;

    [[nodiscard]] const std::string& absence() const { return m_absence; } ///< not empty: there is no such GPU here
    [[nodiscard]] bool loads(const std::filesystem::path& path, std::int32_t gpuLayers = -1) {
        const auto info = m_engine->load({.path = path.string(), .contextLength = 512, .threads = 1, .device = {}, .gpuLayers = gpuLayers}, {}, {});
        return info && info->backend == "GPU";
    }
    [[nodiscard]] core::Engine& engine() { return *m_engine; }
    [[nodiscard]] ExecutorRuntime& runtime() { return *m_runtime; }

private:
    std::string m_absence;
    std::unique_ptr<ExecutorRuntime> m_runtime;
    std::unique_ptr<core::Engine> m_engine;
};

core::GenerationRequest drawn(const std::function<void(SamplingSettings&)>& change, std::int32_t maxTokens = 12) {
    core::GenerationRequest asked = request({fromUser("tell me of the water and the stone")}, maxTokens);
    asked.sampling = {.temperature = 1.0f, .topK = 40, .topP = 1.0f, .minP = 0.0f, .seed = 11};
    if (change) change(asked.sampling);
    return asked;
}

struct Setting {
    const char* name;
    bool fits; ///< the GPU can do it
    std::function<void(SamplingSettings&)> change;
};

/// One reply after another with all of these, so that each follows on settings of another kind.
std::vector<Setting> settingsGrid() {
    return {
        {"greedy", true, [](SamplingSettings& s) { s.temperature = 0.0f; }},
        {"temperature 1", true, {}},
        {"as delivered", true, [](SamplingSettings& s) { s = {.seed = 3}; }},
        {"hot", true, [](SamplingSettings& s) { s.temperature = 2.5f, s.topK = 1024; }},
        {"cold", true, [](SamplingSettings& s) { s.temperature = 0.01f; }},
        {"top-k off", false, [](SamplingSettings& s) { s.topK = 0; }},
        {"top-k 1", true, [](SamplingSettings& s) { s.topK = 1; }},
        {"top-k 3", true, [](SamplingSettings& s) { s.topK = 3; }},
        {"top-k beyond the GPU's", false, [](SamplingSettings& s) { s.topK = 1025; }},
        {"top-p", true, [](SamplingSettings& s) { s.topP = 0.6f; }},
        {"top-p 0", true, [](SamplingSettings& s) { s.topP = 0.0f; }},
        {"min-p", true, [](SamplingSettings& s) { s.minP = 0.3f; }},
        {"repetition", true, [](SamplingSettings& s) { s.repeatPenalty = 1.5f; }},
        {"repetition, greedy", true, [](SamplingSettings& s) { s.temperature = 0.0f, s.repeatPenalty = 1.5f; }},
        {"presence over everything", true, [](SamplingSettings& s) { s.presencePenalty = 2.0f, s.penaltyWindow = -1; }},
        {"frequency", true, [](SamplingSettings& s) { s.frequencyPenalty = 1.5f; }},
        {"an empty window", true, [](SamplingSettings& s) { s.frequencyPenalty = 1.5f, s.penaltyWindow = 0; }},
        {"all at once", true, [](SamplingSettings& s) { s = {.temperature = 1.3f, .topK = 100, .topP = 0.95f, .minP = 0.02f, .repeatPenalty = 1.1f, .frequencyPenalty = 0.2f, .presencePenalty = 0.3f, .seed = 9}; }},
        {"typical", false, [](SamplingSettings& s) { s.typicalP = 0.8f; }},
        {"XTC", false, [](SamplingSettings& s) { s.xtcProbability = 0.5f; }},
        {"DRY", false, [](SamplingSettings& s) { s.dryMultiplier = 0.8f; }},
        {"not a number", false, [](SamplingSettings& s) { s.temperature = std::numeric_limits<float>::quiet_NaN(); }},
        {"greedy again", true, [](SamplingSettings& s) { s.temperature = 0.0f; }},
    };
}

void addDevices() {
    QTest::addColumn<int>("device");
    QTest::addColumn<bool>("recorded");
    for (const TestDevice device : {TestDevice::Executor32, TestDevice::Executor64, TestDevice::Gpu}) {
        for (const bool recorded : {true, false}) {
            if (device != TestDevice::Executor32 && !recorded) continue; // the module always records
            QTest::addRow("%s, %s", kernels::deviceName(device), recorded ? "recorded" : "launched") << int(device) << recorded;
        }
    }
}

} // namespace

/// In a test with addDevices(): two engines, of which the second samples on the CPU, with the model loaded.
#define ENGINES_OR_SKIP(path)                                                                                                \
    QFETCH(int, device);                                                                                                     \
    QFETCH(bool, recorded);                                                                                                  \
    GpuEngine onGpu(static_cast<TestDevice>(device), recorded ? Recording::On : Recording::Off, true);                       \
    if (!onGpu.absence().empty()) QSKIP(onGpu.absence().c_str());                                                            \
    GpuEngine onCpu(static_cast<TestDevice>(device), recorded ? Recording::On : Recording::Off, false);                      \
    QVERIFY(onGpu.loads(path) && onCpu.loads(path))

class GpuSamplingTest : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_folder;
    std::filesystem::path m_model;

private slots:
    void initTestCase() {
        spdlog::set_level(spdlog::level::off);
        m_model = writeTinyModel(m_folder.path().toStdString(), {.name = "Drawing", .layers = 1});
    }

    void everySettingGivesTheSameReply_data() { addDevices(); }
    void everySettingGivesTheSameReply() {
        ENGINES_OR_SKIP(m_model);
        std::set<std::string> texts;
        for (const Setting& setting : settingsGrid()) {
            const core::GenerationRequest asked = drawn(setting.change, 8);
            const Reply expected = ask(onCpu.engine(), asked);
            const Reply reply = ask(onGpu.engine(), asked);
            QVERIFY2(expected.ok() && reply.ok(), setting.name);
            QVERIFY2(reply.text == expected.text, setting.name);
            QCOMPARE(reply.reason(), expected.reason());
            QCOMPARE(reply.stats().generatedTokens, expected.stats().generatedTokens);
            QCOMPARE(reply.stats().contextUsed, expected.stats().contextUsed);
            QVERIFY2(reply.stats().gpuChosenTokens == (setting.fits ? reply.stats().generatedTokens : 0), setting.name);
            QCOMPARE(expected.stats().gpuChosenTokens, 0);
            QVERIFY(reply.result->notices.empty());
            texts.insert(reply.text);
        }
        QVERIFY(texts.size() > 10); // the settings matter
    }

    /// The same, from the first token, for seeds and a conversation that goes on.
    void aConversationIsTheSame_data() { addDevices(); }
    void aConversationIsTheSame() {
        ENGINES_OR_SKIP(m_model);
        core::GenerationRequest asked = drawn([](SamplingSettings& s) { s.repeatPenalty = 1.2f, s.topP = 0.9f; }, 10);
        for (int turn = 0; turn < 3; ++turn) {
            asked.sampling.seed = 100 + turn;
            const Reply expected = ask(onCpu.engine(), asked);
            const Reply reply = ask(onGpu.engine(), asked);
            QVERIFY(expected.ok() && reply.ok());
            QCOMPARE(reply.text, expected.text);
            QCOMPARE(reply.stats().cachedTokens, expected.stats().cachedTokens);
            QVERIFY(turn == 0 || reply.stats().cachedTokens > 0);
            QCOMPARE(reply.stats().gpuChosenTokens, reply.stats().generatedTokens);
            asked.messages.push_back(fromAssistant(reply.text));
            asked.messages.push_back(fromUser("and then?"));
        }
    }

    void stopStringsAndCancelEndTheReplyAtTheSameToken_data() { addDevices(); }
    void stopStringsAndCancelEndTheReplyAtTheSameToken() {
        ENGINES_OR_SKIP(m_model);
        const core::GenerationRequest whole = drawn({}, 16);
        const Reply undisturbed = ask(onGpu.engine(), whole);
        QVERIFY(undisturbed.ok() && undisturbed.text.size() > 20);

        core::GenerationRequest stopped = whole;
        stopped.stops = {undisturbed.text.substr(undisturbed.text.size() / 2, 4)};
        const Reply expected = ask(onCpu.engine(), stopped);
        const Reply reply = ask(onGpu.engine(), stopped);
        QVERIFY(expected.ok() && reply.ok());
        QCOMPARE(reply.reason(), code(FinishReason::StopString));
        QCOMPARE(reply.text, expected.text);
        QCOMPARE(reply.stats().generatedTokens, expected.stats().generatedTokens);
        QCOMPARE(reply.stats().contextUsed, expected.stats().contextUsed);

        for (const int pieces : {1, 3}) {
            std::stop_source stop;
            Reply cancelled;
            int seen = 0;
            cancelled = ask(onGpu.engine(), whole, stop.get_token(), {.promptProgress = {}, .text = [&](std::string_view) { if (++seen == pieces) stop.request_stop(); }});
            QVERIFY(cancelled.ok());
            QCOMPARE(cancelled.reason(), code(FinishReason::Cancelled));
            QVERIFY(undisturbed.text.starts_with(cancelled.text) && cancelled.text.size() < undisturbed.text.size());
            QCOMPARE(ask(onGpu.engine(), whole).text, undisturbed.text); // and the next one starts anew
        }
    }

    void benchmarkStepsChooseWhatAReplyChooses_data() { addDevices(); }
    void benchmarkStepsChooseWhatAReplyChooses() {
        ENGINES_OR_SKIP(m_model);
        const std::vector<core::TokenId> ids{1, 40, 50, 60};
        SamplingSettings settings;
        core::Sampler gpuSampler(settings, 4);
        core::Sampler cpuSampler(settings, 4);
        QVERIFY(onGpu.engine().choosesOnGpu(gpuSampler));
        QVERIFY(!onCpu.engine().choosesOnGpu(cpuSampler));
        QVERIFY(onGpu.engine().prefill(ids) && onCpu.engine().prefill(ids));
        core::TokenId token = 70;
        for (int i = 0; i < 8; ++i) {
            const auto onTheGpu = onGpu.engine().chooseStep(token, gpuSampler);
            const auto onTheCpu = onCpu.engine().chooseStep(token, cpuSampler);
            QVERIFY(onTheGpu && onTheCpu);
            QCOMPARE(*onTheGpu, *onTheCpu);
            token = *onTheGpu;
        }
    }

    void aModelWithoutFiniteNumbersIsNoFailureOfTheGpu_data() { addDevices(); }
    void aModelWithoutFiniteNumbersIsNoFailureOfTheGpu() {
        const std::filesystem::path path = writeTinyModel(m_folder.path().toStdString(), {.name = "Damaged", .layers = 1});
        {
            const auto file = core::GgufFile::open(path);
            QVERIFY(file.has_value());
            const core::GgufTensor* norm = file->findTensor("output_norm.weight");
            QVERIFY(norm != nullptr && norm->dtype == kernels::DType::F32);
            const std::vector<float> nothing(norm->byteSize / sizeof(float), std::numeric_limits<float>::quiet_NaN());
            std::fstream bytes(path, std::ios::binary | std::ios::in | std::ios::out);
            bytes.seekp(static_cast<std::streamoff>(norm->offset));
            bytes.write(reinterpret_cast<const char*>(nothing.data()), static_cast<std::streamsize>(norm->byteSize));
        }
        ENGINES_OR_SKIP(path);
        for (const float temperature : {0.0f, 1.0f}) {
            const auto asked = drawn([=](SamplingSettings& s) { s.temperature = temperature; });
            for (GpuEngine* each : {&onGpu, &onCpu}) {
                const Reply reply = ask(each->engine(), asked);
                QCOMPARE(reply.error(), code(core::ErrorCode::MalformedFile));
                QVERIFY(reply.text.empty());
            }
        }
    }

    /// With the output on the CPU there is nothing to choose from on the GPU; with layers on both and the output there, there is.
    void theOutputDecidesWhoChooses() {
        const std::filesystem::path path = writeTinyModel(m_folder.path().toStdString(), {.name = "Split", .layers = 2});
        GpuEngine split(TestDevice::Executor32, Recording::On, true);
        QVERIFY(split.loads(path, 1));
        const Reply reply = ask(split.engine(), drawn({}));
        QVERIFY(reply.ok());
        QCOMPARE(reply.stats().gpuChosenTokens, 0);
        GpuEngine whole(TestDevice::Executor32, Recording::On, true);
        QVERIFY(whole.loads(path, 2));
        const Reply all = ask(whole.engine(), drawn({}));
        QVERIFY(all.ok());
        QCOMPARE(all.stats().gpuChosenTokens, all.stats().generatedTokens);
    }

    /// Lost at each call of some kinds, from the prompt to the last token: the CPU carries on from what was said.
    void aLostDeviceHandsTheReplyToTheCpu_data() {
        QTest::addColumn<int>("call");
        QTest::newRow("launching a recorded step") << int(GpuCall::LaunchGraph);
        QTest::newRow("copying") << int(GpuCall::CopyToHost);
        QTest::newRow("launching") << int(GpuCall::Launch);
        QTest::newRow("recording") << int(GpuCall::BeginCapture);
        QTest::newRow("waiting") << int(GpuCall::Query);
        QTest::newRow("pinned memory") << int(GpuCall::AllocatePinned);
    }
    void aLostDeviceHandsTheReplyToTheCpu() {
        QFETCH(int, call);
        const auto asked = drawn([](SamplingSettings& s) { s.repeatPenalty = 1.2f; });
        GpuEngine whole(TestDevice::Executor32, Recording::On, true);
        QVERIFY(whole.loads(m_model));
        const std::uint64_t before = whole.runtime().calls(static_cast<GpuCall>(call));
        const Reply undisturbed = ask(whole.engine(), asked);
        const std::uint64_t calls = whole.runtime().calls(static_cast<GpuCall>(call)) - before;
        QVERIFY(undisturbed.ok() && calls > 0);
        int mixed = 0;
        for (std::uint64_t n = 0; n < calls; n += std::max<std::uint64_t>(calls / 7, 1)) {
            GpuEngine failing(TestDevice::Executor32, Recording::On, true);
            QVERIFY(failing.loads(m_model));
            failing.runtime().failCall(static_cast<GpuCall>(call), n, GpuError::DeviceLost);
            std::string textAtChange;
            std::string text;
            core::GenerationEvents events;
            events.text = [&](std::string_view piece) { text += piece; };
            int changes = 0;
            events.backendChanged = [&](const core::ModelInfo& info) {
                textAtChange = text;
                changes += info.backend == "CPU" ? 1 : 0;
            };
            const auto result = failing.engine().generate(asked, events, {});
            QVERIFY2(result.has_value(), result ? "" : result.error().message.c_str());
            QCOMPARE(changes, 1);
            QCOMPARE(result->notices.size(), std::size_t{1});
            QVERIFY(undisturbed.text.starts_with(textAtChange));
            QVERIFY(text.size() > textAtChange.size());
            QVERIFY(result->stats.gpuChosenTokens < result->stats.generatedTokens);
            mixed += result->stats.gpuChosenTokens > 0 ? 1 : 0;
        }
        if (call == int(GpuCall::LaunchGraph) || call == int(GpuCall::Query)) QVERIFY(mixed >= 4);
    }
};

QTEST_GUILESS_MAIN(GpuSamplingTest)
#include "gpu_sampling_test.moc"
