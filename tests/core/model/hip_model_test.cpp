// SPDX-License-Identifier: Apache-2.0
//
// Whole models on the GPU back end, its kernels on the executor with both wave sizes (and on a real GPU with HEARTH_TEST_GPU=1): exact logits
// for prompts (matrix tiles), few rows, and single tokens in recorded steps; the same bits with and without recording; and what happens when
// the device fails in the middle.
#include "core/model/model.h"
#include "tests/core/model/arch_models.h"
#include "tests/core/model/generated_models.h"
#include "tests/core/model/logit_distance.h"
#include "tests/kernels/test_backends.h"
#include "tests/support/gpu_executor/executor_runtime.h"

#include <QTemporaryDir>
#include <QTest>

#include <nlohmann/json.hpp>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

using namespace hearth;
using core::ErrorCode;
using core::GgufFile;
using core::LogitsWanted;
using core::Model;
using kernels::GpuError;
using kernels::Recording;
using kernels::TestBackend;
using kernels::TestDevice;
using test::GpuCall;

namespace {

constexpr TestDevice kDevices[] = {TestDevice::Executor32, TestDevice::Executor64, TestDevice::Gpu};
const std::filesystem::path kModels = HEARTH_TEST_DATA "/models";

void addDevices() {
    QTest::addColumn<int>("device");
    for (const TestDevice device : kDevices) QTest::newRow(kernels::deviceName(device)) << int(device);
}

std::unique_ptr<Model> load(const std::filesystem::path& path, const TestBackend& on) {
    auto file = GgufFile::open(path);
    if (!file) return nullptr;
    auto model = Model::load(std::move(*file), on.backend(), {.prefillChunk = 32}, {}, {});
    if (!model) qWarning("%s", model.error().message.c_str());
    return model ? std::move(*model) : nullptr;
}

/// Logits of all positions, fed in pieces of these sizes, the last of which repeats; shorter on an error.
std::vector<float> logitsInPieces(Model& model, core::KvCache& cache, std::span<const std::int32_t> tokens,
                                  std::initializer_list<std::size_t> pieces) {
    const auto vocabulary = static_cast<std::size_t>(model.config().vocabulary);
    std::vector<float> logits;
    const std::size_t* piece = pieces.begin();
    for (std::size_t fed = 0; fed < tokens.size();) {
        const std::size_t count = std::min(*piece, tokens.size() - fed);
        logits.resize((fed + count) * vocabulary);
        const auto result = model.forward(cache, tokens.subspan(fed, count), LogitsWanted::All,
                                          std::span(logits).subspan(fed * vocabulary), {});
        if (!result) {
            qWarning("%s", result.error().message.c_str());
            logits.resize(fed * vocabulary);
            return logits;
        }
        fed += count;
        if (piece + 1 != pieces.end()) ++piece;
    }
    return logits;
}

/// What is wrong with the logits of a generated model; of the eight positions that are judged, four come out of a prompt and four out of
/// recorded steps.
std::string wrongOnGeneratedPrompt(Model& model, const std::string& name, double extraTolerance = 0.0) {
    const std::vector<float> expected = test::readFloats(HEARTH_TEST_DATA "/models/generated/" + name + ".f32");
    const std::vector<std::int32_t> prompt = test::generatedPrompt();
    const auto vocabulary = static_cast<std::size_t>(model.config().vocabulary);
    auto cache = model.makeCache(static_cast<std::int32_t>(prompt.size()));
    if (!cache) return cache.error().message;
    const std::vector<float> logits = logitsInPieces(model, *cache, prompt, {prompt.size() - 4, 1});
    if (logits.size() != prompt.size() * vocabulary) return "not all logits were computed";
    if (expected.empty() || logits.size() < expected.size()) return "no expected logits";
    const auto distance = test::logitDistance(std::span(logits).last(expected.size()), expected, vocabulary);
    test::LogitTolerance tolerance = test::toleranceFor(model.file(), kernels::CpuPath::Avx2);
    tolerance.rms += extraTolerance;
    tolerance.max += extraTolerance;
    return test::complaint(distance, tolerance);
}

} // namespace

class HipModelTest : public QObject {
    Q_OBJECT

private slots:
    void referenceModelsMatch_data();
    void referenceModelsMatch();
    void generatedModelsMatch_data();
    void generatedModelsMatch();
    void everyArchitectureMatchesOrIsRefused_data();
    void everyArchitectureMatchesOrIsRefused();
    void recordedStepsComputeTheSameBits_data();
    void recordedStepsComputeTheSameBits();
    void withoutGraphsTheRecordedCommandsAreIssued();
    void lostDeviceEndsTheForwardPass();
    void memoryThatIsNotThereIsAnError();
    void readBandwidthIsMeasured_data() { addDevices(); }
    void readBandwidthIsMeasured();
};

