// SPDX-License-Identifier: Apache-2.0
//
// hearth-cli as people run it: the program itself, its output, its exit status and its messages.
#include "core/engine/engine.h"
#include "tests/support/tiny_model.h"

#include <QDir>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QRegularExpression>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <csignal>
#include <cstring>

using namespace hearth;

namespace {

constexpr const char* kProgram = HEARTH_CLI;

struct Run {
    int status = -1; ///< -1 when it did not end by itself
    QString out;
    QString err;
};

QByteArray explain(const Run& run) {
    return QStringLiteral("status %1\n%2\n%3").arg(run.status).arg(run.out, run.err).toUtf8();
}

} // namespace

class CliTest : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_folder;
    QString m_model;

    [[nodiscard]] QString path(const QString& name) const { return m_folder.filePath(name); }

    [[nodiscard]] QString model(const test::TinyModelOptions& options, const QString& folder = {}) const {
        const QString place = folder.isEmpty() ? m_folder.path() : folder;
        return QString::fromStdString(test::writeTinyModel(place.toStdString(), options).string());
    }

    QString write(const QString& name, const QByteArray& bytes) const {
        QFile file(path(name));
        if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size()) qFatal("the test's folder cannot be written");
        return file.fileName();
    }

    /// Its data folder is the test's, so that no model of the user's is found.
    void start(QProcess& process, const QStringList& arguments) const {
        auto environment = QProcessEnvironment::systemEnvironment();
        environment.insert("XDG_DATA_HOME", path("data"));
        process.setProcessEnvironment(environment);
        process.start(kProgram, arguments);
    }

    [[nodiscard]] Run run(const QStringList& arguments, const QByteArray& input = {}) const {
        QProcess process;
        start(process, arguments);
        process.write(input);
        process.closeWriteChannel();
        const bool ended = process.waitForFinished(120'000) && process.exitStatus() == QProcess::NormalExit;
        return {ended ? process.exitCode() : -1, QString::fromUtf8(process.readAllStandardOutput()), QString::fromUtf8(process.readAllStandardError())};
    }

private slots:
    void initTestCase() {
        QVERIFY(m_folder.isValid());
        m_model = model({.name = "Small one"});
    }

    void linksNoQt() {
        const QString readelf = QStandardPaths::findExecutable("readelf");
        const QString ldd = QStandardPaths::findExecutable("ldd");
        if (readelf.isEmpty() && ldd.isEmpty()) QSKIP("neither readelf nor ldd is installed");
        QProcess process;
        process.start(readelf.isEmpty() ? ldd : readelf, readelf.isEmpty() ? QStringList{kProgram} : QStringList{"-d", kProgram});
        QVERIFY(process.waitForFinished());
        QCOMPARE(process.exitCode(), 0);
        const QString libraries = QString::fromUtf8(process.readAllStandardOutput());
        QVERIFY2(libraries.contains("libstdc++"), qPrintable(libraries)); // the list is one
        QVERIFY2(!libraries.contains(QRegularExpression("lib(Qt|GL|EGL|vulkan|X11|xcb|wayland)", QRegularExpression::CaseInsensitiveOption)),
                 qPrintable(libraries));
    }

    // --- the command line ---------------------------------------------------------------------------------------------

    void help_isGiven() {
        const Run help = run({"--help"});
        QCOMPARE(help.status, 0);
        for (const char* command : {"chat", "logits", "tokenize", "perplexity", "kl", "template", "inspect", "bench", "make-model", "devices", "models"}) QVERIFY2(help.out.contains(command), command);
        QCOMPARE(run({"bench", "--help"}).status, 0);
        QVERIFY(run({"--version"}).out.startsWith("hearth-cli "));
    }

    void wrongArguments_areRefused_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("said");
        const QString sound = m_model;
        QTest::newRow("nothing") << QStringList{} << "subcommand";
        QTest::newRow("unknown command") << QStringList{"dance"} << "subcommand";
        QTest::newRow("unknown option") << QStringList{"chat", "--dance"} << "--dance";
        QTest::newRow("two commands") << QStringList{"devices", "devices", "--dance"} << "--dance";
        QTest::newRow("not a number") << QStringList{"chat", "--temp", "warm", "hello"} << "warm";
        QTest::newRow("out of range") << QStringList{"chat", "--temp", "-1", "hello"} << "--temp";
        QTest::newRow("unknown CPU path") << QStringList{"chat", "--path", "abacus", "hello"} << "abacus";
        QTest::newRow("no text") << QStringList{"tokenize"} << "text";
        QTest::newRow("no file") << QStringList{"inspect"} << "file";
        QTest::newRow("a text that is not there") << QStringList{"perplexity", "-m", sound, path("no-text")} << path("no-text");
        QTest::newRow("a text that is too short") << QStringList{"perplexity", "-m", sound, write("short.txt", "hello")} << "--window";
        QTest::newRow("no base") << QStringList{"kl", "-m", sound, write("short.txt", "hello")} << "--base";
        QTest::newRow("no ids") << QStringList{"logits", "-m", sound, "-o", path("never")} << "--ids";
        QTest::newRow("no output") << QStringList{"logits", "-m", sound, "--ids", "1"} << "--out";
        QTest::newRow("empty ids") << QStringList{"logits", "-m", sound, "--ids", "", "-o", path("never")} << "--ids";
        QTest::newRow("ids that are none") << QStringList{"logits", "-m", sound, "--ids", "1,two,3", "-o", path("never")} << "1,two,3";
        QTest::newRow("ids with spaces") << QStringList{"logits", "-m", sound, "--ids", "1, 2", "-o", path("never")} << "1, 2";
        QTest::newRow("an id that overflows") << QStringList{"logits", "-m", sound, "--ids", "1,99999999999", "-o", path("never")} << "99999999999";
        QTest::newRow("an id beyond the vocabulary") << QStringList{"logits", "-m", sound, "--ids", "1,99999", "-o", path("never")} << "99999";
        QTest::newRow("output that cannot be written") << QStringList{"logits", "-m", sound, "--ids", "1", "-o", path("no/such/folder/out")} << path("no/such/folder/out");
        QTest::newRow("missing messages") << QStringList{"template", "-m", sound, "--messages", path("nowhere.json")} << path("nowhere.json");
        QTest::newRow("messages that are no JSON") << QStringList{"template", "-m", sound, "--messages", write("broken.json", "[{")} << path("broken.json");
        QTest::newRow("messages that are no list") << QStringList{"template", "-m", sound, "--messages", write("object.json", "{}")} << path("object.json");
        QTest::newRow("a message without content") << QStringList{"template", "-m", sound, "--messages", write("half.json", R"([{"role": "user"}])")} << path("half.json");
        QTest::newRow("a message without text") << QStringList{"template", "-m", sound, "--messages", write("number.json", R"([{"role": "user", "content": 3}])")} << path("number.json");
        QTest::newRow("prompt counts that are none") << QStringList{"bench", "-m", sound, "-p", "16,many"} << "many";
        QTest::newRow("a count below zero") << QStringList{"bench", "-m", sound, "-n", "-1"} << "--generate";
        QTest::newRow("depths apart") << QStringList{"bench", "-m", sound, "-d", "0", "16"} << "16";
        QTest::newRow("nothing to measure") << QStringList{"bench", "-m", sound, "-p", "0", "-n", "0"} << "nothing to measure";
        QTest::newRow("no runs") << QStringList{"bench", "-m", sound, "-r", "0"} << "--repeats";
        QTest::newRow("layers that are none") << QStringList{"chat", "-m", sound, "--gpu-layers", "-2", "hello"} << "--gpu-layers";
        QTest::newRow("a shape that is none") << QStringList{"make-model", "--shape", "cube", "--type", "Q4_0", "-o", path("never")} << "cube";
        QTest::newRow("a type that is none") << QStringList{"make-model", "--shape", "tiny", "--type", "Q9_9", "-o", path("never")} << "Q9_9";
        QTest::newRow("no shape") << QStringList{"make-model", "--type", "Q4_0", "-o", path("never")} << "--shape";
        QTest::newRow("no type") << QStringList{"make-model", "--shape", "tiny", "-o", path("never")} << "--type";
        QTest::newRow("no file to make") << QStringList{"make-model", "--shape", "tiny", "--type", "Q4_0"} << "--out";
        QTest::newRow("no layers") << QStringList{"make-model", "--shape", "tiny", "--type", "Q4_0", "--layers", "0", "-o", path("never")} << "--layers";
        QTest::newRow("a model that cannot be written") << QStringList{"make-model", "--shape", "tiny", "--type", "Q4_0", "-o", path("no/such/folder/out.gguf")} << path("no/such/folder/out.gguf");
        QTest::newRow("no model") << QStringList{"chat", "hello"} << path("data/hearth/models");
    }
    void wrongArguments_areRefused() {
        QFETCH(QStringList, arguments);
        QFETCH(QString, said);
        const Run refused = run(arguments);
        QVERIFY2(refused.status == 1, explain(refused));
        QVERIFY2(refused.err.contains(said), explain(refused));
        QVERIFY2(refused.out.isEmpty(), explain(refused));
        QVERIFY(!QFile::exists(path("never")));
    }

    void wrongFiles_areNamed_data() {
        QTest::addColumn<QString>("file");
        QTest::addColumn<bool>("hasHeader"); // enough of a GGUF for the commands that only read its keys
        QFile file(m_model);
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QByteArray sound = file.readAll();
        QTest::newRow("missing") << path("nowhere.gguf") << false;
        QTest::newRow("a folder") << m_folder.path() << false;
        QTest::newRow("empty") << write("empty.gguf", {}) << false;
        QTest::newRow("cut in the keys") << write("cut.gguf", sound.left(900)) << false;
        QTest::newRow("cut in the tensors") << write("half.gguf", sound.left(sound.size() / 2)) << true;
        QTest::newRow("foreign") << write("foreign.gguf", "\x89PNG\r\n\x1a\n" + QByteArray(200, 'x')) << false;
        QTest::newRow("unknown architecture") << model({.name = "mamba", .architecture = "mamba"}) << true;
    }
    void wrongFiles_areNamed() {
        QFETCH(QString, file);
        QFETCH(bool, hasHeader);
        QList<QStringList> commands{{"chat", "-m", file, "hello"},
                                    {"logits", "-m", file, "--ids", "1", "-o", path("never")},
                                    {"bench", "-m", file, "--bandwidth-mb", "1"}};
        if (!hasHeader) commands << QStringList{"tokenize", "-m", file, "hello"} << QStringList{"template", "-m", file, "hello"} << QStringList{"inspect", file};
        for (const QStringList& command : commands) {
            const Run refused = run(command);
            QVERIFY2(refused.status == 1, command.front().toUtf8() + explain(refused));
            QVERIFY2(refused.err.startsWith("hearth-cli: ") && refused.err.contains(file), command.front().toUtf8() + explain(refused));
            QVERIFY2(refused.out.isEmpty(), command.front().toUtf8() + explain(refused));
            QCOMPARE(refused.err.count('\n'), 1);
        }
        QVERIFY(!QFile::exists(path("never")));
    }

    // --- chat ---------------------------------------------------------------------------------------------------------

    void chat_atTemperatureZeroIsRepeatable() {
        const QStringList arguments{"chat", "-m", m_model, "-t", "1", "--temp", "0", "-n", "30", "tell me a story"};
        const Run first = run(arguments);
        QVERIFY2(first.status == 0, explain(first));
        QVERIFY2(first.err.isEmpty(), explain(first));
        QVERIFY(first.out.trimmed().size() > 20);
        QVERIFY(first.out.endsWith('\n'));
        QCOMPARE(run(arguments).out, first.out);

        // And it is what the engine says.
        core::Engine engine;
        QVERIFY(engine.load({.path = m_model.toStdString(), .threads = 1}, {}, {}));
        core::GenerationRequest request;
        request.messages = {{core::Role::User, "tell me a story"}};
        request.sampling.temperature = 0.0f;
        request.maxTokens = 30;
        std::string text;
        core::GenerationEvents events;
        events.text = [&text](std::string_view piece) { text += piece; };
        QVERIFY(engine.generate(request, events, {}));
        QCOMPARE(first.out, QString::fromStdString(text) + "\n");
    }

    void chat_takesSeedSystemAndPath() {
        const QStringList base{"chat", "-m", m_model, "-t", "1", "-n", "20", "--top-k", "0", "--top-p", "1", "--min-p", "0", "--repeat-penalty", "1.2", "--temp", "1.5"};
        const QString seven = run(base + QStringList{"--seed", "7", "hello"}).out;
        QCOMPARE(run(base + QStringList{"--seed", "7", "hello"}).out, seven);
        QVERIFY(run(base + QStringList{"--seed", "8", "hello"}).out != seven);
        QVERIFY(run(base + QStringList{"--seed", "7", "--system", "be kind", "hello"}).out != seven);
        const Run portable = run(base + QStringList{"--path", "portable", "--stats", "hello"});
        QCOMPARE(portable.status, 0);
        QVERIFY2(portable.err.contains("generated 20 at") && portable.err.contains("tokens/s"), explain(portable));
        QVERIFY2(portable.err.contains("stopped at the token limit"), explain(portable));
    }

    void chat_overStandardInputRemembers() {
        const QStringList arguments{"chat", "-m", m_model, "-t", "1", "--temp", "0", "-n", "12", "--stats"};
        const Run talk = run(arguments, "hello\n\nwho was it\n");
        QVERIFY2(talk.status == 0, explain(talk));
        const QStringList replies = talk.out.split('\n', Qt::SkipEmptyParts);
        QVERIFY2(replies.size() >= 2, explain(talk));
        const QRegularExpression figures("prompt (\\d+) tokens, (\\d+) from the cache");
        QList<int> prompts;
        QList<int> cached;
        for (auto match = figures.globalMatch(talk.err); match.hasNext();) {
            const auto next = match.next();
            prompts << next.captured(1).toInt();
            cached << next.captured(2).toInt();
        }
        QCOMPARE(cached.size(), 2);
        QCOMPARE(cached[0], 0);
        QVERIFY2(cached[1] >= prompts[0], explain(talk)); // the first question and the frame of its answer
        QCOMPARE(run(arguments + QStringList{"hello"}).out.trimmed(), replies.front().trimmed());
    }

    void chat_aMessageTooLongIsNamedAndTheTalkGoesOn() {
        const QByteArray huge = QByteArray("water ").repeated(2000);
        const Run talk = run({"chat", "-m", m_model, "-t", "1", "--temp", "0", "-n", "5"}, huge + "\nhello\n");
        QVERIFY2(talk.status == 0, explain(talk).right(2000));
        QVERIFY(talk.err.contains("ContextTooSmall"));
        QCOMPARE(talk.out.trimmed(), run({"chat", "-m", m_model, "-t", "1", "--temp", "0", "-n", "5", "hello"}).out.trimmed());
    }

    void chat_ctrlCEndsTheReply() {
        QProcess process;
        start(process, {"chat", "-m", model({.name = "endless", .contextLength = 100'000}), "-c", "100000", "-t", "1", "--temp", "0", "--stats", "hello"});
        QVERIFY(process.waitForReadyRead(60'000));
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        QVERIFY(process.waitForFinished(60'000));
        QCOMPARE(process.exitStatus(), QProcess::NormalExit);
        QCOMPARE(process.exitCode(), 0);
        const QByteArray stats = process.readAllStandardError();
        QVERIFY2(stats.startsWith("[stopped;"), stats);
    }

    // --- the other commands ---------------------------------------------------------------------------------------------

    void logits_equalTheEngines() {
        const QString out = path("rows.f32");
        const Run done = run({"logits", "-m", m_model, "-t", "1", "--ids", "1,300,301,302,5,6,7", "-o", out});
        QVERIFY2(done.status == 0, explain(done));
        QFile file(out);
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QByteArray bytes = file.readAll();
        core::Engine engine;
        QVERIFY(engine.load({.path = m_model.toStdString(), .threads = 1}, {}, {}));
        const auto rows = engine.logits(std::vector<core::TokenId>{1, 300, 301, 302, 5, 6, 7});
        QVERIFY(rows);
        QCOMPARE(rows->size(), 7 * engine.tokenizer()->size());
        QCOMPARE(static_cast<std::size_t>(bytes.size()), rows->size() * sizeof(float));
        QVERIFY(std::memcmp(bytes.constData(), rows->data(), rows->size() * sizeof(float)) == 0);
    }

    void perplexityAndKl_measureWindows() {
        QString text;
        for (int i = 0; i < 20; ++i) text += "the water was warm and she could see the stone ";
        const QString file = write("prose.txt", text.toUtf8());
        const Run whole = run({"perplexity", "-m", m_model, "-t", "1", "--window", "64", file});
        QVERIFY2(whole.status == 0, explain(whole));
        static const QRegularExpression figure("^perplexity ([0-9.]+) \\+/- ([0-9.]+) over ([0-9]+) tokens in ([0-9]+) windows of 64\n$");
        const auto match = figure.match(whole.out);
        QVERIFY2(match.hasMatch(), explain(whole));
        QVERIFY(match.captured(1).toDouble() > 1.0);
        QCOMPARE(match.captured(3).toInt(), match.captured(4).toInt() * 31);
        const Run one = run({"perplexity", "-m", m_model, "-t", "1", "--window", "64", "--windows", "1", file});
        QVERIFY2(one.out.contains("in 1 windows of 64"), explain(one));

        const Run same = run({"kl", "-m", m_model, "--base", m_model, "-t", "1", "--window", "64", file});
        QVERIFY2(same.status == 0 && same.out.startsWith("KL divergence 0.000000 ") && same.out.contains("100.000 %"), explain(same));
        const QString other = model({.seed = 77, .name = "Other"});
        const Run different = run({"kl", "-m", other, "--base", m_model, "-t", "1", "--window", "64", file});
        QVERIFY2(different.status == 0 && !different.out.startsWith("KL divergence 0.000000 "), explain(different));
    }

    void tokenize_printsIds() {
        const auto file = core::GgufFile::open(m_model.toStdString());
        QVERIFY(file);
        const auto tokenizer = core::Tokenizer::create(*core::readVocabulary(file->metadata()));
        QVERIFY(tokenizer);
        const auto expected = [&](const char* text, core::SpecialTokens special) {
            QStringList ids;
            for (const core::TokenId id : (*tokenizer)->encode(text, core::AddSpecial::AsModelSays, special)) ids << QString::number(id);
            return ids.join(',') + "\n";
        };
        QCOMPARE(run({"tokenize", "-m", m_model, "hello water</s>"}).out, expected("hello water</s>", core::SpecialTokens::AsText));
        QCOMPARE(run({"tokenize", "-m", m_model, "--parse-special", "hello</s>"}).out, expected("hello</s>", core::SpecialTokens::Parse));
        QVERIFY(run({"tokenize", "-m", m_model, "--parse-special", "hello</s>"}).out.endsWith(",2\n"));
        QCOMPARE(run({"tokenize", "-m", m_model, "-"}, "a\nb \xff").out, expected("a\nb \xff", core::SpecialTokens::AsText));
        const Run pieces = run({"tokenize", "-m", m_model, "--pieces", "the \"water\"\xff"});
        QVERIFY2(pieces.status == 0, explain(pieces));
        QVERIFY2(pieces.out.contains("\t\" the\"\n") && pieces.out.contains("\"\\\"\""), explain(pieces));
    }

    void template_isRendered() {
        const Run plain = run({"template", "-m", m_model, "--system", "be kind", "hello"});
        QCOMPARE(plain.out, QString("<|system|>\nbe kind</s>\n<|user|>\nhello</s>\n<|assistant|>\n"));
        const QString messages = write("messages.json", R"([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}])");
        const Run list = run({"template", "-m", m_model, "--messages", messages, "c"});
        QCOMPARE(list.out, QString("<|user|>\na</s>\n<|assistant|>\nb</s>\n<|user|>\nc</s>\n<|assistant|>\n"));
        const Run fallback = run({"template", "-m", model({.name = "bare", .chatTemplate = false}), "hello"});
        QCOMPARE(fallback.out, QString("User: hello\nAssistant:"));
        QVERIFY2(fallback.err.contains("plain text format"), explain(fallback));
    }

    void inspect_printsKeysAndTensors() {
        const Run text = run({"inspect", m_model});
        QVERIFY2(text.status == 0, explain(text));
        for (const char* wanted : {"Small one", "general.architecture = \"llama\"", "llama.block_count = 2", "blk.1.ffn_down.weight", "F16", "Hearth can run it", "[64, "}) {
            QVERIFY2(text.out.contains(wanted), wanted);
        }
        const Run refused = run({"inspect", model({.name = "mamba", .architecture = "mamba"})});
        QCOMPARE(refused.status, 0); // it is a sound GGUF file all the same
        QVERIFY2(refused.out.contains("mamba") && !refused.out.contains("Hearth can run it"), explain(refused));

        const Run json = run({"inspect", "--json", m_model});
        QCOMPARE(json.status, 0);
        QJsonParseError error;
        const QJsonObject root = QJsonDocument::fromJson(json.out.toUtf8(), &error).object();
        QVERIFY2(error.error == QJsonParseError::NoError, qPrintable(error.errorString()));
        QCOMPARE(root["version"].toInt(), 3);
        QCOMPARE(root["bytes"].toInteger(), QFile(m_model).size());
        QCOMPARE(root["metadata"]["general.name"].toString(), QString("Small one"));
        QCOMPARE(root["metadata"]["llama.attention.head_count_kv"].toInt(), 2);
        QCOMPARE(root["metadata"]["tokenizer.ggml.add_bos_token"].toBool(), true);
        QVERIFY(root["metadata"]["tokenizer.ggml.tokens"].toArray().size() > 300);
        const QJsonArray tensors = root["tensors"].toArray();
        QCOMPARE(tensors.size(), 3 + 2 * 9);
        const QJsonObject embedding = tensors[0].toObject();
        QCOMPARE(embedding["name"].toString(), QString("token_embd.weight"));
        QCOMPARE(embedding["type"].toString(), QString("F16"));
        QCOMPARE(embedding["dims"].toArray()[0].toInt(), 64);
        QCOMPARE(embedding["bytes"].toInt(), 2 * 64 * embedding["dims"].toArray()[1].toInt());
    }

    void bench_reportsSpeedsAgainstTheBandwidth() {
        const QStringList arguments{"bench", "-m", m_model, "-t", "1", "-p", "16,40", "-n", "4", "-d", "0,8,20", "-r", "3", "--bandwidth-mb", "4"};
        const Run json = run(arguments + QStringList{"--json"});
        QVERIFY2(json.status == 0, explain(json));
        QJsonParseError error;
        const QJsonObject root = QJsonDocument::fromJson(json.out.toUtf8(), &error).object();
        QVERIFY2(error.error == QJsonParseError::NoError, qPrintable(error.errorString()));
        QCOMPARE(root["model"].toString(), QString("Small one"));
        QCOMPARE(root["threads"].toInt(), 1);
        QCOMPARE(root["repeats"].toInt(), 3);
        QCOMPARE(root["backend"].toString(), QString("CPU"));
        QCOMPARE(root["readBandwidthMeasuredOn"].toString(), QString("CPU"));
        QVERIFY(!root["backendReason"].toString().isEmpty());
        QCOMPARE(root["generationIncludes"]["choiceOfTheNextTokenOn"].toString(), QString("CPU"));
        QCOMPARE(root["generationIncludes"]["temperature"].toDouble(), 0.0);
        for (const char* key : {"loadSeconds", "readBandwidthBytesPerSecond", "weightBytesPerToken", "kvBytesPerPosition"}) QVERIFY2(root[key].toDouble() > 0.0, key);

        // The model's figures: 2 layers, 64 wide, 2 KV heads of 16, keys and values of two bytes.
        core::Engine engine;
        QVERIFY(engine.load({.path = m_model.toStdString(), .threads = 1}, {}, {}));
        const auto weights = static_cast<double>(engine.weightBytesPerToken());
        QCOMPARE(root["weightBytesPerToken"].toDouble(), weights);
        const double bandwidth = root["readBandwidthBytesPerSecond"].toDouble();
        const double kv = root["kvBytesPerPosition"].toDouble();
        QCOMPARE(kv, 2.0 * 2 * 2 * 16 * 2);

        const auto check = [&](const QJsonObject& row, int tokens, int depth, double bytesPerToken) {
            QCOMPARE(row["tokens"].toInt(), tokens);
            QCOMPARE(row["depth"].toInt(), depth);
            QList<double> seconds;
            for (const auto& run : row["secondsOfRuns"].toArray()) seconds << run.toDouble();
            QCOMPARE(seconds.size(), 3);
            std::ranges::sort(seconds);
            QVERIFY(seconds[0] > 0.0);
            QVERIFY(qFuzzyCompare(row["tokensPerSecond"].toDouble(), tokens / seconds[1]));
            QVERIFY(qFuzzyCompare(row["bestTokensPerSecond"].toDouble(), tokens / seconds[0]));
            QVERIFY2(qFuzzyCompare(row["bytesPerToken"].toDouble(), bytesPerToken), qPrintable(QString::number(row["bytesPerToken"].toDouble())));
            QVERIFY(qFuzzyCompare(row["bytesPerSecond"].toDouble(), bytesPerToken * tokens / seconds[1]));
            // Every run is held against the bandwidth around it.
            QList<double> bandwidths;
            QList<double> fractions;
            for (const auto& around : row["readBandwidthOfRuns"].toArray()) {
                const double taken = row["secondsOfRuns"][bandwidths.size()].toDouble();
                bandwidths << around.toDouble();
                QVERIFY(bandwidths.last() > 0.0 && bandwidths.last() <= bandwidth);
                fractions << tokens / taken * bytesPerToken / bandwidths.last();
            }
            QCOMPARE(fractions.size(), 3);
            std::ranges::sort(bandwidths);
            std::ranges::sort(fractions);
            QVERIFY(qFuzzyCompare(row["limitTokensPerSecond"].toDouble(), bandwidths[1] / bytesPerToken));
            QVERIFY(qFuzzyCompare(row["fractionOfLimit"].toDouble(), fractions[1]));
            QVERIFY(qFuzzyCompare(row["bestFractionOfLimit"].toDouble(), fractions[2]));
        };
        const QJsonArray prompts = root["prompt"].toArray();
        QCOMPARE(prompts.size(), 2);
        check(prompts[0].toObject(), 16, 0, weights / 16 + kv);
        check(prompts[1].toObject(), 40, 0, weights / 40 + kv);
        // Per layer 64 x 64 for Q and output, 64 x 32 for K and V, 64 x 96 three times for the feed-forward.
        const double operations = 2.0 * 2 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 96);
        QVERIFY(qFuzzyCompare(prompts[1]["operationsPerSecond"].toDouble(), operations * prompts[1]["tokensPerSecond"].toDouble()));
        // The matrices are f16: what bounds them are bf16 or f32 products. Nothing is measured where no kernels were compiled.
        const double bf16 = root["bf16OperationsPerSecond"].toDouble();
        const double f32 = root["f32OperationsPerSecond"].toDouble();
        QCOMPARE(root["int8OperationsPerSecond"].toDouble() > 0.0, f32 > 0.0);
        QCOMPARE(prompts[1]["operationsOf"].toString(), QString(bf16 > f32 ? "bf16" : "f32"));
        const QJsonValue fraction = prompts[1]["fractionOfOperations"];
        QCOMPARE(fraction.isNull(), f32 == 0.0);
        // The limit around the runs is at most the best that was measured.
        if (f32 > 0.0) QVERIFY(fraction.toDouble() >= prompts[1]["operationsPerSecond"].toDouble() / std::max(bf16, f32) * (1.0 - 1e-9));
        const QJsonArray generations = root["generation"].toArray();
        QCOMPARE(generations.size(), 3);
        check(generations[0].toObject(), 4, 0, weights + kv * 2.5);
        check(generations[1].toObject(), 4, 8, weights + kv * 10.5);
        check(generations[2].toObject(), 4, 20, weights + kv * 22.5);

        const Run text = run(arguments);
        QVERIFY2(text.status == 0 && text.out.contains("tokens/s") && text.out.contains("GB/s"), explain(text));
        QVERIFY2(text.out.contains("choice of the next token (greedy, on the CPU)"), explain(text));
        QCOMPARE(text.out.count(QRegularExpression("^prompt ", QRegularExpression::MultilineOption)), 2);
        QCOMPARE(text.out.count(QRegularExpression("^generation +4 +(0|8|20) ", QRegularExpression::MultilineOption)), 3);
    }

    void bench_leavesOutWhatIsZero() {
        const Run json = run({"bench", "-m", m_model, "-t", "1", "-p", "0", "-n", "2,3", "--temp", "0.5", "-r", "1", "--bandwidth-mb", "1", "--json", "--device", "cpu"});
        QVERIFY2(json.status == 0, explain(json));
        const QJsonObject root = QJsonDocument::fromJson(json.out.toUtf8()).object();
        QVERIFY(root["prompt"].toArray().isEmpty());
        QCOMPARE(root["generation"].toArray().size(), 2);
        QCOMPARE(root["generationIncludes"]["temperature"].toDouble(), 0.5);
    }

    void makeModel_writesAModelThatAnswers() {
        const QString file = path("made.gguf");
        const Run made = run({"make-model", "--shape", "tiny", "--type", "Q4_K_M", "--seed", "5", "--layers", "3", "-o", file});
        QVERIFY2(made.status == 0, explain(made));
        QVERIFY2(made.out.contains(file) && made.out.contains("Random tiny Llama, Q4_K_M, 3 layers, seed 5"), explain(made));
        const Run answer = run({"chat", "-m", file, "-t", "1", "--temp", "0", "-n", "20", "hello"});
        QVERIFY2(answer.status == 0 && answer.out.size() > 10, explain(answer));
        const Run inspected = run({"inspect", file});
        QVERIFY2(inspected.out.contains("Q4_K_M") && inspected.out.contains("llama.block_count = 3"), explain(inspected));
    }

    void devices_areListed() {
        const Run devices = run({"devices"});
        QVERIFY2(devices.status == 0, explain(devices));
        QVERIFY2(devices.out.contains("CPU  ") && devices.out.contains("path: ") && devices.out.contains("GPU  "), explain(devices));
    }

    void models_areListedAndTheFirstIsTheDefault() {
        const QString folder = path("data/hearth/models");
        QDir(folder).removeRecursively();
        Run none = run({"models"});
        QCOMPARE(none.status, 1);
        QVERIFY2(none.out.contains(folder), explain(none));
        QVERIFY(QDir().mkpath(folder));
        QCOMPARE(run({"models", "--quiet"}).status, 1);

        const QString unusable = model({.name = "a mamba", .architecture = "mamba"}, folder);
        none = run({"models"});
        QCOMPARE(none.status, 1);
        QVERIFY2(none.out.contains(unusable) && none.out.contains("'mamba'"), explain(none));

        const QString usable = model({.name = "the model"}, folder);
        const Run found = run({"models"});
        QCOMPARE(found.status, 0);
        QVERIFY2(found.out.contains(usable) && found.out.contains("the model") && found.out.contains("F16"), explain(found));
        const Run quiet = run({"models", "-q"});
        QCOMPARE(quiet.status, 0);
        QVERIFY(quiet.out.isEmpty() && quiet.err.isEmpty());

        const Run byDefault = run({"chat", "-t", "1", "--temp", "0", "-n", "5", "hello"});
        QVERIFY2(byDefault.status == 0, explain(byDefault));
        QCOMPARE(byDefault.out, run({"chat", "-m", usable, "-t", "1", "--temp", "0", "-n", "5", "hello"}).out);
        QDir(folder).removeRecursively();
    }
};

QTEST_GUILESS_MAIN(CliTest)
#include "cli_test.moc"
