// SPDX-License-Identifier: Apache-2.0
//
// What Model refuses and why, and how it behaves around the arithmetic: progress, stop, cache, a file that changes.
#include "core/model/arch_table.h"
#include "core/model/model.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/tiny_model.h"

#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>

using namespace hearth;
using core::ErrorCode;
using core::GgufFile;
using core::GgufMetadata;
using core::GgufScalar;
using core::KvCache;
using core::LogitsWanted;
using core::Model;
using core::ModelConfig;
using kernels::CpuBackend;
using kernels::DType;

namespace {

using Metadata = std::map<std::string, core::GgufValue>;
using TensorChange = std::function<void(std::vector<test::TestTensor>&)>;

core::GgufValue number(std::int64_t value) {
    return GgufScalar(value);
}
core::GgufValue real(double value) {
    return GgufScalar(value);
}
core::GgufValue text(std::string value) {
    return GgufScalar(std::move(value));
}

/// The keys of a small correct model.
Metadata keysFor(const std::string& architecture) {
    const std::string p = architecture + ".";
    Metadata keys{
        {"general.architecture", text(architecture)},
        {p + "context_length", number(128)},
        {p + "embedding_length", number(64)},
        {p + "block_count", number(1)},
        {p + "feed_forward_length", number(32)},
        {p + "attention.head_count", number(4)},
        {p + "attention.head_count_kv", number(2)},
        {p + "attention.layer_norm_rms_epsilon", real(1e-5)},
        {"tokenizer.ggml.tokens", core::GgufArray(std::vector<std::string>{"a", "b", "c", "d"})},
    };
    if (architecture == "qwen3moe") {
        keys[p + "expert_count"] = number(4);
        keys[p + "expert_used_count"] = number(2);
        keys[p + "expert_feed_forward_length"] = number(32);
    }
    return keys;
}

GgufMetadata metadataOf(const Metadata& keys) {
    GgufMetadata metadata;
    for (const auto& [key, value] : keys)
        static_cast<void>(metadata.insert(key, value));
    return metadata;
}

core::Result<ModelConfig> readConfig(const Metadata& keys) {
    const GgufMetadata metadata = metadataOf(keys);
    const auto architecture = core::findArchitecture(metadata);
    if (!architecture) return std::unexpected(architecture.error());
    return (*architecture)->readConfig(metadata);
}

/// A file with the tensors that the architecture lists, all zeros in F32, changed by `change`.
std::vector<std::byte> modelFile(const std::string& architecture, const TensorChange& change) {
    const Metadata keys = keysFor(architecture);
    const GgufMetadata metadata = metadataOf(keys);
    const core::Architecture* found = *core::findArchitecture(metadata);
    const ModelConfig config = *found->readConfig(metadata);
    core::ModelWeights weights;
    std::vector<test::TestTensor> tensors;
    for (const core::TensorSpec& spec : found->listTensors(config, weights)) {
        if (spec.need == core::TensorNeed::Optional) continue;
        std::vector<std::uint64_t> dims{static_cast<std::uint64_t>(spec.shape[2])};
        if (spec.role == core::TensorRole::Matrix) dims.push_back(static_cast<std::uint64_t>(spec.shape[1]));
        if (spec.shape[0] > 1) dims.push_back(static_cast<std::uint64_t>(spec.shape[0]));
        std::uint64_t bytes = sizeof(float);
        for (const std::uint64_t dim : dims)
            bytes *= dim;
        tensors.push_back({spec.name, dims, 0, std::vector<std::byte>(bytes), std::nullopt});
    }
    change(tensors);

    test::GgufWriter writer;
    for (const auto& [key, value] : keys) {
        if (const auto* scalar = std::get_if<GgufScalar>(&value)) {
            if (const auto* integer = std::get_if<std::int64_t>(scalar))
                writer.addUint32(key, static_cast<std::uint32_t>(*integer));
            if (const auto* floating = std::get_if<double>(scalar))
                writer.addFloat32(key, static_cast<float>(*floating));
            if (const auto* string = std::get_if<std::string>(scalar)) writer.addString(key, *string);
        } else {
            writer.addStrings(key, std::get<std::vector<std::string>>(std::get<core::GgufArray>(value)));
        }
    }
    for (test::TestTensor& tensor : tensors)
        writer.addTensor(std::move(tensor));
    return writer.build();
}

test::TestTensor& named(std::vector<test::TestTensor>& tensors, std::string_view name) {
    return *std::ranges::find(tensors, name, &test::TestTensor::name);
}

int codeOf(const auto& result) {
    return result ? -1 : static_cast<int>(result.error().code);
}

constexpr int code(ErrorCode value) {
    return static_cast<int>(value);
}

/// A tiny generated model on two threads.
struct TinyModel {
    explicit TinyModel(std::int32_t chunk = 8) {
        path = test::writeTinyModel(folder.path().toStdString());
        auto file = GgufFile::open(path);
        model = *Model::load(std::move(*file), *backend, {.prefillChunk = chunk}, {}, {});
    }

