// SPDX-License-Identifier: Apache-2.0
//
// A reply ends when the model ends its turn, family by family: by the vocabularies themselves where they are at hand, and by a
// generated model that says the family's token in the place of a word that it says anyway.
#include "core/engine/chat_prompt.h"
#include "core/gguf/gguf_file.h"
#include "tests/core/engine/engine_test_support.h"
#include "tests/support/tiny_model.h"

#include <QDir>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <memory>

using namespace hearth;
using namespace hearth::test;
using core::FinishReason;
using core::TokenId;

namespace {

constexpr const char* kChatMl = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n";
constexpr const char* kAlpaca = "{% for m in messages %}### {{ 'Instruction' if m.role == 'user' else 'Response' }}:\n{{ m.content }}\n\n{% endfor %}### Response:\n";
constexpr const char* kVicuna = "{% for m in messages %}{{ 'USER: ' if m.role == 'user' else 'ASSISTANT: ' }}{{ m.content }}{{ eos_token if m.role == 'assistant' else ' ' }}{% endfor %}ASSISTANT:";
constexpr const char* kZephyr = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}</s>\n{% endfor %}<|assistant|>\n";
constexpr const char* kPlace = "{% for m in messages %}{% if m.role == 'user' %}<|place_1|>{{ m.content }}{% else %}<|place_0|>{{ m.content }}<|place_2|>{% endif %}{% endfor %}<|place_0|>";
constexpr const char* kHarmony = "{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endfor %}<|start|>assistant";
constexpr const char* kSingle = "{% if messages|length > 1 %}{{ raise_exception('one question only') }}{% endif %}{{ messages[0].content }}";
constexpr const char* kNothing = "{% for m in messages %}{{ m.content }} {% endfor %}";
constexpr const char* kShort = "{% for m in messages %}{{ m.content }}\n> {% endfor %}";

/// A SentencePiece vocabulary of bytes and these control tokens; spellings that begin with '~' are user-defined.
std::unique_ptr<core::Tokenizer> tokenizerWith(const QStringList& controls) {
    core::Vocabulary vocabulary;
    vocabulary.model = "llama";
    const auto add = [&](std::string token, core::TokenType type) {
        vocabulary.tokens.push_back(std::move(token));
        vocabulary.types.push_back(type);
        vocabulary.scores.push_back(0.0f);
    };
    for (int byte = 0; byte < 256; ++byte) add(QString::asprintf("<0x%02X>", byte).toStdString(), core::TokenType::Byte);
    for (QString control : controls) {
        const bool user = control.startsWith('~');
        if (control == "</s>") vocabulary.eos = static_cast<TokenId>(vocabulary.tokens.size());
        add(control.remove(0, user ? 1 : 0).toStdString(), user ? core::TokenType::UserDefined : core::TokenType::Control);
    }
    vocabulary.addSpacePrefix = false;
    auto tokenizer = core::Tokenizer::create(std::move(vocabulary));
    if (!tokenizer) qFatal("%s", tokenizer.error().message.c_str());
    return std::move(*tokenizer);
}

} // namespace

class TurnEndTest : public QObject {
    Q_OBJECT

private:
    QTemporaryDir m_folder;

private slots:
    void initTestCase() { QVERIFY(m_folder.isValid()); }

