// SPDX-License-Identifier: Apache-2.0
//
// Caches in q8_0: how far the logits move from those of an f16 cache, and what is refused. The kernels are judged in
// tests/kernels/ops_test.cpp; here it is the whole model, where a wrong layout would show as noise of another size.
// Measured on the portable path (f32 activations, so that nothing else rounds), 96 tokens: rms 0.012 to 0.017 of the
// logits' deviation, mean divergence 2.4e-4 to 8.4e-4 nats; at most 0.092, in the trained model 0.214.
#include "core/model/model.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/core/model/logit_distance.h"
#include "tests/support/tiny_model.h"

#include <QTemporaryDir>
#include <QTest>

#include <filesystem>

using namespace hearth;
using core::GgufFile;
using core::LogitsWanted;
using core::Model;
using kernels::CpuBackend;
using kernels::KvType;

namespace {

core::Result<std::unique_ptr<Model>> load(const std::filesystem::path& path, kernels::Backend& backend, KvType type) {
    auto file = GgufFile::open(path);
    if (!file) return std::unexpected(file.error());
    return Model::load(std::move(*file), backend, {.prefillChunk = 16, .kvType = type}, {}, {});
}

std::vector<float> logitsOf(Model& model, std::span<const std::int32_t> tokens) {
    auto cache = model.makeCache(static_cast<std::int32_t>(tokens.size()));
    std::vector<float> logits(tokens.size() * static_cast<std::size_t>(model.config().vocabulary));
    if (!cache || !model.forward(*cache, tokens, LogitsWanted::All, logits, {})) return {};
    return logits;
}

} // namespace

class KvTypeTest : public QObject {
    Q_OBJECT

private slots:
    void namesAreKnown();
    void q8StaysCloseToF16_data();
    void q8StaysCloseToF16();
    void headSizesThatDoNotFitAreRefused();
};

void KvTypeTest::namesAreKnown() {
    QVERIFY(core::kvTypeFromName("f16") == KvType::F16);
    QVERIFY(core::kvTypeFromName("q8_0") == KvType::Q8_0);
    for (const char* unknown : {"", "F16", "q8", "q4_0"})
        QVERIFY(!core::kvTypeFromName(unknown).has_value());
    for (const KvType type : {KvType::F16, KvType::Q8_0})
        QVERIFY(core::kvTypeFromName(core::name(type)) == type);
}

void KvTypeTest::q8StaysCloseToF16_data() {
    QTest::addColumn<QString>("path");
    for (const char* name : {"llama-mini-F16", "qwen2-mini-Q4_K_M", "llama-tiny-Q4_K_M", "llama3-tiny-Q4_0"})
        QTest::newRow(name) << QString(HEARTH_TEST_DATA "/models/gguf/%1.gguf").arg(name);
    QTest::newRow("minimind2-small, trained") << QString(HEARTH_SHARED_REFS "/real/minimind2-small-Q8_0.gguf");
}

void KvTypeTest::q8StaysCloseToF16() {
    QFETCH(QString, path);
    if (!std::filesystem::exists(path.toStdString())) QSKIP(qPrintable("the model is not beside the checkout: " + path));
    const auto backend = CpuBackend::create({.forcedPath = kernels::CpuPath::Portable});
    const auto half = load(path.toStdString(), *backend, KvType::F16);
    const auto blocks = load(path.toStdString(), *backend, KvType::Q8_0);
    QVERIFY(half.has_value() && blocks.has_value());
    std::vector<std::int32_t> prompt;
    for (std::int32_t i = 0; i < 96; ++i)
        prompt.push_back((1 + i * 97) % std::min((*half)->config().vocabulary, 580));

    const std::vector<float> expected = logitsOf(**half, prompt);
    const std::vector<float> got = logitsOf(**blocks, prompt);
    QVERIFY2(!expected.empty() && got.size() == expected.size(), qPrintable(QString::number((*half)->config().headDim)));
    const auto distance =
        test::logitDistance(got, expected, static_cast<std::size_t>((*half)->config().vocabulary));
    qInfo("rms %.5f, max %.4f, mean KL %.2e", distance.rms, distance.max, distance.meanKl);
    const std::string wrong = test::complaint(distance, {0.025, 0.3, 1.5e-3});
    QVERIFY2(wrong.empty(), wrong.c_str());
    QVERIFY(distance.rms > 0.0); // it was another cache indeed
    const auto size = [](Model& model) { return model.makeCache(100)->bytes(); };
    QCOMPARE(size(**blocks) * 64, size(**half) * 34);
    QCOMPARE((*blocks)->kvBytes(100), size(**blocks));
}

void KvTypeTest::headSizesThatDoNotFitAreRefused() {
    const QTemporaryDir folder;
    const auto backend = CpuBackend::create({.threads = 1});
    const auto model = load(test::writeTinyModel(folder.path().toStdString()), *backend, KvType::Q8_0); // heads of 16
    QVERIFY(model.has_value());
    const auto cache = (*model)->makeCache(64);
    QVERIFY(!cache.has_value());
    QCOMPARE(int(cache.error().code), int(core::ErrorCode::InvalidArgument));
    QVERIFY2(cache.error().message.find("multiple of 32; this model's is 16") != std::string::npos,
             cache.error().message.c_str());
}

QTEST_GUILESS_MAIN(KvTypeTest)
#include "kv_type_test.moc"
