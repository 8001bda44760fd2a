// SPDX-License-Identifier: Apache-2.0
//
// Formulas: what becomes of LaTeX as text and as a picture, and that nothing hostile takes long or is lost.
#include "ui/widgets/math_picture.h"
#include "ui/widgets/math_text.h"
#include "ui/widgets/math_tree.h"

#include <QElapsedTimer>
#include <QImage>
#include <QPainter>
#include <QtTest>

using namespace hearth::ui;

namespace {

/// "x^{2}": raised and lowered text in braces.
QString describe(const QString& latex)
{
    const InlineText text = mathText(parseMath(latex));
    QString out;
    int script = 0;
    for (const InlineSpan& span : text.spans) { // they cover all of a formula
        if (span.script != script) {
            out += script != 0 ? QStringLiteral("}") : QString();
            out += span.script > 0 ? QStringLiteral("^{") : span.script < 0 ? QStringLiteral("_{") : QString();
            script = span.script;
        }
        out += text.text.mid(span.start, span.length);
    }
    return script != 0 ? out + u'}' : out;
}

MathPicture picture(const QString& latex)
{
    QFont font;
    font.setPixelSize(16);
    return MathPicture::of(parseMath(latex), font, font);
}

} // namespace

class MathTest : public QObject {
    Q_OBJECT
private slots:
    void text_data();
    void text();
    void picturesHaveTheirShape();
    void picturesStayInTheirBounds_data();
    void picturesStayInTheirBounds();
    void hostile_data();
    void hostile();
};

void MathTest::text_data()
{
    QTest::addColumn<QString>("latex");
    QTest::addColumn<QString>("expected");
    const auto row = [](const char* latex, const char* expected) { QTest::newRow(latex) << QString::fromUtf8(latex) << QString::fromUtf8(expected); };
    row("x", "x");
    row("x^2", "x^{2}");
    row("x_1^{n+1}", "x_{1}^{n+1}");
    row("a+b=c", "a + b = c");
    row("-x", "−x");
    row("a=-x", "a = −x");
    row("\\frac{1}{2}", "1/2");
    row("\\frac{a+b}{2}", "(a + b)/2");
    row("\\sqrt{x}", "√x");
    row("\\sqrt[3]{x+1}", "^{3}√(x + 1)");
    row("\\alpha\\beta\\Gamma", "αβΓ");
    row("\\sum_{i=1}^{n} i", "∑_{i=1}^{n} i");
    row("\\sin\\theta", "sin θ");
    row("2\\sin x", "2 sin x");
    row("\\int_0^1 f(x)\\,dx", "∫_{0}^{1} f(x) dx");
    row("\\lim_{x\\to 0}", "lim_{x→0}");
    row("e^{i\\pi}+1=0", "e^{iπ} + 1 = 0");
    row("\\mathbb{R}^n", "ℝ^{n}");
    row("\\vec{v}", "v\u20d7");
    row("f'(x)", "f^{′}(x)");
    row("\\text{if } x > 0", "if x > 0");
    row("\\left( \\frac{a}{b} \\right)^2", "(a/b)^{2}");
    row("\\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}", "(a b; c d)");
    row("x^{y^{2}}", "x^{y^2}");
    row("\\binom{n}{k}", "(n k)");
    row("a \\leq b \\implies c \\in A \\cup B", "a ≤ b ⟹ c ∈ A ∪ B");
    row("\\unknowncommand{x}", "\\unknowncommand x");
    row("10\\%", "10%");
    row("\\not= b", "=\u0338 b");
    row("3.14 \\times 10^{-5}", "3.14 × 10^{−5}");
    row("|x|", "|x|");
    row("\\{1,2\\}", "{1, 2}");
    row("\\boxed{42}", "42");
}

void MathTest::text()
{
    QFETCH(const QString, latex);
    QFETCH(const QString, expected);
    QCOMPARE(describe(latex), expected);
}

void MathTest::picturesHaveTheirShape()
{
    const MathPicture x = picture(QStringLiteral("x"));
    const MathPicture fraction = picture(QStringLiteral("\\frac{a}{b}"));
    QVERIFY(fraction.height() > 1.8 * x.height());
    QVERIFY(fraction.ascent > x.ascent && fraction.descent > x.descent);
    QVERIFY(picture(QStringLiteral("x^2")).ascent > x.ascent);
    QVERIFY(picture(QStringLiteral("x_2")).descent > x.descent);
    QVERIFY(picture(QStringLiteral("x^2")).descent <= x.descent + 1);
    QVERIFY(picture(QStringLiteral("\\sqrt{x}")).width > x.width);
    // Limits stand over and under a sum, beside an integral.
    QVERIFY(picture(QStringLiteral("\\sum_{i=1}^{n}")).height() > picture(QStringLiteral("\\sum")).height() * 1.3);
    QVERIFY(picture(QStringLiteral("\\int_a^b")).width > picture(QStringLiteral("\\int")).width);
    const MathPicture matrix = picture(QStringLiteral("\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\\\ 5 & 6 \\end{bmatrix}"));
    QVERIFY(matrix.height() > 3 * x.height());
    QVERIFY(picture(QStringLiteral("a + b")).width > picture(QStringLiteral("ab")).width);
}

