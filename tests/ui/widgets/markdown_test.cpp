// SPDX-License-Identifier: Apache-2.0
//
// MarkdownDocument, inline Markdown and the code highlighter: what becomes of what models write, whole and in pieces.
#include "ui/widgets/code_highlighter.h"
#include "ui/widgets/markdown_document.h"
#include "ui/widgets/markdown_inline.h"

#include <QtTest>

using namespace hearth::ui;

namespace {

/// One line per block, so that a failure can be read: "q l[1.] Paragraph spaced: text".
QString describe(const MarkdownBlock& block)
{
    static const char* const kKinds[] = {"paragraph", "heading", "code", "table", "rule", "plain", "math"};
    static const char* const kMarkers[] = {"*", "#", "[ ]", "[x]"};
    QString out;
    for (std::size_t i = 0; i < block.containers.size(); ++i) {
        out += block.containers[i] == BlockContainer::Quote ? QStringLiteral("q") : QStringLiteral("l");
        for (const ListMarker& marker : block.markers) {
            if (marker.depth == int(i))
                out += QStringLiteral("(%1)").arg(marker.text.isEmpty() ? QString::fromLatin1(kMarkers[int(marker.kind)]) : marker.text);
        }
        out += u' ';
    }
    out += QLatin1String(kKinds[int(block.kind)]);
    if (block.level)
        out += QString::number(block.level);
    if (!block.language.isEmpty())
        out += u'<' + block.language + u'>';
    if (block.thought)
        out += QStringLiteral(" thought");
    if (block.continued)
        out += QStringLiteral(" continued");
    if (!block.closed)
        out += QStringLiteral(" open");
    if (block.spaced)
        out += QStringLiteral(" spaced");
    return out + QStringLiteral(": ") + QString(block.text).replace(u'\n', u'|');
}

QStringList describe(const std::vector<MarkdownBlock>& blocks)
{
    QStringList out;
    for (const MarkdownBlock& block : blocks)
        out += describe(block);
    return out;
}

/// "a[b:bold][c:link]": spans in brackets with their styles.
QString describe(const InlineText& inlineText)
{
    QString out;
    int at = 0;
    for (const InlineSpan& span : inlineText.spans) {
        out += inlineText.text.mid(at, span.start - at) + u'[' + inlineText.text.mid(span.start, span.length) + u':';
        out += span.bold ? QStringLiteral("b") : QString();
        out += span.italic ? QStringLiteral("i") : QString();
        out += span.strike ? QStringLiteral("s") : QString();
        out += span.code ? QStringLiteral("c") : QString();
        out += span.script > 0 ? QStringLiteral("^") : span.script < 0 ? QStringLiteral("v") : QString();
        out += span.formula >= 0 && !span.italic && span.script == 0 ? QStringLiteral("f") : QString();
        out += span.href.isEmpty() ? QString() : u'@' + span.href;
        out += u']';
        at = span.start + span.length;
    }
    out += inlineText.text.mid(at);
    return out.replace(QChar(QChar::LineSeparator), u'/');
}

const QString kSample = QStringLiteral(
    "<think>\nThe user wants **steps**.\n\n```\nunclosed\n</think>\n\n# Title #\n\nIntro with `code`, **bold\nover lines** and [a link](https://example.org).\n"
    "Setext\n---\n\nText before a table\n| a | b |\n|---|:-:|\n| 1 | x\\|y |\n| 2 |\n\n1. First\n   - [ ] open\n   - [x] done\n\n     deep text\n"
    "2. Second:\n\n   ```cpp\n   int main() {\n\n     return 0;\n   }\n   ```\n   after the code\n10. Tenth\n\n> quoted\nlazy\n> > deeper\n> - item\n\n***\n"
    "```bash\necho '```' # not an end\n~~~\n```\n- a\n- b\n\n- c\n+ other\n\n    indented code\n      more\n\nEnd\r\nof all\n===\n- \n--\n-\n---\n$$\nx^2\n+ y$$\n"
    "1. so\n   \\[ a\n   \\]\n\n$$ is what I want\n\nmore \\(x\\) and $y_1$\n\\begin{align*}\na &= b\n\\end{align*}\n"
    "```math\nz\n```\ntail `open **half");

} // namespace

