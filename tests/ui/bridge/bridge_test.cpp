// SPDX-License-Identifier: Apache-2.0
//
// The bridge between the window and its worker threads: one final signal per request in every phase, stale ids dropped,
// shutdown at any moment. Run under the tsan preset too.
#include "core/engine/scripted_generator.h"
#include "ui/bridge/engine_client.h"
#include "ui/bridge/error_text.h"
#include "ui/bridge/library_worker.h"
#include "ui/bridge/store_client.h"
#include "ui/bridge/telemetry_worker.h"

#include <QDir>
#include <QFile>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <map>
#include <new>

using namespace hearth;
using namespace hearth::ui;
using namespace std::chrono_literals;

namespace {

constexpr auto kForever = 600'000ms; ///< per step: whoever waits for it fails by the test's timeout

EngineFactory scripted(core::Script script) {
    return [script] { return std::make_unique<core::ScriptedGenerator>(script); };
}

class ThrowingGenerator final : public core::TextGenerator {
public:
    core::Result<core::ModelInfo> load(const core::LoadRequest&, const std::function<void(const core::LoadProgress&)>&,
                                       std::stop_token) override {
        throw std::bad_alloc();
    }
    void unload() override {}
    core::Result<core::GenerationResult> generate(const core::GenerationRequest&, const core::GenerationEvents&,
                                                  std::stop_token) override {
        throw std::runtime_error("surprise");
    }
};

/// Counts every final signal per request and keeps what came with it.
class Ledger {
public:
    explicit Ledger(EngineClient& client) {
        QObject::connect(&client, &EngineClient::modelLoaded, [this](RequestId id) { note(id, "loaded"); });
        QObject::connect(&client, &EngineClient::modelLoadFailed, [this](RequestId id, const core::Error& error) {
            note(id, "loadFailed:" + QString::fromUtf8(core::name(error.code).data()));
        });
        QObject::connect(&client, &EngineClient::modelUnloaded, [this](RequestId id) { note(id, "unloaded"); });
        QObject::connect(&client, &EngineClient::generationFinished,
                         [this](RequestId id, const core::GenerationResult& result) {
                             note(id, result.reason == core::FinishReason::Cancelled ? "cancelled" : "finished");
                         });
        QObject::connect(&client, &EngineClient::generationFailed, [this](RequestId id, const core::Error& error) {
            note(id, "failed:" + QString::fromUtf8(core::name(error.code).data()));
        });
        QObject::connect(&client, &EngineClient::textGenerated, [this](RequestId id, const QString& text) {
            QVERIFY2(!m_finals.contains(id), "text after the final signal");
            m_text[id] += text;
        });
    }

    [[nodiscard]] QStringList finals(RequestId id) const {
        const auto found = m_finals.find(id);
        return found == m_finals.end() ? QStringList() : found->second;
    }
    [[nodiscard]] QString text(RequestId id) const {
        const auto found = m_text.find(id);
        return found == m_text.end() ? QString() : found->second;
    }

private:
    void note(RequestId id, const QString& what) { m_finals[id] << what; }

    std::map<RequestId, QStringList> m_finals;
    std::map<RequestId, QString> m_text;
};

core::LoadRequest file(const char* path) {
    return core::LoadRequest{.path = path};
}

core::GenerationRequest question() {
    core::GenerationRequest request;
    request.messages = {{core::Role::User, "Hello?"}};
    return request;
}

} // namespace

class BridgeTest : public QObject {
    Q_OBJECT
private slots:
    void EngineClient_loadsThenGenerates();
    void EngineClient_tellsOfATakeOver();
    void EngineClient_everyPhaseCanBeCancelled_data();
    void EngineClient_everyPhaseCanBeCancelled();
    void EngineClient_newerLoadReplacesOlder();
    void EngineClient_errorsAndExceptionsEndTheRequest_data();
    void EngineClient_errorsAndExceptionsEndTheRequest();
    void EngineClient_shutdownEndsEverything_data();
    void EngineClient_shutdownEndsEverything();
    void EngineClient_keepsTextBeforeShutdown();
    void TokenCoalescer_joinsWhatComesWithinAFrame();
    void TokenCoalescer_neverMixesReplies();
    void StoreClient_answersInOrder();
    void StoreClient_deadContextGetsNoAnswer();
    void StoreClient_shutdownWritesWhatWaits();
    void StoreClient_unusableFileFallsBackToMemory();
    void StoreClient_unfinishedReplyIsReported();
    void TelemetryClient_samplesOnlyWhileAsked();
    void LibraryClient_newerScanWins();
    void ErrorText_everyCodeHasWords();
    void ErrorText_everyGpuReasonHasWords();
};

