// SPDX-License-Identifier: Apache-2.0
//
// GBNF grammars: what they allow, byte by byte, and what is refused with its place.
#include "core/base/utf8.h"
#include "core/grammar/gbnf_parser.h"
#include "core/grammar/token_constraint.h"
#include "tests/core/grammar/grammar_support.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace hearth::core;
using namespace hearth::test;

namespace {

QString error(const std::string& text) {
    const auto grammar = parseGbnf(text);
    return grammar ? QString() : QString::fromStdString(grammar.error().message);
}

/// Tokens of one to three bytes out of a few, an end and a silent control token.
std::unique_ptr<Tokenizer> tokens(const std::vector<std::string>& spellings) {
    Vocabulary vocabulary;
    vocabulary.model = "llama";
    const auto add = [&](std::string token, TokenType type) {
        vocabulary.tokens.push_back(std::move(token));
        vocabulary.types.push_back(type);
        vocabulary.scores.push_back(0.0f);
    };
    add("</s>", TokenType::Control);
    add("<silent>", TokenType::Control);
    for (const std::string& spelling : spellings) add(spelling, TokenType::Normal);
    vocabulary.eos = 0;
    auto tokenizer = Tokenizer::create(std::move(vocabulary));
    if (!tokenizer) qFatal("%s", tokenizer.error().message.c_str());
    return std::move(*tokenizer);
}

} // namespace

class GbnfTest : public QObject {
    Q_OBJECT

private slots:
    void texts_data() {
        QTest::addColumn<QByteArray>("grammar");
        QTest::addColumn<QByteArrayList>("whole");
        QTest::addColumn<QByteArrayList>("begun");
        QTest::addColumn<QByteArrayList>("refused");
        const auto row = [](const char* name, const char* grammar, QByteArrayList whole, QByteArrayList begun, QByteArrayList refused) {
            QTest::newRow(name) << QByteArray(grammar) << whole << begun << refused;
        };
        row("a string", "root ::= \"ab\\n\\\"\\x41\\u00e9\"", {"ab\n\"A\xC3\xA9"}, {"", "a", "ab\n\"A\xC3"}, {"b", "abb"});
        row("alternatives", R"(root ::= "yes" | "no" | "")", {"yes", "no", ""}, {"y", "ye"}, {"yesno", "n0"});
        row("below each other", "# an answer\nroot ::= a # first\n  | b\n\na ::= \"x\"\nb ::= (\n \"y\"\n | \"z\" )\n", {"x", "y", "z"}, {""}, {"xy"});
        row("classes", R"(root ::= [a-c_\]\-] [^a-c\n] [-x])", {"ad-", "]\xF0\x9F\x98\x80x", "-zx"}, {"a", "_", "ad"}, {"d", "aa", "a\n", "adz"});
        row("characters beyond ASCII", "root ::= [à-ü]+ .", {"éü!", "àé", "é\xF0\x9F\x98\x80"}, {"", "\xC3", "é"}, {"a", "ý", "ß", "\xFF"});
        row("planes", R"(root ::= [\u0800-\U0010FFFF])", {"\xE0\xA0\x80", "\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF", "\xEE\x80\x80"}, {"\xE0", "\xF4\x8F"},
            {"\x7F", "\xDF\xBF", "\xE0\x9F", "\xED\xA0", "\xF4\x90", "\xF5"});
        row("repetitions", R"(root ::= "a"* "b"+ "c"? "d"{2} "e"{1,3} "f"{2,})", {"bddeff", "aabbcddeeefff"}, {"", "b", "bddef"}, {"dd", "bcc", "bddd", "bddeeee"});
        row("at most", R"(root ::= [0-9]{0,2} "."{,1})", {"", "1", "12", "12.", "."}, {}, {"123", ".."});
        row("a repeated word", R"(root ::= "ab"{2} "cd"*)", {"abab", "ababcdcd"}, {"ab", "ababc"}, {"abc"});
        row("nesting", "root ::= \"(\" root \")\" | \"x\"", {"x", "((x))"}, {"((", "((x)"}, {")", "(x))"});
        row("a list", "root ::= \"[\" (item (\",\" item)*)? \"]\"\nitem ::= [0-9]+ | root", {"[]", "[1,[2,3],[]]"}, {"[1,"}, {"[,", "[1]]"});
        row("ambiguous", "root ::= a a a \"!\"\na ::= \"x\"* | \"xx\" a2\na2 ::= \"x\"", {"!", "xxxxxx!"}, {"xx"}, {"y"});
        row("arithmetic", "root ::= expr \"=\"\nexpr ::= term ([-+*/] term)*\nterm ::= [0-9]+ | \"(\" expr \")\"", {"1+2*(3-4)="}, {"1+"}, {"1+="});
    }
    void texts() {
        QFETCH(QByteArray, grammar);
        QFETCH(QByteArrayList, whole);
        QFETCH(QByteArrayList, begun);
        QFETCH(QByteArrayList, refused);
        auto parsed = parseGbnf(grammar.toStdString());
        QVERIFY2(parsed, parsed ? "" : parsed.error().message.c_str());
        GrammarMatcher matcher(std::move(*parsed));
        for (const QByteArray& text : whole) QVERIFY2(follows(matcher, text.toStdString()) == "whole", text.constData());
        for (const QByteArray& text : begun) QVERIFY2(follows(matcher, text.toStdString()) == "begun", text.constData());
        for (const QByteArray& text : refused) QVERIFY2(follows(matcher, text.toStdString()).starts_with("refused"), text.constData());
        std::mt19937 random(5);
        for (int i = 0; i < 50; ++i) {
            const std::string text = randomText(matcher, random, 300);
            if (!text.empty()) QVERIFY2(utf8::isValid(text) && follows(matcher, text) == "whole", text.c_str());
        }
    }

