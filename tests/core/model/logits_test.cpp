// SPDX-License-Identifier: Apache-2.0
//
// The forward pass against the exact logits of the reference models (tests/data/models, and all of shared/refs/models
// when that is here), on every CPU path, the prompt fed at once, in odd pieces and token by token.
#include "core/model/model.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/core/model/logit_distance.h"

#include <QTest>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

using namespace hearth;
using core::GgufFile;
using core::KvCache;
using core::LogitsWanted;
using core::Model;
using kernels::CpuBackend;
using kernels::CpuPath;

namespace {

constexpr const char* kAbsent = "the shared reference models are not here";

const std::filesystem::path kCommitted = HEARTH_TEST_DATA "/models";
const std::filesystem::path kShared = HEARTH_SHARED_REFS "/models";

std::vector<nlohmann::json> readManifest(const std::filesystem::path& folder) {
    std::ifstream file(folder / "manifest.json");
    if (!file) return {};
    std::vector<nlohmann::json> models;
    for (nlohmann::json model : nlohmann::json::parse(file)) {
        model["folder"] = folder.string();
        models.push_back(std::move(model));
    }
    return models;
}

/// Every model once: a committed one is not repeated from the shared folder.
std::vector<nlohmann::json> allModels() {
    std::vector<nlohmann::json> models = readManifest(kCommitted);
    for (nlohmann::json& model : readManifest(kShared)) {
        const bool known =
            std::ranges::any_of(models, [&](const auto& other) { return other["file"] == model["file"]; });
        if (!known) models.push_back(std::move(model));
    }
    return models;
}

std::filesystem::path pathOf(const nlohmann::json& model, const char* field) {
    return std::filesystem::path(model["folder"].get<std::string>()) / model[field].get<std::string>();
}

std::vector<std::int32_t> idsOf(const nlohmann::json& list) {
    return list.get<std::vector<std::int32_t>>();
}

struct Loaded {
    std::unique_ptr<CpuBackend> backend;
    std::unique_ptr<Model> model;
};

Loaded loadModel(const std::filesystem::path& path, CpuPath cpuPath, std::int32_t chunk) {
    auto file = GgufFile::open(path);
    if (!file) {
        qWarning("%s", file.error().message.c_str());
        return {};
    }
    auto backend = CpuBackend::create({.threads = 2, .forcedPath = cpuPath});
    auto model = Model::load(std::move(*file), *backend, {.prefillChunk = chunk}, {}, {});
    if (!model) {
        qWarning("%s", model.error().message.c_str());
        return {};
    }
    return {std::move(backend), std::move(*model)};
}

/// Logits of every position, fed in pieces whose sizes repeat; empty on an error.
std::vector<float> logitsInPieces(Model& model, std::span<const std::int32_t> tokens,
                                  std::span<const std::size_t> pieces) {
    const auto vocabulary = static_cast<std::size_t>(model.config().vocabulary);
    auto cache = model.makeCache(static_cast<std::int32_t>(tokens.size()));
    if (!cache) return {};
    std::vector<float> logits(tokens.size() * vocabulary);
    std::size_t fed = 0;
    for (std::size_t i = 0; fed < tokens.size(); ++i) {
        const std::size_t count = std::min(pieces[i % pieces.size()], tokens.size() - fed);
        const auto result = model.forward(*cache, tokens.subspan(fed, count), LogitsWanted::All,
                                          std::span(logits).subspan(fed * vocabulary, count * vocabulary), {});
        if (!result) {
            qWarning("%s", result.error().message.c_str());
            return {};
        }
        fed += count;
    }
    return logits;
}

std::vector<float> logitsAtOnce(Model& model, std::span<const std::int32_t> tokens) {
    const std::array pieces{tokens.size()};
    return logitsInPieces(model, tokens, pieces);
}

void addModelAndPathRows(bool (*wanted)(const nlohmann::json&)) {
    QTest::addColumn<QString>("manifest");
    QTest::addColumn<int>("path");
    for (const nlohmann::json& model : allModels()) {
        if (!wanted(model)) continue;
        const std::string stem = std::filesystem::path(model["file"].get<std::string>()).stem().string();
        for (const CpuPath path : test::supportedCpuPaths()) {
            QTest::addRow("%s, %s", stem.c_str(), kernels::cpuPathName(path))
                << QString::fromStdString(model.dump()) << static_cast<int>(path);
        }
    }
}

} // namespace