    void families_data() {
        QTest::addColumn<QStringList>("controls");
        QTest::addColumn<QStringList>("ends");
        QTest::newRow("Llama 3") << QStringList{"<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|python_tag|>"} << QStringList{"<|end_of_text|>", "<|eot_id|>", "<|eom_id|>"};
        QTest::newRow("Llama 4") << QStringList{"<|eot|>", "<|eom|>", "<|header_end|>"} << QStringList{"<|eot|>", "<|eom|>"};
        QTest::newRow("ChatML") << QStringList{"<|im_end|>", "<|endoftext|>", "<tool_call>"} << QStringList{"<|im_end|>", "<|endoftext|>"};
        QTest::newRow("Gemma") << QStringList{"<bos>", "<eos>", "<end_of_turn>", "<mask>"} << QStringList{"<eos>", "<end_of_turn>"};
        QTest::newRow("Phi") << QStringList{"<|assistant|>", "<|end|>", "<|endoftext|>"} << QStringList{"<|end|>", "<|endoftext|>"};
        QTest::newRow("Mistral") << QStringList{"<s>", "</s>", "[/INST]", "[TOOL_CALLS]"} << QStringList{"</s>"};
        QTest::newRow("GLM") << QStringList{"[gMASK]", "<|assistant|>", "<|observation|>", "<|endoftext|>"} << QStringList{"<|observation|>", "<|endoftext|>"};
        QTest::newRow("gpt-oss") << QStringList{"<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|return|>", "<|call|>"} << QStringList{"<|return|>", "<|call|>"};
        QTest::newRow("Command R") << QStringList{"<|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|END_RESPONSE|>"} << QStringList{"<|END_OF_TURN_TOKEN|>"};
        QTest::newRow("DeepSeek") << QStringList{"<｜Assistant｜>", "<｜end▁of▁sentence｜>", "<｜tool▁calls▁begin｜>"} << QStringList{"<｜end▁of▁sentence｜>"};
        QTest::newRow("Granite") << QStringList{"<|end_of_role|>", "<|end_of_text|>"} << QStringList{"<|end_of_text|>"};
        QTest::newRow("Falcon, OLMo") << QStringList{">>QUESTION<<", "<|endoftext|>"} << QStringList{"<|endoftext|>"};
        QTest::newRow("Kimi") << QStringList{"[BOS]", "[EOS]", "[EOT]", "<|im_end|>", "<|im_middle|>"} << QStringList{"[EOS]", "[EOT]", "<|im_end|>"};
        QTest::newRow("EXAONE") << QStringList{"[|assistant|]", "[|endofturn|]"} << QStringList{"[|endofturn|]"};
        QTest::newRow("OpenChat") << QStringList{"~<|end_of_turn|>"} << QStringList{"<|end_of_turn|>"};
    }
    void families() {
        QFETCH(QStringList, controls);
        QFETCH(QStringList, ends);
        const auto tokenizer = tokenizerWith(controls);
        QStringList found;
        for (std::size_t id = 0; id < tokenizer->size(); ++id) {
            if (tokenizer->endsGeneration(static_cast<TokenId>(id))) found << QString::fromStdString(tokenizer->vocabulary().tokens[id]);
        }
        found.sort();
        ends.sort();
        QCOMPARE(found, ends);
    }

    void realVocabularies_data() {
        QTest::addColumn<QStringList>("ends");
        QTest::newRow("llama-bpe") << QStringList{"<|end_of_text|>", "<|eot_id|>"};
        QTest::newRow("llama-spm") << QStringList{"</s>"};
        QTest::newRow("mistral-nemo") << QStringList{"</s>"};
        QTest::newRow("phi-3") << QStringList{"</s>", "<|end|>", "<|endoftext|>"};
        QTest::newRow("qwen2") << QStringList{"</s>", "<|endoftext|>", "<|im_end|>"}; // an ordinary token, and an end for llama.cpp too
        QTest::newRow("smollm2") << QStringList{"<reponame>", "<|endoftext|>", "<|im_end|>"};
        QTest::newRow("falcon") << QStringList{"<|endoftext|>"};
        QTest::newRow("deepseek-llm") << QStringList{"<｜end▁of▁sentence｜>"};
    }
    void realVocabularies() {
        QFETCH(QStringList, ends);
        const std::string path = std::string(HEARTH_SHARED_REFS "/tokenizers/") + QTest::currentDataTag() + ".vocab.gguf";
        if (!std::filesystem::exists(path)) QSKIP("no " HEARTH_SHARED_REFS "/tokenizers");
        auto file = core::GgufFile::open(path);
        QVERIFY(file);
        auto vocabulary = core::readVocabulary(file->metadata());
        QVERIFY(vocabulary);
        const auto tokenizer = core::Tokenizer::create(std::move(*vocabulary));
        QVERIFY(tokenizer);
        QStringList found;
        for (std::size_t id = 0; id < (*tokenizer)->size(); ++id) {
            if ((*tokenizer)->endsGeneration(static_cast<TokenId>(id))) found << QString::fromStdString((*tokenizer)->vocabulary().tokens[id]);
        }
        found.sort();
        ends.sort();
        QCOMPARE(found.join(' '), ends.join(' '));
    }

