// SPDX-License-Identifier: Apache-2.0
//
// ReplyParser: every format, in one piece and in pieces of every size. The makers' own templates, which write past calls the way
// the model does, are the judge of what a call looks like.
#include "core/chat/reply_parser.h"
#include "core/chat/tool_call_text.h"

#include <nlohmann/json.hpp>

#include <QDir>
#include <QFile>
#include <QTest>

#include <random>

using namespace hearth::core;

namespace {

struct Taken {
    std::string text;
    ReplyParts parts;
    std::vector<ReplyPart> order; ///< without repetitions

    bool operator==(const Taken& other) const {
        return text == other.text && parts.reasoning == other.parts.reasoning && parts.content == other.parts.content && parts.toolCalls == other.parts.toolCalls;
    }
};

Taken take(const ReplyFormat& format, ReplyStart start, std::string_view raw, const std::function<std::size_t()>& pieceSize) {
    Taken taken;
    const auto parser = ReplyParser::create(format, start,
                                            {.text = [&](std::string_view text) { taken.text += text; },
                                             .part =
                                                 [&](const ReplyDelta& delta) {
                                                     taken.parts.add(delta);
                                                     if (taken.order.empty() || taken.order.back() != delta.part) taken.order.push_back(delta.part);
                                                 }});
    while (!raw.empty()) {
        const std::size_t size = std::min(raw.size(), std::max<std::size_t>(1, pieceSize()));
        parser->feed(raw.substr(0, size));
        raw.remove_prefix(size);
    }
    parser->finish();
    return taken;
}

/// The same however it comes; empty text says that it is not.
Taken takeEveryWay(const ReplyFormat& format, ReplyStart start, std::string_view raw) {
    const Taken whole = take(format, start, raw, [&] { return raw.size(); });
    for (const std::size_t size : {1, 2, 3, 7}) {
        if (!(take(format, start, raw, [size] { return size; }) == whole)) return {"differs in pieces of " + std::to_string(size), {}, {}};
    }
    std::mt19937 random(3);
    if (!(take(format, start, raw, [&] { return random() % 20; }) == whole)) return {"differs in pieces of random size", {}, {}};
    return whole;
}

QString callsText(const std::vector<ToolCall>& calls) {
    QStringList all;
    for (const ToolCall& call : calls) all << QString::fromStdString(call.name + call.arguments + (call.id.empty() ? "" : "#" + call.id));
    return all.join(' ');
}

QByteArray templateOf(const QString& name) {
    // What detection needs of each, in the order of the makers' templates.
    static const QMap<QString, QByteArray> kSnippets{
        {"plain", "<|im_start|>"},
        {"hermes", "<tool_call>{\"name\": <function-name>}</tool_call>"},
        {"qwen xml", "<tool_call><function=name><parameter=key></parameter></function></tool_call>"},
        {"llama", "<|start_header_id|>{\"name\": ..., \"parameters\": ...} <|python_tag|>"},
        {"mistral", "[TOOL_CALLS]"},
        {"mistral named", "[TOOL_CALLS] [ARGS] [CALL_ID]"},
        {"functionary 3.1", "<|python_tag|><function=example_function_name>{}</function>"},
        {"functionary 3.2", ">>>${recipient}"},
        {"gpt-oss", "<|start|><|channel|><|message|><|end|>"},
        {"command r7b", "<|START_THINKING|><|START_ACTION|>"},
        {"deepseek", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜><｜tool▁sep｜>"},
        {"kimi", "<|tool_calls_section_begin|><|tool_call_begin|><|tool_call_argument_begin|>"},
        {"magistral", "[THINK][/THINK]"},
        {"apriel", "<tool_calls>"},
    };
    return kSnippets.value(name);
}

} // namespace

class ReplyParserTest : public QObject {
    Q_OBJECT

private slots:
    void replies_data() {
        QTest::addColumn<QString>("format");
        QTest::addColumn<QString>("start"); // r: in reasoning, w: its tag is written, m: in a message, t: tools were given
        QTest::addColumn<QString>("raw");
        QTest::addColumn<QString>("text"); // "=": as raw
        QTest::addColumn<QString>("reasoning");
        QTest::addColumn<QString>("content");
        QTest::addColumn<QString>("calls");
        const auto row = [](const char* name, const char* format, const char* start, const char* raw, const char* text, const char* reasoning, const char* content, const char* calls) {
            QTest::newRow(name) << QString(format) << QString(start) << QString::fromUtf8(raw) << QString::fromUtf8(text) << QString::fromUtf8(reasoning) << QString::fromUtf8(content)
                                << QString::fromUtf8(calls);
        };
        const char* call = "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\":2,\"b\":[1,\"}\"]}}\n</tool_call>";
        row("nothing", "plain", "", "", "", "", "", "");
        row("content", "plain", "", "Hello <b>you</b>, a < b.\n", "=", "", "Hello <b>you</b>, a < b.", "");
        row("reasoning", "plain", "", "<think>\nhm,  2\n</think>\n\nFour. ", "=", "hm,  2", "Four.", "");
        row("empty reasoning", "plain", "", "<think>\n\n</think>\n\nFour.", "=", "", "Four.", "");
        row("reasoning that the prompt opened", "plain", "r", "hm\n</think>\n\nFour.", "<think>\nhm\n</think>\n\nFour.", "hm", "Four.", "");
        row("reasoning that is carried on", "plain", "rw", " and so\n</think>Four.", "=", "and so", "Four.", "");
        row("reasoning that never ends", "plain", "", "<think>hm", "=", "hm", "", "");
        row("a tag in the middle", "plain", "", "Use <think> here.</think>", "=", "", "Use <think> here.</think>", "");
        row("a tag that is none", "plain", "", "<thin", "=", "", "<thin", "");
        row("carried on", "plain", "m", " more", "=", "", "more", "");
        row("a call", "hermes", "", "I add.\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 2, \"b\": [1, \"}\"]}}\n</tool_call>", (std::string("I add.\n") + call).c_str(), "", "I add.",
            "add{\"a\":2,\"b\":[1,\"}\"]}");
        row("two calls after reasoning", "hermes", "", "<think>x</think><tool_call>{\"name\":\"a\",\"arguments\":{}}</tool_call>\n<tool_call>{\"name\":\"b\"}</tool_call>",
            "<think>x</think><tool_call>\n{\"name\": \"a\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"name\": \"b\", \"arguments\": {}}\n</tool_call>", "x", "", "a{} b{}");
        row("reasoning between calls", "hermes", "", "<tool_call>{\"name\":\"a\"}</tool_call><think>y</think>z", "<tool_call>\n{\"name\": \"a\", \"arguments\": {}}\n</tool_call><think>y</think>z", "y", "z",
            "a{}");
        row("a call that is none", "hermes", "", "<tool_call>add 2 and 3</tool_call> ok", "=", "", "<tool_call>add 2 and 3</tool_call> ok", "");
        row("a call cut off", "hermes", "", "<tool_call>\n{\"name\": \"add\"", "=", "", "<tool_call>\n{\"name\": \"add\"", "");
        row("a call whose end is missing", "hermes", "", "<tool_call>{\"name\": \"add\", \"arguments\": \"{\\\"a\\\": 1}\"}", "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\":1}}\n</tool_call>", "", "",
            "add{\"a\":1}");
        row("calls in a list, as OpenAI has them", "apriel", "", "<tool_calls>[{\"id\": \"7\", \"function\": {\"name\": \"a\", \"arguments\": {}}}]</tool_calls>",
            "<tool_call>\n{\"name\": \"a\", \"arguments\": {}}\n</tool_call>", "", "", "a{}");
        row("parameters", "qwen xml", "", "<tool_call>\n<function=find>\n<parameter=city>\nZürich\n</parameter>\n<parameter=n>\n3\n</parameter>\n<parameter=s>\na\nb\n</parameter>\n</function>\n</tool_call>",
            "<tool_call>\n{\"name\": \"find\", \"arguments\": {\"city\":\"Zürich\",\"n\":3,\"s\":\"a\\nb\"}}\n</tool_call>", "", "", "find{\"city\":\"Zürich\",\"n\":3,\"s\":\"a\\nb\"}");
        row("JSON where tools were given", "llama", "t", "{\"name\": \"add\", \"parameters\": {\"a\": 1}}", "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\":1}}\n</tool_call>", "", "", "add{\"a\":1}");
        row("two of them", "llama", "t", "{\"name\": \"add\", \"parameters\": {}}; {\"name\": \"b\", \"parameters\": {}}",
            "<tool_call>\n{\"name\": \"add\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"name\": \"b\", \"arguments\": {}}\n</tool_call>", "", "", "add{} b{}");
        row("JSON that is an answer", "llama", "t", "{\"city\": \"Bern\"} is it", "=", "", "{\"city\": \"Bern\"} is it", "");
        row("JSON where none were given", "llama", "", "{\"name\": \"add\", \"parameters\": {}}", "=", "", "{\"name\": \"add\", \"parameters\": {}}", "");
        row("JSON later on", "llama", "t", "So: {\"name\": \"add\", \"parameters\": {}}", "=", "", "So: {\"name\": \"add\", \"parameters\": {}}", "");
        row("python tag and JSON", "llama", "", "<|python_tag|>{\"name\": \"add\", \"parameters\": {}}", "<tool_call>\n{\"name\": \"add\", \"arguments\": {}}\n</tool_call>", "", "", "add{}");
        row("python tag and a tool of its own", "llama", "", "<|python_tag|>brave_search.call(query=\"rain in Bern\")",
            "<tool_call>\n{\"name\": \"brave_search\", \"arguments\": {\"query\":\"rain in Bern\"}}\n</tool_call>", "", "", "brave_search{\"query\":\"rain in Bern\"}");
        row("python tag and code", "llama", "", "<|python_tag|>print(2)\n", "<tool_call>\n{\"name\": \"python\", \"arguments\": {\"code\":\"print(2)\"}}\n</tool_call>", "", "", "python{\"code\":\"print(2)\"}");
        row("a list", "mistral", "", "[TOOL_CALLS][{\"name\": \"a\", \"arguments\": {\"x\": 1}, \"id\": \"abc\"}, {\"name\": \"b\", \"arguments\": {}}]",
            "<tool_call>\n{\"name\": \"a\", \"arguments\": {\"x\":1}}\n</tool_call>\n<tool_call>\n{\"name\": \"b\", \"arguments\": {}}\n</tool_call>", "", "", "a{\"x\":1}#abc b{}");
        row("names", "mistral named", "", "Wait.[TOOL_CALLS]a[ARGS]{\"x\": 1}[TOOL_CALLS]b[CALL_ID]99[ARGS]{}",
            "Wait.<tool_call>\n{\"name\": \"a\", \"arguments\": {\"x\":1}}\n</tool_call><tool_call>\n{\"name\": \"b\", \"arguments\": {}}\n</tool_call>", "", "Wait.", "a{\"x\":1} b{}#99");
        row("functions", "functionary 3.1", "", "<function=a>{\"x\": 1}</function><function=b>{}</function>",
            "<tool_call>\n{\"name\": \"a\", \"arguments\": {\"x\":1}}\n</tool_call><tool_call>\n{\"name\": \"b\", \"arguments\": {}}\n</tool_call>", "", "", "a{\"x\":1} b{}");
        row("recipients", "functionary 3.2", "", "all\nI look it up.\n>>>find\n{\"x\": 1}>>>all\nDone >> it.", "I look it up.\n<tool_call>\n{\"name\": \"find\", \"arguments\": {\"x\":1}}\n</tool_call>Done >> it.", "",
            "I look it up.Done >> it.", "find{\"x\":1}");
        row("no recipient", "functionary 3.2", "", "Hello there.\nAll is well", "=", "", "Hello there.\nAll is well", "");
        row("a recipient without a call", "functionary 3.2", "", "find\nnothing", "=", "", "find\nnothing", "");
        row("channels", "gpt-oss", "", "<|channel|>analysis<|message|>Need 4.<|end|><|start|>assistant<|channel|>final<|message|>Four.", "<think>\nNeed 4.\n</think>\n\nFour.", "Need 4.", "Four.", "");
        row("a call in the commentary", "gpt-oss", "", "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary to=functions.add <|constrain|>json<|message|>{\"a\": 1}",
            "<think>\nhm\n</think>\n\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\":1}}\n</tool_call>", "hm", "", "add{\"a\":1}");
        row("the recipient in the role", "gpt-oss", "", " to=functions.add<|channel|>commentary json<|message|>{\"a\": 1}", "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\":1}}\n</tool_call>", "", "",
            "add{\"a\":1}");
        row("a preamble", "gpt-oss", "", "<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>final<|message|>Done.", "I look.\n\nDone.", "", "I look.\n\nDone.", "");
        row("reasoning cut off", "gpt-oss", "", "<|channel|>analysis<|message|>Need", "<think>\nNeed", "Need", "", "");
        row("a header cut off", "gpt-oss", "", "<|channel|>ana", "", "", "", "");
        row("no channels", "gpt-oss", "", "Hello. How", "=", "", "Hello. How", "");
        row("carried on in the final channel", "gpt-oss", "m", " more", "=", "", "more", "");
        row("code for python", "gpt-oss", "", "<|channel|>analysis to=python code<|message|>print(2)", "<tool_call>\n{\"name\": \"python\", \"arguments\": {\"code\":\"print(2)\"}}\n</tool_call>", "", "",
            "python{\"code\":\"print(2)\"}");
        row("tags of another family", "command r7b", "", "<|START_THINKING|>hm<|END_THINKING|>Four.", "<think>hm</think>Four.", "hm", "Four.", "");
        row("opened in the prompt, in another family", "command r7b", "r", "hm<|END_THINKING|>Four.", "<think>\nhm</think>Four.", "hm", "Four.", "");
        row("actions", "command r7b", "", "<|START_ACTION|>[{\"tool_call_id\": \"0\", \"tool_name\": \"a\", \"parameters\": {\"x\": 1}}]<|END_ACTION|>", "<tool_call>\n{\"name\": \"a\", \"arguments\": {\"x\":1}}\n</tool_call>", "",
            "", "a{\"x\":1}#0");
        row("square tags", "magistral", "", "[THINK]hm[/THINK]Four.", "<think>hm</think>Four.", "hm", "Four.", "");
    }
    void replies() {
        QFETCH(QString, format);
        QFETCH(QString, start);
        QFETCH(QString, raw);
        QFETCH(QString, text);
        QFETCH(QString, reasoning);
        QFETCH(QString, content);
        QFETCH(QString, calls);
        QVERIFY2(!templateOf(format).isEmpty(), "no such format");
        const ReplyStart from{.reasoning = start.contains('r'), .tagWritten = start.contains('w'), .inMessage = start.contains('m'), .tools = start.contains('t')};
        const Taken taken = takeEveryWay(detectReplyFormat(templateOf(format).toStdString()), from, raw.toStdString());
        QCOMPARE(QString::fromStdString(taken.text), text == "=" ? raw : text);
        QCOMPARE(QString::fromStdString(taken.parts.reasoning), reasoning);
        QCOMPARE(QString::fromStdString(taken.parts.content), content);
        QCOMPARE(callsText(taken.parts.toolCalls), calls);
    }

