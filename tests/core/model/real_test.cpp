// SPDX-License-Identifier: Apache-2.0
//
// Small trained models against the greedy text that llama.cpp gives for them (shared/refs/real), on the fastest CPU
// path and, the smallest, on the portable one. The weights are not in the repository: without them every row is skipped
// with its reason. The text is fed token by token as llama.cpp wrote it, so that one narrow choice does not hide all
// that comes after: wherever llama.cpp's best token led by 0.3 or more, ours must be the same.
#include "core/model/model.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/core/model/logit_distance.h"

#include <QTest>

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace hearth;
using core::GgufFile;
using core::LogitsWanted;
using core::Model;
using kernels::CpuBackend;
using kernels::CpuPath;

namespace {

constexpr double kClearLead = 0.3;
constexpr std::uint64_t kSmallFile = 5'000'000; // what the portable path is done with in a second

const std::filesystem::path kFolder = HEARTH_SHARED_REFS "/real";

/// The reference folder, or for the starter model the folder it is fetched to.
std::filesystem::path findModel(const std::string& name) {
    std::vector<std::filesystem::path> folders{kFolder};
    if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data != '\0') {
        folders.push_back(std::filesystem::path(data) / "hearth/models");
    } else if (const char* home = std::getenv("HOME"); home != nullptr) {
        folders.push_back(std::filesystem::path(home) / ".local/share/hearth/models");
    }
    for (const auto& folder : folders) {
        if (std::filesystem::exists(folder / name)) return folder / name;
    }
    return {};
}

} // namespace

class RealTest : public QObject {
    Q_OBJECT

private slots:
    void greedyTextIsTheSame_data();
    void greedyTextIsTheSame();
};

void RealTest::greedyTextIsTheSame_data() {
    QTest::addColumn<QString>("text");
    QTest::addColumn<int>("path");
    std::ifstream cases(kFolder / "cases.jsonl");
    if (!cases) {
        QTest::newRow("shared/refs/real") << QString() << 0;
        return;
    }
    int number = 0;
    for (std::string line; std::getline(cases, line); ++number) {
        const std::string name = nlohmann::json::parse(line)["model"];
        std::error_code absent;
        const std::uintmax_t bytes = std::filesystem::file_size(findModel(name), absent);
        for (const CpuPath path : {CpuPath::Portable, kernels::bestCpuPath()}) {
            if (path == CpuPath::Portable && (absent || bytes > kSmallFile)) continue;
            QTest::addRow("case %d, %s, %s", number, name.c_str(), kernels::cpuPathName(path))
                << QString::fromStdString(line) << static_cast<int>(path);
        }
    }
}

void RealTest::greedyTextIsTheSame() {
    QFETCH(QString, text);
    QFETCH(int, path);
    if (text.isEmpty()) QSKIP("the shared reference texts are not here");
    const auto json = nlohmann::json::parse(text.toStdString());
    const std::string name = json["model"];
    const std::filesystem::path modelPath = findModel(name);
    if (modelPath.empty()) QSKIP(qPrintable(QString("%1 is not here").arg(QString::fromStdString(name))));

    auto file = GgufFile::open(modelPath);
    QVERIFY2(file.has_value(), file ? "" : file.error().message.c_str());
    const auto backend = CpuBackend::create({.threads = 2, .forcedPath = static_cast<CpuPath>(path)});
    const auto model = Model::load(std::move(*file), *backend, {}, {}, {});
    QVERIFY2(model.has_value(), model ? "" : model.error().message.c_str());

    const auto prompt = json["prompt_ids"].get<std::vector<std::int32_t>>();
    const auto greedy = json["greedy_ids"].get<std::vector<std::int32_t>>();
    const auto gaps = json["gaps"].get<std::vector<double>>();
    auto cache = (*model)->makeCache(static_cast<std::int32_t>(prompt.size() + greedy.size()));
    QVERIFY(cache.has_value());
    std::vector<float> logits(static_cast<std::size_t>((*model)->config().vocabulary));
    QVERIFY((*model)->forward(*cache, prompt, LogitsWanted::Last, logits, {}).has_value());
    int judged = 0;
    for (std::size_t k = 0; k < greedy.size(); ++k) {
        if (gaps[k] >= kClearLead) {
            const auto chosen = static_cast<std::int32_t>(test::argmax(logits));
            QVERIFY2(chosen == greedy[k], qPrintable(QString("step %1: %2 instead of %3, whose lead was %4")
                                                         .arg(k)
                                                         .arg(chosen)
                                                         .arg(greedy[k])
                                                         .arg(gaps[k])));
            ++judged;
        }
        QVERIFY((*model)->forward(*cache, std::span(greedy).subspan(k, 1), LogitsWanted::Last, logits, {}).has_value());
    }
    QVERIFY(judged > 0);
}

QTEST_GUILESS_MAIN(RealTest)
#include "real_test.moc"
