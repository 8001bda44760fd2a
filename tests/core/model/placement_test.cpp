// SPDX-License-Identifier: Apache-2.0
//
// A model over two back ends computes what it computes on one, wherever the border is; and says which one failed.
// Both are CPU back ends of the same path behind DeviceBackend, which refuses memory of the other: the numbers must be
// equal to the last bit.
#include "core/model/model.h"
#include "kernels/cpu/cpu_backend.h"
#include "reference_backend.h"
#include "tests/core/model/logit_distance.h"
#include "tests/support/device_backend.h"
#include "tests/support/tiny_model.h"

#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <functional>

using namespace hearth;
using core::BackendSet;
using core::BackendSide;
using core::ErrorCode;
using core::GgufFile;
using core::LayerPlacement;
using core::LogitsWanted;
using core::Model;
using core::ModelOptions;
using kernels::CpuBackend;
using kernels::StatusCode;
using test::DeviceBackend;

namespace {

constexpr ModelOptions kOptions{.prefillChunk = 7};

std::unique_ptr<DeviceBackend> device() {
    return std::make_unique<DeviceBackend>(CpuBackend::create({.threads = 2}));
}

/// One model on a "GPU" and a CPU.
struct SplitModel {
    SplitModel(const std::filesystem::path& path, LayerPlacement placement, const ModelOptions& options = kOptions) {
        auto loaded = Model::load(*GgufFile::open(path), BackendSet{*cpu, gpu.get(), placement}, options, {}, {});
        if (loaded) {
            model = std::move(*loaded);
        } else {
            error = loaded.error();
        }
    }

    std::unique_ptr<DeviceBackend> cpu = device();
    std::unique_ptr<DeviceBackend> gpu = device();
    std::unique_ptr<Model> model;
    core::Error error;
};

std::vector<std::int32_t> promptFor(const Model& model, std::int32_t count) {
    std::vector<std::int32_t> prompt;
    for (std::int32_t i = 0; i < count; ++i)
        prompt.push_back((1 + i * 97) % std::min(model.config().vocabulary, 580));
    return prompt;
}

/// Everything that a session does with a model; all logits that it saw, in order. Empty after an error.
std::vector<float> session(Model& model) {
    constexpr std::int32_t kTokens = 26;
    const auto vocabulary = static_cast<std::size_t>(model.config().vocabulary);
    const std::vector<std::int32_t> prompt = promptFor(model, kTokens);
    std::vector<float> seen;
    bool failed = false;
    auto cache = model.makeCache(kTokens);
    if (!cache) return {};
    const auto feed = [&](std::size_t from, std::size_t count, LogitsWanted wanted) {
        const std::size_t rows = wanted == LogitsWanted::All ? count : (wanted == LogitsWanted::Last ? 1 : 0);
        std::vector<float> logits(rows * vocabulary);
        failed |= !model.forward(*cache, std::span(prompt).subspan(from, count), wanted, logits, {});
        seen.insert(seen.end(), logits.begin(), logits.end());
    };
    feed(0, 26, LogitsWanted::All); // at once: chunks of 7
    cache->truncate(0);
    feed(0, 5, LogitsWanted::None); // in pieces
    feed(5, 9, LogitsWanted::Last);
    feed(14, 1, LogitsWanted::None);
    feed(15, 3, LogitsWanted::All);
    cache->truncate(9); // another turn
    feed(9, 8, LogitsWanted::Last);
    for (std::size_t i = 17; i < 26; ++i) // token by token
        feed(i, 1, i % 4 == 3 ? LogitsWanted::None : LogitsWanted::Last);
    return failed ? std::vector<float>() : seen;
}

struct Subject {
    QString name;
    std::function<std::filesystem::path(const std::filesystem::path&)> file;
};

std::vector<Subject> subjects() {
    std::vector<Subject> all;
    for (const char* name : {"llama-tiny-Q4_K_M", "llama-moe-tiny-Q4_K_M", "qwen2-mini-Q4_K_M"}) {
        all.push_back({name, [name](const auto&) {
                           return std::filesystem::path(HEARTH_TEST_DATA "/models/gguf") / (std::string(name) + ".gguf");
                       }});
    }
    const auto generated = [&](test::TinyModelOptions options) {
        options.layers = 3;
        all.push_back({QString::fromStdString(options.name),
                       [options](const auto& folder) { return test::writeTinyModel(folder, options); }});
    };
    generated({.name = "llama-biases", .biases = true, .ropeScaling = "yarn"});
    generated({.name = "llama-experts", .experts = 4});
    generated({.name = "qwen3-tied", .architecture = "qwen3", .dtype = kernels::DType::Q8_0, .tiedOutput = true});
    generated({.name = "qwen3moe", .architecture = "qwen3moe"});
    return all;
}

std::vector<LayerPlacement> placementsOf(std::int32_t layers) {
    std::vector<LayerPlacement> all;
    for (std::int32_t i = 0; i <= layers; ++i) {
        all.push_back({i, false});
        all.push_back({i, true});
    }
    // With parts that the GPU must not compute: the first, the middle, the last layer, the embedding.
    for (const bool embeddingKept : {false, true}) {
        for (std::int32_t i = 0; i < layers; ++i) {
            std::vector<bool> kept(static_cast<std::size_t>(layers));
            kept[static_cast<std::size_t>(i)] = true;
            all.push_back({layers, i % 2 == 0, embeddingKept, kept});
        }
        all.push_back({layers - 1, true, embeddingKept, {true}});
        all.push_back({layers, true, embeddingKept, std::vector<bool>(static_cast<std::size_t>(layers), true)});
    }
    all.push_back({layers, true, true});
    return all;
}

QByteArray words(const LayerPlacement& placement) {
    QString text = QString("%1 layers%2%3").arg(placement.gpuLayers).arg(placement.outputOnGpu ? " and the output" : "", placement.embeddingKept ? ", no embedding" : "");
    for (std::size_t i = 0; i < placement.kept.size(); ++i) {
        if (placement.kept[i]) text += QString(", not %1").arg(i);
    }
    return text.toUtf8();
}

} // namespace

