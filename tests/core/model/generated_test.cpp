// SPDX-License-Identifier: Apache-2.0
//
// What the reference models do not cover, judged by llama.cpp's logits for models that are generated here: every architecture,
// its variants, optional biases, and every kind of rotation past the context that it was made for.
#include "core/model/arch_table.h"
#include "core/model/model.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/core/model/arch_models.h"
#include "tests/core/model/generated_models.h"
#include "tests/core/model/logit_distance.h"
#include "tests/support/device_backend.h"

#include <QTemporaryDir>
#include <QTest>

#include <algorithm>

using namespace hearth;
using core::GgufFile;
using core::LogitsWanted;
using core::Model;
using kernels::CpuBackend;
using kernels::CpuPath;

namespace {

/// Feeds the prompt in chunks of 13 and compares the last rows with the stored logits; what is wrong, or nothing.
std::string differenceOn(const core::BackendSet& backends, const std::string& stem, const std::filesystem::path& path,
                         CpuPath cpuPath, double extraTolerance) {
    const std::vector<float> expected = test::readFloats(HEARTH_TEST_DATA "/models/generated/" + stem + ".f32");
    auto file = GgufFile::open(path);
    if (!file) return file.error().message;
    const auto loaded = Model::load(std::move(*file), backends, {.prefillChunk = 13}, {}, {});
    if (!loaded) return loaded.error().message;

    const std::vector<std::int32_t> prompt = test::generatedPrompt();
    const auto vocabulary = static_cast<std::size_t>((*loaded)->config().vocabulary);
    if (expected.size() != test::kGeneratedRows * vocabulary) return "the stored logits are not there";
    auto cache = (*loaded)->makeCache(static_cast<std::int32_t>(prompt.size()));
    if (!cache) return cache.error().message;
    std::vector<float> logits(prompt.size() * vocabulary);
    if (const auto done = (*loaded)->forward(*cache, prompt, LogitsWanted::All, logits, {}); !done)
        return done.error().message;
    const auto distance = test::logitDistance(std::span(logits).last(expected.size()), expected, vocabulary);
    test::LogitTolerance tolerance = test::toleranceFor((*loaded)->file(), cpuPath);
    tolerance.rms += extraTolerance;
    tolerance.max += extraTolerance;
    return test::complaint(distance, tolerance);
}

std::string differenceFrom(const std::string& stem, const std::filesystem::path& path, CpuPath cpuPath,
                           double extraTolerance) {
    const auto backend = CpuBackend::create({.threads = 2, .forcedPath = cpuPath});
    return differenceOn(core::BackendSet{*backend}, stem, path, cpuPath, extraTolerance);
}

} // namespace

class GeneratedTest : public QObject {
    Q_OBJECT

private slots:
    void logitsMatch_data();
    void logitsMatch();
    void everyArchitectureMatches_data();
    void everyArchitectureMatches();
    void everyArchitectureMatchesOnTwoBackEnds_data();
    void everyArchitectureMatchesOnTwoBackEnds();
    void learnedPositionsEndTheContext();
    void everyArchitectureIsHere();
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
    const QTemporaryDir folder;
    const auto file = test::writeTinyModel(folder.path().toStdString(), options);
    const std::string wrong = differenceFrom(options.name, file, static_cast<CpuPath>(path), 0.0);
    QVERIFY2(wrong.empty(), wrong.c_str());
}

void GeneratedTest::everyArchitectureMatches_data() {
    QTest::addColumn<int>("model");
    QTest::addColumn<int>("path");
    const auto models = test::archModels();
    for (std::size_t i = 0; i < models.size(); ++i) {
        // F32 weights are multiplied alike on every path; two paths show that, MXFP4 is judged on all.
        for (const CpuPath path : test::supportedCpuPaths()) {
            const bool ends = path == CpuPath::Portable || path == test::supportedCpuPaths().back();
            if (!ends && !models[i].mxfp4Experts) continue;
            QTest::addRow("%s, %s", models[i].name.c_str(), kernels::cpuPathName(path))
                << static_cast<int>(i) << static_cast<int>(path);
        }
    }
}

void GeneratedTest::everyArchitectureMatches() {
    QFETCH(int, model);
    QFETCH(int, path);
    const test::ArchModel described = test::archModels()[static_cast<std::size_t>(model)];
    const QTemporaryDir folder;
    const auto file = test::writeArchModel(folder.path().toStdString(), described);
    const std::string wrong =
        differenceFrom(described.name, file, static_cast<CpuPath>(path), described.extraTolerance);
    QVERIFY2(wrong.empty(), wrong.c_str());
}

void GeneratedTest::everyArchitectureMatchesOnTwoBackEnds_data() {
    QTest::addColumn<int>("model");
    const auto models = test::archModels();
    for (std::size_t i = 0; i < models.size(); ++i) QTest::addRow("%s", models[i].name.c_str()) << static_cast<int>(i);
}

/// Layer 0 in memory of another device, the rest and the output here; what the device cannot compute is refused.
void GeneratedTest::everyArchitectureMatchesOnTwoBackEnds() {
    QFETCH(int, model);
    const test::ArchModel described = test::archModels()[static_cast<std::size_t>(model)];
    const QTemporaryDir folder;
    const auto path = test::writeArchModel(folder.path().toStdString(), described);
    const CpuPath best = test::supportedCpuPaths().back();
    const auto cpu = CpuBackend::create({.threads = 2, .forcedPath = best});
    test::DeviceBackend device(CpuBackend::create({.threads = 2, .forcedPath = best}));
    const core::BackendSet backends{*cpu, &device, {.gpuLayers = 1, .outputOnGpu = false}};
    const std::string wrong = differenceOn(backends, described.name, path, best, described.extraTolerance);
    const bool special = described.architecture == "gpt-oss" || described.architecture == "deepseek2";
    if (special) {
        QVERIFY2(wrong.starts_with("this model needs ") && wrong.ends_with(core::kOnTheGpu), wrong.c_str());
    } else {
        QVERIFY2(wrong.empty(), wrong.c_str());
        QVERIFY(device.steps() > 0);
    }
}

void GeneratedTest::learnedPositionsEndTheContext() {
    const auto models = test::archModels();
    const auto gpt2 = std::ranges::find(models, "gpt2", &test::ArchModel::name);
    QVERIFY(gpt2 != models.end());
    const QTemporaryDir folder;
    auto file = GgufFile::open(test::writeArchModel(folder.path().toStdString(), *gpt2));
    QVERIFY(file.has_value());
    const auto backend = CpuBackend::create({.threads = 1});
    const auto loaded = Model::load(std::move(*file), *backend, {}, {}, {});
    QVERIFY(loaded.has_value());
    QVERIFY((*loaded)->makeCache(64).has_value());
    const auto refused = (*loaded)->makeCache(65);
    QVERIFY(!refused.has_value());
    QCOMPARE(static_cast<int>(refused.error().code), static_cast<int>(core::ErrorCode::InvalidArgument));
    QVERIFY2(refused.error().message.find("64") != std::string::npos, refused.error().message.c_str());
}

void GeneratedTest::everyArchitectureIsHere() {
    const auto models = test::archModels();
    for (const core::Architecture& architecture : core::archTable()) {
        QVERIFY2(std::ranges::count(models, architecture.name, &test::ArchModel::architecture) > 0,
                 std::string(architecture.name).c_str());
    }
}

QTEST_GUILESS_MAIN(GeneratedTest)
#include "generated_test.moc"