class MarkdownTest : public QObject {
    Q_OBJECT
private slots:
    void blocks_data();
    void blocks();
    void everyPrefixGrownEqualsParsedWhole();
    void appendKeepsEarlierBlocks();
    void replacedTextIsParsedAnew();
    void thoughtWithoutBeginning();
    void tableCells();
    void plainTextIsCutAtLines();
    void hostile_data();
    void hostile();
    void inlines_data();
    void inlines();
    void inlineMarkdownComesBack_data();
    void inlineMarkdownComesBack();
    void streamingEnds_data();
    void streamingEnds();
    void code_data();
    void code();
    void codeStateCrossesLines();
};

void MarkdownTest::blocks_data()
{
    QTest::addColumn<QString>("source");
    QTest::addColumn<QStringList>("expected");
    const auto row = [](const char* name, const char* source, QStringList expected) {
        QTest::newRow(name) << QString::fromUtf8(source) << std::move(expected);
    };
    row("empty", "", {});
    row("blank lines", "\n \n\n", {});
    row("two paragraphs", "one\ntwo\n\nthree", {"paragraph: one|two", "paragraph spaced: three"});
    row("headings", "# One\n###### Six ##\n####### seven\n#nospace", {"heading1: One", "heading6: Six", "paragraph: ####### seven|#nospace"});
    row("setext", "One\n===\nTwo\n---", {"heading1: One", "heading2: Two"});
    row("rules", "***\n- - -\n___", {"rule: ", "rule: ", "rule: "});
    row("fence", "```c++ title=x\na\n\nb\n```\nafter", {"code<c++>: a||b|", "paragraph: after"});
    row("fence in braces", "```{python}\n```", {"code: "});
    row("unclosed fence", "```js\nlet a", {"code<js> open: let a|"});
    row("longer fence", "````\n```\n````", {"code: ```|"});
    row("tilde fence", "~~~\n```\n~~~", {"code: ```|"});
    row("inline triple is no fence", "```not a fence```", {"paragraph: ```not a fence```"});
    row("fence interrupts a paragraph", "text\n```\nx\n```", {"paragraph: text", "code: x|"});
    row("bullets", "- a\n* b\n+ c", {"l(*) paragraph: a", "l(*) paragraph: b", "l(*) paragraph: c"});
    row("numbers keep their value", "3. a\n4) b", {"l(3.) paragraph: a", "l(4)) paragraph: b"});
    row("year starts no list", "In\n1986. What a year", {"paragraph: In|1986. What a year"});
    row("list interrupts a paragraph", "Steps:\n1. a", {"paragraph: Steps:", "l(1.) paragraph: a"});
    row("loose list", "- a\n\n- b", {"l(*) paragraph: a", "l(*) paragraph spaced: b"});
    row("nested", "- a\n  - b\n    1. c\n- d", {"l(*) paragraph: a", "l l(*) paragraph: b", "l l l(1.) paragraph: c", "l(*) paragraph: d"});
    row("sloppy nesting", "1. a\n  - b\n  - c\n2. d", {"l(1.) paragraph: a", "l l(*) paragraph: b", "l l(*) paragraph: c", "l(2.) paragraph: d"});
    row("two markers", "- 1. a", {"l(*) l(1.) paragraph: a"});
    row("tasks", "- [ ] a\n- [x] b\n- [y] c", {"l([ ]) paragraph: a", "l([x]) paragraph: b", "l(*) paragraph: [y] c"});
    row("item of paragraphs", "- a\n\n  b\n\nc", {"l(*) paragraph: a", "l paragraph spaced: b", "paragraph spaced: c"});
    row("lazy item", "- a\nb", {"l(*) paragraph: a|b"});
    row("fence in an item", "1. a\n   ```sh\n   ls\n     x\n   ```\n2. b", {"l(1.) paragraph: a", "l code<sh>: ls|  x|", "l(2.) paragraph: b"});
    row("fence that lost its indentation", "- a\n  ```\nb\n  ```\n- c", {"l(*) paragraph: a", "l code: b|", "l(*) paragraph: c"});
    row("tabs of code stay", "```\n\tx\n\t\ty\n```", {"code: \tx|\t\ty|"});
    row("tabs of code in an item", "- a\n\n  ```\n  \tx\n\ty\n  ```", {"l(*) paragraph: a", "l code spaced: \tx|  y|"});
    row("quote", "> a\n> b\nc\n\nd", {"q paragraph: a|b|c", "paragraph spaced: d"});
    row("quote of list", "> - a\n>   b\n> > c", {"q l(*) paragraph: a|b", "q q paragraph: c"});
    row("quote ends fence", "> ```\n> a\nb", {"q code: a|", "paragraph: b"});
    row("table", "|a|b|\n|:-|-:|\n|1|2|\n\nx", {"table: |a|b|||:-|-:|||1|2|", "paragraph spaced: x"});
    row("table after text", "text\na | b\n--|--\n1 | 2", {"paragraph: text", "table spaced: a | b|--|--|1 | 2"});
    row("pipes are no table", "a | b\nc | d", {"paragraph: a | b|c | d"});
    row("columns differ: no table", "a | b\n--|--|--", {"paragraph: a | b|--|--|--"});
    row("table ends at text", "a|b\n-|-\n1|2\ntext", {"table: a|b|-|-|1|2", "paragraph: text"});
    row("indented code", "a\n\n    b\n      c\nd", {"paragraph: a", "code spaced: b|  c|", "paragraph: d"});
    row("tab as indentation", "- a\n\t- b", {"l(*) paragraph: a", "l l(*) paragraph: b"});
    row("html is text", "<script>x</script>", {"paragraph: <script>x</script>"});
    row("thought", "<think>\nhm\n</think>\n\nyes", {"paragraph thought: hm", "paragraph spaced: yes"});
    row("thought on one line", "<think>hm</think>yes", {"paragraph thought: hm", "paragraph spaced: yes"});
    row("empty thought", "<think>\n\n</think>\n\nyes", {"paragraph: yes"});
    row("open thought", "<think>\nhm", {"paragraph thought: hm"});
    row("thought closes a fence", "<think>\n```\nx\n</think>\nyes", {"code thought: x|", "paragraph spaced: yes"});
    row("half a tag", "<thi", {});
    row("formula", "$$\nx^2\n$$", {"math: x^2"});
    row("formula on one line", "so\n$$x$$.\nend", {"paragraph: so", "math: x", "paragraph: end"});
    row("formula in brackets", "\\[\na\nb\n\\]", {"math: a|b"});
    row("formula in a list item", "1. so\n   $$\n   x\n   $$\n2. next", {"l(1.) paragraph: so", "l math: x", "l(2.) paragraph: next"});
    row("formula in a sentence", "$$x$$ is a formula", {"paragraph: $$x$$ is a formula"});
    row("environment", "\\begin{align}\na &= b\n\\end{align}", {"math: \\begin{align}|a &= b|\\end{align}"});
    row("other environment is text", "\\begin{document}", {"paragraph: \\begin{document}"});
    row("open formula", "$$\nx", {"math open: x"});
    row("dollars are no formula", "$$ is money\n\nmore", {"paragraph: $$ is money", "paragraph spaced: more"});
    row("fenced formula", "```math\nx\n```", {"math<math>: x|"});
    row("tag later is text", "a\n\n<think>", {"paragraph: a", "paragraph spaced: <think>"});
    row("carriage returns", "a\r\n\r\nb\r\n", {"paragraph: a", "paragraph spaced: b"});
}

