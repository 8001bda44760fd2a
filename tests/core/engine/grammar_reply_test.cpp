// SPDX-License-Identifier: Apache-2.0
//
// Replies that follow a grammar: a model of random weights at temperature 1 writes nothing but valid texts.
#include "core/base/json_limits.h"
#include "tests/core/engine/engine_test_support.h"
#include "tests/support/tiny_model.h"

#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <set>

using namespace hearth;
using namespace hearth::test;
using core::ErrorCode;
using core::FinishReason;

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kPerson = "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":8},\"age\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":130},"
                                "\"tags\":{\"type\":\"array\",\"items\":{\"enum\":[\"a\",\"b\"]},\"minItems\":1,\"maxItems\":2}},\"required\":[\"name\",\"age\"]}";

core::GenerationRequest freely(std::int64_t seed, std::int32_t maxTokens = 200) {
    auto wanted = request({fromUser("tell me about the fire")}, maxTokens);
    wanted.sampling = {.temperature = 1.0f, .topK = 0, .topP = 1.0f, .minP = 0.0f, .seed = seed};
    return wanted;
}

} // namespace

class GrammarReplyTest : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_folder;
    std::filesystem::path m_model;

    [[nodiscard]] std::filesystem::path model(TinyModelOptions options) const { return writeTinyModel(m_folder.path().toStdString(), options); }