    void idsOfTheFile_end() {
        core::Vocabulary vocabulary = tokenizerWith({"<a>", "<b>", "<c>", "<d>"})->vocabulary();
        vocabulary.eos = 256;
        vocabulary.eot = 257;
        vocabulary.eom = 258;
        const auto tokenizer = core::Tokenizer::create(std::move(vocabulary));
        QVERIFY(tokenizer);
        for (const TokenId id : {256, 257, 258}) QVERIFY((*tokenizer)->endsGeneration(id));
        QVERIFY(!(*tokenizer)->endsGeneration(259));
        QVERIFY(!(*tokenizer)->endsGeneration(-1));
        QVERIFY(!(*tokenizer)->beginsTurn(-1));
        QVERIFY(!(*tokenizer)->beginsTurn(260));
    }

    // --- what the template teaches ------------------------------------------------------------------------------------

    void template_teaches_data() {
        QTest::addColumn<QString>("source");
        QTest::addColumn<QStringList>("controls");
        QTest::addColumn<QString>("token");
        QTest::addColumn<QStringList>("stops");
        QTest::newRow("nothing to learn") << kChatMl << QStringList{"<|im_start|>", "<|im_end|>"} << "" << QStringList{};
        QTest::newRow("ChatML as text") << kChatMl << QStringList{} << "" << QStringList{"<|im_end|>"};
        QTest::newRow("a marker in text after a known end") << kZephyr << QStringList{"</s>"} << "" << QStringList{"<|user|>"};
        QTest::newRow("a marker that is a token") << kZephyr << QStringList{"</s>", "<|user|>"} << "" << QStringList{};
        QTest::newRow("a turn that only begins") << kPlace << QStringList{"<|place_2|>", "<|place_1|>"} << "<|place_2|>" << QStringList{};
        QTest::newRow("a user-defined token") << kPlace << QStringList{"~<|place_2|>"} << "<|place_2|>" << QStringList{};
        QTest::newRow("Alpaca") << kAlpaca << QStringList{} << "" << QStringList{"\n### Instruction:"};
        QTest::newRow("Vicuna without its token") << kVicuna << QStringList{} << "" << QStringList{"USER:"};
        QTest::newRow("a separator ends nothing") << kHarmony << QStringList{"<|start|>", "<|message|>", "<|end|>", "<|return|>", "<|call|>"} << "" << QStringList{};
        QTest::newRow("single questions") << kSingle << QStringList{} << "" << QStringList{};
        QTest::newRow("only spaces") << kNothing << QStringList{} << "" << QStringList{};
        QTest::newRow("too short to tell from text") << kShort << QStringList{} << "" << QStringList{};
    }
    void template_teaches() {
        QFETCH(QString, source);
        QFETCH(QStringList, controls);
        QFETCH(QString, token);
        QFETCH(QStringList, stops);
        const auto tokenizer = tokenizerWith(controls);
        const core::ChatPrompt prompt(*tokenizer, source.toStdString());
        QVERIFY2(prompt.usesFileTemplate(), prompt.notice().c_str());
        QString learned;
        for (std::size_t id = 0; id < tokenizer->size(); ++id) {
            if (prompt.endsTurn(static_cast<TokenId>(id))) learned += QString::fromStdString(tokenizer->vocabulary().tokens[id]);
        }
        QCOMPARE(learned, token);
        QStringList found;
        for (const std::string& stop : prompt.stops()) found << QString::fromStdString(stop);
        QCOMPARE(found, stops);
    }