    [[nodiscard]] std::vector<float> row() const {
        return std::vector<float>(static_cast<std::size_t>(model->config().vocabulary));
    }

    QTemporaryDir folder;
    std::filesystem::path path;
    std::unique_ptr<CpuBackend> backend = CpuBackend::create({.threads = 2});
    std::unique_ptr<Model> model;
};

const std::vector<std::int32_t> kTokens{1, 300, 17, 420, 5, 511, 350, 42, 290, 333, 401, 77};

} // namespace

class ModelTest : public QObject {
    Q_OBJECT

private slots:
    void configurationIsRead();
    void wrongKeysAreNamed_data();
    void wrongKeysAreNamed();
    void wrongTensorsAreNamed_data();
    void wrongTensorsAreNamed();
    void loadReportsProgressAndStops();
    void forwardRefusesWhatDoesNotFit();
    void stoppedForwardLeavesTheCacheUsable();
    void truncatedCacheIsLikeAFreshOne();
    void memoryIsCountedAndRefused();
    void changedFileIsReported();
};

void ModelTest::configurationIsRead() {
    Metadata keys = keysFor("llama");
    keys["llama.rope.freq_base"] = real(500000.0);
    keys["llama.rope.scaling.type"] = text("yarn");
    keys["llama.rope.scaling.factor"] = real(4.0);
    keys["llama.rope.scaling.original_context_length"] = number(32);
    keys["llama.attention.head_count"] = core::GgufArray(std::vector<std::int64_t>{4, 4});
    const auto llama = readConfig(keys);
    QVERIFY2(llama.has_value(), llama ? "" : llama.error().message.c_str());
    QCOMPARE(llama->headDim, 16);
    QCOMPARE(llama->heads, 4);
    QCOMPARE(llama->kvHeads, 2);
    QCOMPARE(llama->vocabulary, 4);
    QCOMPARE(llama->trainedContext, 128);
    QCOMPARE(llama->attentionScale, 0.25f);
    QVERIFY(llama->rope.pairing == kernels::RopePairing::Interleaved);
    QCOMPARE(llama->rope.base, 500000.0f);
    QCOMPARE(llama->rope.positionScale, 0.25f);
    QCOMPARE(llama->rope.extensionFactor, 1.0f);
    QCOMPARE(llama->rope.originalContext, 32);
    QVERIFY(llama->queryKeyNorm == core::QueryKeyNorm::None);

    keys = keysFor("qwen3");
    keys["qwen3.attention.key_length"] = number(32);
    keys["qwen3.attention.value_length"] = number(32);
    keys.erase("qwen3.attention.head_count_kv");
    const auto qwen3 = readConfig(keys);
    QVERIFY2(qwen3.has_value(), qwen3 ? "" : qwen3.error().message.c_str());
    QCOMPARE(qwen3->headDim, 32);
    QCOMPARE(qwen3->queryWidth(), 128);
    QCOMPARE(qwen3->kvHeads, 4);
    QVERIFY(qwen3->rope.pairing == kernels::RopePairing::HalfSplit);
    QVERIFY(qwen3->queryKeyNorm == core::QueryKeyNorm::PerHead);

    const auto moe = readConfig(keysFor("qwen3moe"));
    QVERIFY2(moe.has_value(), moe ? "" : moe.error().message.c_str());
    QCOMPARE(moe->experts, 4);
    QCOMPARE(moe->expertsUsed, 2);
    QCOMPARE(moe->expertFeedForward, 32);
    QCOMPARE(moe->feedForward, 0);
}

