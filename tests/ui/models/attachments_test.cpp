// SPDX-License-Identifier: Apache-2.0
//
// Attachments in a turn's text: what goes in comes out, whatever it is, and what only looks like one stays text.
#include "ui/models/message_attachments.h"

#include <QRandomGenerator>
#include <QTest>

using namespace hearth::ui;

class AttachmentsTest : public QObject {
    Q_OBJECT
private slots:
    void joinAndSplit_data();
    void joinAndSplit();
    void randomTextsComeBack();
    void lookalikesStayText_data();
    void lookalikesStayText();
    void namesAreCleaned_data();
    void namesAreCleaned();
    void encodings();
};

void AttachmentsTest::joinAndSplit_data() {
    QTest::addColumn<QStringList>("files");
    QTest::addColumn<QString>("text");
    QTest::newRow("none") << QStringList() << "just text";
    QTest::newRow("one") << QStringList{"a,b\n1,2"} << "What is this?";
    QTest::newRow("no text") << QStringList{"a"} << "";
    QTest::newRow("empty lines") << QStringList{"\n\na\n\n"} << "\n\ntext\n";
    QTest::newRow("fences within") << QStringList{"```\ncode\n```\n````\nmore\n````"} << "```\nmine\n```";
    QTest::newRow("three") << QStringList{"x", "```", "y"} << "z";
    QTest::newRow("markers within") << QStringList{"```csv name=\"b\"\nz\n```"} << "```csv name=\"b\"";
    QTest::newRow("unicode") << QStringList{QString::fromUtf8("日本語\u2028😀")} << QString::fromUtf8("שלום");
}

void AttachmentsTest::joinAndSplit() {
    QFETCH(const QStringList, files);
    QFETCH(const QString, text);
    TurnText turn;
    turn.text = text;
    for (const QString& file : files)
        turn.attachments.push_back({QStringLiteral("f%1.txt").arg(turn.attachments.size()), "txt", file});
    const QString joined = joinAttachments(turn);
    const TurnText split = splitAttachments(joined);
    QCOMPARE(split.attachments, turn.attachments);
    if (files.isEmpty()) QCOMPARE(joined, text);
    // A line end that separates the two is all that may go.
    QCOMPARE(split.text, text);
    QCOMPARE(joined.mid(attachmentsEnd(joined)), text);
}

void AttachmentsTest::randomTextsComeBack() {
    QRandomGenerator random(11);
    const QStringList parts{"`", "```", "\n", "name=\"x\"", "````txt name=\"q\"\n", "a", " ", "\"", "~~~"};
    for (int round = 0; round < 2000; ++round) {
        const auto any = [&] {
            QString text;
            for (int i = random.bounded(12); i > 0; --i) text += parts[random.bounded(parts.size())];
            return text;
        };
        TurnText turn;
        for (int i = 1 + random.bounded(3); i > 0; --i) turn.attachments.push_back({QStringLiteral("f.md"), "md", any()});
        turn.text = QStringLiteral("t") + any();
        const TurnText split = splitAttachments(joinAttachments(turn));
        QVERIFY2(split.attachments == turn.attachments && split.text == turn.text, qPrintable(joinAttachments(turn)));
    }
}

void AttachmentsTest::lookalikesStayText_data() {
    QTest::addColumn<QString>("text");
    for (const char* text : {"```csv\na\n```\n", "```csv name=\"a\"\nnever closed", "``csv name=\"a\"\nb\n``\n", "text first\n```csv name=\"a\"\nb\n```\n", "```a b name=\"c\"\nd\n```\n",
                             "``` name=\"", "```name=\"a\"\nb\n```"})
        QTest::newRow(text) << QString::fromUtf8(text);
}

void AttachmentsTest::lookalikesStayText() {
    QFETCH(const QString, text);
    QVERIFY(splitAttachments(text).attachments.empty());
    QCOMPARE(splitAttachments(text).text, text);
    QCOMPARE(attachmentsEnd(text), qsizetype(0));
}

void AttachmentsTest::namesAreCleaned_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("clean");
    QTest::newRow("folders") << "/etc/passwd" << "passwd";
    QTest::newRow("Windows") << "C:\\docs\\a.txt" << "a.txt";
    QTest::newRow("line end") << "a\nb.txt" << "a_b.txt";
    QTest::newRow("quote") << "a\"b.txt" << "a_b.txt";
    QTest::newRow("nothing") << "/" << "file.txt";
    QTest::newRow("long") << QString(500, u'x') << QString(120, u'x');
}

void AttachmentsTest::namesAreCleaned() {
    QFETCH(const QString, name);
    QFETCH(const QString, clean);
    const auto read = readAttachment(name, "text");
    QVERIFY(read);
    QCOMPARE(read->name, clean);
    QCOMPARE(splitAttachments(joinAttachments({{*read}, "t"})).attachments.front(), *read);
}

void AttachmentsTest::encodings() {
    QCOMPARE(readAttachment("a.txt", "\xEF\xBB\xBFgr\xC3\xBC\xC3\x9F")->text, QString::fromUtf8("grüß"));
    QCOMPARE(readAttachment("a.txt", QByteArray("\xFF\xFEh\0i\0", 6))->text, "hi");
    QVERIFY(!readAttachment("a.txt", "gr\xFC\xDF")); // Latin 1: said, not guessed
    QCOMPARE(readAttachment("a.txt", QByteArray("a\0b", 3)).error(), AttachmentProblem::NotText);
    QVERIFY(!readAttachment("a.txt", QByteArray("\xFF\xFEh\0i", 5))); // half a character
}

QTEST_GUILESS_MAIN(AttachmentsTest)
#include "attachments_test.moc"