    /// With the end tokens that the makers' templates write, no words end a reply: at most the marker of a turn's beginning, which is text in
    /// this vocabulary and a token in theirs.
    void makersTemplates_endByTokens_data() {
        QTest::addColumn<QString>("path");
        const QDir folder(QStringLiteral(HEARTH_SHARED_REFS "/templates"));
        if (!folder.exists()) QTest::newRow("absent") << QString();
        for (const QFileInfo& file : folder.entryInfoList({"*.jinja"})) QTest::newRow(qPrintable(file.completeBaseName())) << file.filePath();
    }
    void makersTemplates_endByTokens() {
        QFETCH(QString, path);
        if (path.isEmpty()) QSKIP("no " HEARTH_SHARED_REFS "/templates");
        QFile file(path);
        QVERIFY(file.open(QIODevice::ReadOnly));
        const auto tokenizer = tokenizerWith({"</s>", "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|END_OF_TURN_TOKEN|>", "<|end_of_text|>", "<｜end▁of▁sentence｜>", "<turn|>", "[e~[",
                                              "<|message_sep|>", "<|role_sep|>", "<SPECIAL_12>", "<|endoftext|>"});
        const core::ChatPrompt prompt(*tokenizer, file.readAll().toStdString());
        QVERIFY2(prompt.usesFileTemplate(), prompt.notice().c_str());
        const bool text = path.contains("rwkv") || path.contains("Bielik") || path.contains("mistral-tokenizer-v1");
        QStringList stops;
        for (const std::string& stop : prompt.stops()) stops << QString::fromStdString(stop);
        const QRegularExpression marker(QStringLiteral("^(<[^>]*>|\\[[^\\]]*\\])$"));
        const bool onlyMarkers = std::ranges::all_of(stops, [&](const QString& stop) { return marker.match(stop).hasMatch(); });
        QVERIFY2(text || (stops.size() <= 1 && onlyMarkers), qPrintable(stops.join(' ')));
    }

    // --- a whole reply ------------------------------------------------------------------------------------------------

    void reply_ends_data() {
        QTest::addColumn<QString>("control");
        QTest::addColumn<QString>("source"); // template; empty = the model's own
        for (const char* control : {"<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<end_of_turn>", "<|end|>", "<|observation|>", "<|return|>", "<|call|>", "<|END_OF_TURN_TOKEN|>",
                                    "<｜end▁of▁sentence｜>", "<|end_of_text|>", "<|endoftext|>"}) {
            QTest::newRow(control) << QString::fromUtf8(control) << QString();
        }
        for (const char* control : {"<|user|>", "<|im_start|>", "<|start_header_id|>", "[INST]"}) QTest::addRow("%s begins the next turn", control) << QString::fromUtf8(control) << kNothing;
        QTest::newRow("learned from the template") << "<|place_2|>" << kPlace;
        QTest::newRow("no end") << "<|python_tag|>" << QString();
    }
    void reply_ends() {
        QFETCH(QString, control);
        QFETCH(QString, source);
        TinyModelOptions options{.name = "plain", .chatTemplateText = source.toStdString()};
        const auto wanted = request({fromUser("hello")}, 16);
        core::Engine engine;
        QVERIFY(load(engine, writeTinyModel(m_folder.path().toStdString(), options)));
        const Reply whole = ask(engine, wanted);
        QVERIFY(whole.ok());
        QCOMPARE(whole.reason(), code(FinishReason::TokenLimit));
        // The fourth word of the reply becomes the control token, if it stands neither before nor in the prompt.
        const auto ids = engine.tokenizer()->encode(whole.text, core::AddSpecial::No, core::SpecialTokens::AsText);
        const auto prompt = engine.chatPrompt()->build(wanted, 512, 0);
        QVERIFY(prompt);
        std::size_t at = 3;
        const auto stands = [](std::span<const TokenId> list, TokenId id) { return std::ranges::find(list, id) != list.end(); };
        while (at < ids.size() && (stands(std::span(ids).first(at), ids[at]) || stands(prompt->ids, ids[at]))) ++at;
        QVERIFY(at < ids.size());
        const std::string before = engine.tokenizer()->decode(std::span(ids).first(at));
        QVERIFY(whole.text.starts_with(before));

        options.name = "ended";
        options.controls = {{engine.tokenizer()->vocabulary().tokens[static_cast<std::size_t>(ids[at])], control.toStdString()}};
        const Reply reply = askFresh(writeTinyModel(m_folder.path().toStdString(), options), wanted);
        QVERIFY2(reply.ok(), reply.ok() ? "" : reply.result.error().message.c_str());
        if (QByteArray(QTest::currentDataTag()) == "no end") {
            QCOMPARE(reply.reason(), code(FinishReason::TokenLimit));
            QVERIFY(reply.text.find(control.toStdString()) == std::string::npos); // a control token is no text
            return;
        }
        QCOMPARE(reply.reason(), code(FinishReason::EndOfText));
        QCOMPARE(reply.text, before);
    }