class LogitsTest : public QObject {
    Q_OBJECT

private slots:
    void sharedModelsAreHere();
    void promptMatchesExactLogits_data();
    void promptMatchesExactLogits();
    void longPromptMatchesExactLogits_data();
    void longPromptMatchesExactLogits();
    void greedyContinuationIsChosen_data();
    void greedyContinuationIsChosen();
    void everyLayerMatchesOnThePortablePath_data();
    void everyLayerMatchesOnThePortablePath();
};

void LogitsTest::sharedModelsAreHere() {
    QVERIFY2(!readManifest(kCommitted).empty(), "tests/data/models is not there");
    if (readManifest(kShared).empty()) QSKIP(kAbsent);
}

void LogitsTest::promptMatchesExactLogits_data() {
    addModelAndPathRows([](const nlohmann::json&) { return true; });
}

void LogitsTest::promptMatchesExactLogits() {
    QFETCH(QString, manifest);
    QFETCH(int, path);
    const auto json = nlohmann::json::parse(manifest.toStdString());
    const auto prompt = idsOf(json["prompt"]);
    const std::vector<float> expected = test::readFloats(pathOf(json, "exact_logits"));
    const Loaded loaded = loadModel(pathOf(json, "file"), static_cast<CpuPath>(path), 256);
    QVERIFY(loaded.model != nullptr);
    const auto vocabulary = static_cast<std::size_t>(loaded.model->config().vocabulary);
    QCOMPARE(expected.size(), prompt.size() * vocabulary);
    test::LogitTolerance tolerance = test::toleranceFor(loaded.model->file(), static_cast<CpuPath>(path));

    const std::array<std::size_t, 1> whole{prompt.size()};
    const std::array<std::size_t, 4> odd{1, 7, 2, 3};
    const std::array<std::size_t, 1> single{1};
    const std::array<std::pair<const char*, std::span<const std::size_t>>, 3> feedings{
        {{"at once", whole}, {"in odd pieces", odd}, {"one at a time", single}}};
    for (const auto& [name, pieces] : feedings) {
        const std::vector<float> logits = logitsInPieces(*loaded.model, prompt, pieces);
        QCOMPARE(logits.size(), expected.size());
        const std::string wrong = test::complaint(test::logitDistance(logits, expected, vocabulary), tolerance);
        QVERIFY2(wrong.empty(), qPrintable(QString("%1: %2").arg(name, QString::fromStdString(wrong))));
    }

    // The same through small chunks inside one call, wanting only the last row.
    const Loaded chunked = loadModel(pathOf(json, "file"), static_cast<CpuPath>(path), 5);
    auto cache = chunked.model->makeCache(static_cast<std::int32_t>(prompt.size()));
    QVERIFY(cache.has_value());
    std::vector<float> last(vocabulary);
    QVERIFY(chunked.model->forward(*cache, prompt, LogitsWanted::Last, last, {}).has_value());
    QCOMPARE(static_cast<std::size_t>(cache->length()), prompt.size());
    const auto expectedLast = std::span(expected).last(vocabulary);
    tolerance.meanKl *= 4.0; // one position's divergence, not a mean
    const std::string wrong = test::complaint(test::logitDistance(last, expectedLast, vocabulary), tolerance);
    QVERIFY2(wrong.empty(), qPrintable("in chunks, last only: " + QString::fromStdString(wrong)));
}

void LogitsTest::longPromptMatchesExactLogits_data() {
    const auto hasLongPrompt = [](const nlohmann::json& model) { return model.contains("long") && !model["long"].is_null(); };
    addModelAndPathRows(hasLongPrompt);
    // Without the shared models there is no row at all, and a test of no row would run without its data.
    if (std::ranges::none_of(allModels(), hasLongPrompt)) QTest::newRow("none") << QString() << 0;
}

void LogitsTest::longPromptMatchesExactLogits() {
    QFETCH(QString, manifest);
    QFETCH(int, path);
    if (manifest.isEmpty()) QSKIP(kAbsent);
    const auto json = nlohmann::json::parse(manifest.toStdString());
    const auto prompt = idsOf(json["long"]["prompt"]);
    const std::vector<float> expected = test::readFloats(std::filesystem::path(json["folder"].get<std::string>()) /
                                                         json["long"]["exact_logits"].get<std::string>());
    const Loaded loaded = loadModel(pathOf(json, "file"), static_cast<CpuPath>(path), 48);
    QVERIFY(loaded.model != nullptr);
    const auto vocabulary = static_cast<std::size_t>(loaded.model->config().vocabulary);
    const auto rows = json["long"]["last_positions"].get<std::size_t>();
    QCOMPARE(expected.size(), rows * vocabulary);

    const std::vector<float> logits = logitsAtOnce(*loaded.model, prompt);
    QCOMPARE(logits.size(), prompt.size() * vocabulary);
    const auto distance = test::logitDistance(std::span(logits).last(rows * vocabulary), expected, vocabulary);
    const std::string wrong =
        test::complaint(distance, test::toleranceFor(loaded.model->file(), static_cast<CpuPath>(path)));
    QVERIFY2(wrong.empty(), wrong.c_str());
}