void MarkdownTest::blocks()
{
    QFETCH(const QString, source);
    QFETCH(const QStringList, expected);
    MarkdownDocument document;
    document.setText(source);
    QCOMPARE(describe(document.blocks()), expected);
}

void MarkdownTest::everyPrefixGrownEqualsParsedWhole()
{
    for (const int step : {1, 3, 7}) {
        MarkdownDocument grown;
        std::vector<MarkdownBlock> before;
        for (qsizetype size = 0; size <= kSample.size(); size += step) {
            const QString prefix = kSample.left(size);
            const std::size_t first = grown.setText(prefix);
            MarkdownDocument whole;
            whole.setText(prefix);
            if (grown.blocks() != whole.blocks())
                QCOMPARE(describe(grown.blocks()), describe(whole.blocks()));
            QVERIFY(first <= grown.blocks().size());
            for (std::size_t i = 0; i < first; ++i)
                QVERIFY2(i < before.size() && before[i] == grown.blocks()[i], qPrintable(prefix.right(30)));
            before = grown.blocks();
        }
        QVERIFY(before.size() > 25);
    }
}

void MarkdownTest::appendKeepsEarlierBlocks()
{
    MarkdownDocument document;
    QString text = QStringLiteral("one\n\ntwo\n\nthr");
    document.setText(text);
    text += QStringLiteral("ee");
    QCOMPARE(document.setText(text), 2u);
    QCOMPARE(document.setText(text), 3u);
    text += QStringLiteral("\n\nfour");
    QCOMPARE(document.setText(text), 3u);
    QCOMPARE(describe(document.blocks()), QStringList({"paragraph: one", "paragraph spaced: two", "paragraph spaced: three", "paragraph spaced: four"}));
}