void ModelTest::wrongKeysAreNamed_data() {
    QTest::addColumn<QString>("architecture");
    QTest::addColumn<QString>("key");
    QTest::addColumn<int>("kind"); // 0 = remove, 1 = integer, 2 = real, 3 = text
    QTest::addColumn<double>("value");
    QTest::addColumn<int>("expected");
    const auto missing = [](const char* architecture, const char* key) {
        QTest::addRow("%s without %s", architecture, key)
            << architecture << key << 0 << 0.0 << code(ErrorCode::MissingKey);
    };
    for (const char* key :
         {"llama.context_length", "llama.embedding_length", "llama.block_count", "llama.feed_forward_length",
          "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon", "tokenizer.ggml.tokens",
          "general.architecture"}) {
        missing("llama", key);
    }
    missing("qwen2", "qwen2.block_count");
    missing("qwen3", "qwen3.feed_forward_length");
    missing("qwen3moe", "qwen3moe.expert_count");
    missing("qwen3moe", "qwen3moe.expert_used_count");

    const auto wrong = [](const char* key, double value, ErrorCode expected = ErrorCode::MalformedFile, int kind = 1,
                          const char* architecture = "llama") {
        QTest::addRow("%s = %g", key, value) << architecture << key << kind << value << code(expected);
    };
    wrong("llama.block_count", 0);
    wrong("llama.block_count", -1);
    wrong("llama.block_count", 1e9);
    wrong("llama.embedding_length", 1e12);
    wrong("llama.embedding_length", 2); // under one element per head
    wrong("llama.attention.head_count", 0);
    wrong("llama.attention.head_count_kv", 3);
    wrong("llama.attention.key_length", 1e6);
    wrong("llama.attention.value_length", 32, ErrorCode::UnsupportedArchitecture);
    wrong("llama.rope.dimension_count", 18);
    wrong("llama.rope.dimension_count", 3);
    wrong("llama.context_length", 0);
    wrong("llama.attention.layer_norm_rms_epsilon", -1.0, ErrorCode::MalformedFile, 2);
    wrong("llama.attention.layer_norm_rms_epsilon", std::numeric_limits<double>::quiet_NaN(), ErrorCode::MalformedFile,
          2);
    wrong("llama.rope.freq_base", std::numeric_limits<double>::infinity(), ErrorCode::MalformedFile, 2);
    wrong("llama.rope.scaling.factor", 0.0, ErrorCode::MalformedFile, 2);
    wrong("llama.context_length", 1, ErrorCode::MalformedFile, 3);
    wrong("llama.rope.scaling.type", 0, ErrorCode::UnsupportedArchitecture, 3);
    wrong("llama.expert_count", 8, ErrorCode::MissingKey);
    wrong("qwen3moe.expert_used_count", 5, ErrorCode::MalformedFile, 1, "qwen3moe");
    wrong("general.architecture", 0, ErrorCode::UnsupportedArchitecture, 3);
}

void ModelTest::wrongKeysAreNamed() {
    QFETCH(QString, architecture);
    QFETCH(QString, key);
    QFETCH(int, kind);
    QFETCH(double, value);
    QFETCH(int, expected);
    Metadata keys = keysFor(architecture.toStdString());
    const std::string name = key.toStdString();
    if (kind == 0) keys.erase(name);
    if (kind == 1) keys[name] = number(static_cast<std::int64_t>(value));
    if (kind == 2) keys[name] = real(value);
    if (kind == 3) keys[name] = text("strange");
    const auto config = readConfig(keys);
    QVERIFY(!config.has_value());
    QVERIFY2(static_cast<int>(config.error().code) == expected, config.error().message.c_str());
    const QString message = QString::fromStdString(config.error().message);
    // The message names the key, or what the key led to.
    const QString last = key.section('.', -1);
    QVERIFY2(message.contains(last) || message.contains("strange") || name == "llama.expert_count",
             qPrintable(message));
}