void MathTest::picturesStayInTheirBounds_data()
{
    QTest::addColumn<QString>("latex");
    for (const char* latex : {"\\frac{\\frac{a}{b}}{c_1^2}", "\\sqrt[3]{\\frac{x^2+1}{y}}", "\\sum_{i=1}^{n} \\frac{1}{i^2} = \\frac{\\pi^2}{6}",
                              "\\left\\{ \\begin{matrix} a \\\\ b \\end{matrix} \\right.", "\\begin{cases} x & x>0 \\\\ -x & \\text{else} \\end{cases}", "\\vec{AB} \\cdot \\overline{xyz}",
                              "\\boxed{E=mc^2}", "\\begin{align} a &= b \\\\ &= c + d \\end{align}", "\\underbrace{a+b}_{n}", "\\left| \\frac{a}{b} \\right|"})
        QTest::newRow(latex) << QString::fromUtf8(latex);
}

/// All ink lies within the extents: nothing runs into the lines above or below, or is cut off.
void MathTest::picturesStayInTheirBounds()
{
    QFETCH(const QString, latex);
    const MathPicture formula = picture(latex);
    constexpr int kMargin = 40;
    QImage image(int(formula.width) + 2 * kMargin, int(formula.height()) + 2 * kMargin, QImage::Format_RGB32);
    image.fill(Qt::white);
    QPainter painter(&image);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::black);
    formula.paint(painter, {kMargin, kMargin + formula.ascent});
    painter.end();
    const QRect bounds = QRectF(kMargin, kMargin, formula.width, formula.height()).adjusted(-3, -3, 3, 3).toAlignedRect();
    int inside = 0;
    for (int y = 0; y < image.height(); ++y) {
        for (int x = 0; x < image.width(); ++x) {
            const bool ink = qGray(image.pixel(x, y)) < 160;
            inside += ink;
            QVERIFY2(!ink || bounds.contains(x, y), qPrintable(QStringLiteral("ink at %1, %2 outside").arg(x).arg(y)));
        }
    }
    QVERIFY(inside > 20);
}

void MathTest::hostile_data()
{
    QTest::addColumn<QString>("latex");
    const auto times = [](const char* part, int count) { return QString::fromUtf8(part).repeated(count); };
    QTest::newRow("empty") << QString();
    QTest::newRow("open braces") << times("{", 4000);
    QTest::newRow("closing braces") << times("}", 4000);
    QTest::newRow("nested fractions") << times("\\frac{", 600);
    QTest::newRow("nested roots") << times("\\sqrt{", 500) + u'x';
    QTest::newRow("carets") << times("^", 4000);
    QTest::newRow("scripts") << times("x^", 2000);
    QTest::newRow("nested scripts") << times("x^{", 1000);
    QTest::newRow("lefts") << times("\\left(", 600);
    QTest::newRow("environments") << times("\\begin{matrix}", 270);
    QTest::newRow("cells") << QStringLiteral("\\begin{matrix}") + times("&", 4000);
    QTest::newRow("rows of cells") << QStringLiteral("\\begin{matrix}") + times("&", 300) + times("\\\\", 1800);
    QTest::newRow("backslashes") << times("\\", 4000);
    QTest::newRow("a backslash at the end") << QStringLiteral("x\\");
    QTest::newRow("half a surrogate pair") << QString(QChar(0xD835));
    QTest::newRow("accents") << times("\\hat{", 600);
    QTest::newRow("texts") << times("\\text{", 580);
    QTest::newRow("too long") << times("x", 20'000);
}

void MathTest::hostile()
{
    QFETCH(const QString, latex);
    QElapsedTimer timer;
    timer.start();
    const MathNode tree = parseMath(latex);
    (void)mathText(tree);
    (void)picture(latex);
    QVERIFY2(timer.elapsed() < 5000, "a formula of 4 KB must not take seconds"); // linear takes milliseconds
}

QTEST_MAIN(MathTest)
#include "math_test.moc"