void MarkdownTest::replacedTextIsParsedAnew()
{
    MarkdownDocument document;
    document.setText(QStringLiteral("<think>\na\n\nb"));
    QVERIFY(document.isThinking());
    QCOMPARE(document.setText(QStringLiteral("c")), 0u);
    QCOMPARE(describe(document.blocks()), QStringList({"paragraph: c"}));
    QVERIFY(!document.isThinking());
}

void MarkdownTest::thoughtWithoutBeginning()
{
    MarkdownDocument document;
    document.setText(QStringLiteral("hm\n\nwell\n"));
    QCOMPARE(document.setText(QStringLiteral("hm\n\nwell\n</think>\nyes")), 0u);
    QCOMPARE(describe(document.blocks()), QStringList({"paragraph thought: hm", "paragraph thought spaced: well", "paragraph spaced: yes"}));
}

void MarkdownTest::tableCells()
{
    const MarkdownTable table = parseTable(u"| a | **b** |c|\n|:--|:-:|--:|\n| 1 \\| 2 | |\n|x|y|z|too many|");
    QCOMPARE(table.alignments, (std::vector<Qt::Alignment>{Qt::AlignLeft, Qt::AlignHCenter, Qt::AlignRight}));
    QCOMPARE(table.rows.size(), 3u);
    QCOMPARE(table.rows[0], (std::vector<QString>{"a", "**b**", "c"}));
    QCOMPARE(table.rows[1], (std::vector<QString>{"1 | 2", "", ""}));
    QCOMPARE(table.rows[2], (std::vector<QString>{"x", "y", "z"}));
}

void MarkdownTest::plainTextIsCutAtLines()
{
    QCOMPARE(describe(plainBlocks(QStringLiteral("# a\n\n  b"))), QStringList({"plain: # a||  b"}));
    QString text;
    for (int i = 0; i < 3000; ++i)
        text += QStringLiteral("line %1\n").arg(i);
    text += QString(2 * kPlainChunkChars + 5, u'x') + QStringLiteral("\nend");
    const std::vector<MarkdownBlock> blocks = plainBlocks(text);
    QString joined;
    for (const MarkdownBlock& block : blocks) {
        QVERIFY(block.text.size() <= kPlainChunkChars);
        joined += block.text;
    }
    QVERIFY(blocks.size() > 5);
    QCOMPARE(QString(joined).remove(u'\n'), QString(text).remove(u'\n'));
}