void HipModelTest::referenceModelsMatch_data() {
    QTest::addColumn<int>("device");
    QTest::addColumn<QString>("manifest");
    std::ifstream file(kModels / "manifest.json");
    for (const TestDevice device : kDevices) {
        file.clear();
        file.seekg(0);
        for (const nlohmann::json& model : nlohmann::json::parse(file)) {
            QTest::addRow("%s-%s, %s", model["model"].get<std::string>().c_str(), model["quant"].get<std::string>().c_str(),
                          kernels::deviceName(device))
                << int(device) << QString::fromStdString(model.dump());
        }
    }
}

void HipModelTest::referenceModelsMatch() {
    QFETCH(int, device);
    QFETCH(QString, manifest);
    const TestBackend on(static_cast<TestDevice>(device), Recording::On);
    if (!on.present()) QSKIP(on.absence().c_str());
    const auto json = nlohmann::json::parse(manifest.toStdString());
    const auto prompt = json["prompt"].get<std::vector<std::int32_t>>();
    const std::vector<float> expected = test::readFloats(kModels / json["exact_logits"].get<std::string>());
    const std::unique_ptr<Model> model = load(kModels / json["file"].get<std::string>(), on);
    QVERIFY(model != nullptr);
    const auto vocabulary = static_cast<std::size_t>(model->config().vocabulary);
    QCOMPARE(expected.size(), prompt.size() * vocabulary);

    // Sixteen rows go through matrix tiles, five through the kernels for few rows, the rest is decoded one by one.
    auto cache = model->makeCache(64);
    QVERIFY(cache.has_value());
    const std::vector<float> logits = logitsInPieces(*model, *cache, prompt, {16, 5, 1});
    QCOMPARE(logits.size(), expected.size());
    const std::string wrong = test::complaint(test::logitDistance(logits, expected, vocabulary),
                                              test::toleranceFor(model->file(), kernels::CpuPath::Avx2));
    QVERIFY2(wrong.empty(), wrong.c_str());

    // On from there: the exact greedy continuation, in replayed steps.
    const auto greedy = json["greedy_exact"].get<std::vector<std::int32_t>>();
    const auto margins = json["greedy_exact_margin"].get<std::vector<double>>();
    std::vector<float> last(logits.end() - static_cast<std::ptrdiff_t>(vocabulary), logits.end());
    for (std::size_t i = 0; i < 8; ++i) {
        const bool close = margins[i] < 0.25 * json["logits_std"].get<double>(); // within what 8 bits may move
        if (!close) QCOMPARE(static_cast<std::int32_t>(test::argmax(last)), greedy[i]);
        QVERIFY(model->forward(*cache, std::span(greedy).subspan(i, 1), LogitsWanted::Last, last, {}).has_value());
    }
    if (!on.isExecutor()) return;
    QCOMPARE(on.executor().calls(GpuCall::BeginCapture), std::uint64_t{1}); // one recording served all single tokens
    QCOMPARE(on.executor().calls(GpuCall::LaunchGraph), std::uint64_t{prompt.size() - 21 + 8});
}

void HipModelTest::generatedModelsMatch_data() {
    QTest::addColumn<int>("device");
    QTest::addColumn<int>("model");
    const auto models = test::generatedModels();
    for (const TestDevice device : kDevices) {
        // Every kind of model on one wave size, every second on the other: the kernels themselves have the grid of tests/kernels.
        for (std::size_t i = 0; i < models.size(); i += device == TestDevice::Executor64 ? 2 : 1)
            QTest::addRow("%s, %s", models[i].name.c_str(), kernels::deviceName(device)) << int(device) << int(i);
    }
}

void HipModelTest::generatedModelsMatch() {
    QFETCH(int, device);
    QFETCH(int, model);
    const TestBackend on(static_cast<TestDevice>(device), Recording::On);
    if (!on.present()) QSKIP(on.absence().c_str());
    const test::TinyModelOptions options = test::generatedModels()[static_cast<std::size_t>(model)];
    const QTemporaryDir folder;
    const std::unique_ptr<Model> loaded = load(test::writeTinyModel(folder.path().toStdString(), options), on);
    QVERIFY(loaded != nullptr);
    const std::string wrong = wrongOnGeneratedPrompt(*loaded, options.name);
    QVERIFY2(wrong.empty(), wrong.c_str());
}

void HipModelTest::everyArchitectureMatchesOrIsRefused_data() {
    QTest::addColumn<int>("device");
    QTest::addColumn<int>("model");
    const auto models = test::archModels();
    for (const TestDevice device : kDevices) {
        for (std::size_t i = 0; i < models.size(); i += device == TestDevice::Executor64 ? 4 : 1)
            QTest::addRow("%s, %s", models[i].name.c_str(), kernels::deviceName(device)) << int(device) << int(i);
    }
}

