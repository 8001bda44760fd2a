// SPDX-License-Identifier: Apache-2.0
//
// Engine::load: what it reports, what it refuses and what is left after a refusal, a cancel, or a file that changes later.
#include "tests/core/engine/engine_test_support.h"
#include "tests/core/model/arch_models.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/tiny_model.h"

#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>

using namespace hearth;
using namespace hearth::test;
using core::ErrorCode;
using core::FinishReason;

namespace {

std::vector<std::byte> bytesOf(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    const std::vector<char> chars(std::istreambuf_iterator<char>(stream), {});
    std::vector<std::byte> bytes(chars.size());
    std::memcpy(bytes.data(), chars.data(), chars.size());
    return bytes;
}

/// The bytes with the first `from` made `to` (of the same length).
std::vector<std::byte> replaced(std::vector<std::byte> bytes, std::string_view from, std::string_view to) {
    const auto* needle = reinterpret_cast<const std::byte*>(from.data());
    const auto at = std::search(bytes.begin(), bytes.end(), needle, needle + from.size());
    if (at == bytes.end() || from.size() != to.size()) std::abort(); // the test itself is wrong
    std::memcpy(&*at, to.data(), to.size());
    return bytes;
}

} // namespace

class LoadTest : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_folder;
    std::filesystem::path m_model;

    [[nodiscard]] std::filesystem::path path(const char* name) const {
        return std::filesystem::path(m_folder.path().toStdString()) / name;
    }
    [[nodiscard]] std::filesystem::path model(TinyModelOptions options) const {
        return writeTinyModel(m_folder.path().toStdString(), options);
    }