void LogitsTest::greedyContinuationIsChosen_data() {
    addModelAndPathRows([](const nlohmann::json&) { return true; });
}

void LogitsTest::greedyContinuationIsChosen() {
    QFETCH(QString, manifest);
    QFETCH(int, path);
    const auto json = nlohmann::json::parse(manifest.toStdString());
    std::vector<std::int32_t> tokens = idsOf(json["prompt"]);
    const std::size_t promptSize = tokens.size();
    const auto greedy = idsOf(json["greedy_exact"]);
    const auto margins = json["greedy_exact_margin"].get<std::vector<double>>();
    const double sigma = json["logits_std"].get<double>();
    tokens.insert(tokens.end(), greedy.begin(), greedy.end());

    const Loaded loaded = loadModel(pathOf(json, "file"), static_cast<CpuPath>(path), 256);
    QVERIFY(loaded.model != nullptr);
    const auto vocabulary = static_cast<std::size_t>(loaded.model->config().vocabulary);
    const std::vector<float> logits = logitsAtOnce(*loaded.model, tokens);
    QCOMPARE(logits.size(), tokens.size() * vocabulary);
    int judged = 0;
    for (std::size_t k = 0; k < greedy.size(); ++k) {
        if (margins[k] <= 0.15 * sigma) continue;
        const auto row = std::span(logits).subspan((promptSize - 1 + k) * vocabulary, vocabulary);
        QCOMPARE(test::argmax(row), static_cast<std::size_t>(greedy[k]));
        ++judged;
    }
    QVERIFY(judged >= static_cast<int>(greedy.size()) / 4);
}

void LogitsTest::everyLayerMatchesOnThePortablePath_data() {
    QTest::addColumn<QString>("manifest");
    int rows = 0;
    for (const nlohmann::json& model : readManifest(kShared)) {
        if (!model.contains("exact_layers") || model["exact_layers"].is_null()) continue;
        QTest::addRow("%s", model["file"].get<std::string>().c_str()) << QString::fromStdString(model.dump());
        ++rows;
    }
    if (rows == 0) QTest::addRow("none") << QString();
}

void LogitsTest::everyLayerMatchesOnThePortablePath() {
    QFETCH(QString, manifest);
    if (manifest.isEmpty()) QSKIP(kAbsent);
    const auto json = nlohmann::json::parse(manifest.toStdString());
    const auto prompt = idsOf(json["prompt"]);
    const std::vector<float> expected = test::readFloats(pathOf(json, "exact_layers"));
    const Loaded loaded = loadModel(pathOf(json, "file"), CpuPath::Portable, 256);
    QVERIFY(loaded.model != nullptr);
    std::vector<float> actual;
    loaded.model->setLayerObserver([&](std::int32_t, std::int32_t, std::span<const float> residual) {
        actual.insert(actual.end(), residual.begin(), residual.end());
    });
    QVERIFY(!logitsAtOnce(*loaded.model, prompt).empty());
    QCOMPARE(actual.size(), expected.size());
    const std::size_t perLayer = prompt.size() * static_cast<std::size_t>(loaded.model->config().embedding);
    for (std::int32_t layer = 0; layer < loaded.model->config().layers; ++layer) {
        double error = 0.0;
        double size = 0.0;
        for (std::size_t i = 0; i < perLayer; ++i) {
            const std::size_t at = static_cast<std::size_t>(layer) * perLayer + i;
            error += (actual[at] - expected[at]) * (actual[at] - expected[at]);
            size += expected[at] * expected[at];
        }
        const double relative = std::sqrt(error / size);
        QVERIFY2(relative <= 0.003, qPrintable(QString("layer %1: relative error %2").arg(layer).arg(relative)));
    }
}

QTEST_GUILESS_MAIN(LogitsTest)
#include "logits_test.moc"