void HipModelTest::everyArchitectureMatchesOrIsRefused() {
    QFETCH(int, device);
    QFETCH(int, model);
    const TestBackend on(static_cast<TestDevice>(device), Recording::On);
    if (!on.present()) QSKIP(on.absence().c_str());
    const test::ArchModel described = test::archModels()[static_cast<std::size_t>(model)];
    const QTemporaryDir folder;
    const std::filesystem::path path = test::writeArchModel(folder.path().toStdString(), described);
    auto file = GgufFile::open(path);
    QVERIFY(file.has_value());
    const auto config = Model::check(*file);
    QVERIFY(config.has_value());
    if (const auto lacked = core::lackedBy(on.backend(), *config)) {
        const auto refused = Model::load(std::move(*file), on.backend(), {}, {}, {});
        QVERIFY(!refused.has_value());
        QCOMPARE(int(refused.error().code), int(ErrorCode::UnsupportedArchitecture));
        QVERIFY2(refused.error().message.find(kernels::name(*lacked)) != std::string::npos, refused.error().message.c_str());
        return;
    }
    const std::unique_ptr<Model> loaded = load(path, on);
    QVERIFY(loaded != nullptr);
    const std::string wrong = wrongOnGeneratedPrompt(*loaded, described.name, described.extraTolerance);
    QVERIFY2(wrong.empty(), wrong.c_str());
}

void HipModelTest::recordedStepsComputeTheSameBits_data() {
    addDevices();
}

/// Across position 256, where the attention of a recorded step gets more blocks and the step is recorded again; and two caches that take
/// turns on one recording each.
void HipModelTest::recordedStepsComputeTheSameBits() {
    QFETCH(int, device);
    const QTemporaryDir folder;
    const std::filesystem::path path =
        test::writeTinyModel(folder.path().toStdString(), {.seed = 5, .dtype = kernels::DType::Q8_0, .layers = 1});
    std::vector<std::int32_t> tokens;
    for (std::int32_t i = 0; i < 262; ++i) tokens.push_back(3 + i * 97 % 560);
    std::vector<float> results[2];
    for (const Recording recording : {Recording::Off, Recording::On}) {
        const TestBackend on(static_cast<TestDevice>(device), recording);
        if (!on.present()) QSKIP(on.absence().c_str());
        const std::unique_ptr<Model> model = load(path, on);
        QVERIFY(model != nullptr);
        auto cache = model->makeCache(280);
        auto other = model->makeCache(280);
        QVERIFY(cache.has_value() && other.has_value());
        std::vector<float> row(static_cast<std::size_t>(model->config().vocabulary));
        std::vector<float>& all = results[recording == Recording::On ? 1 : 0];
        const auto step = [&](core::KvCache& kv, std::span<const std::int32_t> part) {
            const auto result = model->forward(kv, part, LogitsWanted::Last, row, {});
            all.insert(all.end(), row.begin(), row.end());
            return result.has_value();
        };
        QVERIFY(step(*cache, std::span(tokens).first(250)));
        QVERIFY(step(*other, std::span(tokens).subspan(20, 11)));
        for (std::size_t i = 250; i < tokens.size(); ++i) {
            QVERIFY(step(*cache, std::span(tokens).subspan(i, 1)));
            if (i % 3 == 0) QVERIFY(step(*other, std::span(tokens).subspan(i - 100, 1)));
        }
        // Back in the conversation: the recordings are still right.
        cache->truncate(100);
        QVERIFY(step(*cache, std::span(tokens).subspan(7, 1)));
        QVERIFY(step(*cache, std::span(tokens).subspan(8, 1)));
    }
    QCOMPARE(results[0].size(), results[1].size());
    QVERIFY(std::memcmp(results[0].data(), results[1].data(), results[0].size() * sizeof(float)) == 0);
}

void HipModelTest::withoutGraphsTheRecordedCommandsAreIssued() {
    const QTemporaryDir folder;
    const std::filesystem::path path = test::writeTinyModel(folder.path().toStdString(), {.seed = 6, .layers = 1, .experts = 4});
    const std::vector<std::int32_t> tokens{1, 50, 60, 70, 80};
    std::vector<std::vector<float>> results;
    for (const std::optional<GpuCall> failing :
         {std::optional<GpuCall>(), std::optional(GpuCall::BeginCapture), std::optional(GpuCall::EndCapture), std::optional(GpuCall::Instantiate)}) {
        const TestBackend on(TestDevice::Executor32, Recording::On);
        const std::unique_ptr<Model> model = load(path, on);
        QVERIFY(model != nullptr);
        if (failing) on.executor().failCall(*failing, 0, GpuError::Unsupported);
        auto cache = model->makeCache(16);
        QVERIFY(cache.has_value());
        results.push_back(logitsInPieces(*model, *cache, tokens, {1}));
        QCOMPARE(results.back().size(), tokens.size() * static_cast<std::size_t>(model->config().vocabulary));
        QCOMPARE(on.executor().calls(GpuCall::LaunchGraph) == 0, failing.has_value());
        QVERIFY(results.back() == results.front());
    }
}