    /// The model says the end of its reasoning in the place of a word; the prompt opened it.
    void reply_isTakenApart() {
        TinyModelOptions options{.name = "plain", .chatTemplateText = std::string(kNothing) + "{% if add_generation_prompt %}<think>\n{% endif %}"};
        const auto wanted = request({fromUser("hello")}, 24);
        core::Engine engine;
        QVERIFY(load(engine, writeTinyModel(m_folder.path().toStdString(), options)));
        const Reply open = ask(engine, wanted);
        QVERIFY(open.ok());
        QVERIFY(open.text.starts_with("<think>\n"));
        QCOMPARE(open.text, "<think>\n" + open.result->rawText);
        QVERIFY(!open.parts.reasoning.empty() && open.parts.content.empty());
        const auto ids = engine.tokenizer()->encode(open.result->rawText, core::AddSpecial::No, core::SpecialTokens::AsText);
        const auto prompt = engine.chatPrompt()->build(wanted, 512, 0);
        std::size_t at = 3;
        const auto stands = [](std::span<const TokenId> list, TokenId id) { return std::ranges::find(list, id) != list.end(); };
        while (at < ids.size() && (stands(std::span(ids).first(at), ids[at]) || stands(prompt->ids, ids[at]))) ++at;
        QVERIFY(at < ids.size());

        options.name = "thought";
        options.controls = {{engine.tokenizer()->vocabulary().tokens[static_cast<std::size_t>(ids[at])], "</think>"}};
        const Reply reply = askFresh(writeTinyModel(m_folder.path().toStdString(), options), wanted);
        QVERIFY(reply.ok());
        const std::string before = engine.tokenizer()->decode(std::span(ids).first(at));
        QVERIFY2(reply.text.starts_with("<think>\n" + before + "</think>"), reply.text.c_str());
        QCOMPARE("<think>\n" + reply.result->rawText, reply.text);
        const auto trimmed = [](const std::string& text) { return QString::fromStdString(text).trimmed().toStdString(); };
        QCOMPARE(reply.parts.reasoning, trimmed(before));
        QVERIFY(!reply.parts.content.empty());
        QCOMPARE(reply.parts.content, reply.result->parts.content);
        QCOMPARE(reply.parts.reasoning, reply.result->parts.reasoning);

        // Carried on inside the reasoning: the tag is written once.
        auto more = request({fromUser("hello"), fromAssistant("<think>\nwell then")}, 8);
        more.continueLast = true;
        const Reply carried = askFresh(writeTinyModel(m_folder.path().toStdString(), options), more);
        QVERIFY(carried.ok());
        QVERIFY2(!carried.text.starts_with("<think>"), carried.text.c_str());
        QCOMPARE(carried.text, carried.result->rawText);
        QVERIFY(!carried.parts.reasoning.empty());
    }
};

QTEST_GUILESS_MAIN(TurnEndTest)
#include "turn_end_test.moc"