void MarkdownTest::hostile_data()
{
    QTest::addColumn<QString>("source");
    QTest::addColumn<BlockKind>("kind");
    const auto row = [](const char* name, const QString& source, BlockKind kind) { QTest::newRow(name) << source << kind; };
    const auto repeated = [](const char* text, int times) { return QString::fromLatin1(text).repeated(times); };
    row("a line of 1 MB", QString(1 << 20, u'a'), BlockKind::Plain);
    row("a paragraph of 1 MB", repeated("some words\n", 100'000), BlockKind::Plain);
    row("pairs of surrogates", QString::fromUtf8("😀").repeated(200'000), BlockKind::Plain);
    row("10,000 quotes", repeated("> ", 10'000) + u'x', BlockKind::Paragraph);
    row("10,000 quote lines", repeated(">>>>>>>>>> x\n\n", 10'000), BlockKind::Paragraph);
    row("10,000 markers", repeated("- ", 10'000) + u'x', BlockKind::Plain);
    row("unclosed fences", repeated("```\n~~~\n", 10'000), BlockKind::Code);
    row("code of 1 MB", QStringLiteral("```\n") + repeated("line\n", 200'000), BlockKind::Code);
    row("1,000 columns", repeated("|a", 1000) + QStringLiteral("\n") + repeated("|-", 1000) + QStringLiteral("\n"), BlockKind::Paragraph);
    row("10,000 rows", QStringLiteral("a|b\n-|-\n") + repeated("1|2\n", 10'000), BlockKind::Code);
    row("asterisks", repeated("**a *b ", 2000), BlockKind::Paragraph);
    row("backticks", repeated("`a ``b ", 2000), BlockKind::Paragraph);
    row("brackets", repeated("[", 16'000), BlockKind::Paragraph);
    row("images", repeated("![a](", 3000), BlockKind::Paragraph);
    row("nul", QString(5000, QChar(u'\0')), BlockKind::Paragraph);
    row("setext for ever", repeated("a\n===\n", 10'000), BlockKind::Heading);
}

/// No claim about time: without the limits these take minutes and the test's own time limit ends them.
void MarkdownTest::hostile()
{
    QFETCH(const QString, source);
    QFETCH(const BlockKind, kind);
    MarkdownDocument document;
    document.setText(source);
    QVERIFY(!document.blocks().empty());
    QCOMPARE(document.blocks().front().kind, kind);
    for (const MarkdownBlock& block : document.blocks()) {
        QVERIFY(block.containers.size() <= std::size_t(kMaxQuoteDepth + kMaxListDepth));
        QVERIFY(block.kind == BlockKind::Code || block.text.size() <= kMaxInlineChars);
        QVERIFY(block.text.isEmpty() || (!block.text.front().isLowSurrogate() && !block.text.back().isHighSurrogate()));
        if (block.kind == BlockKind::Paragraph)
            QVERIFY(parseInline(block.text).text.size() <= block.text.size());
    }
    for (qsizetype size = std::max<qsizetype>(0, source.size() - 20); size <= source.size(); ++size)
        document.setText(source.left(size));
}

void MarkdownTest::inlines_data()
{
    QTest::addColumn<QString>("source");
    QTest::addColumn<QString>("expected");
    const auto row = [](const char* name, const char* source, const char* expected) {
        QTest::newRow(name) << QString::fromUtf8(source) << QString::fromUtf8(expected);
    };
    row("plain", "just text", "just text");
    row("bold, italic", "**b** and *i* and __b__ and _i_", "[b:b] and [i:i] and [b:b] and [i:i]");
    row("both", "***x*** **a *b* c**", "[x:bi] [a :b][b:bi][ c:b]");
    row("strike", "~~gone~~ ~5 ~~~x~~~", "[gone:s] ~5 ~~~x~~~");
    row("literal asterisks", "2 * 3 * 4 and **open", "2 * 3 * 4 and **open");
    row("words with underscores", "snake_case_name __init__", "snake_case_name [init:b]");
    row("rule of three", "*a**b*", "[a**b:i]");
    row("left over", "**a*", "*[a:i]");
    row("code", "`a  b` ``c`d`` ` e `", "[a  b:c] [c`d:c] [e:c]");
    row("code is literal", "`**a** [x](y) <b>`", "[**a** [x](y) <b>:c]");
    row("unclosed code", "a `b", "a `b");
    row("code beats bold", "**a `b** c`", "**a [b** c:c]");
    row("link", "[a](https://x.org/a_b) [b](<http://y z>  \"t\")", "[a:@https://x.org/a_b] [b:@http://y z]");
    row("link with style", "[**a** b](http://x)", "[a:b@http://x][ b:@http://x]");
    row("parentheses", "[a](http://x/(y)) z", "[a:@http://x/(y)] z");
    row("dangerous targets", "[a](javascript:x) [b](file:///etc/passwd) [c](data:x)", "a b c");
    row("no link", "[a] [b](c [d]", "[a] [b](c [d]");
    row("links do not nest", "[a [b](http://x) c](http://y)", "[a [b:@http://x] c]([http://y:@http://y])");
    row("image becomes a link", "![alt](https://x/i.png) ![](https://x)", "[alt:@https://x/i.png] [https://x:@https://x]");
    row("bare address", "see https://x.org/a?b=1. (http://y) www.z.de, xhttp://no", "see [https://x.org/a?b=1:@https://x.org/a?b=1]. ([http://y:@http://y]) [www.z.de:@http://www.z.de], xhttp://no");
    row("angle address", "<https://x.org> <notatag> <mailto:a@b.c>", "[https://x.org:@https://x.org] <notatag> [mailto:a@b.c:@mailto:a@b.c]");
    row("escapes", "\\*a\\* \\q \\\\", "*a* \\q \\");
    row("entities", "&amp;&lt;&#65;&#x42;&nope; &#0;", "&<AB&nope; &#0;");
    row("breaks", "a  \nb\\\nc<br>d", "a/b/c/d");
    row("html is text", "<img src=x onerror=y><b>z</b>", "<img src=x onerror=y><b>z</b>");
    row("bold before a CJK letter", "**注意。**必ず", "[注意。:b]必ず");
    row("bold in punctuation", "(**a**), \"*b*\"", "([a:b]), \"[b:i]\"");
    row("formula", "$x^2$", "[x:i][2:^]");
    row("formula in brackets", "a \\(x_i\\) b", "a [x:i][i:iv] b");
    row("formula with stars", "$a*b*c$ *d*", "[a:i][ ∗ :f][b:i][ ∗ :f][c:i] [d:i]");
    row("money", "costs $5 and $10 more", "costs $5 and $10 more");
    row("money alone", "$5-$10", "$5-$10");
    row("shell", "`$HOME` and $PATH", "[$HOME:c] and $PATH");
    row("words between dollars", "the $ sign and the $ sign", "the $ sign and the $ sign");
    row("escaped dollar", "\\$5$", "$5$");

}

void MarkdownTest::inlines()
{
    QFETCH(const QString, source);
    QFETCH(const QString, expected);
    QCOMPARE(describe(parseInline(source)), expected);
}

void MarkdownTest::inlineMarkdownComesBack_data()
{
    QTest::addColumn<QString>("source");
    for (const char* source : {"plain", "a **b** c", "*i* ~~s~~ `c`", "[text](https://example.org/x)", "https://example.org", "``a`b``", "so $x^2$ and \\(y\\)",
                               "***both*** ends"})
        QTest::newRow(source) << QString::fromUtf8(source);
}

/// What is copied as Markdown means what was copied.
void MarkdownTest::inlineMarkdownComesBack()
{
    QFETCH(const QString, source);
    const InlineText parsed = parseInline(source);
    QCOMPARE(parseInline(inlineMarkdown(parsed, 0, int(parsed.text.size()))), parsed);
    for (int to = 1; to <= int(parsed.text.size()); ++to) { // any part, too: its text and no more
        const QString part = parseInline(inlineMarkdown(parsed, 0, to)).text;
        if (parsed.formulas.empty())
            QCOMPARE(part, parsed.text.left(to));
        else
            QVERIFY(part.startsWith(parsed.text.left(to)) || part == parsed.text);
    }
}

void MarkdownTest::streamingEnds_data()
{
    QTest::addColumn<QString>("source");
    QTest::addColumn<QString>("expected");
    QTest::newRow("open bold") << QStringLiteral("a **b c") << QStringLiteral("a [b c:b]");
    QTest::newRow("open code") << QStringLiteral("a `b c") << QStringLiteral("a [b c:c]");
    QTest::newRow("bare mark") << QStringLiteral("a **") << QStringLiteral("a **");
    QTest::newRow("closed") << QStringLiteral("**a** b") << QStringLiteral("[a:b] b");
}

void MarkdownTest::streamingEnds()
{
    QFETCH(const QString, source);
    QFETCH(const QString, expected);
    QCOMPARE(describe(parseInline(source, InlineEnd::Streaming)), expected);
}

void MarkdownTest::code_data()
{
    QTest::addColumn<QString>("language");
    QTest::addColumn<QString>("line");
    QTest::addColumn<QString>("expected"); // one letter per character: k s n f c, or space
    const auto row = [](const char* language, const char* line, const char* expected) {
        QTest::addRow("%s: %s", language, line) << QString::fromLatin1(language) << QString::fromUtf8(line) << QString::fromLatin1(expected);
    };
    row("cpp", "const int x = max(1, 'a'); // n", "kkkkk kkk     fff n  sss   cccc");
    row("C++", "#include <vector>", "kkkkkkkk         ");
    row("c", "a /* b */ return 0x1F;", "  ccccccc kkkkkk nnnn ");
    row("python", "def f(x): return \"a # b\" # c", "kkk f     kkkkkk sssssss ccc");
    row("js", "const s = `a ${b}`", "kkkkk     ssssssss");
    row("bash", "if [ $# -gt 1 ]; then echo \"x\" # y", "kk          n    kkkk kkkk sss ccc");
    row("json", "{\"a\": \"b\", \"c\": true}", " fff  sss  fff  kkkk ");
    row("sql", "SELECT a FROM t -- x", "kkkkkk   kkkk   cccc");
    row("rust", "fn f<'a>(x: &'a str) -> char { 'b' }", "kk              kkk     kkkk   sss  ");
    row("go", "func main() { return 1.5 }", "kkkk ffff     kkkkkk nnn  ");
    row("nonsense", "const int x", "           ");
    row("cpp", "\"open", "sssss");
    row("cpp", "\"esc \\\" q\" x", "ssssssssss  ");
}

void MarkdownTest::code()
{
    QFETCH(const QString, language);
    QFETCH(const QString, line);
    QFETCH(const QString, expected);
    std::vector<CodeSpan> spans;
    CodeHighlighter(language).highlightLine(line, 0, spans);
    QString marks(line.size(), u' ');
    int end = 0;
    for (const CodeSpan& span : spans) {
        QVERIFY(span.start >= end);
        end = span.start + span.length;
        QVERIFY(end <= line.size());
        for (int i = span.start; i < end; ++i)
            marks[i] = QChar(u"ksnfc"[int(span.token)]);
    }
    QCOMPARE(marks, expected);
}

void MarkdownTest::codeStateCrossesLines()
{
    std::vector<CodeSpan> spans;
    const CodeHighlighter cpp(u"cpp");
    QCOMPARE(cpp.displayName(), QStringLiteral("C++"));
    const int open = cpp.highlightLine(u"int a; /* b", 0, spans);
    QVERIFY(open != 0);
    spans.clear();
    QCOMPARE(cpp.highlightLine(u"c */ int", open, spans), 0);
    QCOMPARE(spans, (std::vector<CodeSpan>{{0, 4, CodeToken::Comment}, {5, 3, CodeToken::Keyword}}));
    const CodeHighlighter python(u"py");
    const int triple = python.highlightLine(u"x = '''a", 0, spans);
    QVERIFY(triple != 0);
    QCOMPARE(python.highlightLine(u"b \" c", triple, spans), triple);
    QCOMPARE(python.highlightLine(u"d''' + 1", triple, spans), 0);
}

QTEST_GUILESS_MAIN(MarkdownTest)
#include "markdown_test.moc"