    /// What the makers' templates write for a past turn with two calls is read back as those calls.
    void makersCalls_areReadBack_data() {
        QTest::addColumn<QString>("name");
        const QDir folder(QStringLiteral(HEARTH_SHARED_REFS "/templates"));
        if (!folder.exists()) QTest::newRow("absent") << QString();
        for (const char* name : {"Apriel-1.6-15b-Thinker-fixed", "CohereForAI-c4ai-command-r7b-12-2024-tool_use", "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", "Qwen-QwQ-32B",
                                 "Qwen-Qwen2.5-7B-Instruct", "Qwen-Qwen3-0.6B", "Qwen3.5-4B", "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B",
                                 "ibm-granite-granite-4.0", "meetkai-functionary-medium-v3.1", "moonshotai-Kimi-K2", "openai-gpt-oss-120b", "unsloth-mistral-Devstral-Small-2507"}) {
            if (folder.exists()) QTest::newRow(name) << QString(name);
        }
    }
    void makersCalls_areReadBack() {
        QFETCH(QString, name);
        if (name.isEmpty()) QSKIP("no " HEARTH_SHARED_REFS "/templates");
        QFile source(HEARTH_SHARED_REFS "/templates/" + name + ".jinja");
        QFile cases(HEARTH_SHARED_REFS "/templates/" + name + ".cases.jsonl");
        QVERIFY(source.open(QIODevice::ReadOnly) && cases.open(QIODevice::ReadOnly));
        const ReplyFormat format = detectReplyFormat(source.readAll().toStdString());
        int read = 0;
        while (!cases.atEnd()) {
            const auto one = nlohmann::ordered_json::parse(cases.readLine().toStdString());
            if (one.at("case") != "tool_call") continue;
            QVERIFY(one.contains("expected"));
            // From the question to the first result: the reply, and frames of turns, which say nothing of calls.
            std::string reply = one.at("expected");
            reply.erase(0, reply.rfind("and 2+3?") + 8);
            reply.resize(std::min(reply.find("{\"temp\": 21}"), reply.find("{\\\"temp\\\": 21}")));
            for (const char* end : {"</s>", "<|call|>", "<|im_end|>", "<|eom_id|>", "<|END_OF_TURN_TOKEN|>", "<｜end▁of▁sentence｜>", "<|end_of_text|>"}) {
                const std::size_t at = reply.find(end, reply.find("get_weather"));
                reply.resize(std::min(reply.size(), at));
            }
            if (const std::size_t at = reply.find("<|start|>assistant"); at != std::string::npos) reply.erase(0, at + 18);
            std::vector<ToolCall> expected;
            for (const auto& message : one.at("context").at("messages")) {
                if (!message.contains("tool_calls")) continue;
                for (const auto& call : message.at("tool_calls")) expected.push_back({call.at("function").at("name"), call.at("function").at("arguments").dump(), {}});
            }
            if (name.startsWith("openai")) expected.pop_back(); // it has one call a turn, and its template drops the second
            auto calls = takeEveryWay(format, {.tools = true}, reply).parts.toolCalls;
            for (ToolCall& call : calls) call.id.clear();
            QCOMPARE(callsText(calls), callsText(expected));
            ++read;
        }
        QCOMPARE(read, 1);
    }