void BridgeTest::EngineClient_loadsThenGenerates() {
    core::Script script;
    script.model.name = "Scripted";
    EngineClient client(scripted(script));
    const Ledger ledger(client);
    QSignalSpy progress(&client, &EngineClient::loadProgressed);

    const RequestId load = client.load(file("/models/a.gguf"));
    const RequestId reply = client.generate(question()); // waits for the load by itself
    QVERIFY(client.isLoading());
    QTRY_COMPARE(ledger.finals(reply), QStringList{"finished"});
    QCOMPARE(ledger.finals(load), QStringList{"loaded"});
    QCOMPARE(ledger.text(reply), "Hello from the script.");
    QVERIFY(progress.size() > 1);
    QVERIFY(client.model().has_value());
    QCOMPARE(client.model()->path, std::string("/models/a.gguf"));
    QVERIFY(!client.isLoading());

    const RequestId unload = client.unload();
    QTRY_COMPARE(ledger.finals(unload), QStringList{"unloaded"});
    QVERIFY(!client.model());
    const RequestId late = client.generate(question());
    QTRY_COMPARE(ledger.finals(late), QStringList{"failed:NoModelLoaded"});
}

void BridgeTest::EngineClient_tellsOfATakeOver() {
    core::Script script;
    script.model.backend = "GPU";
    script.takeOver = core::ModelInfo{};
    script.takeOver->backend = "CPU";
    script.takeOver->backendReason = "The card stopped answering.";
    EngineClient client(scripted(script));
    const Ledger ledger(client);
    QSignalSpy changed(&client, &EngineClient::backendChanged);
    QSignalSpy finished(&client, &EngineClient::generationFinished);
    client.load(file("/models/a.gguf"));
    const RequestId reply = client.generate(question());
    QTRY_COMPARE(ledger.finals(reply), QStringList{"finished"});
    QCOMPARE(changed.size(), 1);
    QCOMPARE(changed[0][0].value<RequestId>(), reply);
    QCOMPARE(changed[0][1].value<core::ModelInfo>().backend, std::string("CPU"));
    QCOMPARE(client.model()->backend, std::string("CPU"));
    QCOMPARE(ledger.text(reply), "Hello from the script.");
    QCOMPARE(finished[0][1].value<core::GenerationResult>().notices.size(), std::size_t{1});
}

void BridgeTest::EngineClient_everyPhaseCanBeCancelled_data() {
    QTest::addColumn<QString>("phase");
    QTest::addColumn<QString>("final");
    QTest::newRow("before the load begins") << "queuedLoad"
                                            << "loadFailed:Cancelled";
    QTest::newRow("while loading") << "load"
                                   << "loadFailed:Cancelled";
    QTest::newRow("reply queued behind another") << "queuedReply"
                                                 << "failed:Cancelled";
    QTest::newRow("before the first token") << "first"
                                            << "cancelled";
    QTest::newRow("between tokens") << "middle"
                                    << "cancelled";
    QTest::newRow("after the end") << "after"
                                   << "finished";
}