class PlacementTest : public QObject {
    Q_OBJECT

private slots:
    void tensorsKnowTheirPlace();
    void everyBorderComputesTheSame_data();
    void everyBorderComputesTheSame();
    void unlikeBackEndsAgree();
    void rowsCrossTheBorderOnce();
    void decodingReplaysTheGpusSegment();
    void memoryLiesWhereItsLayersDo();
    void wrongPlacementsAreRefused();
    void observerSeesEveryLayerInOrder();
    void failureNamesItsSide_data();
    void failureNamesItsSide();
    void fullGpuIsNamedAtLoad();
    void stopBetweenBackEndsIsNoFailure();

private:
    QTemporaryDir m_folder;
    [[nodiscard]] std::filesystem::path write(test::TinyModelOptions options = {}) const {
        options.layers = 3;
        return test::writeTinyModel(m_folder.path().toStdString(), options);
    }
};

void PlacementTest::tensorsKnowTheirPlace() {
    using core::ModelPart;
    using core::placeOf;
    QCOMPARE(int(placeOf("token_embd.weight").part), int(ModelPart::Embedding));
    QCOMPARE(int(placeOf("output_norm.weight").part), int(ModelPart::Output));
    QCOMPARE(int(placeOf("output.weight").part), int(ModelPart::Output));
    QCOMPARE(int(placeOf("blk.12.attn_q.weight").part), int(ModelPart::Layer));
    QCOMPARE(placeOf("blk.12.attn_q.weight").layer, 12);
    for (const char* strange : {"", "blk.", "blk.x.y", "blk.-1.y", "blk.7", "blk.99999999999.y"})
        QCOMPARE(int(placeOf(strange).part), int(ModelPart::Output));
}

void PlacementTest::everyBorderComputesTheSame_data() {
    QTest::addColumn<int>("subject");
    QTest::addColumn<bool>("q8");
    const auto all = subjects();
    for (std::size_t i = 0; i < all.size(); ++i) {
        QTest::newRow(qPrintable(all[i].name)) << int(i) << false;
        if (all[i].name.startsWith("qwen3")) QTest::newRow(qPrintable(all[i].name + ", q8_0")) << int(i) << true;
    }
}

void PlacementTest::everyBorderComputesTheSame() {
    QFETCH(int, subject);
    QFETCH(bool, q8);
    ModelOptions options = kOptions;
    if (q8) options.kvType = kernels::KvType::Q8_0;
    const std::filesystem::path path = subjects()[static_cast<std::size_t>(subject)].file(m_folder.path().toStdString());
    const auto backend = CpuBackend::create({.threads = 2});
    const auto whole = Model::load(*GgufFile::open(path), *backend, options, {}, {});
    QVERIFY2(whole.has_value(), whole ? "" : whole.error().message.c_str());
    const std::vector<float> expected = session(**whole);
    QVERIFY(!expected.empty());
    QVERIFY(std::ranges::all_of(expected, [](float value) { return std::isfinite(value); }));

    for (const LayerPlacement& placement : placementsOf((*whole)->config().layers)) {
        const SplitModel split(path, placement, options);
        QVERIFY2(split.model != nullptr, split.error.message.c_str());
        const std::vector<float> got = session(*split.model);
        QCOMPARE(got.size(), expected.size());
        QVERIFY2(got == expected, words(placement));
        const std::int32_t layers = (*whole)->config().layers;
        const std::int32_t onGpu = placement.gpuLayersBefore(layers);
        QCOMPARE(split.gpu->steps() > 1, onGpu > 0 || placement.outputOnGpu);
        QCOMPARE(split.cpu->steps() > 0, onGpu < layers || !placement.outputOnGpu || placement.embeddingKept);
        QVERIFY(!split.model->failedSide().has_value());
    }
}