    void parts_comeInOrder() {
        const Taken taken = takeEveryWay(detectReplyFormat("<tool_call>"), {}, "<think>a</think>b<tool_call>{\"name\":\"c\"}</tool_call>");
        QCOMPARE(taken.order, (std::vector{ReplyPart::Reasoning, ReplyPart::Content, ReplyPart::ToolCall}));
    }

    void markers_areShownOnlyToTheReader() {
        const ReplyFormat harmony = detectReplyFormat("<|start|>{{ x }}<|channel|>final<|message|>{{ y }}<|end|>");
        for (const char* marker : {"<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|constrain|>"}) QVERIFY(std::ranges::find(harmony.markers, marker) != harmony.markers.end());
        const ReplyFormat phi = detectReplyFormat("<|user|>{{ x }}<|end|>");
        QVERIFY(std::ranges::find(phi.markers, "<|end|>") == phi.markers.end());
    }

    void withoutReasoning_leavesTheAnswer_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("left");
        QTest::newRow("none") << " a <think>b</think>" << " a <think>b</think>";
        QTest::newRow("some") << "\n<think>\nb</think>\n\nc " << "c ";
        QTest::newRow("only that") << "<think>b</think>\n" << "";
        QTest::newRow("open") << "<think>b" << "";
        QTest::newRow("empty") << "" << "";
    }
    void withoutReasoning_leavesTheAnswer() {
        QFETCH(QString, text);
        QFETCH(QString, left);
        QCOMPARE(QString::fromStdString(std::string(withoutReasoning(text.toStdString()))), left);
    }