void HipModelTest::lostDeviceEndsTheForwardPass() {
    const QTemporaryDir folder;
    const std::filesystem::path path = test::writeTinyModel(folder.path().toStdString(), {.seed = 6, .layers = 1});
    const std::vector<std::int32_t> tokens{1, 50, 60, 70, 80};
    for (const GpuCall call : {GpuCall::Launch, GpuCall::Query, GpuCall::CopyToHost, GpuCall::LaunchGraph}) {
        const TestBackend on(TestDevice::Executor64, Recording::On);
        const std::unique_ptr<Model> model = load(path, on);
        QVERIFY(model != nullptr);
        auto cache = model->makeCache(16);
        QVERIFY(cache.has_value());
        on.executor().failCall(call, call == GpuCall::CopyToHost ? 0 : 1, GpuError::DeviceLost);
        std::vector<float> row(static_cast<std::size_t>(model->config().vocabulary));
        const auto feed = [&] {
            for (const std::int32_t token : tokens) {
                if (!model->forward(*cache, std::span(&token, 1), LogitsWanted::Last, row, {})) return false;
            }
            return true;
        };
        QVERIFY(!feed());
        QVERIFY(!feed()); // and stays lost
        QVERIFY(on->allocate(16) == nullptr);
    }
}

/// Every allocation of a load and its first tokens fails once.
void HipModelTest::memoryThatIsNotThereIsAnError() {
    const QTemporaryDir folder;
    const std::filesystem::path path = test::writeTinyModel(folder.path().toStdString(), {.seed = 6, .layers = 1});
    std::uint64_t failures = 0;
    for (std::uint64_t n = 0;; ++n) {
        const TestBackend on(TestDevice::Executor32, Recording::On);
        const std::uint64_t before = on.executor().calls(GpuCall::Allocate);
        on.executor().failCall(GpuCall::Allocate, n, GpuError::OutOfMemory);
        auto file = GgufFile::open(path);
        QVERIFY(file.has_value());
        auto model = Model::load(std::move(*file), on.backend(), {.prefillChunk = 32}, {}, {});
        bool failed = !model;
        if (model) {
            auto cache = (*model)->makeCache(32);
            failed = !cache;
            std::vector<float> row(static_cast<std::size_t>((*model)->config().vocabulary));
            const std::vector<std::int32_t> prompt{1, 50, 60, 70, 80, 90, 100, 110, 120, 130};
            for (const std::size_t count : {std::size_t{10}, std::size_t{3}, std::size_t{1}}) {
                if (failed) break;
                const auto result = (*model)->forward(*cache, std::span(prompt).first(count), LogitsWanted::Last, row, {});
                if (!result) {
                    QCOMPARE(int(result.error().code), int(ErrorCode::OutOfMemory));
                    // The next try has memory and works.
                    failed = true;
                    QVERIFY((*model)->forward(*cache, std::span(prompt).first(count), LogitsWanted::Last, row, {}).has_value());
                }
            }
        } else {
            QCOMPARE(int(model.error().code), int(ErrorCode::OutOfMemory));
            QVERIFY(load(path, on) != nullptr); // the next try has memory and works
        }
        failures += failed ? 1 : 0;
        if (on.executor().calls(GpuCall::Allocate) - before <= n) break; // the n-th was never asked for
        QVERIFY2(failed, qPrintable(QString("allocation %1 failed and nobody noticed").arg(n)));
    }
    QVERIFY(failures > 4);
}

void HipModelTest::readBandwidthIsMeasured() {
    QFETCH(int, device);
    const TestBackend on(static_cast<TestDevice>(device));
    if (!on.present()) QSKIP(on.absence().c_str());
    QVERIFY(on.backend().measureReadBandwidth() > 0.0);
    if (!on.isExecutor()) return;
    // Too little memory: less is read. Any other failure gives no number, and harms nothing that comes after.
    on.executor().failCall(GpuCall::Allocate, 0, GpuError::OutOfMemory);
    QVERIFY(on.backend().measureReadBandwidth() > 0.0);
    for (const GpuCall call : {GpuCall::CreateEvent, GpuCall::RecordEvent, GpuCall::Launch, GpuCall::ElapsedMs}) {
        on.executor().failCall(call, 0, GpuError::Other);
        QCOMPARE(on.backend().measureReadBandwidth(), 0.0);
        QVERIFY(on.backend().measureReadBandwidth() > 0.0);
    }
}

QTEST_GUILESS_MAIN(HipModelTest)
#include "hip_model_test.moc"
