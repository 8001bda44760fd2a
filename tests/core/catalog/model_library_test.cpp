// SPDX-License-Identifier: Apache-2.0
//
// ModelLibrary: what a card says of good, foreign and broken files, and which files a scan finds.
#include "core/catalog/model_library.h"
#include "core/catalog/split_name.h"
#include "core/gguf/gguf_file.h"
#include "core/model/model.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/tiny_model.h"

#include <QTemporaryDir>
#include <QtTest>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <unistd.h>

using namespace hearth::core;
using hearth::test::GgufWriter;
using hearth::test::TinyModelOptions;
using hearth::test::writeTinyModel;
namespace fs = std::filesystem;
namespace kernels = hearth::kernels;

namespace {

constexpr std::uint32_t kNoTypeId = 4; ///< Q4_2, removed from ggml before GGUF

void writeText(const fs::path& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
}

/// A header that is right as far as it goes: an architecture and a tokenizer of two tokens.
GgufWriter header(std::string_view architecture = "llama", std::string_view tokenizer = "llama") {
    GgufWriter writer;
    writer.addString("general.architecture", architecture);
    writer.addString("tokenizer.ggml.model", tokenizer);
    const std::array<std::string, 2> tokens{"a", "b"};
    writer.addStrings("tokenizer.ggml.tokens", tokens);
    return writer;
}

void addTensor(GgufWriter& writer, std::string name = "token_embd.weight") {
    const std::array<float, 64> values{};
    writer.addTensor(std::move(name), {32, 2}, kernels::DType::F32, values);
}

void addTensorOfType(GgufWriter& writer, std::uint32_t typeId) {
    writer.addTensor({"token_embd.weight", {256, 2}, typeId, std::vector<std::byte>(4096), {}});
}

void cutFile(const fs::path& path, double part) {
    fs::resize_file(path, static_cast<std::uintmax_t>(static_cast<double>(fs::file_size(path)) * part));
}

using Make = std::function<void(const fs::path& path)>;

/// Writes what `fill` adds to a header.
Make madeOf(
    GgufWriter writer, const std::function<void(GgufWriter&)>& fill = [](GgufWriter& w) { addTensor(w); }) {
    fill(writer);
    return [writer](const fs::path& path) { writer.write(path); };
}

QStringList names(const std::vector<ModelCard>& cards) {
    QStringList list;
    for (const ModelCard& card : cards)
        list << QString::fromStdString(fs::path(card.path).filename().string());
    return list;
}

} // namespace

Q_DECLARE_METATYPE(Make)

class ModelLibraryTest : public QObject {
    Q_OBJECT

private slots:
    void init() {
        m_folder = std::make_unique<QTemporaryDir>();
        QVERIFY(m_folder->isValid());
        m_path = m_folder->path().toStdString();
    }

