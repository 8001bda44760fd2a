// SPDX-License-Identifier: Apache-2.0
//
// ChatTemplate: every case of the reference set (rendered by Python's Jinja2) byte for byte, our own cases of each
// construct, and hostile templates.
#include "core/chat/chat_template.h"

#include <QDir>
#include <QFile>
#include <QTest>

#include <cstdlib>

using namespace hearth::core;

namespace {

using Json = nlohmann::ordered_json;

/// 2026-01-15 12:30:05, the clock of the reference cases; main() sets the time zone to UTC.
const auto kNow = std::chrono::system_clock::from_time_t(1768480205);

Result<std::string> render(const std::string& source, const Json& context = Json::object(), const TemplateLimits& limits = {}) {
    auto compiled = ChatTemplate::compile(source);
    if (!compiled) return std::unexpected(compiled.error());
    return compiled->render(context, kNow, limits);
}

QByteArray readFile(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

class ChatTemplateTest : public QObject {
    Q_OBJECT

private slots:
    void initTestCase() {
        qputenv("TZ", "UTC");
        ::tzset();
    }

    // --- the reference set --------------------------------------------------------------------------------------
    void referenceCases_renderByteForByte_data() {
        QTest::addColumn<QString>("base");
        const QDir folder(QStringLiteral(HEARTH_SHARED_REFS "/templates"));
        for (const QString& name : folder.entryList({QStringLiteral("*.jinja")})) {
            QTest::newRow(qPrintable(name)) << folder.filePath(name.chopped(6));
        }
        if (!folder.exists()) QTest::newRow("absent") << QString();
    }
    void referenceCases_renderByteForByte() {
        QFETCH(QString, base);
        if (base.isEmpty()) QSKIP("shared/refs/templates is not here (559 cases)");
        auto compiled = ChatTemplate::compile(readFile(base + ".jinja").toStdString());
        QVERIFY2(compiled.has_value(), compiled ? "" : compiled.error().message.c_str());
        int wrong = 0;
        for (const QByteArray& line : readFile(base + ".cases.jsonl").split('\n')) {
            if (line.isEmpty()) continue;
            const Json item = Json::parse(line.toStdString());
            Json context = {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"}};
            context.update(item["context"]);
            const auto text = compiled->render(context, kNow);
            const std::string name = item["case"];
            const bool failed = !text.has_value();
            const std::string got = failed ? text.error().message : *text;
            bool same = item.contains("error") ? failed : (!failed && got == item["expected"]);
            // The template's own message must be equal; Python's words need not be.
            if (same && failed && text.error().code == ErrorCode::TemplateRaised) same = got == item["error"];
            if (!same) {
                ++wrong;
                const std::string expected = item.contains("error") ? "error " + item["error"].get<std::string>() : item["expected"].get<std::string>();
                qWarning().noquote() << "case" << name.c_str() << "\nexpected:" << expected.c_str() << "\ngot:" << got.c_str();
            }
        }
        QCOMPARE(wrong, 0);
    }

    // --- our own cases of each construct ------------------------------------------------------------------------
    void constructs_renderAsJinja2Does_data() {
        QTest::addColumn<QByteArray>("source");
        QTest::addColumn<QByteArray>("expected");
        const auto row = [](const char* name, const char* source, const char* expected) { QTest::newRow(name) << QByteArray(source) << QByteArray(expected); };
        // White space
        row("trim_blocks", "a{% if true %}\nb\n{% endif %}\nc", "ab\nc");
        row("lstrip_blocks", "a\n   {% if true %}\nb{% endif %}", "a\nb");
        row("no lstrip before output", "a\n  {{ 1 }}", "a\n  1");
        row("plus keeps", "a\n  {%+ if true %}b{% endif +%}\nc", "a\n  b\nc");
        row("minus trims", "a \n {%- if true -%} \n b \n {%- endif -%} \n c", "abc");
        row("minus in output", "a  {{- 1 -}}  b", "a1b");
        row("last newline goes", "a\n", "a");
        row("one of two goes", "a\n\n", "a\n");
        row("comment", "a{# b\nc #}\nd", "ad");
        row("raw", "{% raw %}{{ x }}{% endraw %}", "{{ x }}");
        row("crlf", "a\r\n{% if true %}\r\nb{% endif %}", "a\nb");
        // Printing
        row("constants", "{{ none }} {{ true }} {{ False }} {{ 1.0 }} {{ 1e16 }} {{ 0.1 }} {{ -3 }}", "None True False 1.0 1e+16 0.1 -3");
        row("containers", "{{ [1, 'a', none, 1.5] }} {{ (1,) }} {{ {'a': [true], \"it's\": 2} }}", "[1, 'a', None, 1.5] (1,) {'a': [True], \"it's\": 2}");
        row("escapes", "{{ 'a\\tb\\u00e9\\x41\\\\' }}", "a\tb\xC3\xA9" "A\\");
        row("undefined prints nothing", "[{{ nothing }}]", "[]");
        // Operators
        row("arithmetic", "{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 2 + 3 * 4 }} {{ (2 + 3) * 4 }}", "3 -4 2 3.5 1024 14 20");
        row("concatenation binds tighter than plus", "{{ 1 ~ 2 ~ 'x' }}", "12x");
        row("comparisons chain", "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 }} {{ 'a' != 'b' }}", "True False True True");
        row("in", "{{ 'b' in 'abc' }} {{ 2 in [1, 2] }} {{ 'a' in {'a': 1} }} {{ 3 not in [1] }}", "True True True True");
        row("and or give operands", "{{ '' or 'x' }} {{ 'a' and 'b' }} {{ not '' }}", "x b True");
        row("inline if", "{{ 'a' if true else 'b' }}{{ 'c' if false }}", "a");
        row("percent", "{{ '%s-%03d-%.2f%%' % ('a', 7, 1.5) }}", "a-007-1.50%");
        row("repetition", "{{ '-' * 3 }}{{ [1] * 2 }}", "---[1, 1]");
        row("filters bind tighter than operators", "{{ 'a' + 'B' | lower }}", "ab");
        row("test then and", "{{ x is defined and x }}{{ not x is defined }}", "FalseTrue");
        // Access
        row("slices", "{{ [1,2,3,4][1:3] }} {{ 'hello'[::-1] }} {{ 'h\xC3\xA9llo'[1] }} {{ [1,2,3][-1] }} {{ [1,2][:-1] }}", "[2, 3] olleh \xC3\xA9 3 [1]");
        row("methods before keys", "{{ {'items': 1}.items() | list }} {{ {'items': 1}['items'] }}", "[('items', 1)] 1");
        row("out of range is undefined", "[{{ [1][5] }}] {{ [1][5] is defined }}", "[] False");
        // Statements
        row("for", "{% for a, b in {'x': 1, 'y': 2}.items() %}{{ loop.index }}{{ a }}{{ b }}{% if not loop.last %},{% endif %}{% endfor %}", "1x1,2y2");
        row("for else", "{% for x in [] %}a{% else %}b{% endfor %}", "b");
        row("for if counts what is kept", "{% for x in range(6) if x % 2 %}{{ loop.index0 }}{{ x }} {% endfor %}", "01 13 25 ");
        row("break and continue", "{% for x in range(9) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}", "02");
        row("recursive", "{% for x in [[1], [2, [3]]] recursive %}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}{% endif %}{% endfor %}", "(1)(2(3))");
        row("set in a loop stays there", "{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}", "1");
        row("set in an if leaks", "{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "2");
        row("namespace", "{% set ns = namespace(a=1) %}{% for i in [1,2] %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}", "4");
        row("set block", "{% set x %}a{{ 1 }}{% endset %}[{{ x }}]", "[a1]");
        row("set block with filter", "{% set x | upper %}ab{% endset %}{{ x }}", "AB");
        row("set of two", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "12");
        row("macro", "{% macro m(a, b='x', c=none) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, c=2) }}", "1xNone 1x2");
        row("macro sees later globals", "{% macro m() %}{{ v }}{% endmacro %}{% set v = 3 %}{{ m() }}", "3");
        row("call", "{% macro m(n) %}<{{ caller(n) }}>{% endmacro %}{% call(x) m(2) %}{{ x }}!{% endcall %}", "<2!>");
        row("filter block", "{% filter upper %}a{% endfilter %}", "A");
        row("with", "{% with a=1 %}{{ a }}{% endwith %}[{{ a }}]", "1[]");
        row("loop neighbours", "{% for x in 'abc' %}{{ loop.previtem }}{{ loop.nextitem }}|{% endfor %}", "b|ac|b|");
        // Filters
        row("tojson", "{{ {'b': 1, 'a': ['<\"\xC3\xA9', none, true, 1.0]} | tojson }}", "{\"b\": 1, \"a\": [\"<\\\"\xC3\xA9\", null, true, 1.0]}");
        row("tojson indent", "{{ {'a': [1, 2], 'b': {}} | tojson(indent=2) }}", "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}");
        row("selectattr", "{{ [{'r': 'a', 'v': 1}, {'r': 'b', 'v': 2}] | selectattr('r', 'equalto', 'b') | map(attribute='v') | list }}", "[2]");
        row("join, sort, unique", "{{ ['b', 'A', 'b'] | sort | unique | join('-') }}", "A-b");
        row("default", "{{ x | default('d') }}{{ '' | default('e', true) }}{{ none | default('f') }}", "deNone");
        row("dictsort", "{{ {'b': 1, 'A': 2} | dictsort }}", "[('A', 2), ('b', 1)]");
        row("indent", "{{ 'a\\n\\nb' | indent(2) }}", "a\n\n  b");
        row("int, round, abs", "{{ '12' | int }} {{ 'x' | int }} {{ 2.567 | round(1) }} {{ -3 | abs }}", "12 0 2.6 3");
        row("methods", "{{ ' a,b '.strip().split(',') }} {{ 'abc'.replace('b', 'x').upper() }} {{ 'a.b.c'.rsplit('.', 1) }}", "['a', 'b'] AXC ['a.b', 'c']");
        row("safe text escapes what is added", "{{ '<' + ('<b>' | safe) }}{{ '<' ~ ('<b>' | safe) }}", "&lt;<b><<b>");
        row("strftime_now", "{{ strftime_now('%Y-%m-%d %H:%M, %d %b') }}", "2026-01-15 12:30, 15 Jan");
    }
    void constructs_renderAsJinja2Does() {
        QFETCH(QByteArray, source);
        QFETCH(QByteArray, expected);
        const auto text = render(source.toStdString());
        QVERIFY2(text.has_value(), text ? "" : text.error().message.c_str());
        QCOMPARE(QByteArray::fromStdString(*text), expected);
    }

    void errors_areNamed_data() {
        QTest::addColumn<QByteArray>("source");
        QTest::addColumn<int>("code");
        const auto row = [](const char* name, const char* source, ErrorCode code) { QTest::newRow(name) << QByteArray(source) << static_cast<int>(code); };
        row("raise_exception", "{{ raise_exception('no') }}", ErrorCode::TemplateRaised);
        row("unclosed if", "{% if true %}", ErrorCode::TemplateSyntax);
        row("unclosed output", "{{ a", ErrorCode::TemplateSyntax);
        row("unclosed string", "{{ 'a }}", ErrorCode::TemplateSyntax);
        row("unclosed comment", "{# a", ErrorCode::TemplateSyntax);
        row("unclosed raw", "{% raw %}a", ErrorCode::TemplateSyntax);
        row("unknown tag", "{% include 'x' %}", ErrorCode::TemplateSyntax);
        row("stray end", "{% endif %}", ErrorCode::TemplateSyntax);
        row("break outside a loop", "{% break %}", ErrorCode::TemplateSyntax);
        row("bad expression", "{{ 1 + }}", ErrorCode::TemplateSyntax);
        row("attribute of undefined", "{{ a.b }}", ErrorCode::TemplateRuntime);
        row("text plus number", "{{ 'a' + 1 }}", ErrorCode::TemplateRuntime);
        row("unknown filter", "{{ 1 | nope }}", ErrorCode::TemplateRuntime);
        row("unknown test", "{{ 1 is nope }}", ErrorCode::TemplateRuntime);
        row("call of text", "{{ 'a'() }}", ErrorCode::TemplateRuntime);
        row("division by zero", "{{ 1 // 0 }}", ErrorCode::TemplateRuntime);
        row("append is unsafe", "{{ [1].append(2) }}", ErrorCode::TemplateRuntime);
        row("generator to JSON", "{{ [1] | map('string') | tojson }}", ErrorCode::TemplateRuntime);
    }
    void errors_areNamed() {
        QFETCH(QByteArray, source);
        QFETCH(int, code);
        const auto text = render(source.toStdString());
        QVERIFY(!text.has_value());
        QCOMPARE(QByteArray(name(text.error().code).data()), QByteArray(name(static_cast<ErrorCode>(code)).data()));
        QVERIFY(!text.error().message.empty());
    }

    void hostileTemplates_endInALimit_data() {
        QTest::addColumn<QByteArray>("source");
        const auto row = [](const char* name, const QByteArray& source) { QTest::newRow(name) << source; };
        row("endless recursion", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
        row("huge loop", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}");
        row("huge range", "{{ range(10 ** 12) | list }}");
        row("huge text", "{{ 'a' * 10 ** 12 }}");
        row("doubling text", "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}");
        row("doubling list", "{% set ns = namespace(s=[1, 2]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}");
        row("deep value", "{% set ns = namespace(s=[]) %}{% for i in range(9999) %}{% set ns.s = [ns.s] %}{% endfor %}");
        row("deep parentheses", "{{ " + QByteArray(50'000, '(') + "1" + QByteArray(50'000, ')') + " }}");
        row("deep brackets", "{{ " + QByteArray(50'000, '[') + "1" + QByteArray(50'000, ']') + " }}");
        row("deep ifs", QByteArray("{% if 1 %}").repeated(20'000));
        row("long chain of operators", "{{ 1" + QByteArray("+1").repeated(50'000) + " }}");
        row("long chain of filters", "{{ 1" + QByteArray("|string").repeated(50'000) + " }}");
        row("long chain of nots", "{{ " + QByteArray("not ").repeated(50'000) + "1 }}");
        row("power", "{{ 2 ** 99 }}");
        row("replace grows", "{{ ('a' * 100000).replace('a', 'b' * 100000) }}");
    }
    void hostileTemplates_endInALimit() {
        QFETCH(QByteArray, source);
        const auto text = render(source.toStdString());
        QVERIFY(!text.has_value());
        QCOMPARE(QByteArray(name(text.error().code).data()), QByteArray("TemplateLimit"));
    }

    void selfContainingNamespace_isFreed() {
        // Leaks are found by the asan preset.
        QVERIFY(render("{% set a = namespace() %}{% set a.self = a %}{% macro m() %}{% endmacro %}{% set a.m = m %}").has_value());
    }
};

QTEST_GUILESS_MAIN(ChatTemplateTest)
#include "chat_template_test.moc"
