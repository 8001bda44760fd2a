// SPDX-License-Identifier: Apache-2.0
//
// Tokenizers against ids that llama.cpp produced: the vocabularies in tests/data/tokenizers (ours, always there), and
// those of real models and of the reference models in shared/refs (when there).
#include "core/gguf/gguf_file.h"
#include "core/tokenizer/tokenizer.h"

#include <QtTest>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include <nlohmann/json.hpp>

using namespace hearth::core;
namespace fs = std::filesystem;

namespace {

struct Case {
    std::string text;
    std::vector<TokenId> ids;
    std::vector<TokenId> idsParseSpecial;
};

std::vector<TokenId> idsOf(const nlohmann::json& list) {
    return list.get<std::vector<TokenId>>();
}

Case caseOf(const nlohmann::json& object) {
    return {object.at("text").get<std::string>(), idsOf(object.at("ids")), idsOf(object.at("ids_parse_special"))};
}

/// One JSON object a line (tests/data/tokenizers, shared/refs/tokenizers).
std::vector<Case> readLines(const fs::path& path) {
    std::vector<Case> cases;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (!line.empty()) cases.push_back(caseOf(nlohmann::json::parse(line)));
    }
    return cases;
}

/// {"cases": [...]} (shared/refs/models/expected).
std::vector<Case> readDocument(const fs::path& path) {
    std::vector<Case> cases;
    std::ifstream file(path);
    const auto document = nlohmann::json::parse(file);
    for (const auto& object : document.at("cases"))
        cases.push_back(caseOf(object));
    return cases;
}

QByteArray shown(const std::vector<TokenId>& ids) {
    QByteArray out;
    for (const TokenId id : ids)
        out += QByteArray::number(id) + ' ';
    return out;
}

Result<std::unique_ptr<Tokenizer>> load(const fs::path& path) {
    auto file = GgufFile::open(path);
    if (!file) return std::unexpected(std::move(file).error());
    auto vocabulary = readVocabulary(file->metadata());
    if (!vocabulary) return std::unexpected(std::move(vocabulary).error());
    return Tokenizer::create(std::move(*vocabulary));
}

void addVocabularies(const fs::path& folder) {
    std::error_code ignored;
    std::map<std::string, fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        std::string name = entry.path().filename().string();
        constexpr std::string_view kSuffix = ".vocab.gguf";
        if (name.ends_with(kSuffix)) found.emplace(name.substr(0, name.size() - kSuffix.size()), entry.path());
    }
    for (const auto& [name, path] : found) {
        QTest::newRow(name.c_str()) << QString::fromStdString(path.string())
                                    << QString::fromStdString((folder / (name + ".cases.jsonl")).string());
    }
}

/// Empty when all cases agree; else how many do not, and the first of them.
QString compare(const Tokenizer& tokenizer, const std::vector<Case>& cases) {
    int wrong = 0;
    QString first;
    const auto expect = [&](const Case& tested, const std::vector<TokenId>& expected, const std::vector<TokenId>& got,
                            const char* what) {
        if (expected == got) return;
        if (wrong++ == 0) {
            first = QStringLiteral("%1 of %2\n expected %3\n got      %4")
                        .arg(QLatin1String(what),
                             QString::fromUtf8(QByteArray::fromStdString(tested.text).toPercentEncoding(" <>|[]/")),
                             QLatin1String(shown(expected)), QLatin1String(shown(got)));
        }
    };
    for (const Case& tested : cases) {
        const auto plain = tokenizer.encode(tested.text, AddSpecial::AsModelSays, SpecialTokens::AsText);
        expect(tested, tested.ids, plain, "ids");
        expect(tested, tested.idsParseSpecial,
               tokenizer.encode(tested.text, AddSpecial::AsModelSays, SpecialTokens::Parse), "ids_parse_special");
        const auto bare = tokenizer.encode(tested.text, AddSpecial::No, SpecialTokens::AsText);
        if (tokenizer.vocabulary().model == "gpt2" && tokenizer.decode(bare) != tested.text)
            expect(tested, {}, bare, "decoding");
    }
    return wrong == 0 ? QString()
                      : QStringLiteral("%1 wrong in %2 cases; first: %3").arg(wrong).arg(cases.size()).arg(first);
}

} // namespace

