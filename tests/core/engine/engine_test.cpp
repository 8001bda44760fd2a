// SPDX-License-Identifier: Apache-2.0
//
// Engine::generate: repeatable replies, what is kept of the cache, stopping, limits, and messages of every kind. The
// judge is an engine that was loaded for the one request and has nothing cached.
#include "core/base/utf8.h"
#include "tests/core/engine/engine_test_support.h"
#include "tests/support/tiny_model.h"

#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <map>

using namespace hearth;
using namespace hearth::test;
using core::ChatMessage;
using core::ErrorCode;
using core::FinishReason;

namespace {

const std::string kLong = [] { // over 900 tokens: two chunks of a prompt
    std::string text;
    for (int i = 0; i < 70; ++i) text += "the water was warm and she could see the stone " + std::to_string(i) + " ";
    return text;
}();

} // namespace

class EngineTest : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_folder;
    std::filesystem::path m_model; ///< 512 tokens
    std::filesystem::path m_roomy; ///< 4096 tokens

    [[nodiscard]] std::filesystem::path model(TinyModelOptions options) const {
        return writeTinyModel(m_folder.path().toStdString(), options);
    }

private slots:
    void initTestCase() {
        QVERIFY(m_folder.isValid());
        m_model = model({.name = "small"});
        m_roomy = model({.name = "roomy", .contextLength = 4096});
    }

    void temperatureZero_isRepeatable() {
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        const auto wanted = request({fromUser("tell me about the fire")}, 60);
        const Reply first = ask(engine, wanted);
        QVERIFY(first.ok());
        QVERIFY(first.text.size() > 20);
        QVERIFY(first.pieces > 5); // streamed
        QCOMPARE(ask(engine, wanted).text, first.text);
        QCOMPARE(askFresh(m_model, wanted).text, first.text);
        QVERIFY(ask(engine, request({fromUser("what is the number")}, 60)).text != first.text);
    }

    void seed_isRepeatableAndReported() {
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        auto wanted = request({fromUser("tell me about the fire")}, 40);
        wanted.sampling = {.temperature = 1.5f, .topK = 0, .topP = 1.0f, .minP = 0.0f, .repeatPenalty = 1.1f, .dryMultiplier = 0.5f, .seed = 1234};
        const Reply first = ask(engine, wanted);
        QCOMPARE(first.stats().seed, std::int64_t{1234});
        QCOMPARE(ask(engine, wanted).text, first.text);
        QCOMPARE(askFresh(m_model, wanted).text, first.text);
        wanted.sampling.seed = 1235;
        QVERIFY(ask(engine, wanted).text != first.text);

        wanted.sampling.seed = -1;
        const Reply random = ask(engine, wanted);
        QVERIFY(random.stats().seed >= 0);
        QVERIFY(random.text != ask(engine, wanted).text);
        wanted.sampling.seed = random.stats().seed;
        QCOMPARE(ask(engine, wanted).text, random.text);
    }

    void stats_addUp() {
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        const auto wanted = request({fromUser("hello")}, 10);
        const Reply reply = ask(engine, wanted);
        const auto prompt = engine.chatPrompt()->build(wanted, 512, 0);
        QVERIFY(prompt);
        QCOMPARE(reply.reason(), code(FinishReason::TokenLimit));
        QCOMPARE(static_cast<std::size_t>(reply.stats().promptTokens), prompt->ids.size());
        QCOMPARE(reply.stats().cachedTokens, 0);
        QCOMPARE(reply.stats().generatedTokens, 10);
        QCOMPARE(reply.stats().contextUsed, reply.stats().promptTokens + 9); // the last token was never fed
        QCOMPARE(reply.stats().contextLength, 512);
        QCOMPARE(reply.stats().droppedMessages, 0);
        QVERIFY(reply.stats().promptSeconds > 0.0);
        QVERIFY(reply.stats().generationSeconds > 0.0);
        QVERIFY(reply.stats().firstTokenSeconds >= reply.stats().promptSeconds);
        QCOMPARE(reply.progress.back().done, reply.stats().promptTokens);
        QCOMPARE(reply.progress.back().total, reply.stats().promptTokens);
    }

    // --- the cached prefix ------------------------------------------------------------------------------------------

    void prefix_isReusedAndChangesNothing_data() {
        QTest::addColumn<QString>("architecture");
        QTest::addColumn<int>("dtype");
        const auto f16 = static_cast<int>(kernels::DType::F16);
        const auto q8 = static_cast<int>(kernels::DType::Q8_0);
        QTest::newRow("llama") << "llama" << f16;
        QTest::newRow("llama Q8_0") << "llama" << q8;
        QTest::newRow("qwen2") << "qwen2" << f16;
        QTest::newRow("qwen3") << "qwen3" << f16;
        QTest::newRow("qwen3moe") << "qwen3moe" << f16;
    }
    void prefix_isReusedAndChangesNothing() {
        QFETCH(QString, architecture);
        QFETCH(int, dtype);
        // Products of one row and of many round in another order (kernels/ops/matmul.h): this seed's replies have no near tie in 8 bits.
        const auto path = model({.seed = 2, .name = "prefix", .contextLength = 1024, .architecture = architecture.toStdString(), .dtype = static_cast<kernels::DType>(dtype)});
        core::Engine engine;
        QVERIFY(load(engine, path));
        std::vector<ChatMessage> messages{fromSystem("you are a warm light"), fromUser("hello there")};
        const auto checked = [&](const core::GenerationRequest& wanted, int cachedAtLeast) {
            const Reply reply = ask(engine, wanted);
            const Reply fresh = askFresh(path, wanted);
            if (!reply.ok() || !fresh.ok()) return std::string("failed");
            if (reply.text != fresh.text) return "not as fresh: " + reply.text + " / " + fresh.text;
            if (fresh.stats().cachedTokens != 0) return std::string("a fresh engine has a cache");
            if (reply.stats().cachedTokens < cachedAtLeast) return "cached only " + std::to_string(reply.stats().cachedTokens);
            if (reply.stats().promptTokens != fresh.stats().promptTokens) return std::string("other prompt");
            messages = wanted.messages;
            messages.push_back(fromAssistant(reply.text));
            return std::string();
        };
        QCOMPARE(checked(request(messages), 0), "");
        // Continuing: all of the first prompt is kept.
        const int firstPrompt = ask(engine, request({messages.begin(), messages.end() - 1})).stats().promptTokens;
        messages.push_back(fromUser("and what is that?"));
        QCOMPARE(checked(request(messages), firstPrompt), "");
        messages.push_back(fromUser("who was it"));
        QCOMPARE(checked(request(messages), firstPrompt + 20), "");
        // Regenerating: all but the last prompt token is kept, which gives the logits.
        messages.pop_back();
        const int whole = askFresh(path, request(messages)).stats().promptTokens;
        QCOMPARE(checked(request(messages), whole - 1), "");
        // Editing an earlier message: what stands before it is kept.
        messages.pop_back();
        messages[3] = fromUser("and what is this?");
        messages.resize(4);
        QCOMPARE(checked(request(messages), firstPrompt), "");
        messages[1] = fromUser("hello people");
        messages.resize(2);
        QCOMPARE(checked(request(messages), 5), "");
        // Another system message: nothing but the first tokens.
        messages[0] = fromSystem("be a stone");
        messages.resize(2);
        QCOMPARE(checked(request(messages), 1), "");
        // Carrying the reply on.
        auto carryOn = request(messages);
        carryOn.continueLast = true;
        const std::string begun = messages.back().text;
        QCOMPARE(checked(carryOn, 10), "");
        QVERIFY(!begun.empty());
    }

    void continueLast_ofNothingIsAnAnswer() {
        const auto plain = request({fromUser("hello")});
        auto carryOn = request({fromUser("hello"), fromAssistant("")});
        carryOn.continueLast = true;
        QCOMPARE(askFresh(m_model, carryOn).text, askFresh(m_model, plain).text);
    }

    void logits_equalStepByStep() {
        core::Engine engine;
        QVERIFY(load(engine, model({.name = "exact", .dtype = kernels::DType::F32})));
        std::vector<core::TokenId> ids{1};
        for (int i = 0; i < 300; ++i) ids.push_back(3 + i * 31 % 400);
        const auto rows = engine.logits(ids);
        QVERIFY(rows);
        const std::size_t vocabulary = engine.tokenizer()->size();
        QCOMPARE(rows->size(), ids.size() * vocabulary);
        QVERIFY(engine.prefill(std::span(ids).first(295)));
        QVERIFY(engine.decodeStep(7));
        engine.clearSession(290); // back to where the steps begin
        for (std::size_t at = 290; at < ids.size(); ++at) {
            const auto row = engine.decodeStep(ids[at]);
            QVERIFY(row);
            QCOMPARE(row->size(), vocabulary);
            for (std::size_t i = 0; i < vocabulary; ++i) QVERIFY(std::abs((*row)[i] - (*rows)[at * vocabulary + i]) < 2e-3f);
        }
        QCOMPARE(errorOf(engine.logits(std::vector<core::TokenId>{1, static_cast<core::TokenId>(vocabulary)})), code(ErrorCode::InvalidArgument));
        QCOMPARE(errorOf(engine.logits(std::vector<core::TokenId>(600, 5))), code(ErrorCode::ContextTooSmall));
        QCOMPARE(errorOf(engine.prefill({})), code(ErrorCode::InvalidArgument));
        // A failed computation leaves a session that still fits its cache.
        QCOMPARE(ask(engine, request({fromUser("hello")})).text, askFresh(m_folder.path().toStdString() + "/exact.gguf", request({fromUser("hello")})).text);
    }

    // --- stopping ---------------------------------------------------------------------------------------------------

    void cancel_endsAndTheNextReplyIsRight_data() {
        QTest::addColumn<int>("promptCall");  // stop at this call of promptProgress
        QTest::addColumn<int>("pieces");      // stop at this piece of text
        QTest::newRow("before") << 0 << 0;
        QTest::newRow("at the start of the prompt") << 1 << 0;
        QTest::newRow("in the middle of the prompt") << 2 << 0;
        QTest::newRow("at the first text") << 0 << 1;
        QTest::newRow("in mid-reply") << 0 << 7;
    }
    void cancel_endsAndTheNextReplyIsRight() {
        QFETCH(int, promptCall);
        QFETCH(int, pieces);
        core::Engine engine;
        QVERIFY(load(engine, m_roomy));
        const auto wanted = request({fromUser(kLong)}, 100);
        std::stop_source stop;
        if (promptCall == 0 && pieces == 0) stop.request_stop();
        int promptCalls = 0;
        int texts = 0;
        Hooks hooks;
        hooks.promptProgress = [&](const core::PromptProgress&) {
            if (++promptCalls == promptCall) stop.request_stop();
        };
        hooks.text = [&](std::string_view) {
            if (++texts == pieces) stop.request_stop();
        };
        const Reply reply = ask(engine, wanted, stop.get_token(), hooks);
        QCOMPARE(reply.reason(), code(FinishReason::Cancelled));
        const Reply fresh = askFresh(m_roomy, wanted);
        QVERIFY(fresh.stats().promptTokens > 600);
        if (pieces == 0) {
            QVERIFY(reply.text.empty());
            QCOMPARE(reply.stats().generatedTokens, 0);
        } else {
            QVERIFY(!reply.text.empty());
            QVERIFY(reply.text.size() < fresh.text.size());
            QVERIFY(QString::fromStdString(fresh.text).startsWith(QString::fromStdString(reply.text)));
        }
        const Reply again = ask(engine, wanted);
        QCOMPARE(again.text, fresh.text);
        QCOMPARE(again.stats().cachedTokens, promptCall == 2 ? 512 : pieces > 0 ? fresh.stats().promptTokens - 1 : 0);
        const auto other = request({fromUser("hello")});
        QCOMPARE(ask(engine, other).text, askFresh(m_roomy, other).text);
    }

    // --- limits -----------------------------------------------------------------------------------------------------

    void maxTokens_data() {
        QTest::addColumn<int>("limit");
        for (const int limit : {1, 2, 17}) QTest::addRow("%d", limit) << limit;
    }
    void maxTokens() {
        QFETCH(int, limit);
        const Reply reply = askFresh(m_model, request({fromUser("hello")}, limit));
        QCOMPARE(reply.reason(), code(FinishReason::TokenLimit));
        QCOMPARE(reply.stats().generatedTokens, limit);
        const Reply longer = askFresh(m_model, request({fromUser("hello")}, 40));
        QVERIFY(QString::fromStdString(longer.text).startsWith(QString::fromStdString(reply.text)));
    }

    void endOfText_endsTheReply() {
        // With a chat of nothing but an odd seed's whims, somewhere </s> comes by itself: found by looking.
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        auto wanted = request({fromUser("hello")}, 0);
        wanted.sampling = {.temperature = 3.0f, .topK = 0, .topP = 1.0f, .minP = 0.0f};
        bool ended = false;
        for (int seed = 0; seed < 40 && !ended; ++seed) {
            wanted.sampling.seed = seed;
            const Reply reply = ask(engine, wanted);
            ended = reply.reason() == code(FinishReason::EndOfText);
            if (ended) {
                QVERIFY(reply.text.find("</s>") == std::string::npos);
                QVERIFY(reply.stats().contextUsed < 512);
            } else {
                QCOMPARE(reply.reason(), code(FinishReason::ContextFull));
            }
        }
        QVERIFY(ended);
    }

    void stopStrings_endTheReplyWhereverTheyLie() {
        const auto plain = request({fromUser("tell me a story")}, 40);
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        const std::string text = ask(engine, plain).text;
        QVERIFY(text.size() > 60);
        int tried = 0;
        for (std::size_t length = 1; length <= 12; length += 3) {
            for (std::size_t at = 1; at + length < text.size(); at += 5) {
                auto wanted = plain;
                wanted.stops = {"never said", text.substr(at, length), ""};
                if (!core::utf8::isValid(wanted.stops[1])) continue;
                const Reply reply = ask(engine, wanted);
                QCOMPARE(reply.reason(), code(FinishReason::StopString));
                QCOMPARE(reply.text, text.substr(0, text.find(wanted.stops[1])));
                ++tried;
            }
        }
        QVERIFY(tried > 30);
        auto never = plain;
        never.stops = {text + "!", text.substr(text.size() - 3) + "\x01"}; // held back until the end, then shown
        const Reply reply = ask(engine, never);
        QCOMPARE(reply.text, text);
        QCOMPARE(reply.reason(), code(FinishReason::TokenLimit));
    }

    void contextFull_isReportedAndCanGoOn() {
        const auto talkative = [](std::vector<ChatMessage> messages) { return request(std::move(messages), 0); };
        core::Engine engine;
        QVERIFY(load(engine, m_model, 128));
        std::vector<ChatMessage> messages{fromSystem("be brief"), fromUser("hello")};
        const Reply full = ask(engine, talkative(messages));
        QCOMPARE(full.reason(), code(FinishReason::ContextFull));
        QCOMPARE(full.stats().contextUsed, 127);
        QCOMPARE(full.stats().promptTokens + full.stats().generatedTokens, 128);
        QCOMPARE(full.text, askFresh(m_model, talkative(messages), 128).text);

        // Carrying on the second turn leaves the first one out; the system message stays.
        messages = {fromSystem("be brief"), fromUser("hello there people"), fromAssistant("the stone was warm"), fromUser("go on"), fromAssistant("then")};
        for (int round = 0; round < 3; ++round) {
            auto carryOn = request(messages, round == 0 ? 0 : 12);
            carryOn.continueLast = true;
            const Reply reply = ask(engine, carryOn);
            QVERIFY2(reply.ok(), reply.ok() ? "" : reply.result.error().message.c_str());
            QVERIFY(!reply.text.empty());
            QCOMPARE(reply.text, askFresh(m_model, carryOn, 128).text);
            if (round == 0) {
                QCOMPARE(reply.reason(), code(FinishReason::ContextFull));
                // Room for more: what follows the last sentence is cut, as a user's edit would.
                messages.back().text += reply.text.substr(0, reply.text.size() / 2);
            } else {
                QCOMPARE(reply.reason(), code(FinishReason::TokenLimit));
                QCOMPARE(reply.stats().droppedMessages, 2);
                messages.back().text += reply.text;
            }
        }
    }

    void oldestTurns_areLeftOutAndTheSystemMessageStays() {
        core::Engine engine;
        QVERIFY(load(engine, m_model, 256));
        std::vector<ChatMessage> messages{fromSystem("you are the light of this house")};
        int lastDropped = 0;
        int kept = 0;
        for (int turn = 0; turn < 24; ++turn) {
            messages.push_back(fromUser("what is the number " + std::to_string(turn) + " of the day"));
            const auto wanted = request(messages, 8);
            const Reply reply = ask(engine, wanted);
            QVERIFY(reply.ok());
            QVERIFY(reply.stats().promptTokens <= 256 - 8);
            const int dropped = reply.stats().droppedMessages;
            QVERIFY(dropped >= lastDropped);
            QCOMPARE(dropped % 2, 0); // a question and its answer go together
            // The start of the prompt moves seldom, and between moves the cache serves.
            if (turn > 0 && dropped == lastDropped) {
                ++kept;
                QVERIFY(reply.stats().cachedTokens > reply.stats().promptTokens / 2);
            }
            lastDropped = dropped;
            const auto prompt = engine.chatPrompt()->build(wanted, 256 - 8, dropped);
            QVERIFY(prompt);
            const std::string seen = engine.tokenizer()->decode(prompt->ids);
            QVERIFY(seen.find("light of this house") != std::string::npos);
            QVERIFY(seen.find("number " + std::to_string(turn) + " ") != std::string::npos);
            QCOMPARE(seen.find("number 0 ") == std::string::npos, dropped > 0);
            messages.push_back(fromAssistant(reply.text));
        }
        QVERIFY(lastDropped > 10);
        QVERIFY(kept >= 12);

        // Another conversation, or the same after an edit near its start, owes nothing to what was dropped here.
        const std::vector<ChatMessage> other{fromSystem("be kind"), fromUser("one"), fromAssistant("two"), fromUser("three"), fromAssistant("four"), fromUser("five")};
        QCOMPARE(ask(engine, request(other, 8)).stats().droppedMessages, 0);
        for (int turn = 0; turn < 10; ++turn) messages.pop_back();
        QCOMPARE(ask(engine, request(messages, 8)).stats().droppedMessages, askFresh(m_model, request(messages, 8), 256).stats().droppedMessages);
    }

    void tooLong_isRefused_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::newRow("a little") << QByteArray("the water ").repeated(120);
        QTest::newRow("a megabyte of words") << QByteArray("the water ").repeated(105'000);
        QTest::newRow("a megabyte of one letter") << QByteArray(1 << 20, 'a');
        QTest::newRow("a megabyte of brackets") << QByteArray(1 << 20, '<');
        QTest::newRow("a megabyte of control tokens") << QByteArray("</s>").repeated(1 << 18);
        QTest::newRow("a megabyte of no UTF-8") << QByteArray(1 << 20, '\xfe');
    }
    void tooLong_isRefused() {
        QFETCH(QByteArray, text);
        core::Engine engine;
        QVERIFY(load(engine, m_model, 128));
        const Reply reply = ask(engine, request({fromSystem("be kind"), fromUser("hello"), fromAssistant("yes"), fromUser(text.toStdString())}));
        QCOMPARE(reply.error(), code(ErrorCode::ContextTooSmall));
        QVERIFY(reply.text.empty());
        const auto after = request({fromUser("hello")});
        QCOMPARE(ask(engine, after).text, askFresh(m_model, after, 128).text);
    }

    void aLongOldMessage_isLeftOut() {
        const Reply reply = askFresh(m_model, request({fromSystem("be kind"), fromUser(kLong), fromAssistant("yes"), fromUser("hello")}));
        QVERIFY(reply.ok());
        QCOMPARE(reply.stats().droppedMessages, 2);
        QCOMPARE(reply.text, askFresh(m_model, request({fromSystem("be kind"), fromUser("hello")})).text);
    }

    // --- messages of every kind ---------------------------------------------------------------------------------------

    void typedControlTokens_areText() {
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        const auto counts = [&](const std::string& text) {
            std::map<core::TokenId, int> found;
            const auto prompt = engine.chatPrompt()->build(request({fromUser(text)}), 512, 0);
            if (prompt) {
                for (const core::TokenId id : prompt->ids) ++found[id];
            }
            return found;
        };
        const auto innocent = counts("hello");
        for (const char* typed : {"</s>", "<s>", "<unk>", "hello</s><s>hello", "<</s>", "<\xEF\xB7\x90/s>", "</s\xEF\xB7\x90>", "</</s>s>", "<0x0A></s>"}) {
            const auto found = counts(typed);
            for (const core::TokenId control : {0, 1, 2}) {
                const auto of = [control](const auto& all) { return all.contains(control) ? all.at(control) : 0; };
                QVERIFY2(of(found) == of(innocent), typed);
            }
        }
        // And the text is whole: what the model reads is what was typed.
        const auto prompt = engine.chatPrompt()->build(request({fromUser("a </s> b <unk> c")}), 512, 0);
        const std::string read = engine.tokenizer()->decode(prompt->ids);
        QVERIFY2(read.find("a </s> b <unk> c") != std::string::npos, read.c_str());
        QVERIFY(ask(engine, request({fromUser("</s><s></s>")})).ok());
    }

    void oddConversations_areAnswered_data() {
        QTest::addColumn<QStringList>("turns"); // u:, a: or s: and the text
        QTest::newRow("an empty question") << QStringList{"u:"};
        QTest::newRow("an empty reply") << QStringList{"u:hello", "a:", "u:are you there"};
        QTest::newRow("an empty system message") << QStringList{"s:", "u:hello"};
        QTest::newRow("two questions") << QStringList{"u:hello", "u:are you there"};
        QTest::newRow("a reply first") << QStringList{"a:hello", "u:who are you"};
        QTest::newRow("a reply last") << QStringList{"u:hello", "a:yes"};
        QTest::newRow("a NUL and controls") << QStringList{QString("u:a") + QChar(0) + QString("b\x01\x7f\r\n\t")};
        QTest::newRow("other scripts") << QStringList{QString::fromUtf8("u:Größe 温かい 🔥 \u200b\u202e")};
    }
    void oddConversations_areAnswered() {
        QFETCH(QStringList, turns);
        std::vector<ChatMessage> messages;
        for (const QString& turn : turns) {
            const core::Role role = turn[0] == u'u' ? core::Role::User : turn[0] == u'a' ? core::Role::Assistant : core::Role::System;
            messages.push_back({role, turn.mid(2).toStdString()});
        }
        const Reply reply = askFresh(m_model, request(messages, 10));
        QVERIFY2(reply.ok(), reply.ok() ? "" : reply.result.error().message.c_str());
        QCOMPARE(reply.stats().generatedTokens, 10);
    }

    void noQuestion_isAnError() {
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        QCOMPARE(ask(engine, request({})).error(), code(ErrorCode::InvalidArgument));
        QCOMPARE(ask(engine, request({fromSystem("be kind")})).error(), code(ErrorCode::InvalidArgument));
        QCOMPARE(ask(engine, request({fromAssistant("well")})).error(), code(ErrorCode::InvalidArgument));
        QVERIFY(ask(engine, request({fromUser("hello")})).ok());
    }

    void malformedUtf8_isReadAsReplacementCharacters() {
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        const Reply reply = ask(engine, request({fromUser("a\xff\xc3(b\xe2\x82")}, 30));
        QVERIFY(reply.ok());
        QCOMPARE(reply.text, askFresh(m_model, request({fromUser("a\xEF\xBF\xBD\xEF\xBF\xBD(b\xEF\xBF\xBD\xEF\xBF\xBD")}, 30)).text);
    }

    void text_comesInWholeCharacters() {
        core::Engine engine;
        // Tied to the embedding, byte tokens are as likely as words: the reply is full of broken sequences.
        QVERIFY(load(engine, model({.name = "bytes", .tiedOutput = true})));
        auto wanted = request({fromUser("hello")}, 300);
        wanted.sampling = {.temperature = 2.0f, .topK = 0, .topP = 1.0f, .minP = 0.0f, .seed = 5};
        Hooks hooks;
        bool whole = true;
        hooks.text = [&whole](std::string_view text) { whole = whole && core::utf8::isValid(text) && !text.empty(); };
        const Reply reply = ask(engine, wanted, {}, hooks);
        QVERIFY(reply.ok());
        QVERIFY(whole);
        QVERIFY(reply.text.find("\xEF\xBF\xBD") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(EngineTest)
#include "engine_test.moc"