void ModelTest::wrongTensorsAreNamed_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("expected");
    QTest::addColumn<QString>("mention");
    const auto add = [](const char* row, const char* architecture, const TensorChange& change, int expected,
                        const char* mention) {
        const auto bytes = modelFile(architecture, change);
        QTest::newRow(row) << QByteArray(reinterpret_cast<const char*>(bytes.data()),
                                         static_cast<qsizetype>(bytes.size()))
                           << expected << mention;
    };
    const auto drop = [](const char* name) {
        return [name](std::vector<test::TestTensor>& tensors) {
            std::erase_if(tensors, [&](const auto& tensor) { return tensor.name == name; });
        };
    };
    const auto nothing = [](std::vector<test::TestTensor>&) {};
    for (const char* architecture : {"llama", "qwen2", "qwen3", "qwen3moe"}) {
        add((std::string(architecture) + ", all right").c_str(), architecture, nothing, -1, "");
    }
    for (const char* name : {"token_embd.weight", "output_norm.weight", "blk.0.attn_norm.weight", "blk.0.attn_q.weight",
                             "blk.0.attn_output.weight", "blk.0.ffn_down.weight"}) {
        add((std::string("without ") + name).c_str(), "llama", drop(name), code(ErrorCode::MissingTensor), name);
    }
    add("qwen2 without a bias", "qwen2", drop("blk.0.attn_k.bias"), code(ErrorCode::MissingTensor),
        "blk.0.attn_k.bias");
    add("qwen3 without a norm", "qwen3", drop("blk.0.attn_q_norm.weight"), code(ErrorCode::MissingTensor),
        "blk.0.attn_q_norm.weight");
    add("qwen3moe without its router", "qwen3moe", drop("blk.0.ffn_gate_inp.weight"), code(ErrorCode::MissingTensor),
        "ffn_gate_inp");
    add(
        "rows and columns exchanged", "llama",
        [](auto& tensors) { std::ranges::reverse(named(tensors, "blk.0.ffn_up.weight").dims); },
        code(ErrorCode::WrongShape), "tensor 'blk.0.ffn_up.weight' is [32, 64], expected [64, 32, 1]");
    add(
        "a vector with two rows", "llama",
        [](auto& tensors) {
            named(tensors, "output_norm.weight").dims = {64, 2};
            named(tensors, "output_norm.weight").data.resize(64 * 2 * sizeof(float));
        },
        code(ErrorCode::WrongShape), "output_norm.weight");
    add(
        "a norm in F16", "llama",
        [](auto& tensors) {
            named(tensors, "output_norm.weight").typeId = kernels::info(DType::F16).ggufId;
            named(tensors, "output_norm.weight").data.resize(64 * 2);
        },
        code(ErrorCode::WrongShape), "expected F32");
    add(
        "a type that is not computed", "llama",
        [](auto& tensors) { named(tensors, "blk.0.attn_q.weight").typeId = kernels::info(DType::I32).ggufId; },
        code(ErrorCode::UnsupportedTensorType), "type I32 (id 26)");
    add(
        "a tensor that nobody knows", "llama",
        [](auto& tensors) {
            tensors.push_back({"blk.0.strange.weight", {4}, 0, std::vector<std::byte>(16), std::nullopt});
        },
        code(ErrorCode::UnsupportedArchitecture), "blk.0.strange.weight");
    add(
        "redundant frequencies are let pass", "llama",
        [](auto& tensors) {
            tensors.push_back({"blk.0.attn_rot_embd", {4}, 0, std::vector<std::byte>(16), std::nullopt});
        },
        -1, "");
}