private slots:
    void initTestCase() {
        QVERIFY(m_folder.isValid());
        m_model = model({.name = "grammar"});
    }

    void everyReply_followsTheSchema() {
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        int withTags = 0;
        for (std::int64_t seed = 0; seed < 25; ++seed) {
            auto wanted = freely(seed);
            wanted.jsonSchema = kPerson;
            const Reply reply = ask(engine, wanted);
            QVERIFY2(reply.ok(), reply.ok() ? "" : reply.result.error().message.c_str());
            QCOMPARE(reply.reason(), code(FinishReason::EndOfText));
            const auto value = core::parseJson(reply.text);
            QVERIFY2(value && value->is_object(), reply.text.c_str());
            QVERIFY(value->at("name").is_string());
            const int age = value->at("age");
            QVERIFY2(age >= 0 && age <= 130, reply.text.c_str());
            if (!value->contains("tags")) continue;
            ++withTags;
            QVERIFY(value->at("tags").size() >= 1 && value->at("tags").size() <= 2);
        }
        QVERIFY(withTags > 0 && withTags < 25);
    }

    void everyReply_followsTheGrammar() {
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        std::set<std::string> seen;
        for (std::int64_t seed = 0; seed < 25; ++seed) {
            auto wanted = freely(seed);
            wanted.grammar = "root ::= (\"warm\" | \"cold\") \" \" (\"fire\" | \"stone\") \".\"";
            const Reply reply = ask(engine, wanted);
            QVERIFY(reply.ok());
            QCOMPARE(reply.reason(), code(FinishReason::EndOfText));
            QVERIFY2(std::set<std::string>({"warm fire.", "warm stone.", "cold fire.", "cold stone."}).contains(reply.text), reply.text.c_str());
            seen.insert(reply.text);
        }
        QVERIFY(seen.size() >= 2);
    }

    void greedy_isRepeatableAndSeedsAre() {
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        auto wanted = freely(3);
        wanted.jsonSchema = kPerson;
        const Reply first = ask(engine, wanted);
        QCOMPARE(ask(engine, wanted).text, first.text);
        QCOMPARE(askFresh(m_model, wanted).text, first.text);
        wanted.sampling.temperature = 0.0f;
        wanted.grammar = "root ::= [a-z ]{20}";
        wanted.jsonSchema.clear();
        const Reply greedy = ask(engine, wanted);
        QCOMPARE(greedy.text.size(), std::size_t{20});
        QCOMPARE(ask(engine, wanted).text, greedy.text);
    }

    /// A grammar that allows everything changes nothing.
    void anything_isWhatItWouldHaveBeen() {
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        auto wanted = freely(11, 40);
        wanted.sampling.temperature = 0.0f; // words; drawn freely, this model also says bytes that are no character
        const Reply plain = ask(engine, wanted);
        wanted.grammar = "root ::= .*";
        QCOMPARE(ask(engine, wanted).text, plain.text);
        QVERIFY(plain.text.size() > 40);
    }

    void limits_stillEndAReply() {
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        auto wanted = freely(1, 5);
        wanted.grammar = "root ::= [a-z]+ \"!\"";
        const Reply cut = ask(engine, wanted);
        QCOMPARE(cut.reason(), code(FinishReason::TokenLimit));
        QVERIFY(std::ranges::all_of(cut.text, [](char c) { return c >= 'a' && c <= 'z'; }) || cut.text.ends_with('!'));
        wanted.maxTokens = 100;
        wanted.stops = {"e"};
        wanted.grammar = "root ::= \"hello\"";
        const Reply stopped = ask(engine, wanted);
        QCOMPARE(stopped.reason(), code(FinishReason::StopString));
        QCOMPARE(stopped.text, std::string("h"));
    }

    /// Thinking is free; the answer follows.
    void reasoning_isNotHeldToIt() {
        TinyModelOptions options{.name = "thinks", .chatTemplateText = "{% for m in messages %}{{ m.content }} {% endfor %}{% if add_generation_prompt %}{{ '<think>\\n' }}{% endif %}"};
        core::Engine engine;
        QVERIFY(load(engine, model(options)));
        auto wanted = freely(2, 60);
        wanted.sampling.temperature = 0.0f;
        const Reply free = ask(engine, wanted);
        QVERIFY(free.ok());
        const auto ids = engine.tokenizer()->encode(free.result->rawText, core::AddSpecial::No, core::SpecialTokens::AsText);
        const auto prompt = engine.chatPrompt()->build(wanted, 512, 0);
        std::size_t at = 3;
        const auto stands = [](std::span<const core::TokenId> list, core::TokenId id) { return std::ranges::find(list, id) != list.end(); };
        while (at < ids.size() && (stands(std::span(ids).first(at), ids[at]) || stands(prompt->ids, ids[at]))) ++at;
        QVERIFY(at < ids.size());
        options.name = "thought";
        options.controls = {{engine.tokenizer()->vocabulary().tokens[static_cast<std::size_t>(ids[at])], "</think>"}};
        wanted.grammar = "root ::= \"{\" [0-9]{4} \"}\"";
        const Reply reply = askFresh(model(options), wanted);
        QVERIFY2(reply.ok(), reply.ok() ? "" : reply.result.error().message.c_str());
        QCOMPARE(reply.reason(), code(FinishReason::EndOfText));
        QVERIFY(!reply.parts.reasoning.empty());
        QVERIFY2(reply.parts.content.size() == 6 && reply.parts.content.starts_with('{') && reply.parts.content.ends_with('}'), reply.text.c_str());
    }

    void whatCannotBeUsed_isRefusedBeforeAnythingIsComputed_data() {
        QTest::addColumn<QString>("grammar");
        QTest::addColumn<QString>("schema");
        QTest::addColumn<QString>("says");
        QTest::newRow("a grammar") << "root ::= x" << "" << "'x' is used and not defined";
        QTest::newRow("a schema") << "" << "{\"type\":\"strange\"}" << "no type 'strange'";
        QTest::newRow("both") << "root ::= \"a\"" << "{}" << "not both";
    }
    void whatCannotBeUsed_isRefusedBeforeAnythingIsComputed() {
        QFETCH(QString, grammar);
        QFETCH(QString, schema);
        QFETCH(QString, says);
        core::Engine engine;
        QVERIFY(load(engine, m_model));
        auto wanted = freely(1);
        wanted.grammar = grammar.toStdString();
        wanted.jsonSchema = schema.toStdString();
        const Reply reply = ask(engine, wanted);
        QCOMPARE(reply.error(), code(ErrorCode::InvalidArgument));
        QVERIFY2(QString::fromStdString(reply.result.error().message).contains(says), reply.result.error().message.c_str());
        QVERIFY(reply.text.empty());
        QVERIFY(reply.progress.empty());
        QVERIFY(ask(engine, freely(1, 3)).ok());
    }
};

QTEST_GUILESS_MAIN(GrammarReplyTest)
#include "grammar_reply_test.moc"