/// The border passes f32 rows: the two sides need not round alike.
void PlacementTest::unlikeBackEndsAgree() {
    const auto path = write({.name = "unlike", .architecture = "qwen3", .dtype = kernels::DType::F32});
    const auto portable = CpuBackend::create({.threads = 2, .forcedPath = kernels::CpuPath::Portable});
    const auto whole = Model::load(*GgufFile::open(path), *portable, kOptions, {}, {});
    const std::vector<float> expected = session(**whole);
    for (const LayerPlacement& placement : placementsOf(3)) {
        DeviceBackend judge(std::make_unique<kernels::ReferenceBackend>());
        const auto split = Model::load(*GgufFile::open(path), BackendSet{*portable, &judge, placement}, kOptions, {}, {});
        QVERIFY(split.has_value());
        const std::vector<float> got = session(**split);
        QCOMPARE(got.size(), expected.size());
        const auto distance =
            test::logitDistance(got, expected, static_cast<std::size_t>((*split)->config().vocabulary));
        const std::string wrong = test::complaint(distance, {0.003, 0.02, 2e-5});
        QVERIFY2(wrong.empty(), wrong.c_str());
    }
}

void PlacementTest::rowsCrossTheBorderOnce() {
    const auto path = write();
    const SplitModel split(path, {2, false});
    auto cache = split.model->makeCache(16);
    std::vector<float> logits(static_cast<std::size_t>(split.model->config().vocabulary));
    const std::vector<std::int32_t> prompt = promptFor(*split.model, 7);
    QVERIFY(split.model->forward(*cache, prompt, LogitsWanted::Last, logits, {}).has_value());
    QCOMPARE(split.gpu->uploads(), 0);
    QCOMPARE(split.gpu->downloads(), 1);
    QCOMPARE(split.cpu->uploads(), 1);
    QCOMPARE(split.cpu->downloads(), 1); // the logits
    // Nothing is computed for an output that nobody wants.
    const SplitModel output(path, {0, true});
    auto other = output.model->makeCache(16);
    const int steps = output.gpu->steps();
    QVERIFY(output.model->forward(*other, prompt, LogitsWanted::None, {}, {}).has_value());
    QCOMPARE(output.gpu->steps(), steps);
    QVERIFY(output.model->forward(*other, prompt, LogitsWanted::Last, logits, {}).has_value());
    QCOMPARE(output.gpu->steps(), steps + 1);
}

void PlacementTest::decodingReplaysTheGpusSegment() {
    const auto path = write();
    for (const LayerPlacement& placement : {LayerPlacement{3, true}, LayerPlacement{2, false}, LayerPlacement{3, false},
                                            LayerPlacement{1, true}, LayerPlacement{0, true}}) {
        const SplitModel split(path, placement);
        auto cache = split.model->makeCache(32);
        std::vector<float> logits(static_cast<std::size_t>(split.model->config().vocabulary));
        const std::vector<std::int32_t> prompt = promptFor(*split.model, 20);
        for (const std::int32_t token : prompt)
            QVERIFY(split.model->forward(*cache, std::span(&token, 1), LogitsWanted::Last, logits, {}).has_value());
        // What begins with tokens is recorded once; what begins with rows of the other side is not.
        QCOMPARE(split.gpu->recordedSteps(), placement.gpuLayers > 0 ? 1 : 0);
        QCOMPARE(split.gpu->replayedSteps(), placement.gpuLayers > 0 ? 19 : 0);
        // Another cache is other memory: another recording.
        auto second = split.model->makeCache(32);
        QVERIFY(split.model->forward(*second, std::span(prompt).first(1), LogitsWanted::Last, logits, {}).has_value());
        QCOMPARE(split.gpu->recordedSteps(), placement.gpuLayers > 0 ? 2 : 0);
    }
}