    /// Whatever a model writes, nothing of it is lost where nothing is marked, and nothing hangs or overflows.
    void hostileText_isSurvived() {
        const std::string deep = "<tool_call>" + std::string(300'000, '[') + "</tool_call>";
        const Taken nested = take(detectReplyFormat("<tool_call>"), {}, deep, [] { return 4096; });
        QVERIFY(nested.text == deep);
        QVERIFY(nested.parts.toolCalls.empty());
        const std::string endless = "<tool_call>" + std::string(2 << 20, 'x');
        QVERIFY(take(detectReplyFormat("<tool_call>"), {}, endless, [] { return 4096; }).text == endless);
        const std::string header = std::string(5000, '<');
        QCOMPARE(take(detectReplyFormat("<|channel|><|message|>"), {}, header, [] { return 100; }).text.size(), header.size());

        const std::vector<std::string> parts{"<think>", "</think>", "<tool_call>", "</tool_call>", "{\"name\": \"a\"}", "<|channel|>", "<|message|>", "<|end|>", "<|start|>", "final", "analysis", " ", "\n", "x",
                                             "[TOOL_CALLS]", "[ARGS]", ">>>", "all\n", "<function=", "</function>", "<", "{", "}", "to=functions.a", "<|python_tag|>"};
        std::mt19937 random(11);
        for (int round = 0; round < 600; ++round) {
            std::string raw;
            for (unsigned count = random() % 12; count > 0; --count) raw += parts[random() % parts.size()];
            for (const char* name : {"hermes", "llama", "mistral named", "functionary 3.1", "functionary 3.2", "gpt-oss"}) {
                const ReplyStart start{.reasoning = random() % 4 == 0, .tools = random() % 2 == 0};
                const Taken taken = takeEveryWay(detectReplyFormat(templateOf(name).toStdString()), start, raw);
                QVERIFY2(!taken.text.starts_with("differs"), (std::string(name) + ": " + raw + ": " + taken.text).c_str());
            }
        }
    }
};

QTEST_GUILESS_MAIN(ReplyParserTest)
#include "reply_parser_test.moc"