private slots:
    void learnedPositionsBoundTheContext() {
        const auto models = test::archModels();
        const auto gpt2 = std::ranges::find(models, "gpt2", &test::ArchModel::name);
        QVERIFY(gpt2 != models.end());
        const QTemporaryDir folder;
        const auto path = test::writeArchModel(folder.path().toStdString(), *gpt2);
        core::Engine engine;
        const auto info = engine.load({.path = path.string(), .contextLength = 4096, .threads = 1}, {}, {});
        QVERIFY2(info, info ? "" : info.error().message.c_str());
        QCOMPARE(info->contextLength, 64);
    }

    void initTestCase() {
        QVERIFY(m_folder.isValid());
        m_model = model({.name = "Sound one"});
    }

    void filesThatAreNoChatModels_areRefusedByName_data() {
        QTest::addColumn<QString>("key"); // a string key and its value
        QTest::addColumn<QString>("value");
        QTest::addColumn<QString>("says");
        QTest::newRow("adapter") << "general.type" << "adapter" << "adapter (LoRA), which only changes another model; load that one";
        QTest::newRow("image part") << "general.architecture" << "clip" << "image part of another model (mmproj)";
        QTest::newRow("image part by type") << "general.type" << "mmproj" << "load the model that it belongs to";
        for (const char* encoder : {"bert", "nomic-bert", "jina-bert-v2", "modern-bert", "t5encoder"}) QTest::newRow(encoder) << "general.architecture" << encoder << "an embedding model: it measures text";
        QTest::newRow("importance matrix") << "general.type" << "imatrix" << "importance matrix";
    }
    void filesThatAreNoChatModels_areRefusedByName() {
        QFETCH(QString, key);
        QFETCH(QString, value);
        QFETCH(QString, says);
        GgufWriter writer;
        if (key != "general.architecture") writer.addString("general.architecture", "llama");
        writer.addString(key.toStdString(), value.toStdString());
        const std::array<float, 32> values{};
        writer.addTensor("a.weight", {32}, kernels::DType::F32, values);
        writer.write(path("kind.gguf"));
        core::Engine engine;
        const auto loaded = load(engine, path("kind.gguf"));
        QCOMPARE(errorOf(loaded), code(ErrorCode::UnsupportedArchitecture));
        QVERIFY2(QString::fromStdString(loaded.error().message).contains(says), loaded.error().message.c_str());
    }

    void foreignAndPartialFiles_areRefusedByName() {
        core::Engine engine;
        const std::string safetensors("\x10\0\0\0\0\0\0\0{\"__metadata__\":{}}", 26);
        std::ofstream(path("model.safetensors"), std::ios::binary) << safetensors;
        const auto foreign = load(engine, path("model.safetensors"));
        QCOMPARE(errorOf(foreign), code(ErrorCode::NotGguf));
        QVERIFY2(QString::fromStdString(foreign.error().message).contains("safetensors file; it has to be converted to GGUF"), foreign.error().message.c_str());

        GgufWriter writer;
        writer.addString("general.architecture", "llama");
        writer.addUint32("split.no", 0);
        writer.addUint32("split.count", 3);
        writer.write(path("Big-00001-of-00003.gguf"));
        const auto partial = load(engine, path("Big-00001-of-00003.gguf"));
        QCOMPARE(errorOf(partial), code(ErrorCode::FileNotFound));
        QVERIFY2(QString::fromStdString(partial.error().message).contains("part 2 of 3"), partial.error().message.c_str());
    }

    void load_reportsTheModel() {
        core::Engine engine;
        const auto info = load(engine, m_model);
        QVERIFY2(info.has_value(), info ? "" : info.error().message.c_str());
        QCOMPARE(info->path, m_model.string());
        QCOMPARE(info->name, "Sound one");
        QCOMPARE(info->architecture, "llama");
        QCOMPARE(info->quantization, "F16");
        QCOMPARE(info->fileBytes, std::filesystem::file_size(m_model));
        QCOMPARE(info->layers, 2);
        QCOMPARE(static_cast<std::size_t>(info->vocabularySize), engine.tokenizer()->size());
        QCOMPARE(info->contextLength, 512);
        QCOMPARE(info->trainedContextLength, 512);
        // Keys and values, 2 layers, 2 heads of 16 halves, 512 positions.
        QCOMPARE(info->kvBytes, std::uint64_t{2 * 2 * 2 * 16 * 2 * 512});
        QVERIFY(info->scratchBytes > 0);
        QCOMPARE(info->threads, 1);
        QCOMPARE(info->backend, "CPU");
        QVERIFY(!info->backendDetail.empty());
        QVERIFY(!info->backendReason.empty());
        QVERIFY(info->chatTemplateFromFile);
        QVERIFY(info->notices.empty());
        QVERIFY(info->loadSeconds > 0.0);
        // Embedding and output of 64 columns, and per layer the attention (64x64 twice, 64x32 twice), the feed-forward
        // (three of 64x96) and two norms of 64; one norm at the end.
        const std::uint64_t rows = engine.tokenizer()->size();
        QCOMPARE(info->parameters, 2 * 64 * rows + 2 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 96 + 2 * 64) + 64);
    }

    void weightBytesPerToken_leavesOutWhatADecodingStepDoesNotRead() {
        const std::uint64_t f32Norms = (2 * 2 + 1) * 64 * 4;
        const std::uint64_t attention = 2 * 2 * (2 * 64 * 64 + 2 * 64 * 32); // bytes of one layer, in halves
        const std::uint64_t dense = 2 * (3 * 64 * 96);
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        const std::uint64_t table = 2 * 64 * engine.tokenizer()->size();
        QCOMPARE(engine.weightBytesPerToken(), table + 2 * dense + attention + f32Norms);
        QVERIFY(load(engine, model({.name = "tied", .tiedOutput = true})));
        QCOMPARE(engine.weightBytesPerToken(), table + 2 * dense + attention + f32Norms);
        // Two of four experts, and the router in F32.
        QVERIFY(load(engine, model({.name = "experts", .experts = 4})));
        QCOMPARE(engine.weightBytesPerToken(), table + 2 * (2 * dense + 4 * 64 * 4) + attention + f32Norms);
        engine.unload();
        QCOMPARE(engine.weightBytesPerToken(), std::uint64_t{0});
    }

    void contextLength_data() {
        QTest::addColumn<int>("trained");
        QTest::addColumn<int>("asked");
        QTest::addColumn<int>("used");
        QTest::addColumn<bool>("noticed");
        QTest::newRow("the model's own") << 512 << 0 << 512 << false;
        QTest::newRow("the model's own is capped") << 100000 << 0 << 8192 << false;
        QTest::newRow("shorter") << 512 << 100 << 100 << false;
        QTest::newRow("too short to be of use") << 512 << 3 << 64 << false;
        QTest::newRow("longer than trained") << 512 << 1024 << 1024 << true;
        QTest::newRow("as long as trained") << 512 << 512 << 512 << false;
    }
    void contextLength() {
        QFETCH(int, trained);
        QFETCH(int, asked);
        QFETCH(int, used);
        QFETCH(bool, noticed);
        core::Engine engine;
        const auto info = load(engine, model({.name = "context", .contextLength = trained}), asked);
        QVERIFY(info);
        QCOMPARE(info->contextLength, used);
        QCOMPARE(info->notices.size(), std::size_t{noticed});
        const Reply reply = ask(engine, request({fromUser("hello")}, 2));
        QCOMPARE(reply.stats().contextLength, used);
    }

    void aContextBeyondMemory_isRefused() {
        core::Engine engine;
        const auto info = load(engine, m_model, std::numeric_limits<std::int32_t>::max());
        QCOMPARE(errorOf(info), code(ErrorCode::OutOfMemory));
        QCOMPARE(ask(engine, request({fromUser("hello")})).error(), code(ErrorCode::NoModelLoaded));
    }

    void refused_data() {
        QTest::addColumn<QString>("file");
        QTest::addColumn<int>("error");
        const std::vector<std::byte> sound = bytesOf(m_model);
        const auto file = [&](const char* name, const std::vector<std::byte>& bytes) {
            writeFile(path(name), bytes);
            return QString::fromStdString(path(name).string());
        };
        const auto half = std::vector<std::byte>(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(sound.size() / 2));
        QTest::newRow("missing") << QString::fromStdString(path("nowhere.gguf").string()) << code(ErrorCode::FileNotFound);
        QTest::newRow("a folder") << m_folder.path() << code(ErrorCode::IsDirectory);
        QTest::newRow("empty") << file("empty.gguf", {}) << code(ErrorCode::FileTruncated);
        QTest::newRow("cut inside the keys") << file("cut1.gguf", {sound.begin(), sound.begin() + 1000}) << code(ErrorCode::FileTruncated);
        QTest::newRow("cut inside the tensors") << file("cut2.gguf", half) << code(ErrorCode::FileTruncated);
        QTest::newRow("foreign") << file("foreign.gguf", replaced(sound, "GGUF", "\x89PNG")) << code(ErrorCode::NotGguf);
        QTest::newRow("unknown architecture")
            << QString::fromStdString(model({.name = "mamba", .architecture = "mamba"}).string()) << code(ErrorCode::UnsupportedArchitecture);
        QTest::newRow("unknown tokenizer") << file("tokenizer.gguf", replaced(sound, std::string("\x05\0\0\0\0\0\0\0llama\x12", 14), std::string("\x05\0\0\0\0\0\0\0zzzzz\x12", 14)))
                                           << code(ErrorCode::UnsupportedTokenizer);
        QTest::newRow("a tensor is missing")
            << file("tensor.gguf", replaced(sound, "blk.1.attn_q.weight", "blk.1.attn_z.weight")) << code(ErrorCode::MissingTensor);
        QTest::newRow("a key is missing") << file("key.gguf", replaced(sound, "llama.block_count", "llama.block_c0unt")) << code(ErrorCode::MissingKey);
    }
    void refused() {
        QFETCH(QString, file);
        QFETCH(int, error);
        core::Engine engine;
        QVERIFY(load(engine, m_model)); // what is loaded goes, whatever follows
        const auto refusal = load(engine, file.toStdString());
        QVERIFY(!refusal);
        QVERIFY2(static_cast<int>(refusal.error().code) == error, refusal.error().message.c_str());
        QVERIFY2(QString::fromStdString(refusal.error().message).contains(file.section(u'/', -1)) ||
                     error == code(ErrorCode::MissingKey) || error == code(ErrorCode::UnsupportedArchitecture) ||
                     error == code(ErrorCode::UnsupportedTokenizer) || error == code(ErrorCode::MissingTensor),
                 refusal.error().message.c_str());
        QVERIFY(engine.tokenizer() == nullptr);
        QVERIFY(engine.chatPrompt() == nullptr);
        QCOMPARE(ask(engine, request({fromUser("hello")})).error(), code(ErrorCode::NoModelLoaded));

        QVERIFY(load(engine, m_model));
        const Reply reply = ask(engine, request({fromUser("hello")}));
        QVERIFY(!reply.text.empty());
        QCOMPARE(reply.text, askFresh(m_model, request({fromUser("hello")})).text);
    }

    void cancelled_leavesNothing() {
        core::Engine engine;
        std::stop_source stop;
        stop.request_stop();
        QCOMPARE(errorOf(engine.load({.path = m_model.string(), .threads = 1}, {}, stop.get_token())), code(ErrorCode::Cancelled));
        QCOMPARE(ask(engine, request({fromUser("hello")})).error(), code(ErrorCode::NoModelLoaded));

        std::stop_source during;
        const auto atFirstBytes = [&during](const core::LoadProgress&) { during.request_stop(); };
        QCOMPARE(errorOf(engine.load({.path = m_model.string(), .threads = 1}, atFirstBytes, during.get_token())), code(ErrorCode::Cancelled));
        QCOMPARE(ask(engine, request({fromUser("hello")})).error(), code(ErrorCode::NoModelLoaded));
        QVERIFY(load(engine, m_model));
        QVERIFY(ask(engine, request({fromUser("hello")})).ok());
    }

    void progress_growsToTheEnd() {
        core::Engine engine;
        std::vector<core::LoadProgress> seen;
        QVERIFY(engine.load({.path = m_model.string(), .threads = 1}, [&](const core::LoadProgress& step) { seen.push_back(step); }, {}));
        QVERIFY(!seen.empty());
        QVERIFY(std::ranges::is_sorted(seen, {}, &core::LoadProgress::fraction));
        QCOMPARE(seen.back().fraction, 1.0f);
        QCOMPARE(seen.back().bytesDone, seen.back().bytesTotal);
        QVERIFY(seen.back().bytesTotal > 0);
    }

    void unloaded_knowsNoModel() {
        core::Engine engine;
        const std::vector<core::TokenId> ids{1, 5, 6};
        for (int round = 0; round < 2; ++round) {
            QCOMPARE(ask(engine, request({fromUser("hello")})).error(), code(ErrorCode::NoModelLoaded));
            QCOMPARE(errorOf(engine.logits(ids)), code(ErrorCode::NoModelLoaded));
            QCOMPARE(errorOf(engine.prefill(ids)), code(ErrorCode::NoModelLoaded));
            QCOMPARE(errorOf(engine.decodeStep(5)), code(ErrorCode::NoModelLoaded));
            QVERIFY(engine.tokenizer() == nullptr);
            QVERIFY(!engine.deviceReadBandwidth());
            engine.clearSession();
            QVERIFY(load(engine, m_model));
            QVERIFY(ask(engine, request({fromUser("hello")})).ok());
            engine.unload();
        }
    }

    void anotherModel_answersAsIfAlone() {
        const auto other = model({.seed = 9, .name = "other", .architecture = "qwen3"});
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        const auto wanted = request({fromUser("tell me a story about the winter")});
        const std::string first = ask(engine, wanted).text;
        QCOMPARE(load(engine, other)->architecture, "qwen3");
        const std::string second = ask(engine, wanted).text;
        QVERIFY(first != second);
        QCOMPARE(second, askFresh(other, wanted).text);
        QVERIFY(load(engine, m_model));
        QCOMPARE(ask(engine, wanted).text, first);
    }

    void aFileThatShrinks_isNoticed() {
        const auto shrinking = model({.name = "shrinking"});
        const std::uintmax_t size = std::filesystem::file_size(shrinking);
        core::Engine engine;
        QVERIFY(load(engine, shrinking));
        QVERIFY(ask(engine, request({fromUser("hello")})).ok());
        std::filesystem::resize_file(shrinking, size / 4);
        QCOMPARE(ask(engine, request({fromUser("hello")})).error(), code(ErrorCode::FileChanged));
        QCOMPARE(errorOf(engine.logits(std::vector<core::TokenId>{1, 2, 3})), code(ErrorCode::FileChanged));
        QVERIFY(load(engine, m_model));
        QVERIFY(ask(engine, request({fromUser("hello")})).ok());
    }

    void aFileThatIsDeleted_stillAnswers() {
        const auto gone = model({.name = "gone"});
        core::Engine engine;
        QVERIFY(load(engine, gone));
        std::filesystem::remove(gone);
        QCOMPARE(ask(engine, request({fromUser("hello")})).text, askFresh(model({.name = "gone"}), request({fromUser("hello")})).text);
    }

    void aFileThatChangesInMidReply_endsTheReply_data() {
        QTest::addColumn<int>("quarters"); // new size
        QTest::newRow("shrinks") << 1;
        QTest::newRow("grows") << 5;
    }
    void aFileThatChangesInMidReply_endsTheReply() {
        QFETCH(int, quarters);
        const auto changing = model({.name = "changing"});
        const std::uintmax_t size = std::filesystem::file_size(changing);
        core::Engine engine;
        QVERIFY(load(engine, changing));
        int pieces = 0;
        Hooks hooks;
        hooks.text = [&](std::string_view) {
            if (++pieces == 3) std::filesystem::resize_file(changing, size * static_cast<std::uintmax_t>(quarters) / 4);
        };
        const Reply reply = ask(engine, request({fromUser("hello")}, 200), {}, hooks);
        QCOMPARE(reply.error(), code(ErrorCode::FileChanged));
        // No text from the zeros that stand in for lost pages.
        const Reply whole = askFresh(model({.name = "changing"}), request({fromUser("hello")}, 200));
        QVERIFY(QString::fromStdString(whole.text).startsWith(QString::fromStdString(reply.text)));
        QVERIFY(reply.text.size() < whole.text.size() / 4);
        std::filesystem::resize_file(changing, size / 4);
        QCOMPARE(ask(engine, request({fromUser("hello")})).error(), code(ErrorCode::FileChanged));
    }

    void aModelThatComputesNoNumbers_isAnError() {
        const auto damaged = model({.name = "damaged"});
        const auto file = core::GgufFile::open(damaged);
        QVERIFY(file);
        const core::GgufTensor* norm = file->findTensor("output_norm.weight");
        QVERIFY(norm);
        std::fstream stream(damaged, std::ios::binary | std::ios::in | std::ios::out);
        stream.seekp(static_cast<std::streamoff>(norm->offset));
        const std::vector<char> notANumber(norm->byteSize, '\xff');
        stream.write(notANumber.data(), static_cast<std::streamsize>(notANumber.size()));
        stream.close();
        core::Engine engine;
        QVERIFY(load(engine, damaged));
        for (const float temperature : {0.0f, 1.0f}) {
            auto wanted = request({fromUser("hello")});
            wanted.sampling.temperature = temperature;
            const Reply reply = ask(engine, wanted);
            QCOMPARE(reply.error(), code(ErrorCode::MalformedFile));
            QVERIFY(reply.text.empty());
        }
    }

    void brokenTemplates_areReplaced_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<bool>("fromFile");
        QTest::newRow("sound") << "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}" << true;
        QTest::newRow("syntax") << "{% for m in messages %}{{ m.content }" << false;
        QTest::newRow("fails on every conversation") << "{{ messages.nothing.here }}" << false;
        QTest::newRow("refuses every conversation") << "{{ raise_exception('no') }}" << false;
        QTest::newRow("produces nothing") << "{# #}" << false;
        QTest::newRow("produces far too much") << "{% for a in range(100000) %}{% for b in range(100000) %}xxxxxxxxxxxxxxxx{% endfor %}{% endfor %}" << false;
    }
    void brokenTemplates_areReplaced() {
        QFETCH(QString, text);
        QFETCH(bool, fromFile);
        core::Engine engine;
        const auto info = load(engine, model({.name = "template", .chatTemplateText = text.toStdString()}));
        QVERIFY(info);
        QCOMPARE(info->chatTemplateFromFile, fromFile);
        QCOMPARE(info->notices.size(), fromFile ? std::size_t{0} : std::size_t{1});
        const Reply reply = ask(engine, request({fromUser("hello")}));
        QVERIFY2(reply.ok(), reply.ok() ? "" : reply.result.error().message.c_str());
        QVERIFY(!reply.text.empty());
        if (fromFile) return;
        QVERIFY(info->notices.front().find("plain text format") != std::string::npos);
        const auto without = model({.name = "no template", .chatTemplate = false});
        QCOMPARE(reply.text, askFresh(without, request({fromUser("hello")})).text);
    }
};

QTEST_GUILESS_MAIN(LoadTest)
#include "load_test.moc"