void PlacementTest::memoryLiesWhereItsLayersDo() {
    const auto path = write({.name = "tied", .tiedOutput = true});
    std::uint64_t weights = 0;
    for (const LayerPlacement& placement : placementsOf(3)) {
        const SplitModel split(path, placement);
        const core::ModelConfig& config = split.model->config();
        const auto cache = split.model->makeCache(100);
        QVERIFY(cache.has_value());
        QCOMPARE(cache->bytes(), split.model->kvBytes(100));
        QCOMPARE(cache->bytes(BackendSide::Gpu), core::KvCache::bytesOfLayers(config, placement.gpuLayersBefore(3), 100));
        QCOMPARE(split.gpu->bufferBytes(), cache->bytes(BackendSide::Gpu) + split.model->scratchBytes(BackendSide::Gpu));
        QCOMPARE(split.cpu->bufferBytes(), cache->bytes(BackendSide::Cpu) + split.model->scratchBytes(BackendSide::Cpu));
        if (weights == 0) weights = split.cpu->weightBytes(); // all of it
        // A tied embedding lies on both sides when the layers between begin and end on different ones.
        const core::GgufTensor* embedding = split.model->file().findTensor("token_embd.weight");
        const bool twice = placement.embedding() != placement.output();
        const std::uint64_t padded = (embedding->byteSize + DeviceBackend::kGranularity - 1) /
                                     DeviceBackend::kGranularity * DeviceBackend::kGranularity;
        QCOMPARE(split.cpu->weightBytes() + split.gpu->weightBytes(), weights + (twice ? padded : 0));
        if (!placement.uses(BackendSide::Gpu, 3)) QCOMPARE(split.gpu->usedBytes(), std::uint64_t{0});
        if (!placement.uses(BackendSide::Cpu, 3)) QCOMPARE(split.cpu->usedBytes(), std::uint64_t{0});
    }
}

void PlacementTest::wrongPlacementsAreRefused() {
    const auto path = write();
    for (const LayerPlacement& placement : {LayerPlacement{-1, false}, LayerPlacement{4, true}}) {
        const SplitModel split(path, placement);
        QVERIFY(split.model == nullptr);
        QCOMPARE(int(split.error.code), int(ErrorCode::InvalidArgument));
        QCOMPARE(split.gpu->usedBytes() + split.cpu->usedBytes(), std::uint64_t{0});
    }
    const auto cpu = device();
    for (const LayerPlacement& placement : {LayerPlacement{1, false}, LayerPlacement{0, true}}) {
        const auto lonely = Model::load(*GgufFile::open(path), BackendSet{*cpu, nullptr, placement}, kOptions, {}, {});
        QVERIFY(!lonely.has_value());
        QCOMPARE(int(lonely.error().code), int(ErrorCode::InvalidArgument));
    }
}

void PlacementTest::observerSeesEveryLayerInOrder() {
    const auto path = write({.name = "observed", .experts = 4});
    std::vector<std::vector<float>> expected;
    for (const LayerPlacement& placement : placementsOf(3)) {
        const SplitModel split(path, placement);
        std::vector<std::vector<float>> seen;
        split.model->setLayerObserver([&](std::int32_t layer, std::int32_t, std::span<const float> residual) {
            QCOMPARE(layer, std::int32_t(seen.size()));
            seen.emplace_back(residual.begin(), residual.end());
        });
        auto cache = split.model->makeCache(16);
        QVERIFY(split.model->forward(*cache, promptFor(*split.model, 5), LogitsWanted::None, {}, {}).has_value());
        QCOMPARE(seen.size(), std::size_t{3});
        if (expected.empty()) expected = seen;
        QVERIFY2(seen == expected, words(placement));
    }
}

void PlacementTest::failureNamesItsSide_data() {
    QTest::addColumn<bool>("onGpu");
    QTest::addColumn<int>("status");
    QTest::addColumn<int>("error");
    const auto row = [](const char* name, bool onGpu, StatusCode status, ErrorCode error) {
        QTest::newRow(name) << onGpu << int(status) << int(error);
    };
    row("GPU lost", true, StatusCode::DeviceLost, ErrorCode::DeviceLost);
    row("GPU refuses a launch", true, StatusCode::LaunchFailed, ErrorCode::DeviceLost);
    row("GPU without memory", true, StatusCode::OutOfMemory, ErrorCode::OutOfMemory);
    row("GPU given a wrong shape", true, StatusCode::InvalidShape, ErrorCode::Internal);
    row("CPU without memory", false, StatusCode::OutOfMemory, ErrorCode::OutOfMemory);
    row("CPU given a wrong type", false, StatusCode::UnsupportedType, ErrorCode::Internal);
}