class TokenizerReferenceTest : public QObject {
    Q_OBJECT

private slots:
    void PreTokenizer_everyKnownValueCutsAsLlamaCppDoes_data() {
        QTest::addColumn<QString>("pre");
        QTest::addColumn<QString>("hash");
        std::ifstream file(HEARTH_TEST_DATA "/tokenizers/pre-values.json");
        const auto document = nlohmann::json::parse(file);
        for (const auto& [pre, hash] : document.at("hashes").items())
            QTest::newRow(pre.c_str()) << QString::fromStdString(pre) << QString::fromStdString(hash.get<std::string>());
    }
    void PreTokenizer_everyKnownValueCutsAsLlamaCppDoes() {
        QFETCH(QString, pre);
        QFETCH(QString, hash);
        std::ifstream stream(HEARTH_TEST_DATA "/tokenizers/pre-values.json");
        const auto document = nlohmann::json::parse(stream);
        const auto file = GgufFile::open(HEARTH_TEST_DATA "/tokenizers/" + document.at("vocabulary").get<std::string>() + ".vocab.gguf");
        QVERIFY(file.has_value());
        auto vocabulary = readVocabulary(file->metadata());
        QVERIFY(vocabulary.has_value());
        vocabulary->pre = pre.toStdString();
        const auto tokenizer = Tokenizer::create(std::move(*vocabulary));
        QVERIFY(tokenizer.has_value());
        QVERIFY2((*tokenizer)->notice().empty(), std::string((*tokenizer)->notice()).c_str());
        std::uint64_t value = 0xcbf29ce484222325u;
        const auto put = [&](std::uint32_t word) {
            for (int shift = 0; shift < 32; shift += 8) value = (value ^ (word >> shift & 255)) * 0x100000001b3u;
        };
        for (const auto& text : document.at("texts")) {
            for (const TokenId id : (*tokenizer)->encode(text.get<std::string>(), AddSpecial::No, SpecialTokens::AsText))
                put(static_cast<std::uint32_t>(id));
            put(0xFFFFFFFFu);
        }
        QCOMPARE(QStringLiteral("%1").arg(value, 16, 16, QLatin1Char('0')), hash);
    }
    void Tokenizer_givesTheIdsOfOurVocabularies_data() {
        QTest::addColumn<QString>("vocabulary");
        QTest::addColumn<QString>("cases");
        addVocabularies(fs::path(HEARTH_TEST_DATA) / "tokenizers");
    }
    void Tokenizer_givesTheIdsOfOurVocabularies() { compareRow(); }

    void Tokenizer_givesTheIdsOfRealVocabularies_data() {
        QTest::addColumn<QString>("vocabulary");
        QTest::addColumn<QString>("cases");
        const fs::path folder = fs::path(HEARTH_SHARED_REFS) / "tokenizers";
        addVocabularies(folder);
        if (!fs::exists(folder)) QTest::newRow("none") << QString() << QString();
    }
    void Tokenizer_givesTheIdsOfRealVocabularies() { compareRow(); }

    void Tokenizer_givesTheIdsOfReferenceModels_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("cases");
        const fs::path folder = fs::path(HEARTH_SHARED_REFS) / "models";
        std::error_code ignored;
        std::map<std::string, fs::path> models; // one file of each model: they share the vocabulary
        for (const auto& entry : fs::directory_iterator(folder / "gguf", ignored)) {
            const std::string stem = entry.path().stem().string();
            models.emplace(stem.substr(0, stem.rfind('-')), entry.path());
        }
        for (const auto& [name, path] : models) {
            QTest::newRow(name.c_str()) << QString::fromStdString(path.string())
                                        << QString::fromStdString(
                                               (folder / "expected" / ("tokenizer-" + name + ".json")).string());
        }
        if (models.empty()) QTest::newRow("none") << QString() << QString();
    }
    void Tokenizer_givesTheIdsOfReferenceModels() {
        QFETCH(QString, model);
        QFETCH(QString, cases);
        if (model.isEmpty()) QSKIP("no reference models: " HEARTH_SHARED_REFS "/models is absent");
        check(model, readDocument(cases.toStdString()));
    }

private:
    void compareRow() {
        QFETCH(QString, vocabulary);
        QFETCH(QString, cases);
        if (vocabulary.isEmpty()) QSKIP("no vocabularies of real models: " HEARTH_SHARED_REFS "/tokenizers is absent");
        check(vocabulary, readLines(cases.toStdString()));
    }

    static void check(const QString& path, const std::vector<Case>& cases) {
        QVERIFY2(cases.size() >= 8, "too few cases to mean anything");
        const auto tokenizer = load(path.toStdString());
        QVERIFY2(tokenizer.has_value(), tokenizer ? "" : tokenizer.error().message.c_str());
        QVERIFY2((*tokenizer)->notice().empty(), std::string((*tokenizer)->notice()).c_str());
        const QString difference = compare(**tokenizer, cases);
        QVERIFY2(difference.isEmpty(), qPrintable(difference));
    }
};

QTEST_GUILESS_MAIN(TokenizerReferenceTest)
#include "tokenizer_reference_test.moc"