void BridgeTest::EngineClient_everyPhaseCanBeCancelled() {
    QFETCH(QString, phase);
    QFETCH(QString, final);
    core::Script script;
    if (phase == "load" || phase == "queuedLoad") script.loadTime = kForever;
    if (phase == "first" || phase == "queuedReply") script.perPiece = kForever;
    if (phase == "middle") {
        script.pieces.assign(100'000, "x ");
        script.perPiece = 2ms;
    }
    EngineClient client(scripted(script));
    const Ledger ledger(client);

    RequestId id = client.load(file("/models/a.gguf"));
    if (phase == "load") QTest::qWait(30);
    if (phase != "load" && phase != "queuedLoad") {
        QTRY_COMPARE(ledger.finals(id), QStringList{"loaded"});
        id = client.generate(question());
        if (phase == "queuedReply") {
            const RequestId first = id;
            id = client.generate(question());
            client.cancel(id);
            client.cancel(first);
        }
        if (phase == "first") QTest::qWait(30);
        if (phase == "middle") QTRY_VERIFY(ledger.text(id).size() > 10);
        if (phase == "after") QTRY_COMPARE(ledger.finals(id), QStringList{"finished"});
    }
    client.cancel(id);
    QTRY_COMPARE(ledger.finals(id), QStringList{final});
    QTest::qWait(30);
    QCOMPARE(ledger.finals(id), QStringList{final}); // and no second one
    QVERIFY(!client.isLoading());
}

void BridgeTest::EngineClient_newerLoadReplacesOlder() {
    core::Script script;
    script.loadTime = 200ms;
    EngineClient client(scripted(script));
    const Ledger ledger(client);
    std::vector<RequestId> progressOf;
    connect(&client, &EngineClient::loadProgressed, this, [&](RequestId id) { progressOf.push_back(id); });

    const RequestId first = client.load(file("/models/a.gguf"));
    QTest::qWait(50);
    const RequestId second = client.load(file("/models/b.gguf"));
    const std::size_t seen = progressOf.size();
    QTRY_COMPARE(ledger.finals(second), QStringList{"loaded"});
    QCOMPARE(ledger.finals(first), QStringList{"loadFailed:Cancelled"});
    QCOMPARE(client.model()->path, std::string("/models/b.gguf"));
    for (std::size_t i = seen; i < progressOf.size(); ++i)
        QCOMPARE(progressOf[i], second);

    // A load whose success was already on its way when the next one was asked for must not become the current model.
    core::Script instant;
    EngineClient quick(scripted(instant));
    const Ledger quickLedger(quick);
    const RequestId a = quick.load(file("/models/a.gguf"));
    QThread::msleep(50); // the worker is done; its signals still wait in this thread's queue
    const RequestId b = quick.load(file("/models/b.gguf"));
    QTRY_COMPARE(quickLedger.finals(b), QStringList{"loaded"});
    QCOMPARE(quickLedger.finals(a), QStringList{"loadFailed:Cancelled"});
}

void BridgeTest::EngineClient_errorsAndExceptionsEndTheRequest_data() {
    QTest::addColumn<QString>("kind");
    QTest::addColumn<QString>("loadFinal");
    QTest::addColumn<QString>("replyFinal");
    QTest::newRow("load fails") << "load"
                                << "loadFailed:NotGguf"
                                << "failed:NoModelLoaded";
    QTest::newRow("fails after two tokens") << "reply"
                                            << "loaded"
                                            << "failed:DeviceLost";
    QTest::newRow("throws") << "throw"
                            << "loadFailed:OutOfMemory"
                            << "failed:Internal";
}

void BridgeTest::EngineClient_errorsAndExceptionsEndTheRequest() {
    QFETCH(QString, kind);
    QFETCH(QString, loadFinal);
    QFETCH(QString, replyFinal);
    core::Script script;
    if (kind == "load") script.loadError = core::Error{core::ErrorCode::NotGguf, "magic"};
    if (kind == "reply") {
        script.generateError = core::Error{core::ErrorCode::DeviceLost, "gone"};
        script.errorAfterPieces = 2;
    }
    EngineFactory factory = scripted(script);
    if (kind == "throw") factory = [] { return std::make_unique<ThrowingGenerator>(); };
    EngineClient client(factory);
    const Ledger ledger(client);
    const RequestId load = client.load(file("/models/a.gguf"));
    const RequestId reply = client.generate(question());
    QTRY_COMPARE(ledger.finals(reply), QStringList{replyFinal});
    QCOMPARE(ledger.finals(load), QStringList{loadFinal});
    if (kind == "reply") QCOMPARE(ledger.text(reply), "Hello from");
}

void BridgeTest::EngineClient_shutdownEndsEverything_data() {
    QTest::addColumn<bool>("slowLoad");
    QTest::addColumn<int>("delayMs");
    QTest::newRow("at once") << true << 0;
    QTest::newRow("while loading") << true << 40;
    QTest::newRow("while generating") << false << 40;
}

void BridgeTest::EngineClient_shutdownEndsEverything() {
    QFETCH(bool, slowLoad);
    QFETCH(int, delayMs);
    core::Script script;
    (slowLoad ? script.loadTime : script.perPiece) = kForever;
    EngineClient client(scripted(script));
    const Ledger ledger(client);
    const RequestId load = client.load(file("/models/a.gguf"));
    const RequestId reply = client.generate(question());
    const RequestId waiting = client.generate(question());
    if (delayMs > 0) QTest::qWait(delayMs);
    client.shutdown();
    for (const RequestId id : {load, reply, waiting})
        QCOMPARE(ledger.finals(id).size(), 1);
    QCOMPARE(client.generate(question()), RequestId(0));
    client.shutdown(); // twice does no harm
}

void BridgeTest::EngineClient_keepsTextBeforeShutdown() {
    core::Script script;
    script.pieces = {"one ", "two ", "three "};
    EngineClient client(scripted(script));
    const Ledger ledger(client);
    client.load(file("/models/a.gguf"));
    const RequestId reply = client.generate(question());
    QThread::msleep(100); // all of it waits in this thread's queue, nothing delivered yet
    QCOMPARE(ledger.text(reply), QString());
    client.shutdown();
    QCOMPARE(ledger.text(reply), "one two three ");
    QCOMPARE(ledger.finals(reply), QStringList{"finished"});
}

void BridgeTest::TokenCoalescer_joinsWhatComesWithinAFrame() {
    TokenCoalescer coalescer;
    QStringList given;
    connect(&coalescer, &TokenCoalescer::textReady, this, [&](RequestId, const QString& text) { given << text; });
    coalescer.addText(1, "first"); // at once
    QCOMPARE(given, QStringList{"first"});
    for (int i = 0; i < 50; ++i)
        coalescer.addText(1, "x");
    QVERIFY(given.size() <= 2); // a frame may have ended meanwhile on a busy machine
    QTRY_COMPARE(given.join(QString()), "first" + QString(50, 'x'));
    coalescer.addText(1, "held");
    coalescer.flush();
    QVERIFY(given.join(QString()).endsWith("held"));
}

void BridgeTest::TokenCoalescer_neverMixesReplies() {
    TokenCoalescer coalescer;
    std::map<RequestId, QString> given;
    connect(&coalescer, &TokenCoalescer::textReady, this,
            [&](RequestId id, const QString& text) { given[id] += text; });
    coalescer.addText(1, "a");
    coalescer.addText(1, "b");
    coalescer.addText(2, "c");
    coalescer.flush();
    QCOMPARE(given[1], "ab");
    QCOMPARE(given[2], "c");
}

void BridgeTest::StoreClient_answersInOrder() {
    StoreClient store({});
    QSignalSpy opened(&store, &StoreClient::opened);
    QString title;
    store.chats(
        this, [](core::ChatStore& chats) { return chats.createConversation("Wörter"); }, [](const auto&) {});
    store.chats(
        this, [](core::ChatStore& chats) { return chats.conversations(); },
        [&](const core::Result<std::vector<core::ConversationRow>>& rows) {
            if (rows && rows->size() == 1) title = QString::fromStdString(rows->front().title);
        });
    QTRY_COMPARE(title, "Wörter");
    QCOMPARE(opened.size(), 1);
    QVERIFY(!opened.front().front().value<StoreOpening>().trouble);
}

void BridgeTest::StoreClient_deadContextGetsNoAnswer() {
    StoreClient store({});
    bool called = false;
    auto context = std::make_unique<QObject>();
    store.chats(
        context.get(), [](core::ChatStore& chats) { return chats.conversations(); },
        [&](const auto&) { called = true; });
    context.reset();
    store.shutdown();
    QVERIFY(!called);
}

void BridgeTest::StoreClient_shutdownWritesWhatWaits() {
    const QTemporaryDir folder;
    const std::filesystem::path path = folder.filePath("hearth.db").toStdString();
    {
        StoreClient store(path);
        for (int i = 0; i < 20; ++i) {
            store.chats(
                this, [](core::ChatStore& chats) { return chats.createConversation("c"); }, [](const auto&) {});
        }
    } // destroyed at once
    StoreClient again(path);
    qsizetype count = -1;
    again.chats(
        this, [](core::ChatStore& chats) { return chats.conversations(); },
        [&](const core::Result<std::vector<core::ConversationRow>>& rows) {
            count = rows ? qsizetype(rows->size()) : -2;
        });
    QTRY_COMPARE(count, 20);
}

void BridgeTest::StoreClient_unusableFileFallsBackToMemory() {
    const QTemporaryDir folder;
    const QString path = folder.filePath("hearth.db");
    QVERIFY(QDir().mkdir(path)); // a folder where the file should be
    StoreClient store(path.toStdString());
    QSignalSpy opened(&store, &StoreClient::opened);
    QTRY_COMPARE(opened.size(), 1);
    const auto opening = opened.front().front().value<StoreOpening>();
    QVERIFY(opening.trouble.has_value());
    QVERIFY(opening.inMemory);
    bool created = false;
    store.chats(
        this, [](core::ChatStore& chats) { return chats.createConversation("kept in memory"); },
        [&](const core::Result<core::ConversationRow>& row) { created = row.has_value(); });
    QTRY_VERIFY(created);
}

void BridgeTest::StoreClient_unfinishedReplyIsReported() {
    const QTemporaryDir folder;
    const std::filesystem::path path = folder.filePath("hearth.db").toStdString();
    {
        StoreClient store(path);
        store.chats(
            this,
            [](core::ChatStore& chats) -> core::Result<core::MessageRow> {
                const auto conversation = chats.createConversation("c");
                if (!conversation) return std::unexpected(conversation.error());
                return chats.addMessage(conversation->id, {}, core::StoredRole::Assistant, "half",
                                        core::MessageState::Generating);
            },
            [](const auto&) {});
    }
    StoreClient again(path);
    QSignalSpy opened(&again, &StoreClient::opened);
    QTRY_COMPARE(opened.size(), 1);
    QCOMPARE(opened.front().front().value<StoreOpening>().interruptedReplies, 1);
}

void BridgeTest::TelemetryClient_samplesOnlyWhileAsked() {
    TelemetryClient client;
    QSignalSpy cpu(&client, &TelemetryClient::cpuSampled);
    QSignalSpy gpu(&client, &TelemetryClient::gpuSampled);
    client.setSampling(TelemetryClient::Sampling::On);
    QTRY_VERIFY(!cpu.isEmpty() && !gpu.isEmpty());
    client.setSampling(TelemetryClient::Sampling::Off);
    client.shutdown(); // nothing is sampled after the stop was handled
    cpu.clear();
    QTest::qWait(50);
    QVERIFY(cpu.isEmpty());
}

void BridgeTest::LibraryClient_newerScanWins() {
    const QTemporaryDir empty;
    const QTemporaryDir full;
    QFile broken(full.filePath("broken.gguf"));
    QVERIFY(broken.open(QFile::WriteOnly));
    broken.write("not a model");
    broken.close();
    LibraryClient client;
    QSignalSpy scanned(&client, &LibraryClient::scanned);
    client.scan({empty.path()});
    client.scan({full.path(), "/nowhere/at/all"});
    QTRY_COMPARE(scanned.size(), 1);
    const auto cards = scanned.front().front().value<ModelCards>();
    QCOMPARE(cards.size(), std::size_t(1));
    QVERIFY(!cards.front().usable);
    QVERIFY(!cards.front().whyNot.empty());
}

void BridgeTest::ErrorText_everyCodeHasWords() {
    int codes = 0;
    for (int value = 0; value <= int(core::ErrorCode::WrongShape); ++value, ++codes) {
        for (const ErrorContext context : {ErrorContext::Model, ErrorContext::Reply, ErrorContext::History}) {
            const core::Error error{core::ErrorCode(value), "magic 0x1234 at offset 7"};
            const ErrorText text = describe(error, context);
            QVERIFY(!text.title.isEmpty());
            QVERIFY2(!text.title.endsWith('.'), qPrintable(text.title));
            QCOMPARE(text.details, "magic 0x1234 at offset 7");
            if (error.code == core::ErrorCode::Cancelled) continue;
            QVERIFY2(!text.body.isEmpty(), qPrintable(text.title));
            if (error.code != core::ErrorCode::InvalidArgument)
                QVERIFY2(!text.remedy.isEmpty(), qPrintable(text.title));
            QVERIFY(text.inOneLine().startsWith(text.title));
        }
    }
    QVERIFY(codes > 30);
}

void BridgeTest::ErrorText_everyGpuReasonHasWords() {
    QSet<QString> titles;
    for (int value = 0; value <= int(core::GpuReason::DriverError); ++value) {
        core::ModelInfo info;
        info.gpuReason = core::GpuReason(value);
        info.backendReason = "Runs on the CPU. It was like this: matmul.";
        const ErrorText nameless = describeGpu(info);
        info.gpuName = "Radeon RX 7900 XTX";
        const ErrorText text = describeGpu(info);
        if (info.gpuReason == core::GpuReason::Ok) {
            QVERIFY(text.title.isEmpty());
            continue;
        }
        for (const ErrorText& one : {nameless, text}) {
            QVERIFY(!one.title.isEmpty() && !one.title.endsWith('.') && !one.title.contains('%'));
            QVERIFY2(one.body.endsWith('.'), qPrintable(one.title));
            QVERIFY2(one.remedy.endsWith('.'), qPrintable(one.title));
            QCOMPARE(one.details, QString::fromStdString(info.backendReason));
        }
        QVERIFY2(!titles.contains(text.title), qPrintable(text.title));
        titles << text.title;
    }
    QCOMPARE(titles.size(), int(core::GpuReason::DriverError));
}

QTEST_GUILESS_MAIN(BridgeTest)
#include "bridge_test.moc"
