// SPDX-License-Identifier: Apache-2.0
//
// What the reference models do not cover, judged by llama.cpp's logits for models that are generated here: qwen3 with
// its Q and K norms and its own head size, qwen3moe, optional biases, linear and YaRN rotary scaling.
#include "core/model/model.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/core/model/generated_models.h"
#include "tests/core/model/logit_distance.h"

#include <QTemporaryDir>
#include <QTest>

using namespace hearth;
using core::GgufFile;
using core::LogitsWanted;
using core::Model;
using kernels::CpuBackend;
using kernels::CpuPath;

class GeneratedTest : public QObject {
    Q_OBJECT

private slots:
    void logitsMatch_data();
    void logitsMatch();
};

void GeneratedTest::logitsMatch_data() {
    QTest::addColumn<int>("model");
    QTest::addColumn<int>("path");
    const auto models = test::generatedModels();
    for (std::size_t i = 0; i < models.size(); ++i) {
        for (const CpuPath path : test::supportedCpuPaths()) {
            QTest::addRow("%s, %s", models[i].name.c_str(), kernels::cpuPathName(path))
                << static_cast<int>(i) << static_cast<int>(path);
        }
    }
}

void GeneratedTest::logitsMatch() {
    QFETCH(int, model);
    QFETCH(int, path);
    const test::TinyModelOptions options = test::generatedModels()[static_cast<std::size_t>(model)];
    const std::vector<float> expected = test::readFloats(HEARTH_TEST_DATA "/models/generated/" + options.name + ".f32");
    const QTemporaryDir folder;
    auto file = GgufFile::open(test::writeTinyModel(folder.path().toStdString(), options));
    QVERIFY2(file.has_value(), file ? "" : file.error().message.c_str());
    const auto backend = CpuBackend::create({.threads = 2, .forcedPath = static_cast<CpuPath>(path)});
    const auto loaded = Model::load(std::move(*file), *backend, {.prefillChunk = 13}, {}, {});
    QVERIFY2(loaded.has_value(), loaded ? "" : loaded.error().message.c_str());

    const std::vector<std::int32_t> prompt = test::generatedPrompt();
    const auto vocabulary = static_cast<std::size_t>((*loaded)->config().vocabulary);
    QCOMPARE(expected.size(), test::kGeneratedRows * vocabulary);
    auto cache = (*loaded)->makeCache(static_cast<std::int32_t>(prompt.size()));
    QVERIFY(cache.has_value());
    std::vector<float> logits(prompt.size() * vocabulary);
    QVERIFY((*loaded)->forward(*cache, prompt, LogitsWanted::All, logits, {}).has_value());
    const auto distance = test::logitDistance(std::span(logits).last(expected.size()), expected, vocabulary);
    const std::string wrong =
        test::complaint(distance, test::toleranceFor((*loaded)->file(), static_cast<CpuPath>(path)));
    QVERIFY2(wrong.empty(), wrong.c_str());
}

QTEST_GUILESS_MAIN(GeneratedTest)
#include "generated_test.moc"