void ModelTest::wrongTensorsAreNamed() {
    QFETCH(QByteArray, bytes);
    QFETCH(int, expected);
    QFETCH(QString, mention);
    const auto file = GgufFile::parse(
        std::as_bytes(std::span(bytes.constData(), static_cast<std::size_t>(bytes.size()))), "generated");
    QVERIFY2(file.has_value(), file ? "" : file.error().message.c_str());
    const auto config = Model::check(*file);
    QCOMPARE(codeOf(config), expected);
    if (!config)
        QVERIFY2(QString::fromStdString(config.error().message).contains(mention), config.error().message.c_str());
}

void ModelTest::loadReportsProgressAndStops() {
    const QTemporaryDir folder;
    const auto path = test::writeTinyModel(folder.path().toStdString());
    const auto backend = CpuBackend::create({.threads = 1});
    std::vector<core::WeightProgress> seen;
    auto loaded =
        Model::load(*GgufFile::open(path), *backend, {}, [&](const auto& progress) { seen.push_back(progress); }, {});
    QVERIFY2(loaded.has_value(), loaded ? "" : loaded.error().message.c_str());
    QVERIFY(!seen.empty());
    QCOMPARE(seen.back().bytesDone, seen.back().bytesTotal);
    QVERIFY(seen.back().bytesTotal > 100'000);

    std::stop_source stopped;
    stopped.request_stop();
    QCOMPARE(codeOf(Model::load(*GgufFile::open(path), *backend, {}, {}, stopped.get_token())),
             code(ErrorCode::Cancelled));
    QCOMPARE(codeOf(Model::load(*GgufFile::open(path), *backend, {.prefillChunk = 0}, {}, {})),
             code(ErrorCode::InvalidArgument));
}

void ModelTest::forwardRefusesWhatDoesNotFit() {
    const TinyModel tiny;
    auto cache = tiny.model->makeCache(4);
    QVERIFY(cache.has_value());
    std::vector<float> logits = tiny.row();
    const auto forward = [&](std::vector<std::int32_t> tokens, LogitsWanted wanted = LogitsWanted::Last) {
        return codeOf(tiny.model->forward(*cache, tokens, wanted, logits, {}));
    };
    QCOMPARE(forward({-1}), code(ErrorCode::InvalidArgument));
    QCOMPARE(forward({tiny.model->config().vocabulary}), code(ErrorCode::InvalidArgument));
    QCOMPARE(forward({1, 2}, LogitsWanted::All), code(ErrorCode::InvalidArgument)); // room for one row only
    QCOMPARE(forward({1, 2, 3, 4, 5}), code(ErrorCode::ContextTooSmall));
    QCOMPARE(cache->length(), 0);
    QCOMPARE(forward({}), -1);
    QCOMPARE(forward({0, 1, 2, 3}), -1); // token 0 is a token
    QCOMPARE(cache->length(), 4);
    QCOMPARE(forward({1}), code(ErrorCode::ContextTooSmall));
    QVERIFY(std::ranges::all_of(logits, [](float value) { return std::isfinite(value); }));
}

void ModelTest::stoppedForwardLeavesTheCacheUsable() {
    const TinyModel tiny;
    std::vector<float> expected = tiny.row();
    auto fresh = tiny.model->makeCache(32);
    QVERIFY(tiny.model->forward(*fresh, kTokens, LogitsWanted::Last, expected, {}).has_value());

    std::stop_source stopped;
    stopped.request_stop();
    auto cache = tiny.model->makeCache(32);
    std::vector<float> logits = tiny.row();
    QCOMPARE(codeOf(tiny.model->forward(*cache, kTokens, LogitsWanted::Last, logits, stopped.get_token())),
             code(ErrorCode::Cancelled));
    QCOMPARE(cache->length(), 0);
    QVERIFY(tiny.model->forward(*cache, kTokens, LogitsWanted::Last, logits, {}).has_value());
    QVERIFY(logits == expected);

    // A stop in the second chunk keeps the first.
    std::stop_source later;
    tiny.model->setLayerObserver([&](std::int32_t, std::int32_t firstPosition, std::span<const float>) {
        if (firstPosition > 0) later.request_stop();
    });
    cache->truncate(0);
    QCOMPARE(codeOf(tiny.model->forward(*cache, kTokens, LogitsWanted::Last, logits, later.get_token())),
             code(ErrorCode::Cancelled));
    QCOMPARE(cache->length(), 8);
    tiny.model->setLayerObserver({});
    QVERIFY(tiny.model->forward(*cache, std::span(kTokens).subspan(8), LogitsWanted::Last, logits, {}).has_value());
    QVERIFY(logits == expected);
}

void ModelTest::truncatedCacheIsLikeAFreshOne() {
    const TinyModel tiny;
    std::vector<float> expected = tiny.row();
    auto fresh = tiny.model->makeCache(40);
    QVERIFY(tiny.model->forward(*fresh, kTokens, LogitsWanted::Last, expected, {}).has_value());

    auto cache = tiny.model->makeCache(40);
    std::vector<std::int32_t> other(kTokens.begin(), kTokens.begin() + 5);
    other.insert(other.end(), 20, 123);
    QVERIFY(tiny.model->forward(*cache, other, LogitsWanted::None, {}, {}).has_value());
    QCOMPARE(cache->length(), 25);
    cache->truncate(100);
    QCOMPARE(cache->length(), 25);
    cache->truncate(5);
    std::vector<float> logits = tiny.row();
    QVERIFY(tiny.model->forward(*cache, std::span(kTokens).subspan(5), LogitsWanted::Last, logits, {}).has_value());
    for (std::size_t i = 0; i < logits.size(); ++i) {
        QVERIFY2(std::fabs(logits[i] - expected[i]) < 0.01f,
                 qPrintable(QString("token %1: %2, %3").arg(i).arg(logits[i]).arg(expected[i])));
    }
    cache->truncate(-1);
    QCOMPARE(cache->length(), 0);
}

void ModelTest::memoryIsCountedAndRefused() {
    const TinyModel tiny;
    const ModelConfig& config = tiny.model->config();
    auto cache = tiny.model->makeCache(64);
    QCOMPARE(cache->bytes(),
             static_cast<std::uint64_t>(config.layers) * 2 * 64 * static_cast<std::uint64_t>(config.kvWidth()) * 2);
    QCOMPARE(tiny.model->kvBytes(64), cache->bytes());
    QVERIFY(tiny.model->scratchBytes() > static_cast<std::uint64_t>(config.vocabulary) * sizeof(float));
    QCOMPARE(codeOf(tiny.model->makeCache(0)), code(ErrorCode::InvalidArgument));

    ModelConfig huge = config;
    huge.layers = 1'000'000;
    huge.kvHeads = 30'000;
    huge.headDim = 30'000;
    constexpr std::int32_t kLongest = 2'000'000'000;
    QCOMPARE(KvCache::bytesFor(huge, kLongest), std::numeric_limits<std::uint64_t>::max());
    const auto refused = KvCache::create(huge, *tiny.backend, kLongest);
    QCOMPARE(codeOf(refused), code(ErrorCode::OutOfMemory));
    QVERIFY(refused.error().message.find("bytes") != std::string::npos);
}

void ModelTest::changedFileIsReported() {
    TinyModel tiny;
    auto cache = tiny.model->makeCache(8);
    std::vector<float> logits = tiny.row();
    QVERIFY(tiny.model->checkFile().has_value());
    std::filesystem::resize_file(tiny.path, 4096);
    QCOMPARE(codeOf(tiny.model->checkFile()), code(ErrorCode::FileChanged));
    // Pages of the mapping that are gone must end in an error, not in a signal.
    QCOMPARE(codeOf(tiny.model->forward(*cache, kTokens, LogitsWanted::Last, logits, {})),
             code(ErrorCode::ContextTooSmall));
    QCOMPARE(codeOf(tiny.model->forward(*cache, std::span(kTokens).first(4), LogitsWanted::Last, logits, {})),
             code(ErrorCode::FileChanged));
}

QTEST_GUILESS_MAIN(ModelTest)
#include "model_test.moc"