void PlacementTest::failureNamesItsSide() {
    QFETCH(bool, onGpu);
    QFETCH(int, status);
    QFETCH(int, error);
    const auto path = write();
    const SplitModel healthy(path, {2, false});
    const std::vector<float> expected = session(*healthy.model);

    const SplitModel split(path, {2, false});
    DeviceBackend& broken = onGpu ? *split.gpu : *split.cpu;
    broken.failure = static_cast<StatusCode>(status);
    const std::vector<std::int32_t> prompt = promptFor(*split.model, 12); // chunks of 7 and 5
    std::vector<float> logits(static_cast<std::size_t>(split.model->config().vocabulary));
    int failures = 0;
    for (int operation = 0; operation < 200; ++operation) {
        auto cache = split.model->makeCache(16);
        broken.failAtOperation = operation;
        const auto done = split.model->forward(*cache, prompt, LogitsWanted::Last, logits, {});
        if (done) break; // the operation is past the last one
        ++failures;
        QCOMPARE(int(done.error().code), error);
        QCOMPARE(done.error().message.ends_with(core::kOnTheGpu), onGpu);
        QVERIFY(split.model->failedSide() == (onGpu ? BackendSide::Gpu : BackendSide::Cpu));
        QVERIFY(cache->length() == 0 || cache->length() == 7);
        if (broken.failure == StatusCode::DeviceLost) {
            // For ever: nothing is ever computed on it again.
            QVERIFY(!split.model->forward(*cache, prompt, LogitsWanted::Last, logits, {}).has_value());
            return;
        }
    }
    QVERIFY2(failures > 15, qPrintable(QString::number(failures)));
    broken.failAtOperation = -1;
    QVERIFY(session(*split.model) == expected); // what a failure left behind does no harm
    QVERIFY(!split.model->failedSide().has_value());
}

void PlacementTest::fullGpuIsNamedAtLoad() {
    const auto path = write();
    const SplitModel roomy(path, {3, true});
    const std::uint64_t needed = roomy.gpu->usedBytes();
    for (const std::uint64_t limit : {std::uint64_t{0}, needed / 3, needed - 1}) {
        const auto cpu = device();
        const auto gpu = device();
        gpu->memoryLimit = limit;
        const auto loaded = Model::load(*GgufFile::open(path), BackendSet{*cpu, gpu.get(), {3, true}}, kOptions, {}, {});
        QVERIFY(!loaded.has_value());
        QCOMPARE(int(loaded.error().code), int(ErrorCode::OutOfMemory));
        QVERIFY2(loaded.error().message.ends_with(core::kOnTheGpu), loaded.error().message.c_str());
    }
    roomy.gpu->memoryLimit = needed + 1000;
    const auto cache = roomy.model->makeCache(500);
    QVERIFY(!cache.has_value());
    QCOMPARE(int(cache.error().code), int(ErrorCode::OutOfMemory));
    QVERIFY2(cache.error().message.ends_with(core::kOnTheGpu), cache.error().message.c_str());

    // A device that is lost while the weights are on their way.
    const auto cpu = device();
    const auto gpu = device();
    gpu->failAtOperation = 5;
    const auto lost = Model::load(*GgufFile::open(path), BackendSet{*cpu, gpu.get(), {3, true}}, kOptions, {}, {});
    QVERIFY(!lost.has_value());
    QCOMPARE(int(lost.error().code), int(ErrorCode::DeviceLost));
    QVERIFY(lost.error().message.ends_with(core::kOnTheGpu));
}

void PlacementTest::stopBetweenBackEndsIsNoFailure() {
    const auto path = write();
    const SplitModel split(path, {2, false});
    auto cache = split.model->makeCache(16);
    std::vector<float> logits(static_cast<std::size_t>(split.model->config().vocabulary));
    std::stop_source stop;
    split.model->setLayerObserver([&](std::int32_t layer, std::int32_t, std::span<const float>) {
        if (layer == 1) stop.request_stop(); // the GPU's last
    });
    const auto done =
        split.model->forward(*cache, promptFor(*split.model, 5), LogitsWanted::Last, logits, stop.get_token());
    QVERIFY(!done.has_value());
    QCOMPARE(int(done.error().code), int(ErrorCode::Cancelled));
    QVERIFY(!split.model->failedSide().has_value());
    QCOMPARE(cache->length(), 0);
}

QTEST_GUILESS_MAIN(PlacementTest)
#include "placement_test.moc"