    void ModelLibrary_cardOfAUsableModel_data() {
        QTest::addColumn<QString>("architecture");
        for (const char* architecture : {"llama", "qwen2", "qwen3", "qwen3moe"})
            QTest::newRow(architecture) << architecture;
    }
    void ModelLibrary_cardOfAUsableModel() {
        QFETCH(QString, architecture);
        TinyModelOptions options;
        options.name = "Tiny Talker";
        options.architecture = architecture.toStdString();
        options.contextLength = 384;
        const fs::path path = writeTinyModel(m_path, options);
        const ModelCard card = ModelLibrary::inspect(path);
        QVERIFY2(card.usable, card.whyNot.c_str());
        QCOMPARE(card.whyNot, std::string());
        QCOMPARE(card.path, path.string());
        QCOMPARE(card.name, std::string("Tiny Talker"));
        QCOMPARE(card.architecture, options.architecture);
        QCOMPARE(card.quantization, std::string("F16"));
        QCOMPARE(card.bytes, static_cast<std::uint64_t>(fs::file_size(path)));
        QCOMPARE(card.trainedContextLength, 384);
        QVERIFY(card.parameters > 50'000);
        QVERIFY(std::abs(card.modifiedMs - QDateTime::currentMSecsSinceEpoch()) < 60'000);
    }

    void ModelLibrary_saysWhyAFileCannotBeUsed_data() {
        QTest::addColumn<Make>("make");
        QTest::addColumn<QString>("why");
        const auto row = [](const char* name, Make make, const char* why) {
            QTest::newRow(name) << make << QString(why);
        };
        row("architecture", madeOf(header("mamba")), "the architecture 'mamba'");
        row("no architecture", madeOf(GgufWriter()), "does not say which architecture");
        row("architecture unprintable", madeOf(header("\x1b[2J\xff")), "the architecture '?[2J");
        row("tokenizer", madeOf(header("llama", "rwkv")), "the tokenizer 'rwkv'");
        row("no tokenizer",
            madeOf(GgufWriter(),
                   [](GgufWriter& w) {
                       w.addString("general.architecture", "llama");
                       addTensor(w);
                   }),
            "no tokenizer");
        row("vocabulary", madeOf(header(), [](GgufWriter&) {}), "only a vocabulary");
        row("adapter",
            madeOf(header(),
                   [](GgufWriter& w) {
                       w.addString("general.type", "adapter");
                       addTensor(w);
                   }),
            "LoRA");
        row("mmproj", madeOf(header("clip")), "image part");
        row("mmproj by type",
            madeOf(header(),
                   [](GgufWriter& w) {
                       w.addString("general.type", "mmproj");
                       addTensor(w);
                   }),
            "image part");
        row("importance matrix",
            madeOf(header(),
                   [](GgufWriter& w) {
                       w.addString("general.type", "imatrix");
                       addTensor(w);
                   }),
            "importance matrix");
        row("other kind",
            madeOf(header(),
                   [](GgufWriter& w) {
                       w.addString("general.type", "dataset");
                       addTensor(w);
                   }),
            "of the kind 'dataset'");
        row("embedding",
            madeOf(header("qwen3"),
                   [](GgufWriter& w) {
                       w.addUint32("qwen3.pooling_type", 3);
                       addTensor(w);
                   }),
            "embedding model");
        row("not causal",
            madeOf(header(),
                   [](GgufWriter& w) {
                       w.addBool("llama.attention.causal", false);
                       addTensor(w);
                   }),
            "embedding model");
        row("keys missing", madeOf(header()), "lacks a setting");
        row("unknown tensor type", madeOf(header(), [](GgufWriter& w) { addTensorOfType(w, kNoTypeId); }),
            "does not know");
        row(
            "empty file", [](const fs::path& path) { writeText(path, ""); }, "not complete");
        row(
            "foreign file", [](const fs::path& path) { writeText(path, "PK\x03\x04 and so on"); }, "not a GGUF file");
        row("future version", madeOf([] {
                GgufWriter w = header();
                w.version = 9;
                return w;
            }()),
            "a version of GGUF");
        row("too many keys", madeOf([] {
                GgufWriter w = header();
                w.keyCount = 1000;
                return w;
            }()),
            "not complete");
        row(
            "directory", [](const fs::path& path) { fs::create_directory(path); }, "is a folder");
        row(
            "absent", [](const fs::path&) {}, "no longer there");
        row(
            "dangling link", [](const fs::path& path) { fs::create_symlink("nowhere", path); }, "no longer there");
        row(
            "download broken off",
            [](const fs::path& path) {
                fs::rename(writeTinyModel(path.parent_path()), path);
                cutFile(path, 0.7);
            },
            "not complete");
        row(
            "header broken off",
            [](const fs::path& path) {
                fs::rename(writeTinyModel(path.parent_path()), path);
                fs::resize_file(path, 300);
            },
            "not complete");
    }
    void ModelLibrary_saysWhyAFileCannotBeUsed() {
        QFETCH(Make, make);
        QFETCH(QString, why);
        const fs::path path = m_path / "Some-model_x.gguf";
        make(path);
        const ModelCard card = ModelLibrary::inspect(path);
        QVERIFY(!card.usable);
        QVERIFY2(QString::fromStdString(card.whyNot).contains(why), card.whyNot.c_str());
        QVERIFY(!card.name.empty());
        QCOMPARE(card.path, path.string());
    }

    void ModelLibrary_tensorTypeThatCannotBeComputed() {
        const auto types = kernels::allDTypes();
        const auto type = std::ranges::find(types, false, &kernels::DTypeInfo::computes);
        if (type == types.end()) QSKIP("every known tensor type computes");
        GgufWriter writer = header();
        addTensorOfType(writer, type->ggufId);
        writer.write(m_path / "x.gguf");
        const ModelCard card = ModelLibrary::inspect(m_path / "x.gguf");
        QVERIFY2(card.whyNot.find(type->name) != std::string::npos, card.whyNot.c_str());
    }

    void ModelLibrary_unreadableFile() {
        if (::geteuid() == 0) QSKIP("root may read everything");
        const fs::path path = writeTinyModel(m_path);
        fs::permissions(path, fs::perms::none);
        QVERIFY(QString::fromStdString(ModelLibrary::inspect(path).whyNot).contains("permission"));
    }

    void ModelLibrary_brokenOffFileKeepsItsName() {
        TinyModelOptions options;
        options.name = "Half a Model";
        const fs::path path = writeTinyModel(m_path, options);
        cutFile(path, 0.7);
        const ModelCard card = ModelLibrary::inspect(path);
        QCOMPARE(card.name, std::string("Half a Model"));
        QCOMPARE(card.architecture, std::string("llama"));
        QCOMPARE(card.bytes, static_cast<std::uint64_t>(fs::file_size(path)));
    }

    void ModelLibrary_agreesWithTheLoader() {
        // Every tensor left out once: the card must follow Model::check.
        const fs::path whole = writeTinyModel(m_path);
        QVERIFY(ModelLibrary::inspect(whole).usable);
        std::ifstream file(whole, std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(file)), {});
        const auto parsed = GgufFile::open(whole);
        QVERIFY(parsed.has_value());
        const fs::path changed = m_path / "changed.gguf";
        for (const GgufTensor& tensor : parsed->tensors()) {
            std::string renamed = bytes;
            const std::size_t at = renamed.find(tensor.name);
            QVERIFY(at != std::string::npos);
            renamed[at] = 'X';
            writeText(changed, renamed);
            const auto reopened = GgufFile::open(changed);
            QVERIFY(reopened.has_value());
            const ModelCard card = ModelLibrary::inspect(changed);
            QCOMPARE(card.usable, Model::check(*reopened).has_value());
            QVERIFY2(!card.usable, tensor.name.c_str());
        }
    }

    void SplitName_onlyPartsHaveOne_data() {
        QTest::addColumn<QString>("fileName");
        QTest::addColumn<bool>("isPart");
        QTest::newRow("first") << "model-00001-of-00003.gguf" << true;
        QTest::newRow("last") << "model-00003-of-00003.gguf" << true;
        QTest::newRow("beyond") << "model-00004-of-00003.gguf" << false;
        QTest::newRow("zeroth") << "model-00000-of-00003.gguf" << false;
        QTest::newRow("four digits") << "model-0001-of-0003.gguf" << false;
        QTest::newRow("sign") << "model-+0001-of-00003.gguf" << false;
        QTest::newRow("no stem") << "-00001-of-00003.gguf" << false;
        QTest::newRow("plain") << "model.gguf" << false;
        QTest::newRow("short") << ".gguf" << false;
    }
    void SplitName_onlyPartsHaveOne() {
        QFETCH(QString, fileName);
        QFETCH(bool, isPart);
        const auto split = splitNameOf(fileName.toStdString());
        QCOMPARE(split.has_value(), isPart);
        if (split) QCOMPARE(QString::fromStdString(partName(*split, split->part)), fileName);
    }

    void ModelLibrary_splitModelIsOneCard() {
        const std::array parts{m_path / "Big-Model-00001-of-00002.gguf", m_path / "Big-Model-00002-of-00002.gguf"};
        for (std::uint16_t part = 0; part < parts.size(); ++part) {
            GgufWriter writer = part == 0 ? header("mamba") : GgufWriter();
            writer.addUint16("split.no", part);
            writer.addUint16("split.count", 2);
            addTensor(writer, part == 0 ? "a" : "b");
            writer.write(parts[part]);
        }
        const std::uint64_t both = fs::file_size(parts[0]) + fs::file_size(parts[1]);
        const std::array folders{m_path};
        const auto cards = ModelLibrary::scan(folders, {});
        QCOMPARE(cards.size(), std::size_t{1});
        QCOMPARE(cards[0].path, parts[0].string());
        QCOMPARE(cards[0].name, std::string("Big Model"));
        QCOMPARE(cards[0].bytes, both);
        QCOMPARE(cards[0].parameters, std::uint64_t{128});
        QCOMPARE(ModelLibrary::inspect(parts[1]).path, parts[0].string());

        fs::remove(parts[1]);
        const ModelCard card = ModelLibrary::inspect(parts[0]);
        QVERIFY2(QString::fromStdString(card.whyNot).contains("a part of this split model is missing"),
                 card.whyNot.c_str());
        QCOMPARE(card.bytes, static_cast<std::uint64_t>(fs::file_size(parts[0])));
    }

    void ModelLibrary_scanFindsWhatItShould() {
        const fs::path model = writeTinyModel(m_path);
        const auto copyTo = [&](const fs::path& relative) {
            fs::create_directories((m_path / relative).parent_path());
            fs::copy_file(model, m_path / relative);
        };
        copyTo("b.GGUF");
        copyTo("one/two/three/four/five/six/deep.gguf");
        copyTo("one/two/three/four/five/six/seven/too-deep.gguf");
        copyTo("mmproj-model.gguf");
        copyTo("model-mmproj-f16.gguf");
        copyTo("notes.txt");
        copyTo(".hidden/inside.gguf");
        copyTo("other-00002-of-00002.gguf");
        fs::create_directory(m_path / "folder.gguf");
        fs::create_symlink(model, m_path / "one" / "same.gguf");     // the same file again
        fs::create_directory_symlink(m_path, m_path / "one" / "up"); // a cycle
        fs::create_symlink("nowhere", m_path / "dangling.gguf");

        const std::array folders{m_path, m_path / "one", m_path / "missing"};
        QStringList found = names(ModelLibrary::scan(folders, {}));
        found.sort();
        QStringList expected{"b.GGUF", "deep.gguf", QString::fromStdString(model.filename().string())};
        expected.sort();
        QCOMPARE(found, expected);
    }

    void ModelLibrary_scanTakesFilesToo() {
        const fs::path model = writeTinyModel(m_path);
        fs::create_directory(m_path / "empty");
        fs::copy_file(model, m_path / "notes.txt");
        const std::array places{model, m_path / "empty", m_path / "notes.txt", m_path / "gone.gguf"};
        QCOMPARE(names(ModelLibrary::scan(places, {})), QStringList{QString::fromStdString(model.filename().string())});
        QCOMPARE(ModelLibrary::scan(std::array{m_path, model}, {}).size(), std::size_t{1}); // once
    }

    void ModelLibrary_scanFollowsLinksElsewhere() {
        QTemporaryDir elsewhere;
        const fs::path model = writeTinyModel(elsewhere.path().toStdString());
        fs::create_symlink(model, m_path / "linked.gguf");
        QCOMPARE(names(ModelLibrary::scan(std::array{m_path}, {})), QStringList{"linked.gguf"});
        fs::remove(m_path / "linked.gguf");
        fs::create_directory_symlink(elsewhere.path().toStdString(), m_path / "disk");
        QCOMPARE(ModelLibrary::scan(std::array{m_path}, {}).size(), std::size_t{1});
    }

    void ModelLibrary_scanSkipsUnreadableFolders() {
        if (::geteuid() == 0) QSKIP("root may read everything");
        fs::create_directory(m_path / "closed");
        fs::permissions(m_path / "closed", fs::perms::none);
        writeTinyModel(m_path);
        QCOMPARE(ModelLibrary::scan(std::array{m_path}, {}).size(), std::size_t{1});
        fs::permissions(m_path / "closed", fs::perms::owner_all);
    }

    void ModelLibrary_scanSortsByName() {
        for (const char* name : {"beta", "Alpha", "gamma"}) {
            TinyModelOptions options;
            options.name = name;
            writeTinyModel(m_path, options);
        }
        QStringList found;
        for (const ModelCard& card : ModelLibrary::scan(std::array{m_path}, {}))
            found << QString::fromStdString(card.name);
        QCOMPARE(found, (QStringList{"Alpha", "beta", "gamma"}));
    }

    void ModelLibrary_scanStops() {
        writeTinyModel(m_path);
        std::stop_source stop;
        stop.request_stop();
        QVERIFY(ModelLibrary::scan(std::array{m_path}, stop.get_token()).empty());
    }

    void ModelLibrary_defaultFolderFollowsXdg() {
        const QByteArray before = qgetenv("XDG_DATA_HOME");
        qputenv("XDG_DATA_HOME", "/somewhere/data");
        QCOMPARE(ModelLibrary::defaultFolder().string(), std::string("/somewhere/data/hearth/models"));
        qputenv("XDG_DATA_HOME", "relative");
        QCOMPARE(ModelLibrary::defaultFolder().string(), qgetenv("HOME").toStdString() + "/.local/share/hearth/models");
        qputenv("XDG_DATA_HOME", before);
    }

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    fs::path m_path;
};

QTEST_GUILESS_MAIN(ModelLibraryTest)
#include "model_library_test.moc"
