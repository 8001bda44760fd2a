// SPDX-License-Identifier: Apache-2.0
//
// Generated model files: what is in them, that the engine runs them, and what happens when they cannot be written.
#include "app/cli/invented_vocabulary.h"
#include "app/cli/model_plan.h"
#include "app/cli/random_model.h"
#include "app/cli/random_weights.h"
#include "core/engine/engine.h"
#include "core/gguf/file_type.h"
#include "kernels/quant/decode.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <map>
#include <set>

#include <sys/resource.h>

using namespace hearth;
using namespace hearth::app::cli;
using kernels::DType;

namespace {

struct Spread {
    double mean = 0.0;
    double deviation = 0.0; ///< from zero
};

Spread spreadOf(std::span<const float> values) {
    double sum = 0.0;
    double squares = 0.0;
    for (const float value : values) {
        sum += value;
        squares += static_cast<double>(value) * value;
    }
    const auto count = static_cast<double>(values.size());
    return {sum / count, std::sqrt(squares / count)};
}

std::vector<float> decoded(DType dtype, std::span<const std::byte> bytes) {
    const kernels::DTypeInfo& type = kernels::info(dtype);
    std::vector<float> values(bytes.size() / type.bytesPerBlock * type.elementsPerBlock);
    kernels::decodeRow(dtype, values.data(), bytes.data(), static_cast<std::int64_t>(values.size()));
    return values;
}

const PlannedTensor& planned(const std::vector<PlannedTensor>& tensors, const std::string& name) {
    const auto found = std::ranges::find(tensors, name, &PlannedTensor::name);
    if (found == tensors.end()) qFatal("no tensor %s", name.c_str());
    return *found;
}

QByteArray readAll(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

class MakeModelTest : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_folder;

    [[nodiscard]] QString path(const QString& name) const { return m_folder.filePath(name); }

    [[nodiscard]] RandomModelRequest request(std::string_view shape, std::string_view type, const QString& file) const {
        return {.shape = *findModelShape(shape), .type = type, .path = path(file).toStdString(), .threads = 2};
    }

private slots:
    void initTestCase() { QVERIFY(m_folder.isValid()); }

    // --- weights ------------------------------------------------------------------------------------------------------

    void weights_haveTheDeviationAskedFor_data() {
        QTest::addColumn<int>("type");
        for (const kernels::DTypeInfo& type : kernels::allDTypes()) {
            if (type.dtype != DType::I32) QTest::newRow(std::string(type.name).c_str()) << static_cast<int>(type.dtype);
        }
    }
    void weights_haveTheDeviationAskedFor() {
        QFETCH(int, type);
        const auto dtype = static_cast<DType>(type);
        const std::size_t block = kernels::info(dtype).bytesPerBlock;
        for (const float deviation : {1.0f / 256.0f, 1.0f / 120.0f, 1.0f / 64.0f, 0.5f}) {
            std::vector<std::byte> bytes((std::size_t{1} << 20) / block * block);
            fillRandomWeights(bytes, dtype, 0.0f, deviation, 7);
            const Spread spread = spreadOf(decoded(dtype, bytes));
            QVERIFY2(std::abs(spread.deviation / deviation - 1.0) < 0.03, qPrintable(QString::number(spread.deviation / deviation)));
            QVERIFY2(std::abs(spread.mean / deviation) < 0.06, qPrintable(QString::number(spread.mean / deviation)));
            std::vector<std::byte> again(bytes.size());
            fillRandomWeights(again, dtype, 0.0f, deviation, 7);
            QVERIFY(again == bytes);
            fillRandomWeights(again, dtype, 0.0f, deviation, 8);
            QVERIFY(again != bytes);
        }
    }

    void weights_useEveryNibbleAndBothSignsOfQ4_0() {
        std::vector<std::byte> bytes(18 * 4096);
        fillRandomWeights(bytes, DType::Q4_0, 0.0f, 0.01f, 3);
        std::set<int> nibbles;
        bool negative = false;
        for (std::size_t at = 0; at < bytes.size(); at += 18) {
            negative |= (static_cast<int>(bytes[at + 1]) & 0x80) != 0;
            for (std::size_t j = 2; j < 18; ++j) nibbles.insert({static_cast<int>(bytes[at + j]) & 15, static_cast<int>(bytes[at + j]) >> 4});
        }
        QCOMPARE(nibbles.size(), 16u);
        QVERIFY(negative);
    }

    // --- types of the mixes -------------------------------------------------------------------------------------------

    void mixes_haveTheTypesOfPublishedFiles_data() {
        using Counts = std::map<DType, int>;
        QTest::addColumn<QString>("shape");
        QTest::addColumn<QString>("type");
        QTest::addColumn<Counts>("expected");
        // Counts as loaders list them for published files of Llama 3 8B and Qwen2 0.5B.
        QTest::newRow("8B Q4_K_M") << "llama-8b" << "Q4_K_M" << Counts{{DType::F32, 65}, {DType::Q4_K, 193}, {DType::Q6_K, 33}};
        QTest::newRow("8B Q5_K_M") << "llama-8b" << "Q5_K_M" << Counts{{DType::F32, 65}, {DType::Q5_K, 193}, {DType::Q6_K, 33}};
        QTest::newRow("8B Q3_K_M") << "llama-8b" << "Q3_K_M" << Counts{{DType::F32, 65}, {DType::Q3_K, 129}, {DType::Q4_K, 92}, {DType::Q5_K, 4}, {DType::Q6_K, 1}};
        QTest::newRow("8B Q2_K") << "llama-8b" << "Q2_K" << Counts{{DType::F32, 65}, {DType::Q2_K, 129}, {DType::Q3_K, 64}, {DType::Q4_K, 32}, {DType::Q6_K, 1}};
        QTest::newRow("8B Q4_0") << "llama-8b" << "Q4_0" << Counts{{DType::F32, 65}, {DType::Q4_0, 225}, {DType::Q6_K, 1}};
        QTest::newRow("8B Q6_K") << "llama-8b" << "Q6_K" << Counts{{DType::F32, 65}, {DType::Q6_K, 226}};
        QTest::newRow("8B Q8_0") << "llama-8b" << "Q8_0" << Counts{{DType::F32, 65}, {DType::Q8_0, 226}};
        QTest::newRow("8B F16") << "llama-8b" << "F16" << Counts{{DType::F32, 65}, {DType::F16, 226}};
        QTest::newRow("1B Q4_K_M") << "llama-1b" << "Q4_K_M" << Counts{{DType::F32, 33}, {DType::Q4_K, 96}, {DType::Q6_K, 17}};
        QTest::newRow("0.5B Q4_K_M") << "qwen2-0.5b" << "Q4_K_M"
                                     << Counts{{DType::F32, 121}, {DType::Q5_0, 132}, {DType::Q8_0, 13}, {DType::Q4_K, 12}, {DType::Q6_K, 12}};
        QTest::newRow("0.5B Q4_0") << "qwen2-0.5b" << "Q4_0" << Counts{{DType::F32, 121}, {DType::Q4_0, 168}, {DType::Q8_0, 1}};
    }
    void mixes_haveTheTypesOfPublishedFiles() {
        using Counts = std::map<DType, int>;
        QFETCH(QString, shape);
        QFETCH(QString, type);
        QFETCH(Counts, expected);
        Counts counts;
        for (const PlannedTensor& tensor : planTensors(*findModelShape(shape.toStdString()), type.toStdString())) ++counts[tensor.dtype];
        QString text;
        for (const auto& [dtype, count] : counts) text += QString("%1 %2 ").arg(QString::fromStdString(std::string(kernels::info(dtype).name))).arg(count);
        QVERIFY2(counts == expected, qPrintable(text));
    }

    void mixes_giveMoreBitsToTheLayersOfTheRule() {
        // llama.cpp's rule for 32 layers, written out: the first and last eighth, and every third between.
        const std::set<int> more{0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31};
        const auto tensors = planTensors(*findModelShape("llama-8b"), "Q4_K_M");
        for (int layer = 0; layer < 32; ++layer) {
            const std::string prefix = "blk." + std::to_string(layer) + ".";
            const DType expected = more.contains(layer) ? DType::Q6_K : DType::Q4_K;
            for (const char* name : {"attn_v.weight", "ffn_down.weight"}) QVERIFY2(planned(tensors, prefix + name).dtype == expected, (prefix + name).c_str());
            for (const char* name : {"attn_q.weight", "attn_k.weight", "attn_output.weight", "ffn_gate.weight", "ffn_up.weight"}) {
                QVERIFY2(planned(tensors, prefix + name).dtype == DType::Q4_K, (prefix + name).c_str());
            }
        }
        QCOMPARE(planned(tensors, "token_embd.weight").dtype, DType::Q4_K);
        QCOMPARE(planned(tensors, "output.weight").dtype, DType::Q6_K);
        const auto tied = planTensors(*findModelShape("llama-1b"), "Q4_K_M");
        QCOMPARE(planned(tied, "token_embd.weight").dtype, DType::Q6_K);
        QVERIFY(std::ranges::find(tied, "output.weight", &PlannedTensor::name) == tied.end());
    }

    void sizes_areThoseOfTheModels_data() {
        QTest::addColumn<QString>("shape");
        QTest::addColumn<QString>("type");
        QTest::addColumn<double>("gigabytes"); // measured files of the same shapes, from elsewhere
        QTest::newRow("8B Q4_0") << "llama-8b" << "Q4_0" << 4.65;
        QTest::newRow("8B Q4_K_M") << "llama-8b" << "Q4_K_M" << 4.91;
        QTest::newRow("8B Q6_K") << "llama-8b" << "Q6_K" << 6.59;
        QTest::newRow("8B Q8_0") << "llama-8b" << "Q8_0" << 8.53;
        QTest::newRow("8B F16") << "llama-8b" << "F16" << 16.06;
        QTest::newRow("1B Q4_0") << "llama-1b" << "Q4_0" << 0.765;
        QTest::newRow("1B Q4_K_M") << "llama-1b" << "Q4_K_M" << 0.80;
        QTest::newRow("1B Q8_0") << "llama-1b" << "Q8_0" << 1.313;
        QTest::newRow("0.5B Q4_0") << "qwen2-0.5b" << "Q4_0" << 0.35;
    }
    void sizes_areThoseOfTheModels() {
        QFETCH(QString, shape);
        QFETCH(QString, type);
        QFETCH(double, gigabytes);
        std::uint64_t bytes = 0;
        for (const PlannedTensor& tensor : planTensors(*findModelShape(shape.toStdString()), type.toStdString())) bytes += tensor.bytes();
        QVERIFY2(std::abs(static_cast<double>(bytes) / 1e9 / gigabytes - 1.0) < 0.012, qPrintable(QString::number(bytes)));
    }

    // --- vocabulary ----------------------------------------------------------------------------------------------------

    void vocabulary_isWholeAndWithoutDoubles() {
        for (const ModelShape& shape : modelShapes()) {
            const core::Vocabulary vocabulary = inventVocabulary(shape);
            QCOMPARE(vocabulary.tokens.size(), static_cast<std::size_t>(shape.vocabulary));
            QCOMPARE(vocabulary.types.size(), vocabulary.tokens.size());
            const std::set<std::string, std::less<>> tokens(vocabulary.tokens.begin(), vocabulary.tokens.end());
            QCOMPARE(tokens.size(), vocabulary.tokens.size());
            QVERIFY(vocabulary.merges.size() > 500);
            for (const std::string& merge : vocabulary.merges) {
                const std::size_t space = merge.find(' ');
                QVERIFY2(tokens.contains(merge.substr(0, space)) && tokens.contains(merge.substr(space + 1)), merge.c_str());
                QVERIFY2(tokens.contains(merge.substr(0, space) + merge.substr(space + 1)), merge.c_str());
            }
        }
    }

    void vocabulary_encodesAnyText() {
        std::string text = "baba bici, hello\n\t\u65e5\u672c <|eot_id|> ";
        for (int byte = 1; byte < 256; ++byte) text += static_cast<char>(byte);
        for (const char* shape : {"tiny", "tiny-qwen2"}) {
            const auto tokenizer = core::Tokenizer::create(inventVocabulary(*findModelShape(shape)));
            QVERIFY(tokenizer);
            std::string back;
            for (const core::TokenId id : (*tokenizer)->encode(text, core::AddSpecial::No, core::SpecialTokens::AsText)) back += (*tokenizer)->tokenBytes(id);
            QVERIFY(back == text);
            QCOMPARE((*tokenizer)->encode(" baba", core::AddSpecial::No, core::SpecialTokens::AsText).size(), 1u); // the merges work
        }
    }

    // --- files ---------------------------------------------------------------------------------------------------------

    void files_runInTheEngine_data() {
        QTest::addColumn<QString>("shape");
        QTest::addColumn<QString>("type");
        for (const char* shape : {"tiny", "tiny-qwen2", "moe-tiny"}) {
            for (const std::string_view type : modelTypes()) {
                const QString name = QString::fromUtf8(type.data(), static_cast<qsizetype>(type.size()));
                QTest::newRow(qPrintable(QString("%1 %2").arg(shape, name))) << shape << name;
            }
        }
    }
    void files_runInTheEngine() {
        QFETCH(QString, shape);
        QFETCH(QString, type);
        const std::string typeName = type.toStdString();
        const RandomModelRequest wanted = request(findModelShape(shape.toStdString())->name, typeName, "model.gguf");
        const auto bytes = writeRandomModel(wanted);
        QVERIFY2(bytes, bytes ? "" : bytes.error().message.c_str());
        QCOMPARE(QFile(path("model.gguf")).size(), static_cast<qint64>(*bytes));

        const auto file = core::GgufFile::open(wanted.path);
        QVERIFY2(file, file ? "" : file.error().message.c_str());
        QCOMPARE(file->version(), 3u);
        QCOMPARE(QString::fromStdString(core::quantizationName(*file)), type);
        const auto plan = planTensors(wanted.shape, typeName);
        QCOMPARE(file->tensors().size(), plan.size());
        for (std::size_t i = 0; i < plan.size(); ++i) {
            const core::GgufTensor& tensor = file->tensors()[i];
            QCOMPARE(tensor.name, plan[i].name);
            QCOMPARE(tensor.dtype, plan[i].dtype);
            QCOMPARE(tensor.byteSize, plan[i].bytes());
            const Spread spread = spreadOf(decoded(tensor.dtype, file->data(tensor)));
            if (tensor.name.ends_with("norm.weight")) QVERIFY2(std::abs(spread.mean - 1.0) < 0.05, tensor.name.c_str());
            if (tensor.rank < 2 || !tensor.name.starts_with("blk.")) continue;
            const double tolerance = tensor.elements() > 30'000 ? 0.05 : 0.15; // the router has 1,024 values
            const double relative = spread.deviation * std::sqrt(static_cast<double>(tensor.dims[0]));
            QVERIFY2(std::abs(relative - 1.0) < tolerance, (tensor.name + " " + std::to_string(relative)).c_str());
        }

        core::Engine engine;
        const auto info = engine.load({.path = wanted.path.string(), .threads = 2}, {}, {});
        QVERIFY2(info, info ? "" : info.error().message.c_str());
        QVERIFY2(info->notices.empty(), info->notices.empty() ? "" : info->notices.front().c_str());
        QCOMPARE(QString::fromStdString(info->quantization), type);
        const std::vector<core::TokenId> ids{1, 300, 301, 302, 5, 6, 7, 900};
        const auto logits = engine.logits(ids);
        QVERIFY2(logits, logits ? "" : logits.error().message.c_str());
        const auto vocabulary = static_cast<std::size_t>(wanted.shape.vocabulary);
        QCOMPARE(logits->size(), ids.size() * vocabulary);
        QVERIFY(std::ranges::all_of(*logits, [](float value) { return std::isfinite(value); }));
        std::set<std::ptrdiff_t> winners;
        for (std::size_t row = 0; row < ids.size(); ++row) {
            const std::span<const float> values(logits->data() + row * vocabulary, vocabulary);
            const Spread spread = spreadOf(values);
            QVERIFY2(spread.deviation > 0.5 && spread.deviation < 10.0, qPrintable(QString::number(spread.deviation)));
            winners.insert(std::ranges::max_element(values) - values.begin());
        }
        QVERIFY(winners.size() >= 3); // what is fed matters
    }

    void files_canBeChattedWith() {
        for (const char* shape : {"tiny", "tiny-qwen2"}) {
            const RandomModelRequest wanted = request(findModelShape(shape)->name, "Q4_K_M", "chat.gguf");
            QVERIFY(writeRandomModel(wanted));
            core::Engine engine;
            const auto info = engine.load({.path = wanted.path.string(), .threads = 2}, {}, {});
            QVERIFY(info && info->chatTemplateFromFile);
            core::GenerationRequest generation;
            generation.messages = {{core::Role::System, "be kind"}, {core::Role::User, "hello"}};
            generation.sampling.seed = 1;
            generation.maxTokens = 40;
            std::string text;
            core::GenerationEvents events;
            events.text = [&text](std::string_view piece) { text += piece; };
            const auto result = engine.generate(generation, events, {});
            QVERIFY2(result, result ? "" : result.error().message.c_str());
            QVERIFY(text.size() > 20);
        }
    }

    void files_areRepeatable() {
        RandomModelRequest first = request("tiny", "Q4_K_M", "first.gguf");
        first.shape.vocabulary = 20'000; // 2.9 and 4.2 MB: more than one thread has part of a tensor
        first.threads = 1;
        QVERIFY(writeRandomModel(first));
        RandomModelRequest second = first;
        second.path = path("second.gguf").toStdString();
        second.threads = 5;
        QVERIFY(writeRandomModel(second));
        const QByteArray bytes = readAll(path("first.gguf"));
        QVERIFY(bytes.size() > 7'000'000);
        QVERIFY(readAll(path("second.gguf")) == bytes);

        // No row is there twice, and every part of a tensor is written.
        const auto file = core::GgufFile::open(first.path);
        QVERIFY(file);
        for (const char* name : {"token_embd.weight", "output.weight"}) {
            const auto data = file->data(*file->findTensor(name));
            const std::size_t rowBytes = data.size() / 20'000;
            std::set<QByteArray> rows;
            for (std::size_t at = 0; at < data.size(); at += rowBytes) rows.insert(QByteArray(reinterpret_cast<const char*>(data.data() + at), static_cast<qsizetype>(rowBytes)));
            QCOMPARE(rows.size(), 20'000u);
        }
        second.seed = 2;
        QVERIFY(writeRandomModel(second)); // replaces it
        QVERIFY(readAll(path("second.gguf")) != bytes);
        QCOMPARE(readAll(path("second.gguf")).size(), bytes.size());
    }

    void layers_canBeFewer() {
        RandomModelRequest wanted = request("tiny", "Q8_0", "layers.gguf");
        wanted.shape.layers = 5;
        QVERIFY(writeRandomModel(wanted));
        core::Engine engine;
        const auto info = engine.load({.path = wanted.path.string(), .threads = 2}, {}, {});
        QVERIFY(info);
        QCOMPARE(info->layers, 5);
    }

    // --- failures ------------------------------------------------------------------------------------------------------

    void failures_areNamedAndLeaveNothing() {
        const auto missing = writeRandomModel(request("tiny", "Q4_0", "no/such/folder/model.gguf"));
        QVERIFY(!missing);
        QCOMPARE(missing.error().code, core::ErrorCode::FileNotFound);
        QVERIFY(missing.error().message.find("no/such/folder/model.gguf") != std::string::npos);

        QVERIFY(QDir(m_folder.path()).mkdir("folder"));
        const auto folder = writeRandomModel(request("tiny", "Q4_0", "folder"));
        QVERIFY(!folder);
        QCOMPARE(folder.error().code, core::ErrorCode::IsDirectory);
        QVERIFY(!QFile::exists(path("folder.part")));
    }

    void failures_noRoomIsFoundBeforeWriting() {
        RandomModelRequest huge = request("llama-8b", "F32", "huge.gguf"); // 0.9 TB
        huge.shape.layers = 1024;
        std::error_code error;
        if (std::filesystem::space(m_folder.path().toStdString(), error).available > 800'000'000'000u) QSKIP("this disk has room for 800 GB");
        QFile before(path("huge.gguf"));
        QVERIFY(before.open(QIODevice::WriteOnly));
        before.write("as it was");
        before.close();
        const auto refused = writeRandomModel(huge);
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, core::ErrorCode::DiskFull);
        QVERIFY2(refused.error().message.find("are needed") != std::string::npos, refused.error().message.c_str());
        QCOMPARE(readAll(path("huge.gguf")), QByteArray("as it was"));
        QVERIFY(!QFile::exists(path("huge.gguf.part")));
    }

    void failures_theSystemsRefusalIsReported() {
        rlimit limit{};
        QCOMPARE(getrlimit(RLIMIT_FSIZE, &limit), 0);
        const auto handler = std::signal(SIGXFSZ, SIG_IGN);
        const rlimit small{200'000, limit.rlim_max};
        QCOMPARE(setrlimit(RLIMIT_FSIZE, &small), 0);
        const auto refused = writeRandomModel(request("tiny", "Q4_0", "limited.gguf"));
        QCOMPARE(setrlimit(RLIMIT_FSIZE, &limit), 0);
        std::signal(SIGXFSZ, handler);
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, core::ErrorCode::DiskFull);
        QVERIFY2(refused.error().message.find("limited.gguf: cannot be written: ") != std::string::npos, refused.error().message.c_str());
        QVERIFY(!QFile::exists(path("limited.gguf")) && !QFile::exists(path("limited.gguf.part")));
    }
};

QTEST_GUILESS_MAIN(MakeModelTest)
#include "make_model_test.moc"
