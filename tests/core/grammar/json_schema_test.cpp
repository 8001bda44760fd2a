// SPDX-License-Identifier: Apache-2.0
//
// JSON schemas as grammars: texts that they allow and refuse, and random texts of each, which must be JSON and valid.
#include "core/grammar/json_schema.h"
#include "tests/core/grammar/grammar_support.h"

#include <nlohmann/json.hpp>

#include <QTest>

using namespace hearth::core;
using namespace hearth::test;

class JsonSchemaTest : public QObject {
    Q_OBJECT

private slots:
    void texts_data() {
        QTest::addColumn<QByteArray>("schema");
        QTest::addColumn<QByteArrayList>("valid");
        QTest::addColumn<QByteArrayList>("invalid");
        const auto row = [](const char* name, const char* schema, QByteArrayList valid, QByteArrayList invalid) { QTest::newRow(name) << QByteArray(schema) << valid << invalid; };
        row("anything", "{}", {"1", "-0.5e10", "\"a\\n\\u00e9\\ud7ff\"", "[]", "{}", "[1, {\"a\": null}]", "{\"a\":[true,false]}"}, {"", "01", "1.", "\"\\ud800\"", "\"\n\"", "[1,]", "{a:1}", "nul"});
        row("true", "true", {"0"}, {"x"});
        row("string", "{\"type\":\"string\",\"description\":\"x\"}", {"\"\"", "\"é\\\\\\/\""}, {"1", "\"", "\"\x01\"", "\"\\x\""});
        row("lengths", "{\"type\":\"string\",\"minLength\":1,\"maxLength\":3}", {"\"a\"", "\"éü\xF0\x9F\x98\x80\"", "\"\\n\\u0041b\""}, {"\"\"", "\"abcd\""});
        row("integer", "{\"type\":\"integer\"}", {"0", "-1", "123456789012345"}, {"1.0", "-0", "1e3", "+1", "00"});
        row("bounds", "{\"type\":\"integer\",\"minimum\":-12,\"maximum\":105}", {"-12", "-9", "-1", "0", "9", "10", "99", "100", "105"}, {"-13", "-20", "106", "110", "200", "1000", "-100"});
        row("one bound", "{\"type\":\"integer\",\"minimum\":7}", {"7", "8", "10", "99", "1000"}, {"6", "0", "-7"});
        row("the other", "{\"type\":\"integer\",\"exclusiveMaximum\":-5}", {"-6", "-10", "-99"}, {"-5", "-4", "0", "6"});
        row("a narrow one", "{\"type\":\"integer\",\"minimum\":1234,\"maximum\":1236}", {"1234", "1235", "1236"}, {"1233", "1237", "12345", "123"});
        row("number", "{\"type\":\"number\"}", {"1", "-1.5", "1e5", "0.25E-3", "-0.5"}, {".5", "1.", "--1", "NaN"});
        row("number with bounds", "{\"type\":\"number\",\"minimum\":-1,\"exclusiveMaximum\":2}", {"-1", "-0.5", "0", "0.001", "1", "1.999"}, {"2", "2.5", "-1.5", "2.0", "-1.01"});
        row("from zero to one", "{\"type\":\"number\",\"minimum\":0,\"maximum\":1}", {"0", "0.5", "1"}, {"1.5", "-0.5", "1.01"});
        row("boolean and null", "{\"type\":[\"boolean\",\"null\"]}", {"true", "false", "null"}, {"0", "\"true\"", "nulltrue"});
        row("enum", "{\"enum\":[\"a\",1,null,{\"b\":[2]}]}", {"\"a\"", "1", "null", "{\"b\":[2]}"}, {"\"b\"", "2", "{}"});
        row("enum of one type", "{\"type\":\"string\",\"enum\":[\"a\",1]}", {"\"a\""}, {"1"});
        row("const", "{\"const\":\"a\\\"b\"}", {"\"a\\\"b\""}, {"\"a\"", "\"ab\""});
        row("array", "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}", {"[]", "[1]", "[1, 2,3]", "[\n  1,\n  2\n]"}, {"[1,]", "[\"a\"]", "[1 2]", "[1"});
        row("array with counts", "{\"type\":\"array\",\"items\":{\"const\":1},\"minItems\":1,\"maxItems\":3}", {"[1]", "[1,1,1]"}, {"[]", "[1,1,1,1]"});
        row("array of none", "{\"type\":\"array\",\"maxItems\":0}", {"[]"}, {"[1]"});
        row("tuple", "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}", {"[1, \"a\"]"}, {"[1]", "[\"a\",1]", "[1,\"a\",2]"});
        row("object", "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"string\"},\"c\":{\"type\":\"null\"}},\"required\":[\"a\"]}",
            {"{\"a\":1}", "{\"a\": 1, \"b\": \"x\"}", "{\n  \"a\": 1,\n  \"c\": null\n}", "{\"a\":1,\"b\":\"\",\"c\":null}"}, {"{}", "{\"b\":\"x\"}", "{\"a\":1,}", "{\"a\":1,\"d\":1}", "{\"a\":\"1\"}", "{,\"a\":1}"});
        row("all optional", "{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1},\"b\":{\"const\":2}}}", {"{}", "{\"a\":1}", "{\"b\":2}", "{\"a\":1,\"b\":2}"}, {"{\"a\":1 \"b\":2}", "{\"c\":1}", "{\"a\":1,\"a\":1}"});
        row("the last is required", "{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1},\"b\":{\"const\":2}},\"required\":[\"b\"]}", {"{\"b\":2}", "{\"a\":1,\"b\":2}"}, {"{}", "{\"a\":1}"});
        row("others", "{\"type\":\"object\",\"properties\":{\"ab\":{\"const\":1},\"ac\":{\"const\":1}},\"required\":[\"ab\"],\"additionalProperties\":{\"type\":\"string\"}}",
            {"{\"ab\":1}", "{\"ab\":1,\"x\":\"y\"}", "{\"ab\":1,\"a\":\"y\",\"abc\":\"\",\"b\":\"\"}", "{\"ab\":1,\"ac\":1,\"ad\":\"\"}"},
            {"{}", "{\"ab\":1,\"x\":2}", "{\"ab\":1,\"ab\":\"y\"}", "{\"ab\":1,\"ac\":\"y\"}", "{\"ab\":\"y\"}", "{\"ab\":1,\"\\u0061c\":\"\"}"});
        row("only others", "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}", {"{}", "{\"a\":1,\"\":2}"}, {"{\"a\":\"b\"}"});
        row("no others", "{\"type\":\"object\",\"additionalProperties\":false}", {"{}"}, {"{\"a\":1}"});
        row("required without a schema", "{\"type\":\"object\",\"required\":[\"k\"]}", {"{\"k\":[1]}", "{\"k\":1,\"l\":2}"}, {"{}", "{\"l\":2}"});
        row("anyOf", "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"array\",\"items\":{\"const\":1}}]}", {"1", "[1,1]"}, {"\"a\"", "[2]"});
        row("oneOf beside properties", "{\"type\":\"object\",\"properties\":{\"k\":{\"type\":\"string\"}},\"required\":[\"k\"],\"oneOf\":[{\"properties\":{\"a\":{\"const\":1}},\"required\":[\"a\"]},{\"properties\":{\"b\":{\"const\":2}},\"required\":[\"b\"]}]}",
            {"{\"k\":\"\",\"a\":1}", "{\"k\":\"\",\"b\":2}"}, {"{\"k\":\"\"}", "{\"a\":1}", "{\"k\":\"\",\"a\":1,\"b\":2}"});
        row("allOf", "{\"allOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":1}}},{\"properties\":{\"a\":{\"maximum\":3},\"b\":{\"const\":2}},\"required\":[\"a\",\"b\"]}]}", {"{\"a\":1,\"b\":2}", "{\"a\":3,\"b\":2}"},
            {"{\"a\":4,\"b\":2}", "{\"a\":0,\"b\":2}", "{\"b\":2}"});
        row("$ref and $defs", "{\"$defs\":{\"n\":{\"type\":\"integer\"}},\"type\":\"object\",\"properties\":{\"x\":{\"$ref\":\"#/$defs/n\"},\"y\":{\"$ref\":\"#/$defs/n\",\"maximum\":9,\"minimum\":0}},\"required\":[\"x\",\"y\"]}", {"{\"x\":123,\"y\":5}"},
            {"{\"x\":\"a\",\"y\":5}", "{\"x\":1,\"y\":50}"});
        row("a tree", "{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"integer\"},\"next\":{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"null\"}]}},\"required\":[\"v\",\"next\"]}",
            {"{\"v\":1,\"next\":null}", "{\"v\":1,\"next\":{\"v\":2,\"next\":null}}"}, {"{\"v\":1}", "{\"v\":1,\"next\":{}}"});
        row("pattern", "{\"type\":\"string\",\"pattern\":\"^[A-Z]{2}-\\\\d+(a|bc)?$\"}", {"\"AB-1\"", "\"XY-007bc\""}, {"\"A-1\"", "\"AB-\"", "\"AB-1b\"", "\"ab-1\""});
        row("pattern without anchors", "{\"type\":\"string\",\"pattern\":\"ab+\"}", {"\"ab\"", "\"xxabbyy\""}, {"\"ac\"", "\"\""});
        row("pattern with what JSON escapes", "{\"type\":\"string\",\"pattern\":\"^\\\"[^a]\\\\\\\\\\\\s$\"}", {"\"\\\"b\\\\ \"", "\"\\\"\\n\\\\\\t\""}, {"\"\\\"a\\\\ \"", "\"\"b\\\\ \""});
        row("date", "{\"type\":\"string\",\"format\":\"date\"}", {"\"2026-02-28\"", "\"1999-12-31\""}, {"\"2026-02-30\"", "\"2026-13-01\"", "\"2026-04-31\"", "\"26-01-01\""});
        row("date-time", "{\"type\":\"string\",\"format\":\"date-time\"}", {"\"2026-01-15T12:30:05Z\"", "\"2026-01-15T12:30:05.25+01:00\""}, {"\"2026-01-15\"", "\"2026-01-15T25:30:05Z\""});
        row("uuid", "{\"format\":\"uuid\"}", {"\"123e4567-e89b-12d3-a456-426614174000\""}, {"\"123\""});
        row("ipv4", "{\"type\":\"string\",\"format\":\"ipv4\"}", {"\"192.168.0.255\"", "\"0.0.0.0\""}, {"\"256.1.1.1\"", "\"1.2.3\"", "\"01.2.3.4\""});
        row("an unknown format", "{\"type\":\"string\",\"format\":\"colour\"}", {"\"red\""}, {"1"});
        row("an odd key", "{\"type\":\"object\",\"properties\":{\"a\\\"\\\\é\":{\"const\":1}},\"required\":[\"a\\\"\\\\é\"],\"additionalProperties\":true}", {"{\"a\\\"\\\\é\":1}"}, {"{\"a\":1}"});
    }
    void texts() {
        QFETCH(QByteArray, schema);
        QFETCH(QByteArrayList, valid);
        QFETCH(QByteArrayList, invalid);
        auto grammar = jsonSchemaGrammar(schema.toStdString());
        QVERIFY2(grammar, grammar ? "" : grammar.error().message.c_str());
        GrammarMatcher matcher(std::move(*grammar));
        for (const QByteArray& text : valid) {
            QVERIFY2(nlohmann::json::accept(text.toStdString()), text.constData());
            const std::string found = follows(matcher, text.toStdString());
            QVERIFY2(found == "whole", (text.toStdString() + ": " + found).c_str());
        }
        for (const QByteArray& text : invalid) QVERIFY2(follows(matcher, text.toStdString()) != "whole", text.constData());
        std::mt19937 random(4);
        int whole = 0;
        for (int i = 0; i < 60; ++i) {
            const std::string text = randomText(matcher, random, 600);
            if (text.empty()) continue;
            ++whole;
            QVERIFY2(nlohmann::json::accept(text), text.c_str());
        }
        QVERIFY(whole > 0);
    }

    /// Every whole number around the bounds, and random bounds of all sizes.
    void integerBounds_areExact() {
        std::mt19937 random(8);
        for (int round = 0; round < 150; ++round) {
            const int spread = round % 3 == 0 ? 30 : round % 3 == 1 ? 2000 : 1'000'000;
            int least = static_cast<int>(random() % static_cast<unsigned>(spread)) - spread / 2;
            int most = least + static_cast<int>(random() % static_cast<unsigned>(spread));
            auto grammar = jsonSchemaGrammar("{\"type\":\"integer\",\"minimum\":" + std::to_string(least) + ",\"maximum\":" + std::to_string(most) + "}");
            QVERIFY(grammar);
            GrammarMatcher matcher(std::move(*grammar));
            for (const int around : {least, most, 0, (least + most) / 2, -least}) {
                for (int value = around - 12; value <= around + 12; ++value) {
                    const bool in = least <= value && value <= most;
                    QVERIFY2((follows(matcher, std::to_string(value)) == "whole") == in, qPrintable(QString("%1 in %2 to %3").arg(value).arg(least).arg(most)));
                }
            }
        }
    }

    void numbersWithBounds_stayInThem() {
        std::mt19937 random(6);
        for (const auto& [least, most] : {std::pair(-2.5, 3.5), std::pair(0.0, 1.0), std::pair(-1.0, 0.0), std::pair(10.0, 12.25), std::pair(-100.0, -98.0), std::pair(-0.5, 0.5)}) {
            for (const bool exclusive : {false, true}) {
                const nlohmann::json schema{{"type", "number"}, {exclusive ? "exclusiveMinimum" : "minimum", least}, {exclusive ? "exclusiveMaximum" : "maximum", most}};
                auto grammar = jsonSchemaGrammar(schema.dump());
                QVERIFY2(grammar, grammar ? "" : grammar.error().message.c_str());
                GrammarMatcher matcher(std::move(*grammar));
                for (int i = 0; i < 200; ++i) {
                    const std::string text = randomText(matcher, random, 100);
                    QVERIFY(!text.empty());
                    const double value = nlohmann::json::parse(text).get<double>();
                    QVERIFY2(exclusive ? least < value && value < most : least <= value && value <= most, text.c_str());
                }
            }
        }
    }

    void wrong_isRefusedByName_data() {
        QTest::addColumn<QByteArray>("schema");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, const QByteArray& schema, const char* says) { QTest::newRow(name) << schema << QString(says); };
        row("no JSON", "{", "not JSON");
        row("a number", "3", "a schema is an object");
        row("false", "false", "allows nothing");
        for (const char* keyword : {"not", "if", "patternProperties", "uniqueItems", "multipleOf", "contains", "minProperties", "propertyNames"}) {
            row(keyword, "{\"" + QByteArray(keyword) + "\":{}}", keyword);
        }
        row("a type", "{\"type\":\"text\"}", "there is no type 'text'");
        row("a $ref to nowhere", "{\"$ref\":\"#/$defs/x\"}", "'#/$defs/x' leads nowhere");
        row("a $ref out of the schema", "{\"$ref\":\"https://example.org/a.json\"}", "leads nowhere in this schema");
        row("a $ref to itself", "{\"$ref\":\"#\"}", "left-recursive");
        row("a $ref to itself, merged", "{\"$ref\":\"#\",\"type\":\"object\"}", "nested too deeply, or leads to itself");
        row("look-ahead", "{\"type\":\"string\",\"pattern\":\"^(?=a)b$\"}", "look-around");
        row("a reference in a pattern", "{\"type\":\"string\",\"pattern\":\"(a)\\\\1\"}", "'\\1' is not supported");
        row("a word border", "{\"type\":\"string\",\"pattern\":\"\\\\bword\"}", "'\\b' is not supported");
        row("an anchor inside", "{\"type\":\"string\",\"pattern\":\"a^b\"}", "only supported at its start and end");
        row("a pattern and a length", "{\"type\":\"string\",\"pattern\":\"a\",\"maxLength\":3}", "together with");
        row("lengths upside down", "{\"type\":\"string\",\"minLength\":3,\"maxLength\":2}", "above 'maxLength'");
        row("a huge length", "{\"type\":\"string\",\"maxLength\":100000}", "above 2000");
        row("a negative count", "{\"type\":\"array\",\"minItems\":-1}", "not a count");
        row("bounds that leave nothing", "{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}", "no whole number");
        row("old bounds", "{\"type\":\"integer\",\"minimum\":3,\"exclusiveMinimum\":true}", "old draft");
        row("required and forbidden", "{\"type\":\"object\",\"required\":[\"a\"],\"additionalProperties\":false}", "'a' is required and not allowed");
        row("types that disagree", "{\"allOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}", "agree on no 'type'");
        row("patterns that disagree", "{\"allOf\":[{\"pattern\":\"a\"},{\"pattern\":\"b\"}]}", "two different values of 'pattern'");
        row("references that grow by powers", [] {
            QByteArray text = "{\"allOf\":[{\"$ref\":\"#/$defs/a0\"},{\"type\":\"object\"}],\"$defs\":{";
            for (int i = 0; i < 20; ++i) {
                const QByteArray next = "{\"$ref\":\"#/$defs/a" + QByteArray::number(i + 1) + "\"}";
                text += "\"a" + QByteArray::number(i) + "\":{\"allOf\":[" + next + "," + next + "]},";
            }
            return text + "\"a20\":{}}}";
        }(), "grow too large");
        row("deep", QByteArray(3000, '['), "not JSON, or nested");
    }
    void wrong_isRefusedByName() {
        QFETCH(QByteArray, schema);
        QFETCH(QString, says);
        const auto grammar = jsonSchemaGrammar(schema.toStdString());
        QVERIFY(!grammar);
        QCOMPARE(static_cast<int>(grammar.error().code), static_cast<int>(ErrorCode::InvalidArgument));
        QVERIFY2(QString::fromStdString(grammar.error().message).contains(says), grammar.error().message.c_str());
    }
};

QTEST_GUILESS_MAIN(JsonSchemaTest)
#include "json_schema_test.moc"