    void wrong_isRefusedWithItsPlace_data() {
        QTest::addColumn<QByteArray>("grammar");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, const QByteArray& grammar, const char* says) { QTest::newRow(name) << grammar << QString(says); };
        row("nothing", "", "no rule 'root'");
        row("no root", "a ::= \"x\"", "no rule 'root'");
        row("not defined", "root ::= a", "'a' is used and not defined");
        row("defined twice", "root ::= \"a\"\nroot ::= \"b\"", "line 2: the rule 'root' is defined twice");
        row("no arrow", "root = \"a\"", "line 1: '::='");
        row("an open string", "root ::= \"a", "ends inside a string");
        row("an open class", "root ::= [a-", "ends inside a string or class");
        row("a range upside down", "root ::= [z-a]", "ends before it begins");
        row("an empty class", "root ::= []", "a class is empty");
        row("an open group", "root ::= (\"a\"\nb ::= \"c\"", "')' is missing");
        row("a group that ends alone", "root ::= \"a\")", "should have ended");
        row("an escape", "root ::= \"\\q\"", "unknown escape");
        row("digits", "root ::= \"\\x4\"", "2 hexadecimal digits");
        row("a surrogate", "root ::= \"\\ud800\"", "names no character");
        row("bounds", "root ::= \"a\"{x}", "{m,n} was expected");
        row("bounds upside down", "root ::= \"a\"{3,2}", "repetition must be");
        row("too many", "root ::= \"a\"{99999}", "repetition must be");
        row("tokens", "root ::= <[1]>", "tokens");
        row("left recursion", "root ::= root \"a\" | \"b\"", "the rule 'root' is left-recursive");
        row("left recursion in a ring", "root ::= a\na ::= b \"x\"\nb ::= \"\" a | \"y\"", "left-recursive");
        row("left recursion behind nothing", "root ::= \"x\"? root \"y\" | \"z\"", "left-recursive");
        row("a repetition of nothing", "root ::= (\"a\"?)*", "left-recursive");
        row("deep groups", "root ::= " + QByteArray(5000, '(') + "\"a\"" + QByteArray(5000, ')'), "nested more than");
        row("many rules", [] {
            QByteArray text = "root ::= \"a\"\n";
            for (int i = 0; i < 90000; ++i) text += "r" + QByteArray::number(i) + " ::= \"abcdef\"\n";
            return text;
        }(), "too large");
        row("long", "root ::= \"a\" #" + QByteArray(5 << 20, 'x'), "bytes long");
    }
    void wrong_isRefusedWithItsPlace() {
        QFETCH(QByteArray, grammar);
        QFETCH(QString, says);
        const QString message = error(grammar.toStdString());
        QVERIFY2(message.contains(says), qPrintable(message));
    }

    void longChainsOfRules_areCheckedQuickly() {
        // Each rule's emptiness hangs on the one before: in the worst order for a check that goes over all again and again.
        std::string forward = "root ::= r0\n";
        std::string backward = "root ::= r59999\nr0 ::= \"\"\n";
        for (int i = 0; i < 60'000; ++i) {
            forward += "r" + std::to_string(i) + " ::= " + (i + 1 < 60'000 ? "r" + std::to_string(i + 1) : "\"\"") + "\n";
            if (i > 0) backward += "r" + std::to_string(i) + " ::= r" + std::to_string(i - 1) + "\n";
        }
        QCOMPARE(error(forward), QString());
        QCOMPARE(error(backward), QString());
        // And walked: more places than a state may have are told, not followed.
        GrammarMatcher matcher(std::move(*parseGbnf(forward)));
        QVERIFY(matcher.overflowed());
    }

    void garbage_neverCrashes() {
        const std::vector<std::string> parts{"root", "::=", "\"a\"", "[", "]", "(", ")", "|", "*", "+", "?", "{", "}", "1", ",", "2", "\n", " ", "#", "\\", "\"", "^", "-", "x", ".", "\xC3\xA9", "\xFF", "root ::= x\nx ::= "};
        std::mt19937 random(9);
        int parsed = 0;
        for (int round = 0; round < 20'000; ++round) {
            std::string text = "root ::= ";
            for (unsigned count = random() % 10; count > 0; --count) text += parts[random() % parts.size()];
            auto grammar = parseGbnf(text);
            if (!grammar) continue;
            ++parsed;
            GrammarMatcher matcher(std::move(*grammar));
            if (matcher.start() == GrammarMatcher::kDead) continue;
            (void)follows(matcher, "aaxa12");
        }
        QVERIFY(parsed > 500);
    }

    // --- over tokens --------------------------------------------------------------------------------------------------

    void mask_isWhatEachTokenAloneWouldGet() {
        std::vector<std::string> spellings;
        const std::string letters = "ab{}\":, 1\n";
        for (const char a : letters) {
            spellings.emplace_back(1, a);
            for (const char b : letters) {
                spellings.push_back({a, b});
                for (const char c : letters) spellings.push_back({a, b, c});
            }
        }
        const auto tokenizer = tokens(spellings);
        const auto index = std::make_shared<TokenIndex>(*tokenizer, [&](TokenId id) { return tokenizer->endsGeneration(id); });
        auto grammar = parseGbnf("root ::= \"{\" ws pair (\",\" ws pair)* \"}\"\npair ::= \"\\\"\" [ab]+ \"\\\":\" ws [1]+\nws ::= [ \\n]*");
        QVERIFY(grammar);
        std::mt19937 random(2);
        for (int walk = 0; walk < 20; ++walk) {
            TokenConstraint constraint(*grammar, index);
            std::string text;
            for (int step = 0; step < 30; ++step) {
                std::vector<float> logits(tokenizer->size(), 1.0f);
                constraint.mask(logits);
                std::vector<TokenId> allowed;
                for (std::size_t id = 0; id < logits.size(); ++id) {
                    const bool fits = std::isfinite(logits[id]);
                    QCOMPARE(constraint.allows(static_cast<TokenId>(id)), fits);
                    if (fits) allowed.push_back(static_cast<TokenId>(id));
                }
                QCOMPARE(std::isfinite(logits[1]), false); // a control token is no text
                QCOMPARE(std::isfinite(logits[0]), constraint.mayEnd());
                if (constraint.mustEnd()) break;
                QVERIFY(!allowed.empty());
                const TokenId chosen = allowed[random() % allowed.size()];
                constraint.accept(chosen);
                text += tokenizer->tokenBytes(chosen);
                if (chosen == 0) break;
            }
            GrammarMatcher matcher(*grammar);
            QVERIFY2(!follows(matcher, text).starts_with("refused"), text.c_str());
        }
        TokenConstraint constraint(*grammar, index);
        QVERIFY(!constraint.allows(-1));
        QVERIFY(!constraint.allows(static_cast<TokenId>(tokenizer->size())));
    }

    void manyStates_areForgottenAndNothingChanges() {
        // Every depth is a state of its own.
        auto grammar = parseGbnf("root ::= \"(\" root \")\" | \"x\"");
        QVERIFY(grammar);
        const auto tokenizer = tokens({"(", ")", "x"});
        const auto index = std::make_shared<TokenIndex>(*tokenizer, [&](TokenId id) { return tokenizer->endsGeneration(id); });
        TokenConstraint constraint(*grammar, index);
        const int depth = static_cast<int>(GrammarMatcher::kMostStates) + 5'000;
        for (int i = 0; i < depth; ++i) constraint.accept(2);
        constraint.accept(4);
        for (int i = 0; i < depth; ++i) {
            if (i % 1000 == 0) QVERIFY(constraint.allows(3) && !constraint.allows(2) && !constraint.mayEnd());
            constraint.accept(3);
        }
        QVERIFY(constraint.mustEnd() && constraint.mayEnd());
        QVERIFY(!constraint.allows(3));
    }
};

QTEST_GUILESS_MAIN(GbnfTest)
#include "gbnf_test.moc"
